"""Check a policy against a contract, and on images where they are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts import Contract
from augsafe.errors import ArgumentError, InputError
from augsafe.foreign import Foreign, Translation, as_policy
from augsafe.guards import (
    DRAWS,
    Finding,
    StaticResult,
    by_code,
    check_role,
    content_findings,
    mistakes,
    pipeline_findings,
    static_check,
    trust_words,
)
from augsafe.objects import SALIENCY, Guess, Objects, asked_for, guessed, inspect, regions_of
from augsafe.pixels import check_image
from augsafe.policies import Compose, evaluation_policy
from augsafe.randomness import check_seed
from augsafe.report import Evidence, Report, sort_findings
from augsafe.typing import (
    BoxesLike,
    FinderLike,
    GroupsLike,
    ImagesLike,
    LabelsLike,
    MasksLike,
    PolicyLike,
    ReferenceLike,
)

CONTENT_DRAWS = 20_000
FOREIGN_DRAWS = 600  # of a policy with steps of another library that move pixels: each draw runs them


def check(
    transform: PolicyLike,
    images: ImagesLike | None = None,
    labels: LabelsLike | None = None,
    *,
    contract: Contract | str | None = None,
    masks: MasksLike | None = None,
    boxes: BoxesLike | None = None,
    objects: FinderLike | str | None = None,
    groups: GroupsLike | None = None,
    reference: ReferenceLike | None = None,
    seed: int = 0,
    draws: int = DRAWS,
    size: tuple[int, int] | None = None,
    classes: Sequence[str] | None = None,
    suggest: bool = True,
    role: str = "training",
    realism: bool = False,
) -> Report:
    """Check what a policy does to the classes and to the content of images.

    Where the contract does not cover a symmetry that the policy reaches, its effect is measured on labelled images.

    Args:
        transform: A Compose, one transform, a list, or a pipeline of another library (see `augsafe.foreign.translate`).
        images: (n, H, W[, C]) or a list of arrays. Default: none; an object is then assumed in the middle of the frame.
        labels: (n,) names or indices into the contract's classes.
        contract: A Contract or the name of a built-in one. Default: none; the symmetries that the policy reaches are
            then reported as unknown.
        masks: (n) Masks of the object, or None for an image without one. Masks of a random sample (`images_to_mask`)
            measure how often content is lost in all images.
        boxes: (n) Boxes of the object (m, 4), xyxy in pixels, or None for an image without any.
        objects: In images without mask and boxes, the object is guessed by saliency, and the guess gives only remarks.
            "saliency" lets it decide. A function of an image and its label that returns a mask guesses in its place,
            and decides; with masks of a random sample it narrows what they measure.
        groups: (n,) Images of one group (patient, video, font) are not independent.
        reference: A function from images to class probabilities or embeddings. Default: built-in features.
        seed: The random seed.
        draws: Number of random draws used to estimate rates, at least 100.
        size: Height and width of the images in pixels, if none are given. Default: (224, 224).
        classes: The names of the classes.
        suggest: Look for the nearest policy without errors.
        role: "training", or "validation" for validation or test data, which must not be random (AS501).
        realism: Also test whether a classifier can tell augmented images from originals (AS401). It needs 80 images.

    Returns:
        The findings, the verdicts, and the fixed policy.

    Raises:
        ArgumentError: An argument is not valid.
        InputError: The images or labels do not fit.
        ContractError: The contract does not fit the classes.
    """
    compose, translation = as_policy(transform)
    given = any(value is not None for value in (labels, masks, boxes, objects, groups, reference))
    _check_arguments(images is not None, given or realism, draws)
    guess = asked_for(objects, "check")
    check_role(role, "check")
    check_seed(seed)
    bound, rows = bind_contract(contract, labels, None if images is None else len(images), classes)
    frame = size or (224, 224) if images is None else _common_size(images, compose)
    seen = None if images is None else inspect(images, masks, boxes, guess or SALIENCY, labels)
    guesses = None if images is None or seen is None else _guesses(seen, images, guess or SALIENCY, labels)
    regions = regions_of(images, masks, boxes)
    case = Case(images, rows, seen, guesses, guess is not None, groups, bound, frame, seed, role, regions)
    draws = min(draws, FOREIGN_DRAWS) if _moved_by_others(compose) else draws
    result, findings = case.run(compose, draws, bound)
    from augsafe.guards import Given, Measured, measure_classes, worst  # slow to import

    unknown = bound.classes if contract is None else _classes_of(findings, "AS103")
    pictures: Any = images  # not used where there are none
    labelled = Given(pictures, rows, groups, reference)

    def measured_on(policy: Compose, realism: bool) -> Measured:
        if images is None:
            return Measured((), (), bound)
        return measure_classes(policy, labelled, bound, unknown, size=frame, seed=seed, realism=realism)

    measured = measured_on(compose, realism)
    findings += [_accepted(f, bound) for f in measured.findings]
    fixed: Compose | None = None
    changes: tuple[str, ...] = ()
    if suggest and any(f.severity == "error" and f.accepted is None for f in findings):
        from augsafe.checking.trials import CheckTrial  # not needed where nothing is to be fixed
        from augsafe.guards import fixed_policy

        trial = CheckTrial(case, measured.contract, draws, lambda policy: measured_on(policy, False).findings)
        start = evaluation_policy(compose) if role == "validation" else None
        fixed, changes = fixed_policy(compose, findings, trial, start)
    verdicts = _with_content(worst(result.verdicts, measured.findings), findings)
    notes = (*_notes(case, compose, result), *_foreign_notes(compose, translation), *measured.notes)
    shown = None if seen is None else Evidence(pictures, rows, seen, measured.contract, compose.value_range, case.asked)
    found = sort_findings(by_code(findings, bound.classes, [leaf.label for leaf in compose.leaves]))
    return Report(compose, bound, found, verdicts, frame, notes, fixed, changes, shown)


@dataclass(frozen=True, eq=False)
class Case:
    """What policies are held against: the images, their class indices and objects, and the contract."""

    images: Any
    rows: NDArray[np.int64]
    objects: Objects | None
    guesses: Objects | None  # what a guess says of all images, where few have a mask
    asked: bool  # that guesses decide
    groups: Any
    contract: Contract
    size: tuple[int, int]
    seed: int
    role: str
    regions: dict[int, NDArray[np.bool_]] = field(repr=False)  # the objects' pixels, where they are stated
    side: int | None = None  # images are made about so small where levels are judged by rendering
    seen: dict[int, NDArray[np.float32]] = field(default_factory=dict, repr=False)  # histograms, for all policies

    def run(self, policy: Compose, many: int, truth: Contract) -> tuple[StaticResult, list[Finding]]:
        """The guards that take no model: on the policy alone, and on what its draws do to objects and levels."""
        images = self.images
        result = static_check(policy, truth, size=self.size, draws=many, seed=self.seed, content=images is None)
        found = [*result.findings, *mistakes(policy), *pipeline_findings(policy, images, self.role)]
        if images is not None:
            found += self._counted(policy, many)
        return result, [_accepted(f, self.contract) for f in found]

    def _counted(self, policy: Compose, many: int) -> list[Finding]:
        """What draws on the images show; the rules share what their errors may be wrong by."""
        from augsafe.guards import (
            TONE_DRAWS,
            counted_codes,  # not needed without images
            hue_findings,
            tone_findings,
        )

        images, rows, contract, groups = self.images, self.rows, self.contract, self.groups
        common: Any = {"groups": groups, "seed": self.seed, "comparisons": len(counted_codes(policy, contract))}
        few, toned, asked = min(many, CONTENT_DRAWS), min(many, TONE_DRAWS), self.asked
        objects = self.objects
        assert objects is not None
        known: Any = {"asked": asked, "guesses": self.guesses}
        found = content_findings(policy, images, rows, objects, contract, draws=few, **known, **common)
        tone: Any = {"seen": self.seen, "objects": objects, "asked": asked, "regions": self.regions}
        found += tone_findings(policy, images, rows, contract, draws=toned, side=self.side, **tone, **common)
        return found + hue_findings(policy, images, rows, contract, draws=toned, **common)


def _guesses(seen: Objects, images: ImagesLike, guess: Guess, labels: LabelsLike | None) -> Objects | None:
    """What a guess says of all images, where the masks or boxes of a few measure them."""
    few = seen.stated.any() and not seen.stated.all()
    return guessed(seen, images, guess, labels) if few else None


def _check_arguments(images: bool, given: bool, draws: Any) -> None:
    if given and not images:
        raise ArgumentError("labels, masks, boxes, objects, groups, reference and realism need images")
    if isinstance(draws, bool) or not isinstance(draws, (int, np.integer)) or draws < 100:
        raise ArgumentError(f"check(draws=...) must be at least 100, got {draws!r}")


def _with_content(verdicts: dict[str, str], findings: Sequence[Finding]) -> dict[str, str]:
    """The verdicts of the classes, with what content or tone was lost for certain."""
    from augsafe.guards import worst

    lost = [f for f in findings if f.verdict in ("content-lost", "tone-lost") and f.severity == "error"]
    return worst(verdicts, tuple(lost))


def _moved_by_others(compose: Compose) -> list[Foreign]:
    return [leaf for leaf in compose.leaves if isinstance(leaf, Foreign) and leaf.moves_pixels]


def _foreign_notes(compose: Compose, translation: Translation | None) -> tuple[str, ...]:
    """What was translated, what was recovered, and how sure that is."""
    notes = []
    if translation is not None:
        fused = sum(row.became != "kept" for row in translation.rows)
        notes.append(f"Of {len(translation.rows)} steps, {fused} were translated exactly. The others run as they are.")
    for leaf in _moved_by_others(compose):
        rest, kinds = leaf.surety()
        draws = sum(kinds.values())
        notes.append(
            f"{leaf.label}: its map was measured in {draws:,} draws, with an error of at most {rest:.2g} pixels. "
            "Its effect on levels was not checked."
        )
        if kinds.get("other"):
            notes.append(
                f"{leaf.label}: {kinds['other']:,} of its draws are not affine (elastic, grid or several at once). "
                "They were judged by the nearest affine map."
            )
    unsure = [leaf.label for leaf in compose.leaves if isinstance(leaf, Foreign) and not leaf.seedable]
    if unsure:
        notes.append(
            f"{', '.join(unsure)}: cannot be seeded. A finding holds for the draw that was examined, and cannot be "
            "replayed."
        )
    return tuple(notes)


def bind_contract(
    contract: Contract | str | None, labels: Any, n: int | None, classes: Sequence[str] | None
) -> tuple[Contract, NDArray[np.int64]]:
    """The contract for the classes at hand, and the class index of each image (-1 where there are no labels)."""
    made = Contract.builtin(contract) if isinstance(contract, str) else contract
    names = list(classes) if classes is not None else None
    if labels is not None and n is not None and len(labels) != n:
        raise InputError(f"labels has {len(labels)} entries, images {n}; they must agree")
    if made is None or not made.classes:
        if names is None:
            names = _names(labels)
        made = Contract(classes=tuple(names)) if made is None else made.with_classes(tuple(names))
    if labels is None:
        return made, np.full(n or 0, -1, np.int64)
    if names is not None and classes is not None:
        labels = [names[int(v)] if isinstance(v, (int, np.integer)) else v for v in labels]
    return made, np.asarray(made.indices(labels), dtype=np.int64)


def _names(labels: Any) -> list[str]:
    if labels is None:
        return ["any class"]
    values = np.unique(np.asarray(labels))
    if values.dtype.kind in "iu":
        return [str(v) for v in range(int(values.max()) + 1)]
    return [str(v) for v in values]


def _common_size(images: Any, compose: Compose) -> tuple[int, int]:
    if len(images) == 0:
        raise InputError("images is empty")
    for i, image in enumerate(images):
        check_image(image, compose.value_range, f"images[{i}]")
    sizes, counts = np.unique([image.shape[:2] for image in images], axis=0, return_counts=True)
    height, width = sizes[int(counts.argmax())]
    return int(height), int(width)


def _classes_of(findings: Sequence[Finding], code: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(cls for f in findings if f.code == code for cls in f.classes))


def _accepted(finding: Finding, contract: Contract) -> Finding:
    """Mark a finding that the contract accepts for all of its classes."""
    names = finding.classes or ("*",)
    reasons = [contract.accepts(finding.code, finding.steps, cls) for cls in names]
    if all(reason is not None for reason in reasons):
        return replace(finding, accepted=reasons[0])
    return finding


def _notes(case: Case, compose: Compose, result: StaticResult) -> tuple[str, ...]:
    contract, size, objects = case.contract, case.size, case.objects
    named = f"the contract {contract.name!r}" if contract.name else "no contract"
    notes = [f"Checked against {named} with {result.draws:,} plans for images of {size[0]} x {size[1]} pixels."]
    if not contract.relations and not contract.limits:
        notes.append("Without a contract, only labelled images can show what a policy does to the classes.")
    elif result.reach.known:
        notes.append("Anything not listed is proven impossible (for class changes and limits).")
    else:
        notes.append(
            "Some steps cannot be bounded. Anything not listed was not seen in these draws, but is not proven "
            "impossible."
        )
    if result.touched:
        named = " and ".join(result.touched)
        notes.append(
            f"Only the very end of a range comes close enough to {named} to count as such. It is sampled with "
            "probability zero, so it is not reported."
        )
    if objects is None:
        notes.append("No images were given, so an object is assumed in the middle half of the frame, which is a guess.")
    else:
        kinds, counts = np.unique(objects.method, return_counts=True)
        found = ", ".join(f"{k} ({c:,})" for k, c in zip(kinds, counts, strict=True))
        notes.append(f"Content was checked on {len(objects):,} images. The object is known by: {found}.")
        notes += [words for words in (trust_words(objects), _spared_nothing(compose, objects, case.asked)) if words]
    return tuple(notes)


def _spared_nothing(compose: Compose, objects: Objects, asked: bool) -> str:
    """Which steps would spare the object, where it is not known."""
    if not compose.minds_objects or objects.acting(asked) is objects:
        return ""
    unknown = int((~objects.stated).sum())
    return (
        f"{unknown:,} images have neither mask nor boxes, so steps that spare the object spare nothing there. "
        "Give masks or boxes, or objects='saliency' here and in the loader."
    )
