"""The rules of the guards that measure: what each code means, with an example that fires and one that does not."""

from __future__ import annotations

from augsafe.guards.base import Example, Guard


class ChangeSuggested(Guard):
    """The images say that a draw turns one class into another.

    An image counts as changed where it is untypical of its own class and typical of another, by conformal p-values
    against the clean images. A change is claimed where a good part of a class is changed so, the other class changes
    back the same way, and both agree with all else that was found. That is an error. Where images only come near to
    the other class without being typical of it, it is a warning with the verdict "ambiguous".

    It is said of these images, by these features or by the model given as reference=. A contract, where it says
    something of the symmetry, has the last word.

    What to do: look at the witness; then state the relation in a contract (Contract.learn proposes one), or leave the
    steps out for these classes.
    """

    code = "AS104"
    title = "change suggested by data"
    severity = "error"
    fires = Example("steps: [HorizontalFlip]", data="arrows")
    silent = Example("steps: [VerticalFlip]", data="arrows")


class Unfamiliar(Guard):
    """Many draws are unlike any class in the images.

    They are typical neither of their own class nor of another. That does not make them meaningless: an inverted digit
    is readable, and unlike every digit seen. The rate is that beyond clean images. A network trained on such draws
    spends part of what it can learn on images it may never meet.

    What to do: look at the witness. Where it is readable and may occur, leave it; else narrow the range.
    """

    code = "AS402"
    title = "unfamiliar"
    severity = "info"
    fires = Example("steps: [{Invert: {p: 1}}]", data="arrows")
    silent = Example("steps: [{Rotate: {angle: [-3, 3]}}]", data="arrows")


class Distinguishable(Guard):
    """A classifier tells augmented images from originals.

    `realism(policy, images)` augments one half of the images and lets a classifier tell them from the other half. What
    resampling alone gives away is taken off: the control is the same images, moved by a part of a pixel. Three verdicts
    are possible: distinguishable (the excess over the control is certainly above 0), indistinguishable (certainly below
    the margin of 0.05 in the area under the curve), and undecided, with the number of images that would decide. That
    nothing was found is never taken for a proof.

    It is a remark. Augmentation that can be told may still help, and often does; but borders, angles or levels that no
    original has are worth a look.

    What to do: look at the witness, the image that was told most easily.
    """

    code = "AS401"
    title = "distinguishable from originals"
    severity = "info"
    fires = Example("Rotate((-30, 30)) with black borders on photographs", how="words")
    silent = Example("HorizontalFlip() on textures", how="words")


class Damaging(Guard):
    """The policy keeps the class, but what is learned with it is worse.

    `damage(policy, images, labels)` trains a learner with and without the policy and judges both on clean and on
    augmented images. Affinity says how different augmented images look to one that knows clean ones; recoverability,
    whether that can be learned; benefit, what the policy is for: the accuracy on clean images after learning with it.
    Reported is a benefit that is certainly below 0, over all images or in some class. In an ablation, a row that harms
    although the guard finds nothing says the same.

    It is a remark, since it is true of one learner and one number of images: another may need the policy.

    What to do: weaken the steps, or find the one that costs most with `augsafe ablate`.
    """

    code = "AS403"
    title = "keeps the class but damages learning"
    severity = "info"
    fires = Example("Invert(p=0.5) on digits, with the light classifier", how="words")
    silent = Example("Shift((-0.05, 0.05), (-0.05, 0.05)) on digits", how="words")


class LabelLeak(Guard):
    """Classes are augmented so differently that the traces give the label away.

    With a policy of its own for each class (PerClass), a network may learn how the images of a class were augmented in
    place of what they show: blurred means 6. On images that are not augmented it then has nothing to go by.

    `label_leak(policies)` draws plans of every policy. A small classifier sees their traces alone: that an image was
    resampled, its zoom, tilt and rotation, made-up borders, levels, colours and filters, never what it shows. It is
    reported where plans that it has not seen are told for certain by more than 5 points better than by guessing. A flip
    or a quarter turn leaves no trace and does not count.

    What to do: give all classes the same strengths, and keep apart only flips and quarter turns.
    """

    code = "AS404"
    title = "augmentation gives the label away"
    severity = "warning"
    fires = Example('PerClass({"6": Rotate((-5, 5)), "*": Rotate((-40, 40))})', how="words")
    silent = Example('PerClass({"6": Rotate((-15, 15)), "*": Rotate((-15, 15)) and HorizontalFlip()})', how="words")


MEASURED_RULES: tuple[type[Guard], ...] = (ChangeSuggested, Distinguishable, Unfamiliar, Damaging, LabelLeak)
