"""Check an albumentations pipeline as it is, then translate it."""

import albumentations as A

import augsafe as aug
from augsafe.demo import digits

pipeline = A.Compose([A.Rotate(limit=15, p=1), A.HorizontalFlip(p=0.5), A.VerticalFlip(p=0.5), A.GaussNoise(p=0.3)])
images, labels = digits()
print(aug.check(pipeline, images[:200], labels[:200], contract="mnist", suggest=False))
policy = aug.from_albumentations(pipeline, images=images[:50])
print(policy.stages)
