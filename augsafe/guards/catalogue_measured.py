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


MEASURED: tuple[type[Guard], ...] = (ChangeSuggested, Unfamiliar)
