"""What equals what: albumentations. One line for each class adds an equivalent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from augsafe.foreign.translation import Form, Piece, number, one_of
from augsafe.transforms import (
    Affine,
    AllOf,
    CenterCrop,
    ChannelShuffle,
    Grayscale,
    HorizontalFlip,
    Invert,
    Levels,
    Pad,
    Posterize,
    Power,
    RandomCrop,
    Resize,
    ResizedCrop,
    Rotate,
    Rotate90,
    Solarize,
    Transform,
    VerticalFlip,
)
from augsafe.typing import PipelineLike

BORDERS = {0: "constant", 1: "replicate", 4: "reflect"}
INTERPOLATIONS = {0: "nearest", 1: "linear", 2: "cubic"}
Found = Piece | Form | str


def equal(step: PipelineLike) -> Found:
    """What an albumentations step equals, or why it has no exact equal."""
    known = type(step).__module__.startswith("albumentations.")
    rule = TABLE.get(type(step).__name__) if known else None
    return rule(step) if rule is not None else "it has no exact native equal"


def _warped(step: Any, native: Transform) -> Found:
    border, fill = BORDERS.get(step.border_mode), number(step.fill)
    kind = INTERPOLATIONS.get(step.interpolation)
    if border is None or fill is None or kind is None:
        return "its border, fill or interpolation has no native equal"
    return Piece((native,), border, fill if border == "constant" else 0.0, kind, loses=True)


def _scaled(step: Any, native: Transform, loses: bool) -> Found:
    kind = INTERPOLATIONS.get(step.interpolation)
    if kind is None or getattr(step, "area_for_downscale", None):
        return "its interpolation has no native equal"
    return Piece((native,), None, 0.0, kind, loses)


def _affine(s: Any) -> Found:
    if s.fit_output or s.balanced_scale:
        return "fit_output and balanced_scale have no native equal"
    if s.translate_px is not None and any(v != (0, 0) for v in map(tuple, s.translate_px.values())):
        return "a shift in whole pixels has no native equal"
    shift = s.translate_percent or {"x": (0.0, 0.0), "y": (0.0, 0.0)}
    shear = {k: (-v[1], -v[0]) for k, v in s.shear.items()}
    native = Affine(
        angle=tuple(s.rotate),
        scale_x=tuple(s.scale["x"]),
        scale_y=tuple(s.scale["y"]),
        x=tuple(shift["x"]),
        y=tuple(shift["y"]),
        shear_x=shear["x"],
        shear_y=shear["y"],
        same_scale=bool(s.keep_ratio) or s.scale["x"][0] == s.scale["x"][1] == s.scale["y"][0] == s.scale["y"][1],
        rounding="down",
        p=s.p,
    )
    return _warped(s, native)


def _rotate(s: Any) -> Found:
    return "crop_border has no native equal" if s.crop_border else _warped(s, Rotate(tuple(s.limit), p=s.p))


def _square(s: Any) -> Found:
    """One of the eight symmetries of the square, all alike."""
    return Piece((AllOf((Rotate90(), HorizontalFlip(p=0.5)), p=s.p),))


def _pad(s: Any) -> Found:
    border, fill = BORDERS.get(s.border_mode), number(s.fill)
    sides = s.padding
    if border is None or fill is None:
        return "its border or fill has no native equal"
    if isinstance(sides, int):
        sides = (sides,) * 4
    if len(sides) == 2:
        sides = (sides[0], sides[1], sides[0], sides[1])
    native = Pad(*(int(v) for v in sides), p=s.p)
    return Piece((native,), border, fill if border == "constant" else 0.0)


def _crop(kind: Callable[..., Transform]) -> Callable[[Any], Found]:
    def found(s: Any) -> Found:
        if s.pad_if_needed:
            return "pad_if_needed depends on the image's size"
        return Piece((kind((s.height, s.width), p=s.p),), loses=True)

    return found


def _contrast(s: Any) -> Found:
    if not s.brightness_by_max or s.ensure_safe_range:
        return "its brightness depends on the image"
    low, high = s.contrast_limit
    return Piece((Levels((1 + low, 1 + high), tuple(s.brightness_limit), p=s.p),))


def _gamma(s: Any) -> Found:
    return Piece((Power((s.gamma_limit[0] / 100, s.gamma_limit[1] / 100), p=s.p),))


def _posterized(s: Any) -> Found:
    if isinstance(s.num_bits, list):
        return "bits that differ between channels have no native equal"
    return Piece((Posterize(tuple(s.num_bits), p=s.p),))


def _solarized(s: Any) -> Found:
    low, high = (max(end - 1e-6, 0.0) for end in s.threshold_range)  # from the threshold on, not above it
    return Piece((Solarize((low, high), p=s.p),))


def _grey(s: Any) -> Found:
    if s.method != "weighted_average" or s.num_output_channels != 3:
        return "its way to grey has no native equal"
    return Piece((Grayscale(p=s.p),))


def _normalize(s: Any) -> Found:
    if s.p < 1 or s.normalization != "standard" or s.max_pixel_value not in (None, 255, 255.0):
        return "only the standard normalisation, always and of 255 levels, has an equal"
    return Form(mean=tuple(map(float, s.mean)), std=tuple(map(float, s.std)), floats=True)


def _float(s: Any) -> Found:
    return Form(floats=True) if s.p == 1 and s.max_value in (None, 255, 255.0) else "its largest value is not 255"


def _tensor(s: Any) -> Found:
    return Form(layout="CHW")


def _choice(s: Any) -> Found:
    return one_of([equal(part) for part in s.transforms], [part.p for part in s.transforms], s.p)


TABLE: dict[str, Callable[[Any], Found]] = {
    "HorizontalFlip": lambda s: Piece((HorizontalFlip(p=s.p),)),
    "VerticalFlip": lambda s: Piece((VerticalFlip(p=s.p),)),
    "RandomRotate90": lambda s: Piece((Rotate90(p=s.p),)),
    "Transpose": lambda s: Piece((AllOf((Rotate90((1,)), VerticalFlip(p=1)), p=s.p),)),
    "D4": _square,
    "SquareSymmetry": _square,
    "Affine": _affine,
    "ShiftScaleRotate": _affine,
    "Rotate": _rotate,
    "Resize": lambda s: _scaled(s, Resize((s.height, s.width), p=s.p), loses=False),
    "RandomResizedCrop": lambda s: _scaled(s, ResizedCrop(tuple(s.size), tuple(s.scale), tuple(s.ratio), p=s.p), True),
    "RandomCrop": _crop(RandomCrop),
    "CenterCrop": _crop(CenterCrop),
    "Pad": _pad,
    "RandomBrightnessContrast": _contrast,
    "RandomGamma": _gamma,
    "Posterize": _posterized,
    "Solarize": _solarized,
    "ToGray": _grey,
    "ChannelShuffle": lambda s: Piece((ChannelShuffle(p=s.p),)),
    "InvertImg": lambda s: Piece((Invert(p=s.p),)),
    "Normalize": _normalize,
    "ToFloat": _float,
    "ToTensorV2": _tensor,
    "OneOf": _choice,
    "NoOp": lambda s: Piece(),
}
