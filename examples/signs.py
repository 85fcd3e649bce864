"""Photographs of three road signs, painted onto photographs that scikit-learn brings: a folder for each class.

The tutorial, its pictures and a notebook use them. A mirror turns "left" into "right" and leaves "no-entry" as it is.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

CLASSES = ("left", "right", "no-entry")
SIDE, WHITE, BLUE, RED = 96, (245, 245, 245), (30, 70, 170), (190, 25, 30)


def sign(cls: str, rng: np.random.Generator, grounds: list[np.ndarray]) -> np.ndarray:
    """One photograph (96, 96, 3) of a class of signs."""
    ground = grounds[int(rng.integers(len(grounds)))]
    y, x = int(rng.integers(0, ground.shape[0] - SIDE)), int(rng.integers(0, ground.shape[1] - SIDE))
    photo = cv2.GaussianBlur(ground[y : y + SIDE, x : x + SIDE], (0, 0), 2).copy()
    across, down = (int(v) for v in SIDE // 2 + rng.integers(-6, 7, 2))
    radius = int(rng.integers(26, 33))
    reach = radius * 2 // 3
    cv2.circle(photo, (across, down), radius, RED if cls == "no-entry" else BLUE, -1, cv2.LINE_AA)
    if cls == "no-entry":
        cv2.rectangle(photo, (across - reach, down - 5), (across + reach, down + 5), WHITE, -1)
    else:
        way = reach if cls == "right" else -reach
        cv2.arrowedLine(photo, (across - way, down), (across + way, down), WHITE, 6, cv2.LINE_AA, 0, 0.45)
    lit = photo * rng.uniform(0.6, 1.15) + rng.normal(0, 6, photo.shape)
    return np.clip(lit, 0, 255).astype(np.uint8)


def signs(count: int = 120, seed: int = 0) -> tuple[list[np.ndarray], list[str]]:
    """So many photographs and their classes."""
    rng = np.random.default_rng(seed)
    grounds = load_sample_images().images
    labels = [CLASSES[number % len(CLASSES)] for number in range(count)]
    return [sign(cls, rng, grounds) for cls in labels], labels


def write(folder: Path, count: int = 120) -> None:
    """Write photographs into a folder with one folder a class."""
    for number, (photo, cls) in enumerate(zip(*signs(count), strict=True)):
        (folder / cls).mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo).save(folder / cls / f"{number:03d}.jpg", quality=92)


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "signs")
    write(target, int(sys.argv[2]) if len(sys.argv) > 2 else 120)
    print(f"{target}: {len(list(target.rglob('*.jpg')))} photographs of {', '.join(CLASSES)}")
