"""The rules on how a policy is used: what each code means, with an example that fires and one that does not."""

from __future__ import annotations

from augsafe.guards.base import Example, Guard


class AugmentedValidation(Guard):
    """Validation or test data is augmented at random.

    Validation and test images must be the same in every epoch. Otherwise the score changes at random, the best epoch is
    chosen by luck, and the result is about augmented images, not about the images the network will meet.

    State what the policy is for: check(..., role="validation"), Loader(..., role="validation"), `augsafe check
    --validation`. A loader refuses such a policy, and so does `train`.

    What to do: keep only the steps that are not random (resize, centre crop, normalisation). The fixed policy does
    this.
    """

    code = "AS501"
    title = "augmented validation data"
    severity = "error"
    fires = Example("steps: [{Resize: {size: 32}}, HorizontalFlip]", how="validation")
    silent = Example("steps: [{Resize: {size: 32}}]", how="validation")


class ValueRange(Guard):
    """The values of the images do not fit the range that the policy declares.

    Floats from 0 to 255 with a declared range of 0 to 1 would all be clipped to white. They are refused with an error.
    Floats from 0 to 1 with a declared range of 0 to 255, or small whole numbers in 16 bits, look almost black to every
    tone step. They are reported if all images together use less than 1% of the range.

    What to do: scale the images, or state their range: Compose(value_range=(0, 1)).
    """

    code = "AS502"
    title = "values do not fit their range"
    severity = "error"
    fires = Example("{steps: [Brightness], value_range: [0, 255]}", data="floats")
    silent = Example("{steps: [Brightness], value_range: [0, 1]}", data="floats")


class NormalisedFirst(Guard):
    """A step that changes levels runs on normalised values.

    After Normalize, levels are centred at 0 and many are negative. Brightness, contrast and colour steps expect values
    from 0 to 1 or 0 to 255. They clip the negative values or scale about the wrong point. The result is not the
    augmentation you asked for. This is found by applying the step to plain images, so unknown callables are checked
    too.

    What to do: put normalisation last.
    """

    code = "AS503"
    title = "normalised before colour"
    severity = "error"
    fires = Example(
        "[v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5], [0.25]), "
        "v2.ColorJitter(brightness=0.5)]",
        how="torchvision",
    )
    silent = Example(
        "[v2.ColorJitter(brightness=0.5), v2.ToImage(), v2.ToDtype(torch.float32, scale=True), "
        "v2.Normalize([0.5], [0.25])]",
        how="torchvision",
    )


class RepeatedDraws(Guard):
    """Workers, or epochs, repeat the same random numbers.

    Worker processes start as copies. A generator that is stored in a data set, or seeded in the same way in every
    worker, gives each worker the same random numbers. If workers are restarted for each epoch, each epoch repeats them
    too. The images differ, but the augmentation does not, so there is far less variety than it seems.

    `check_loader(loader)` requests one image many times from a PyTorch DataLoader, in all of its workers and in two
    epochs, and compares the bytes. The random values of augsafe depend on (seed, epoch, index), not on the worker. Call
    `set_epoch`.

    What to do: use the library's own generator, which is seeded for each worker and epoch. Or seed yours in
    `worker_init_fn` from `torch.initial_seed()`.
    """

    code = "AS504"
    title = "repeated draws"
    severity = "error"
    fires = Example("a data set that holds numpy.random.default_rng(0), in a DataLoader with two workers", how="words")
    silent = Example("augsafe.adapters.torch.Dataset in the same DataLoader", how="words")


PIPELINE_RULES: tuple[type[Guard], ...] = (AugmentedValidation, ValueRange, NormalisedFirst, RepeatedDraws)
