"""Train a softmax classifier on digits with and without augmentation: the loader feeds scikit-learn."""

import numpy as np
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

import augsafe as aug
from augsafe.demo import digits

EPOCHS = 12

images, labels = digits()
train_x, test_x, train_y, test_y = train_test_split(images, labels, test_size=0.3, random_state=0, stratify=labels)
floats = aug.Output(dtype="float32")
shifted = aug.Compose(
    [aug.Shift((-0.06, 0.06), (-0.06, 0.06)), aug.Rotate((-10, 10))], border="constant", output=floats
)
moved_test = shifted.batch(test_x, indices=np.arange(len(test_x)), seed=99).reshape(len(test_x), -1)
plain_test = aug.Compose(output=floats).batch(test_x, indices=np.arange(len(test_x))).reshape(len(test_x), -1)


def accuracy(policy: aug.Compose) -> tuple[float, float]:
    """Accuracy on the test digits as they are, and on the same digits moved a little."""
    model = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.005, average=True, random_state=0)
    loader = aug.Loader((train_x, train_y), policy, batch_size=64, seed=0, contract="mnist")
    for epoch in range(EPOCHS):
        loader.set_epoch(epoch)
        for batch in loader:
            model.partial_fit(batch.images.reshape(len(batch.images), -1), batch.labels, classes=np.arange(10))
    return model.score(plain_test, test_y), model.score(moved_test, test_y)


plain, augmented = accuracy(aug.Compose(output=floats)), accuracy(shifted)
print(f"{'trained on':<20} {'as they are':>12} {'moved a little':>15}")
print(f"{'the digits':<20} {plain[0]:>12.1%} {plain[1]:>15.1%}")
print(f"{'augmented digits':<20} {augmented[0]:>12.1%} {augmented[1]:>15.1%}")
assert augmented[1] > plain[1]
