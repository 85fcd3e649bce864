"""Draw the pictures of the README and the documents; run it in the root of the repository."""

import importlib.util
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from signs import signs

import augsafe as aug
from augsafe.contracts import Limits, Relation
from augsafe.demo import careless, digits
from augsafe.guards import lights, scenes
from augsafe.report import Grid

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
swap = {("left", "hflip"): Relation("to", "right"), ("no-entry", "hflip"): Relation("same")}
mirrors = aug.Contract(("left", "right", "no-entry"), swap)
mirrored = aug.check(aug.Compose([aug.HorizontalFlip()]), photos, names, contract=mirrors)
mirrored.picture(mirrored.findings[0]).save(folder / "signs.png")


def shown(code, words, policy, data, contract):
    """What a guard reports: an image with the steps' names, and what they make of it."""
    found = aug.check(policy, *data, contract=contract, suggest=False, draws=4000)
    finding = next(f for f in found.findings if f.code == code)
    before, after = found.picture(finding).cells[0][:2]
    named = "both flips" if len(finding.steps) > 1 else finding.steps[0]
    return replace(before, caption=named), replace(after, reasons=(words,), caption=code)


few = (images[:300], labels[:300])
hued = aug.Contract(classes=("red", "green"), limits={"*": Limits(hue=30)})
rows = {
    "AS101": ("no digit", aug.HorizontalFlip(), few, "mnist"),
    "AS102": ("6 reads as 9", aug.Compose([aug.HorizontalFlip(), aug.VerticalFlip()]), few, "mnist"),
    "AS106": ("turned too far", aug.Compose([aug.Rotate((35, 40))], border="constant"), few, "mnist"),
    "AS107": ("ambiguous", aug.HorizontalFlip(), few, "mnist"),
    "AS201": ("leaves the frame", aug.Compose([aug.Shift((0.4, 0.5), (0, 0))], border="constant"), few, "mnist"),
    "AS202": ("too small", aug.Compose([aug.Zoom((0.2, 0.25))], border="constant"), few, "mnist"),
    "AS203": ("covered", aug.Erase((0.4, 0.5)), few, "mnist"),
    "AS204": ("mostly padding", aug.Compose([aug.Zoom((0.4, 0.5))], border="constant"), few, "mnist"),
    "AS205": ("doubled", aug.Compose([aug.Shift((0.5, 0.6), (0, 0))], border="reflect"), few, "mnist"),
    "AS301": ("clipped", aug.Brightness((3, 3)), scenes(), None),
    "AS302": ("contrast lost", aug.Contrast((0.05, 0.1)), scenes(), None),
    "AS303": ("colour changed", aug.Hue((-60, 60)), lights(), hued),
}
cells = tuple(shown(code, *case) for code, case in rows.items())
half = len(cells) // 2
pairs = tuple((*cells[k], *cells[k + half]) for k in range(half))
Grid(pairs, ("",) * half, ("original", "augmented", "original", "augmented")).save(folder / "guards.png")

browser = shutil.which("chromium")
if browser and importlib.util.find_spec("playwright"):  # the page itself, where there is a browser
    from playwright.sync_api import sync_playwright

    report.to_html(folder / "report.html")
    with sync_playwright() as play, play.chromium.launch(executable_path=browser, args=["--no-sandbox"]) as chromium:
        page = chromium.new_page(viewport={"width": 1000, "height": 820})
        page.goto((folder / "report.html").resolve().as_uri())
        page.screenshot(path=folder / "report.png")
    (folder / "report.html").unlink()
