"""The finders that docs/objects.md shows: Grad-CAM runs on a network trained here, the others as far as they can."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from augsafe.objects.finder import found_by
from benchmarks.cutouts import photo
from tests.conftest import needs

PAGE = Path(__file__).resolve().parents[2] / "docs" / "objects.md"
NAMES = ("grad_cam", "torchvision_finder", "rembg_finder", "sam_finder")


def recipe(name):
    """A function that the page defines, with what its imports give."""
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (code,) = [block for block in blocks if f"def {name}(" in block]
    namespace = {}
    exec("import torch\n" + code, namespace)
    return namespace[name]


@pytest.mark.parametrize("name", NAMES)
def test_each_recipe_is_a_function_that_gives_a_finder_of_image_and_label(name):
    tree = ast.parse(
        PAGE.read_text(encoding="utf-8").split(f"def {name}(")[1].split("```")[0].join([f"def {name}(", ""])
    )
    (inner,) = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name != name]
    assert [arg.arg for arg in inner.args.args] == ["image", "label"]


def signs(n, seed):
    """Red discs (1) and squares (0) anywhere on photographs: images (n, 48, 48, 3), masks, labels."""
    import cv2

    rng = np.random.default_rng(seed)
    images, masks = np.empty((n, 48, 48, 3), np.uint8), np.zeros((n, 48, 48), np.uint8)
    labels = np.arange(n) % 2
    for image, mask, label in zip(images, masks, labels, strict=True):
        ground = photo(str(rng.choice(["coffee", "chelsea", "rocket", "astronaut"])))
        y, x = (int(rng.integers(0, side - 200)) for side in ground.shape[:2])
        image[:] = cv2.resize(ground[y : y + 200, x : x + 200], (48, 48), interpolation=cv2.INTER_AREA)
        (x, y), half = (int(v) for v in rng.uniform(12, 36, 2)), int(rng.integers(7, 10))
        if label:
            cv2.circle(mask, (x, y), half, 1, -1)
        else:
            cv2.rectangle(mask, (x - half, y - half), (x + half, y + half), 1, -1)
        image[mask > 0] = (230, 40, 40) if label else (40, 90, 230)
    return images, masks > 0, labels


@needs("torch")
def test_grad_cam_of_a_trained_network_lies_on_the_object_and_that_of_an_untrained_one_does_not():
    import torch

    def prepare(image):
        return torch.from_numpy(image).permute(2, 0, 1) / 255 - 0.5

    def network():
        torch.manual_seed(0)
        return torch.nn.Sequential(
            torch.nn.Conv2d(3, 16, 5, padding=2),
            torch.nn.ReLU(),
            torch.nn.MaxPool2d(2),
            torch.nn.Conv2d(16, 16, 5, padding=2),
            torch.nn.ReLU(),
            torch.nn.AdaptiveAvgPool2d(1),
            torch.nn.Flatten(),
            torch.nn.Linear(16, 2),
        )

    trained, raw = network(), network()
    images, _, labels = signs(256, seed=0)
    x, y = torch.stack([prepare(image) for image in images]), torch.from_numpy(labels)
    optimizer = torch.optim.Adam(trained.parameters(), 0.01)
    for step in range(120):
        rows = slice(32 * (step % 8), 32 * (step % 8) + 32)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(trained(x[rows]), y[rows]).backward()
        optimizer.step()
    images, masks, labels = signs(40, seed=1)
    shares = []
    for net in (trained, raw):
        finder = recipe("grad_cam")(net, net[3], prepare)
        found = [found_by(finder, image, int(label)) for image, label in zip(images, labels, strict=True)]
        overlap = [(f & m).sum() / max(f.sum(), 1) for f, m in zip(found, masks, strict=True)]
        shares.append(float(np.mean(overlap)))
    area = float(masks.mean())
    assert shares[0] > 4 * area and shares[0] > 2 * shares[1], (shares, area)


@needs("torchvision")
def test_the_recipe_of_torchvision_runs_with_random_weights():
    image = signs(1, seed=0)[0][0]
    finder = recipe("torchvision_finder")(weights=None)
    assert found_by(finder, image, None).shape == (48, 48)
