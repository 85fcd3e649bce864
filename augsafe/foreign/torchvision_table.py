"""What equals what: torchvision, v1 and v2. One line for each class adds an equivalent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from augsafe.foreign.translation import Form, Piece, number, one_of
from augsafe.transforms import (
    Affine,
    AutoContrast,
    Brightness,
    ChannelShuffle,
    Equalize,
    Grayscale,
    HorizontalFlip,
    Invert,
    MiddleCrop,
    Pad,
    Posterize,
    RandomCrop,
    Resize,
    ResizedCrop,
    Rotate,
    Sharpen,
    ShortSide,
    Solarize,
    Transform,
    VerticalFlip,
)
from augsafe.typing import PipelineLike

BORDERS = {"constant": "constant", "edge": "replicate", "reflect": "reflect"}
INTERPOLATIONS = {"nearest": "nearest", "bilinear": "linear"}  # cubic differs: torchvision takes a = -0.5, OpenCV -0.75
Found = Piece | Form | str


def equal(step: PipelineLike) -> Found:
    """What a torchvision step equals, or why it has no exact equal."""
    known = type(step).__module__.startswith("torchvision.")
    rule = TABLE.get(type(step).__name__) if known else None
    return rule(step) if rule is not None else "it has no exact native equal"


def _interpolation(step: Any) -> str | None:
    value = step.interpolation
    return INTERPOLATIONS.get(str(getattr(value, "value", value)))


def _warped(step: Any, native: Transform) -> Found:
    fill, kind = number(step.fill), _interpolation(step)
    if fill is None or kind is None:
        return "its fill or interpolation has no native equal"
    return Piece((native,), "constant", fill, kind, loses=True)


def _rotation(s: Any) -> Found:
    if s.expand or s.center is not None:
        return "expand and center have no native equal"
    return _warped(s, Rotate((float(s.degrees[0]), float(s.degrees[1]))))


def _affine(s: Any) -> Found:
    if s.center is not None:
        return "center has no native equal"
    tx, ty = s.translate or (0.0, 0.0)
    scale = tuple(s.scale or (1.0, 1.0))
    shear = tuple(s.shear or (0.0, 0.0))
    native = Affine(
        angle=(-float(s.degrees[1]), -float(s.degrees[0])),
        scale_x=scale,
        x=(-tx, tx),
        y=(-ty, ty),
        shear_x=(shear[0], shear[1]),
        shear_y=(shear[2], shear[3]) if len(shear) == 4 else (0.0, 0.0),
        rounding="nearest",
        order="scale-shear-rotate",
    )
    return _warped(s, native)


def _pair(size: Any) -> tuple[int, int]:
    values = [size] if isinstance(size, int) else list(size)
    return (int(values[0]), int(values[-1]))


def _resize(s: Any) -> Found:
    kind = _interpolation(s)
    if kind is None or s.max_size is not None or s.size is None:
        return "its interpolation or max_size has no native equal"
    size = [s.size] if isinstance(s.size, int) else list(s.size)
    native: Transform = ShortSide(int(size[0])) if len(size) == 1 else Resize((int(size[0]), int(size[1])))
    return Piece((native,), None, 0.0, kind)


def _resized_crop(s: Any) -> Found:
    kind = _interpolation(s)
    if kind is None:
        return "its interpolation has no native equal"
    return Piece((ResizedCrop(_pair(s.size), tuple(s.scale), tuple(s.ratio)),), None, 0.0, kind, loses=True)


def _padded(padding: Any, mode: str, fill: Any) -> Piece | str:
    border, level = BORDERS.get(mode), number(fill)
    if border is None or level is None:
        return "its padding mode or fill has no native equal"
    sides: Sequence[int] = [padding] if isinstance(padding, int) else list(padding)
    sides = {1: lambda v: v * 4, 2: lambda v: v * 2, 4: lambda v: v}[len(sides)](list(sides))
    return Piece((Pad(*(int(v) for v in sides)),), border, level if border == "constant" else 0.0)


def _random_crop(s: Any) -> Found:
    if s.pad_if_needed:
        return "pad_if_needed depends on the image's size"
    crop = RandomCrop(_pair(s.size))
    if s.padding is None:
        return Piece((crop,), loses=True)
    pad = _padded(s.padding, s.padding_mode, s.fill)
    return pad if isinstance(pad, str) else Piece((*pad.steps, crop), pad.border, pad.fill, loses=True)


def _jitter(s: Any) -> Found:
    if any(
        v is not None and tuple(v) != neutral
        for v, neutral in ((s.contrast, (1.0, 1.0)), (s.saturation, (1.0, 1.0)), (s.hue, (0.0, 0.0)))
    ):
        return "its contrast, saturation and hue depend on the image, in a random order"
    return Piece((Brightness(tuple(s.brightness)),)) if s.brightness is not None else Piece()


def _solarized(s: Any) -> Found:
    level = (float(s.threshold) - 0.5) / 255
    if not 0 <= level <= 1 or float(s.threshold) != round(s.threshold):
        return "its threshold has no native equal"
    return Piece((Solarize((level, level), p=s.p),))


def _dtype(s: Any) -> Found:
    import torch

    if s.dtype is not torch.float32 or not s.scale:
        return "only float32 with scale=True has an equal"
    return Form(floats=True)


def _converted(s: Any) -> Found:
    import torch

    return Form(floats=True) if s.dtype is torch.float32 else "only float32 has an equal"


def _applied(s: Any) -> Found:
    from dataclasses import replace

    parts = list(s.transforms)
    found = equal(parts[0]) if len(parts) == 1 else "several steps that act together or not at all"
    if not isinstance(found, Piece) or len(found.steps) != 1:
        return found if isinstance(found, str) else "it has no exact native equal"
    return replace(found, steps=(replace(found.steps[0], p=found.steps[0].p * s.p),))


def _choice(s: Any) -> Found:
    weights = getattr(s, "probabilities", None) or getattr(s, "p", None) or [1.0] * len(s.transforms)
    if any(getattr(part, "p", 1.0) != 1.0 for part in s.transforms):
        return "a choice that may then not act"
    return one_of([equal(part) for part in s.transforms], weights, 1.0)


TABLE: dict[str, Callable[[Any], Found]] = {
    "RandomHorizontalFlip": lambda s: Piece((HorizontalFlip(p=s.p),)),
    "RandomVerticalFlip": lambda s: Piece((VerticalFlip(p=s.p),)),
    "RandomRotation": _rotation,
    "RandomAffine": _affine,
    "Resize": _resize,
    "RandomResizedCrop": _resized_crop,
    "RandomCrop": _random_crop,
    "CenterCrop": lambda s: Piece((MiddleCrop(_pair(s.size)),), loses=True),
    "Pad": lambda s: _padded(s.padding, s.padding_mode, s.fill),
    "ColorJitter": _jitter,
    "RandomInvert": lambda s: Piece((Invert(p=s.p),)),
    "RandomPosterize": lambda s: Piece((Posterize((s.bits, s.bits), p=s.p),)) if s.bits else "0 bits",
    "RandomSolarize": _solarized,
    "RandomAdjustSharpness": lambda s: Piece((Sharpen((s.sharpness_factor,) * 2, p=s.p),)),
    "RandomAutocontrast": lambda s: Piece((AutoContrast(p=s.p),)),
    "RandomChannelPermutation": lambda s: Piece((ChannelShuffle(),)),
    "RandomEqualize": lambda s: Piece((Equalize(p=s.p),)),
    "RandomGrayscale": lambda s: Piece((Grayscale(p=s.p),)),
    "RandomApply": _applied,
    "RandomChoice": _choice,
    "ToPILImage": lambda s: Piece(),
    "ToImage": lambda s: Form(layout="CHW"),
    "PILToTensor": lambda s: Form(layout="CHW"),
    "ToTensor": lambda s: Form(layout="CHW", floats=True),
    "ToDtype": _dtype,
    "ConvertImageDtype": _converted,
    "Normalize": lambda s: Form(mean=tuple(map(float, s.mean)), std=tuple(map(float, s.std)), floats=True),
}
