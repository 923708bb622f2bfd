"""May this unit go on to the next station? Asked by an MES or a station, answered from the records alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from moduline.burn import BurnRecord

Reason = Literal["passed", "unknown", "running", "not-passed", "other-image"]


@dataclass(frozen=True, slots=True)
class Permit:
    """The answer.

    Args:
        is_given: whether the unit may go on.
        reason: ``passed``; else why not: ``unknown`` (no try of this unit in this order), ``running``, ``not-passed``
            (its last verdict is not PASS), ``other-image`` (it passed with another package).
        record: the try that decided; None for an unknown unit.
    """

    is_given: bool
    reason: Reason
    record: BurnRecord | None = None


def permit(tries: Sequence[BurnRecord], sha256: str = "") -> Permit:
    """Whether a unit may go on.

    Not the best try decides but the last one: a unit that passed and was burnt again, and failed, is no good unit.
    Tries that were stopped before anything was changed cannot be told from others, so ABORTED is a no, too.

    Args:
        tries: of this unit in this order, oldest first.
        sha256: of the package it must have; "" is any.
    """
    last = next(iter(reversed(tries)), None)
    if last is None:
        return Permit(False, "unknown")
    if last.outcome == "RUNNING":
        return Permit(False, "running", last)
    if not last.is_pass:
        return Permit(False, "not-passed", last)
    if sha256 and last.sha256.lower() != sha256.lower():
        return Permit(False, "other-image", last)
    return Permit(True, "passed", last)
