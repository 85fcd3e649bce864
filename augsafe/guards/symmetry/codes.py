"""The rules of the static guard: what each code means, with an example that fires and one that does not."""

from __future__ import annotations

from augsafe.guards.base import Example, Guard


class ChangedByOneStep(Guard):
    """A single step turns the image into another class, or the result is not a valid class.

    The contract states what each of the eight symmetries of the square does to a class. The total effect of all steps
    on an image decides: it is compared with the nearest symmetry, as long as the remaining rotation stays within the
    contract's limit. A mirrored 6 is not a digit. A mirrored left arrow is a right arrow.

    What to do: remove the step, or give the class a policy of its own with PerClass. If the image becomes another class
    of the contract, you can also let the loader change the label with on_violation="relabel".
    """

    code = "AS101"
    title = "class changed by one step"
    severity = "error"
    fires = Example("steps: [HorizontalFlip]", "mnist")
    silent = Example("steps: [HorizontalFlip]", "cifar10")


class ChangedByCombination(Guard):
    """Several steps together turn the image into another class, or the result is not a valid class.

    Each step may be harmless alone. A horizontal and a vertical flip together rotate the image by 180 degrees, and a 6
    becomes a 9. Two rotations of 100 degrees do the same. The finding names the smallest set of steps that causes the
    change. Without any one of them, the class does not change.

    What to do: remove one of the steps, or keep them and let the loader redraw, clamp or relabel.
    """

    code = "AS102"
    title = "class changed by a combination of steps"
    severity = "error"
    fires = Example("steps: [{Rotate: {angle: [80, 100]}}, {Rotate: {angle: [80, 100], p: 0.5}}]", "mnist")
    silent = Example(
        "steps: [{HorizontalFlip: {p: 1}}, {VerticalFlip: {p: 1}}, {Rotate: {angle: [180, 180]}}]", "mnist"
    )


class UnknownRelation(Guard):
    """The policy reaches a symmetry the contract does not mention.

    Nobody has stated whether an image of the class keeps its class under this symmetry. So the policy is not called
    safe, but this is not an error either.

    What to do: look at some images (augsafe preview). Then write `same`, `{to: class}`, `ambiguous` or `invalid` into
    the contract.
    """

    code = "AS103"
    title = "relation unknown"
    severity = "warning"
    fires = Example("steps: [HorizontalFlip]")
    silent = Example("steps: [{Rotate: {angle: [-10, 10]}}]")


class Undecided(Guard):
    """A violation is neither ruled out nor seen, or there are too few images to decide.

    That a violation is impossible can be proven only with bounds on all combinations of steps, never by sampling. Some
    steps have no bound, such as a strong tilt after a shift. Then the rate is only known to be below the upper end of
    its interval. When images are used, a class needs enough of them to learn what is typical of it. A rate near the
    limit needs more images. The finding says how many.

    What to do: put Perspective before Shift, narrow its range, or accept the stated rate. Or give more images, or state
    the relation in a contract.
    """

    code = "AS105"
    title = "undecided"
    severity = "warning"
    fires = Example("steps: [{Shift: {x: [-0.9, 0.9]}}, {Perspective: {x: [-0.5, 0.5]}}]", "cifar10")
    silent = Example("steps: [{Perspective: {x: [-0.1, 0.1]}}, Shift]", "cifar10")


class OutsideLimits(Guard):
    """The total rotation or zoom of an image exceeds the contract's limits.

    Limits apply to all steps together, not to a single step: two rotations of 20 degrees add up to 40. The zoom is
    measured in fractions of the frame. So a crop counts, but a change of resolution does not.

    What to do: narrow the ranges of the named steps, or state other limits in the contract.
    """

    code = "AS106"
    title = "outside the contract's limits"
    severity = "error"
    fires = Example("steps: [{Rotate: {angle: [-20, 20]}}, {Rotate: {angle: [-20, 20]}}]", "mnist")
    silent = Example("steps: [{Rotate: {angle: [-15, 15]}}, {Rotate: {angle: [-15, 15]}}]", "mnist")


class Ambiguous(Guard):
    """The image may read as another class, depending on the handwriting or the font.

    In some fonts, a mirrored 2 looks like a 5. The contract states this. Only your images can give a better answer.

    What to do: look at some images. Then state the relation for your data, or remove the step.
    """

    code = "AS107"
    title = "ambiguous"
    severity = "warning"
    fires = Example("steps: [HorizontalFlip]", "mnist")
    silent = Example("steps: [{Rotate: {angle: [-10, 10]}}]", "mnist")


class SameFlipTwice(Guard):
    """The same flip is applied twice in a policy.

    Two equal flips cancel. The policy mirrors images as often as a single flip with another p would.

    What to do: keep one of them.
    """

    code = "AS505"
    title = "the same flip twice"
    severity = "warning"
    fires = Example("steps: [HorizontalFlip, HorizontalFlip]", "cifar10")
    silent = Example("steps: [HorizontalFlip]", "cifar10")


class RepeatedInterpolation(Guard):
    """A geometric step comes after a local step, so the image is resampled again.

    All geometric steps of a stage are one warp. A local step such as blur ends the stage. A later rotation then needs a
    second warp, which softens the image and takes time. augsafe does not reorder steps silently.

    What to do: put the geometric steps first.
    """

    code = "AS506"
    title = "repeated interpolation"
    severity = "info"
    fires = Example("steps: [Rotate, GaussianBlur, Zoom]", "cifar10")
    silent = Example("steps: [Rotate, Zoom, GaussianBlur]", "cifar10")


class NeverActs(Guard):
    """A step never changes an image: its p is 0, or its range contains only the neutral value.

    What to do: widen the range, raise p, or remove the step.
    """

    code = "AS507"
    title = "a step that never acts"
    severity = "warning"
    fires = Example("steps: [{Rotate: {angle: [0, 0]}}]", "cifar10")
    silent = Example("steps: [{Rotate: {angle: [0, 1]}}]", "cifar10")


SYMMETRY_RULES: tuple[type[Guard], ...] = (
    ChangedByOneStep,
    ChangedByCombination,
    UnknownRelation,
    Undecided,
    OutsideLimits,
    Ambiguous,
    SameFlipTwice,
    RepeatedInterpolation,
    NeverActs,
)
