"""Which stage each step of a policy belongs to: one stage is one warp, one table, then local steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard

from augsafe.transforms.base import Local, Opaque, Transform
from augsafe.transforms.choice import Choice, OneOf
from augsafe.transforms.distortion import Distortion
from augsafe.transforms.walking import leaves_of


def stages_of(steps: Sequence[Transform], stage: int, before: str) -> tuple[list[int], int, str]:
    """The stage of each step.

    A step that follows a local one, and is not local, opens a stage. A distortion is a stage of its own. Of a `OneOf`
    one child acts, so that none follows another: each begins where the choice does, unless one moves pixels by itself
    and so must end its stage.

    Args:
        steps: The steps, in order.
        stage: The stage they begin in, from 0.
        before: The kind of step that came before: "fused", "local", "bent" (a distortion), or "" for none.

    Returns:
        The stage of each leaf, the stage they end in, and the kind of step it ends with.
    """
    out: list[int] = []
    for step in steps:
        if isinstance(step, OneOf) and not any(
            isinstance(leaf, Distortion) or may_move(leaf) for leaf in leaves_of(step)
        ):
            ends = [stages_of([child], stage, before) for child in step.children]
            stage = max(end for _, end, _ in ends)
            out += [k for leaves, _, _ in ends for k in leaves]
            before = "local" if any(kind == "local" for _, end, kind in ends if end == stage) else "fused"
        elif isinstance(step, Choice):
            leaves, stage, before = stages_of(step.parts, stage, before)
            out += leaves
        else:
            kind = "bent" if isinstance(step, Distortion) else "local" if isinstance(step, Local) else "fused"
            if before and ("bent" in (before, kind) or (before == "local" and (kind != "local" or may_move(step)))):
                stage += 1
            before = kind
            out.append(stage)
    return out, stage, before


def may_move(step: Transform) -> TypeGuard[Opaque]:
    """Whether a step of unknown make may move pixels or change the frame."""
    return isinstance(step, Opaque) and step.moves_pixels
