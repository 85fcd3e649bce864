"""Train LeNet-5 on digits with the guards on, then move it to other digits of which there are few."""

# needs: torch torchvision lightning

import tempfile
from pathlib import Path

import augsafe as aug
from augsafe.cnns import Options, Transfer, train
from augsafe.demo import digits

images, labels = digits()
low, high = labels < 5, labels >= 5
policy = aug.Compose(
    [aug.Shift((-0.06, 0.06), (-0.06, 0.06)), aug.Rotate((-10, 10)), aug.HorizontalFlip()], border="constant"
)

with tempfile.TemporaryDirectory() as folder:
    first = train(
        (images[low][:400], labels[low][:400]),
        "lenet5",
        policy,
        out=Path(folder, "first"),
        options=Options(epochs=6, batch_size=16, rate=0.003),
        contract="mnist",
    )
    print(f"0 to 4: {first.accuracy:.1%} of the validation images")
    said = [f"{f['message']}: {', '.join(f['classes'])}" for f in first.before if f["severity"] == "error"]
    print("said before:", *said, sep="\n    ")
    print(f"the guards drew {first.guards['changed']} of {first.guards['images']} images again")

    second = train(
        (images[high][:60], labels[high][:60] - 5),
        "lenet5",
        policy.without("HorizontalFlip"),
        out=Path(folder, "second"),
        options=Options(epochs=6, batch_size=16, rate=0.01),
        test=(images[high][100:], labels[high][100:] - 5),
        weights=first.folder / first.model_file,
        transfer=Transfer(blocks=None, head_epochs=1, lower=0.3),
    )
    print(f"5 to 9, 60 images: {second.accuracy:.1%} of {int(second.test.sum())} test images")
    assert second.accuracy > 0.25  # of five classes, guessing gives 0.2
