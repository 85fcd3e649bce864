"""Softmax regression in JAX: the loader's arrays go straight into a jitted step."""

# needs: jax

import jax
import jax.numpy as jnp

import augsafe as aug
from augsafe.demo import digits

images, labels = digits()
train, test = (images[:600], labels[:600]), (images[600:900], labels[600:900])
output = aug.Output(dtype="float32")
policy = aug.Compose(
    [aug.Shift((-0.08, 0.08), (-0.08, 0.08)), aug.Rotate((-12, 12)), aug.HorizontalFlip()], output=output
)
# One shape compiles once: an epoch's last batch is left out where it is not full.
loader = aug.Loader(train, policy, batch_size=50, contract="mnist", drop_last=True)


def loss(weights, x, y):
    scores = x.reshape(len(x), -1) @ weights
    return -jnp.mean(jax.nn.log_softmax(scores)[jnp.arange(len(y)), y])


@jax.jit
def step(weights, x, y):
    return weights - 0.1 * jax.grad(loss)(weights, x, y)


weights = jnp.zeros((images[0].size, 10))
for _ in range(12):  # each iteration is the next epoch
    for batch in loader:
        weights = step(weights, batch.images, batch.labels)

plain = aug.Compose([], output=output).batch(test[0], indices=range(len(test[0])))
accuracy = float((jnp.argmax(plain.reshape(len(plain), -1) @ weights, axis=1) == test[1]).mean())
print(f"{accuracy:.1%} of 300 test images")
assert accuracy > 0.6  # guessing gives 0.1
