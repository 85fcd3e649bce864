"""Check and preview a policy on photographs in a folder with one folder a class."""

import tempfile
from pathlib import Path

from PIL import Image
from skimage import data

import augsafe as aug
from augsafe.images import open_source

PHOTOS = {"person": ["astronaut", "camera"], "cat": ["chelsea"], "cup": ["coffee"], "coins": ["coins"]}
CONTRACT = """
classes: [cat, coins, cup, person]
relations:
  "*": {hflip: same}
  coins: {vflip: same, rot90: same}
  cat: {vflip: invalid, rot180: invalid}
  cup: {vflip: invalid, rot180: invalid}
  person: {vflip: invalid, rot180: invalid}
limits:
  "*": {rotation: 30, zoom: [0.5, 1.5], visible: 0.6}
"""

with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    for cls, photos in PHOTOS.items():
        (folder / cls).mkdir()
        for photo in photos:
            picture = Image.fromarray(getattr(data, photo)())
            picture.thumbnail((256, 256))
            picture.convert("RGB").save(folder / cls / f"{photo}.png")

    source = open_source(folder)
    items = [source[i] for i in range(len(source))]
    images, labels = [item.image for item in items], [int(label) for label in source.labels]

    policy = aug.Compose([aug.RandomResizedCrop(160, scale=(0.3, 1.0)), aug.HorizontalFlip(), aug.VerticalFlip()])
    contract = aug.Contract.from_yaml(CONTRACT)
    report = aug.check(policy, images, labels, classes=source.classes, contract=contract)
    print(report)
    assert report.verdict(["VerticalFlip"], "cat") == "invalid"
    assert report.verdict(["VerticalFlip"], "coins") == "safe"

    grid = aug.preview(policy, images, labels, classes=source.classes, contract=contract, columns=6)
    grid.save("photos.png")
    print(f"photos.png: {grid.note}")
