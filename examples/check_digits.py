"""Check a policy on scikit-learn's handwritten digits, and see what two flips do to a 6."""

import augsafe as aug
from augsafe.demo import digits

images, labels = digits()
policy = aug.Compose([aug.Rotate((-15, 15)), aug.HorizontalFlip(), aug.VerticalFlip()], border="constant")
report = aug.check(policy, images, labels, contract="mnist")
print(report)

# Each flip alone leaves no digit; both together leave a 9.
for steps in (["HorizontalFlip"], ["VerticalFlip"], ["HorizontalFlip", "VerticalFlip"], ["Rotate"]):
    print(f"{' + '.join(steps):<30} 6: {report.verdict(steps, '6'):<10} 8: {report.verdict(steps, '8')}")

assert report.verdict(["HorizontalFlip", "VerticalFlip"], "6") == "changes"
assert report.verdict(["Rotate"], "6") == "safe"

aug.preview(policy, images, labels, contract="mnist", rows=10).save("digits.png")
print("digits.png shows it")
