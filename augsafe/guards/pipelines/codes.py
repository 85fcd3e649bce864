"""The rules on how a policy is used: what each code means, with an example that fires and one that does not."""

from __future__ import annotations

from augsafe.guards.base import Example, Guard


class AugmentedValidation(Guard):
    """Images that judge a network are augmented at random.

    Validation and test images must be the same in every epoch. Where they are drawn anew, the score wanders with the
    draws, the best epoch is chosen by luck, and the figure is one of augmented images, not of those that will be met.

    Say what the policy is for: check(..., role="validation"), Loader(..., role="validation"), `augsafe check
    --validation`. A loader refuses such a policy, and so does `train`.

    What to do: keep the steps that never vary (resize, centre crop, normalisation); the fixed policy does.
    """

    code = "AS501"
    title = "augmented validation data"
    severity = "error"
    fires = Example("steps: [{Resize: {size: 32}}, HorizontalFlip]", how="validation")
    silent = Example("steps: [{Resize: {size: 32}}]", how="validation")


class ValueRange(Guard):
    """The values of the images do not fit the range that the policy says they have.

    Floats from 0 to 255 where 0 to 1 is declared would be clipped to white: they are refused when they are met.
    Floats from 0 to 1 where 0 to 255 is declared, or small whole numbers in 16 bits, are all but black to every tone
    step, and are reported where all images together use less than 1% of the range.

    What to do: scale the images, or state their range: Compose(value_range=(0, 1)).
    """

    code = "AS502"
    title = "values do not fit their range"
    severity = "error"
    fires = Example("{steps: [Brightness], value_range: [0, 255]}", data="floats")
    silent = Example("{steps: [Brightness], value_range: [0, 1]}", data="floats")


class NormalisedFirst(Guard):
    """A step that changes levels runs on normalised values.

    After Normalize, levels lie about 0 and reach far below it. Brightness, contrast and colour steps expect 0 to 1 or
    0 to 255: they clip what is negative, or scale about the wrong point, and the result is another augmentation than
    the one that was asked for. Found by what the step does to even images, so unknown callables are judged too.

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
    """Workers, or epochs, draw the same random numbers.

    Worker processes begin as copies. A generator that a data set holds, or one that is seeded alike in every worker,
    then gives each worker the same draws, and where workers are made anew for each epoch, each epoch too: the images
    differ, the augmentation does not, and there is far less of it than it seems.

    `check_loader(loader)` asks a PyTorch DataLoader for one image many times, in all of its workers and in two epochs,
    and compares the bytes. Draws of augsafe depend on (seed, epoch, index) and on no worker; call `set_epoch`.

    What to do: draw from the library's own generator, which is seeded for each worker and epoch; or seed yours in
    `worker_init_fn` from `torch.initial_seed()`.
    """

    code = "AS504"
    title = "repeated draws"
    severity = "error"
    fires = Example("a data set that holds numpy.random.default_rng(0), in a DataLoader with two workers", how="words")
    silent = Example("augsafe.adapters.torch.Dataset in the same DataLoader", how="words")


PIPELINE_RULES: tuple[type[Guard], ...] = (AugmentedValidation, ValueRange, NormalisedFirst, RepeatedDraws)
