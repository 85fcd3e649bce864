"""The rules of the static guard: what each code means, with an example that fires and one that does not."""

from __future__ import annotations

from augsafe.guards.base import Example, Guard


class ChangedByOneStep(Guard):
    """A single step turns the image into another class, or into none.

    The contract says what each of the eight symmetries of the square does to a class. Each draw is judged as a whole:
    its nearest symmetry decides, as long as the rotation left over stays within the contract's limit. A mirrored 6 is
    no digit; a left arrow mirrored is a right arrow.

    What to do: leave the step out, give the class a policy of its own with PerClass, or, where the image becomes
    another class of the contract, let the loader change the label with on_violation="relabel".
    """

    code = "AS101"
    title = "class changed by one step"
    severity = "error"
    fires = Example("steps: [HorizontalFlip]", "mnist")
    silent = Example("steps: [HorizontalFlip]", "cifar10")


class ChangedByCombination(Guard):
    """Several steps, each perhaps harmless alone, together turn the image into another class, or into none.

    A horizontal and a vertical flip make a half turn, and a 6 becomes a 9. Two rotations of 100 degrees do the same.
    The steps named are the smallest set that brings it about: with any one of them switched off, it goes away.

    What to do: leave out one of the steps; or keep them and let the loader redraw, clamp or relabel.
    """

    code = "AS102"
    title = "class changed by a combination of steps"
    severity = "error"
    fires = Example("steps: [{Rotate: {angle: [80, 100]}}, {Rotate: {angle: [80, 100], p: 0.5}}]", "mnist")
    silent = Example(
        "steps: [{HorizontalFlip: {p: 1}}, {VerticalFlip: {p: 1}}, {Rotate: {angle: [180, 180]}}]", "mnist"
    )


class UnknownRelation(Guard):
    """The policy reaches a symmetry of which the contract says nothing for a class.

    Unknown is not safe, and not an error: nobody has said whether an image of the class survives it.

    What to do: look at some (augsafe preview), then write `same`, `{to: class}`, `ambiguous` or `invalid`.
    """

    code = "AS103"
    title = "relation unknown"
    severity = "warning"
    fires = Example("steps: [HorizontalFlip]")
    silent = Example("steps: [{Rotate: {angle: [-10, 10]}}]")


class Undecided(Guard):
    """No bound rules a violation out and no draw shows it, or the images are too few to say.

    Absence is proven by bounds on all compositions, never by draws. Where a step has no bound (a strong tilt after a
    shift), the rate is only known to be below the upper end of its interval. Where images are asked, a class needs
    enough of them to say what is typical of it, and a share near the limit needs more; the finding says how many.

    What to do: put Perspective before Shift, lower its range, or accept the rate that is stated. Give more images, or
    state the relation in a contract.
    """

    code = "AS105"
    title = "undecided"
    severity = "warning"
    fires = Example("steps: [{Shift: {x: [-0.9, 0.9]}}, {Perspective: {x: [-0.5, 0.5]}}]", "cifar10")
    silent = Example("steps: [{Perspective: {x: [-0.1, 0.1]}}, Shift]", "cifar10")


class OutsideLimits(Guard):
    """The total rotation or zoom of a draw leaves the contract's limits.

    Limits hold for the whole draw, not for a single step: two rotations of 20 degrees add up to 40. The zoom is taken
    in fractions of the frame, so that a crop counts and a change of resolution does not.

    What to do: narrow the ranges of the steps named, or state other limits in the contract.
    """

    code = "AS106"
    title = "outside the contract's limits"
    severity = "error"
    fires = Example("steps: [{Rotate: {angle: [-20, 20]}}, {Rotate: {angle: [-20, 20]}}]", "mnist")
    silent = Example("steps: [{Rotate: {angle: [-15, 15]}}, {Rotate: {angle: [-15, 15]}}]", "mnist")


class Ambiguous(Guard):
    """The image may or may not read as another class, depending on the hand or the font.

    A mirrored 2 is close to a 5 in some fonts. The contract says so; nothing more can be said without the images.

    What to do: look at some, then state the relation for your data, or leave the step out.
    """

    code = "AS107"
    title = "ambiguous"
    severity = "warning"
    fires = Example("steps: [HorizontalFlip]", "mnist")
    silent = Example("steps: [{Rotate: {angle: [-10, 10]}}]", "mnist")


class SameFlipTwice(Guard):
    """The same flip stands twice in a policy.

    Two equal flips undo each other: the policy mirrors as often as one flip with another p does.

    What to do: keep one.
    """

    code = "AS505"
    title = "the same flip twice"
    severity = "warning"
    fires = Example("steps: [HorizontalFlip, HorizontalFlip]", "cifar10")
    silent = Example("steps: [HorizontalFlip]", "cifar10")


class RepeatedInterpolation(Guard):
    """A geometric step comes after a local one, and resamples the image once more.

    All geometric steps of a stage are one warp. A local step (blur) ends the stage, so that a later rotation needs a
    second warp, which softens the image and costs time. Nothing is reordered silently.

    What to do: put the geometric steps first.
    """

    code = "AS506"
    title = "repeated interpolation"
    severity = "info"
    fires = Example("steps: [Rotate, GaussianBlur, Zoom]", "cifar10")
    silent = Example("steps: [Rotate, Zoom, GaussianBlur]", "cifar10")


class NeverActs(Guard):
    """A step never changes an image: p is 0, or its range holds the neutral value alone.

    What to do: widen the range, raise p, or leave the step out.
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
