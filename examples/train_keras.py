"""Keras 3 on digits: batches by number in `fit`, and the same images through `tf.data`."""

# needs: tensorflow keras

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import augsafe as aug
from augsafe.adapters.keras import Batches, keras
from augsafe.adapters.tensorflow import dataset
from augsafe.demo import digits

images, labels = digits()
train, test = (images[:600, ..., None], labels[:600]), (images[600:900, ..., None], labels[600:900])
output = aug.Output(dtype="float32")  # Keras takes (n, height, width, channels)
policy = aug.Compose(
    [aug.Shift((-0.08, 0.08), (-0.08, 0.08)), aug.Rotate((-12, 12)), aug.HorizontalFlip()], output=output
)
plain = aug.Compose([], output=output)

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input(train[0].shape[1:]),
        keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"])
batches = Batches(train, policy, contract="mnist", workers=2)
held = Batches(test, plain, shuffle=False)
history = model.fit(batches, validation_data=held, epochs=5, verbose=0).history
print(f"{history['val_accuracy'][-1]:.1%} of 300 test images")
assert history["val_accuracy"][-1] > 0.6  # guessing gives 0.1

# The same through tf.data, whose element_spec a network can be built from.
stream = dataset(aug.Loader(train, policy, contract="mnist"))
print(stream.element_spec)
model.fit(stream, epochs=1, verbose=0)
