"""The rules of the guards that measure: what each code means, with an example that fires and one that does not."""

from __future__ import annotations

from augsafe.guards.base import Example, Guard


class ChangeSuggested(Guard):
    """The images suggest that the policy turns one class into another.

    An augmented image counts as changed if it is untypical of its own class and typical of another one. This is
    measured with conformal p-values against the original images. It is an error if a large part of a class is changed
    in this way, if the other class changes back in the same way, and if nothing else contradicts it. It is a warning
    with the verdict "ambiguous" if the images only come close to the other class without being typical of it.

    The result depends on your images and on the features used: the built-in ones, or the model given as reference=. If
    a contract states the relation, the contract decides.

    What to do: look at the example. Then state the relation in a contract (Contract.learn proposes one), or remove the
    steps for these classes.
    """

    code = "AS104"
    title = "change suggested by data"
    severity = "error"
    fires = Example("steps: [HorizontalFlip]", data="arrows")
    silent = Example("steps: [VerticalFlip]", data="arrows")


class Unfamiliar(Guard):
    """Many augmented images are unlike any class in the data.

    They are typical neither of their own class nor of another one. They may still be readable: an inverted digit is
    readable, but unlike every digit in the data. The rate counts only images beyond those that are untypical without
    augmentation. A network trained on them spends part of its capacity on images it may never meet.

    What to do: look at the example. If such images are readable and may occur, keep the step. Otherwise narrow its
    range.
    """

    code = "AS402"
    title = "unfamiliar"
    severity = "info"
    fires = Example("steps: [{Invert: {p: 1}}]", data="arrows")
    silent = Example("steps: [{Rotate: {angle: [-3, 3]}}]", data="arrows")


class Distinguishable(Guard):
    """A classifier can tell augmented images from merely resampled originals.

    `realism(policy, images)` augments one half of the images and trains a classifier to separate them from the other
    half. Resampling alone is visible to a classifier. So the control is the same images, moved by a part of a pixel.
    There are three verdicts: distinguishable (the excess over the control is certainly above 0), indistinguishable (the
    excess is certainly below the margin of 0.05 in the area under the ROC curve), and undecided, with the number of
    images that would settle it. Finding no difference is never taken as proof.

    This is a remark. Distinguishable augmentation may still help, and often does. But check for borders, angles or
    levels that no original has.

    What to do: look at the example. It is the image that is easiest to tell from the originals.
    """

    code = "AS401"
    title = "distinguishable from originals"
    severity = "info"
    fires = Example("Rotate((-30, 30)) with black borders on photographs", how="words")
    silent = Example("HorizontalFlip() on textures", how="words")


class Damaging(Guard):
    """The policy keeps the class, but training with it gives a worse network.

    `damage(policy, images, labels)` trains a learner with and without the policy and tests both on original and on
    augmented images. Affinity: how different augmented images look to a learner that knows only originals.
    Recoverability: how well augmented images can be learned. Benefit: how the accuracy on original images changes after
    training with the policy. A benefit that is certainly below 0, over all images or in some class, is reported. In an
    ablation, it shows as a row that harms although the guards find nothing.

    This is a remark, because it holds for one learner and one number of images. Another learner may need the policy.

    What to do: weaken the steps, or find the one that costs most with `augsafe ablate`.
    """

    code = "AS403"
    title = "keeps the class but damages learning"
    severity = "info"
    fires = Example("Invert(p=0.5) on digits, with the light classifier", how="words")
    silent = Example("Shift((-0.05, 0.05), (-0.05, 0.05)) on digits", how="words")


class LabelLeak(Guard):
    """The classes are augmented so differently that the augmentation reveals the label.

    With a policy of its own for each class (PerClass), a network may learn how the images of a class were augmented
    instead of what they show: blurred means 6. This does not help on images that are not augmented.

    `label_leak(policies)` samples plans of every policy. A small classifier sees only the traces of augmentation:
    resampling, zoom, tilt, rotation, padding, levels, colours and filters, but not the image. The leak is reported if
    the classifier's accuracy on new plans is certainly more than 5 points above chance. A flip or a quarter turn leaves
    no trace and does not count.

    What to do: give all classes the same strengths. Only flips and quarter turns may differ.
    """

    code = "AS404"
    title = "augmentation gives the label away"
    severity = "warning"
    fires = Example('PerClass({"6": Rotate((-5, 5)), "*": Rotate((-40, 40))})', how="words")
    silent = Example('PerClass({"6": Rotate((-15, 15)), "*": Rotate((-15, 15)) and HorizontalFlip()})', how="words")


MEASURED_RULES: tuple[type[Guard], ...] = (ChangeSuggested, Distinguishable, Unfamiliar, Damaging, LabelLeak)
