# needs: skimage
"""Draw the gallery of transforms, docs/transforms.md and its pictures; run it in the root of the repository."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

import augsafe as aug
from augsafe import transforms
from augsafe.transforms import TRANSFORMS

CELL, DRAWS, GAP = 112, 5, 4
# kinds, and for each of their transforms what the picture shows
GALLERY = {
    "Geometry": {
        "Shift": "Shift(x=(-0.3, 0.3), y=(-0.3, 0.3))",
        "Zoom": "Zoom(factor=(0.5, 2))",
        "Rotate": "Rotate(angle=(-60, 60))",
        "Shear": "Shear(x=(-25, 25), y=(-10, 10))",
        "Perspective": "Perspective(x=(-0.4, 0.4), y=(-0.4, 0.4))",
        "HorizontalFlip": "HorizontalFlip(p=0.5)",
        "VerticalFlip": "VerticalFlip(p=0.5)",
        "Rotate90": "Rotate90()",
        "Affine": "Affine(angle=(-30, 30), scale_x=(0.7, 1.3), x=(-0.1, 0.1), shear_x=(-15, 15))",
    },
    "Distortions": {
        "ElasticDistortion": "ElasticDistortion(displacement=(0.03, 0.06), smoothness=0.1)",
        "GridDistortion": "GridDistortion(displacement=(0.3, 0.3), cells=4)",
    },
    "Frames": {
        "Resize": "Resize(longest=80)",
        "ShortSide": "ShortSide(side=90)",
        "Letterbox": "Letterbox(size=(70, 112))",
        "Pad": "Pad(left=20, top=10)",
        "CenterCrop": "CenterCrop(size=80)",
        "MiddleCrop": "MiddleCrop(size=(60, 100))",
        "RandomCrop": "RandomCrop(size=80)",
        "RandomResizedCrop": "RandomResizedCrop(size=112, scale=(0.1, 0.6))",
        "ResizedCrop": "ResizedCrop(size=112, scale=(0.1, 0.6))",
    },
    "Tone": {
        "Brightness": "Brightness(factor=(0.4, 1.8))",
        "Contrast": "Contrast(factor=(0.3, 2))",
        "Gamma": "Gamma(gamma=(0.4, 2.5))",
        "Levels": "Levels(factor=(0.6, 1.4), offset=(-0.2, 0.2))",
        "Power": "Power(gamma=(0.4, 2.5))",
        "Invert": "Invert(p=0.5)",
        "Posterize": "Posterize(bits=(1, 4))",
        "Solarize": "Solarize(threshold=(0.2, 0.8))",
    },
    "Colour": {
        "Saturation": "Saturation(factor=(0, 3))",
        "Hue": "Hue(angle=(-120, 120))",
        "ColorTemperature": "ColorTemperature(kelvin=(2500, 15000))",
        "Grayscale": "Grayscale(p=0.5)",
        "ChannelShuffle": "ChannelShuffle()",
    },
    "Filters": {
        "GaussianBlur": "GaussianBlur(sigma=(0, 4))",
        "MotionBlur": "MotionBlur(length=(5, 20))",
        "Sharpen": "Sharpen(factor=(1, 8))",
    },
    "Levels of the whole image": {
        "Equalize": "Equalize(p=0.5)",
        "AutoContrast": "AutoContrast(p=0.5)",
        "CLAHE": "CLAHE(clip=(1, 12), tiles=4)",
    },
    "Noise and quality": {
        "GaussianNoise": "GaussianNoise(sigma=(0.02, 0.2))",
        "SaltAndPepper": "SaltAndPepper(amount=(0.01, 0.2))",
        "JpegCompression": "JpegCompression(quality=(2, 20))",
        "Downscale": "Downscale(factor=(0.1, 0.5))",
    },
    "Erasing": {
        "Erase": "Erase(area=(0.1, 0.3), count=2, max_object_share=0.3)",
    },
    "Choices": {
        "OneOf": "OneOf([Rotate((-60, 60)), Invert(), GaussianBlur((2, 4))])",
        "SomeOf": "SomeOf([Rotate((-60, 60)), Invert(), GaussianBlur((2, 4))], n=2)",
        "AllOf": "OneOf([AllOf([Rotate((-60, 60)), Invert()]), AllOf([Zoom((1.5, 2)), Grayscale()])])",
        "Repeat": "Repeat(OneOf([Rotate((20, 40)), Hue((60, 90)), Zoom((0.6, 0.7))]), times=2)",
    },
    "Published policies": {
        "AutoAugment": 'AutoAugment("imagenet")',
        "RandAugment": "RandAugment(n=2, magnitude=15)",
        "TrivialAugmentWide": "TrivialAugmentWide(size=112)",
        "AugMix": "AugMix(severity=(6, 10))",
    },
}
HIDDEN = ("Cut",)  # changes no pixel
HEAD = """# Gallery of transforms

Each strip shows the original and five random results (one, if all are the same), with a black border.
[Policies](policies.md) lists arguments and units. [Published policies](published-policies.md) shows what those policies
break.
`python examples/make_gallery.py` makes this page.
"""


def step_of(call: str) -> aug.transforms.Transform:
    """What a line of the gallery makes."""
    return eval(call, {"__builtins__": {}}, {name: getattr(transforms, name) for name in transforms.__all__})


def unlisted() -> list[str]:
    """Transforms that the gallery does not name yet: shown with their defaults."""
    listed = {name for kind in GALLERY.values() for name in kind}
    return [name for name in TRANSFORMS if name not in listed and name not in HIDDEN]


def kinds() -> dict[str, dict[str, str]]:
    """The gallery, with what it does not name at the end."""
    rest = {name: f"{name}()" for name in unlisted()}
    return {**GALLERY, "Others": rest} if rest else GALLERY


def photo() -> np.ndarray:
    """A cat, from scikit-image (public domain), with its face in the middle."""
    return np.asarray(Image.fromarray(data.chelsea()[:, 80:380]).resize((CELL, CELL), Image.Resampling.LANCZOS))


def strip(step: aug.transforms.Transform, image: np.ndarray) -> Image.Image:
    """The original and some draws, side by side."""
    compose = aug.Compose([step], border="constant")
    draws = [compose(image, seed=1, index=k).image for k in range(DRAWS)]
    shown = [image, *(draws if len({made.tobytes() for made in draws}) > 1 else draws[:1])]
    out = Image.new("RGB", ((CELL + GAP) * len(shown) - GAP, CELL), "white")
    for number, made in enumerate(shown):
        cell = Image.fromarray(made)
        cell.thumbnail((CELL, CELL))
        left, top = (CELL - cell.width) // 2, (CELL - cell.height) // 2
        out.paste(cell, (number * (CELL + GAP) + left, top))
    return out


def page() -> str:
    """The text of docs/transforms.md."""
    lines = [HEAD]
    for kind, calls in kinds().items():
        lines.append(f"## {kind}\n")
        for name, call in calls.items():
            said = (getattr(aug, name).__doc__ or "").strip().split("\n")[0]
            lines.append(f"### {name}\n\n{said}\n\n`{call}`\n\n![{name}](images/transforms/{name}.jpg)\n")
    return "\n".join(lines)


def main(folder: Path) -> None:
    """Write the page and its pictures."""
    pictures = folder / "images" / "transforms"
    pictures.mkdir(parents=True, exist_ok=True)
    image = photo()
    for calls in kinds().values():
        for name, call in calls.items():
            strip(step_of(call), image).save(pictures / f"{name}.jpg", quality=75)
    (folder / "transforms.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs"))
