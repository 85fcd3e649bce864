"""Draw the pictures of the README and the documents; run it in the root of the repository."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from signs import signs

import augsafe as aug
from augsafe.contracts import Relation
from augsafe.demo import careless, digits

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
folder.mkdir(parents=True, exist_ok=True)
images, labels = digits()
policy = aug.Compose(
    [
        aug.Shift((-0.25, 0.25), (-0.25, 0.25)),
        aug.Zoom((0.8, 1.6)),
        aug.Rotate((-30, 30)),
        aug.HorizontalFlip(),
        aug.VerticalFlip(),
    ],
    border="constant",
)
chosen = np.isin(labels, [3, 4, 6, 8, 9])
numbers = np.flatnonzero(chosen)
grid = aug.preview(
    policy, images[chosen], labels[chosen], contract="mnist", rows=5, columns=7, indices=numbers, cell=104
)
grid.save(folder / "preview.png")
print(grid.note)

turned = aug.Compose([aug.Rotate((-45, 45))], border="constant")
aug.preview(turned, images, labels, contract="mnist", rows=3, columns=7, mode="strength").save(folder / "strength.png")
aug.preview(policy, images, labels, contract="mnist", rows=4, mode="pairs").save(folder / "pairs.png")

report = aug.check(careless(), images, labels, contract="mnist", suggest=False)
worst = report.findings[0]
replace(
    report.picture(worst), note=f"{worst.code}: {' + '.join(worst.steps)}, in {worst.probability:.0%} of draws"
).save(folder / "finding.png")
print(worst.code, worst.steps, dict(worst.becomes))

photos, names = signs(60)
mirrors = aug.Contract(("left", "right", "no-entry"), {("left", "hflip"): Relation("to", "right")})
mirrored = aug.check(aug.Compose([aug.HorizontalFlip()]), photos, names, contract=mirrors)
mirrored.picture(mirrored.findings[0]).save(folder / "signs.png")
