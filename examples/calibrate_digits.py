"""The largest safe strength of a policy on handwritten digits, and one safe step an image."""

import augsafe as aug
from augsafe.demo import digits

images, labels = digits()
policy = aug.Compose(
    [aug.Shift((-0.3, 0.3), (-0.3, 0.3)), aug.Zoom((0.7, 1.4)), aug.Rotate((-60, 60)), aug.HorizontalFlip()],
    border="constant",
)
found = aug.calibrate(policy, images, labels, contract="mnist", epsilon=0.1, progress=False)
print(found)

assert 0 < found.scale < 1
assert "HorizontalFlip" in found.left_out  # a mirrored 6 is no digit
found.save("policy.yaml")  # the certified policy, with what is certified of it as comments
found.save("calibration.png")
print("calibration.png shows rate against strength")

# A class whose meaning survives a flip keeps it in a policy of its own.
print({name: [step.label for step in policy.steps] for name, policy in found.per_class.policies.items()})

# One step an image, within the certified ranges, and nothing to tune.
trivial = aug.Compose([aug.SafeTrivialAugment(calibration=found)], border="constant")
batch = trivial.batch(images[:64], indices=range(64), seed=0)
print(batch.shape, trivial.to_yaml())
