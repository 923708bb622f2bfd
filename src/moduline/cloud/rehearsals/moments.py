"""When the power goes away during a rehearsal on virtual modules: seeded moments, spread over the phases of an update.

::

    download   from the call of the script to the restart: the package goes into the store
    apply      from the restart until the boot code has compared the new content
    boot       from there until the new version runs and has said so

A moment is told by a string that replays it: ``apply:tear@120:7,cut@4`` - in the phase ``apply`` the power goes away
inside flash operation 120 (7 is the seed of what is left), and again before operation 4 of what follows the next
power-on; after a cut in ``download``, of the next try, as the module has nothing to do before. ``nor.faulty`` says what
a cut leaves.

Source: style-anchors H11, H32; docs/spec/rehearsal-proof.md.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

PHASES: Final = ("download", "apply", "boot")
"""In the order in which an update goes through them."""
AGAIN_SHARE: Final = 0.4
"""Of the moments: the power goes away a second time, while the module recovers."""
TORN_SHARE: Final = 0.6
"""Of the cuts: inside an operation, not before it."""
SEEDS: Final = 1000
MOST_EACH: Final = 4
"""Moments for one flash operation: before and inside it, once and twice."""
NEAR: Final = 4
"""Half of the second cuts come within so many operations, the others anywhere while the module applies."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One trial to be made.

    Attributes:
        phase: one of ``PHASES``.
        cut: of ``nor.faulty``, counted from the beginning of the phase.
        again: a second one, counted from the next power-on or, after ``download``, try; "": none.
        operation: number of the operation of ``cut`` in its phase.
    """

    phase: str
    cut: str
    again: str
    operation: int

    def __str__(self) -> str:
        return f"{self.phase}:{self.cut}{',' if self.again else ''}{self.again}"

    @property
    def is_torn(self) -> bool:
        """Whether the power goes away inside an operation."""
        return self.cut.startswith("tear")


def moments(counts: Mapping[str, int], wanted: int, seed: int) -> tuple[Moment, ...]:
    """So many moments; the same for the same arguments.

    Each phase that has flash operations gets its share, applying twice that of the others, but not more than four
    moments for each of its operations where another phase has more to try. Within a phase the moments are spread
    evenly: each lies anywhere in a slice of its own.

    Args:
        counts: flash operations of each phase in a run without cuts.
        wanted: how many.
        seed: decides where, torn or not, and where a second time.
    """
    chance = random.Random(f"moments {seed}")  # noqa: S311 - repeatable, no secret
    phases = [name for name in PHASES if counts.get(name, 0) > 0]
    ahead = max(NEAR, counts.get("apply", 0) + counts.get("boot", 0))
    found: list[Moment] = []
    for name, share in _shares({name: counts[name] for name in phases}, wanted).items():
        near = sum(counts.values()) if name == "download" else ahead
        found += _of_phase(name, counts[name], share, near, chance)
    return tuple(found)


def _shares(counts: Mapping[str, int], wanted: int) -> dict[str, int]:
    """How many moments each phase gets."""
    weights = {name: 2 if name == "apply" else 1 for name in counts}
    shares: dict[str, int] = {}
    left = wanted
    for name in sorted(counts, key=lambda one: counts[one] / weights[one]):  # the shortest first
        rest = sum(weights[one] for one in counts if one not in shares)
        share = left * weights[name] // rest
        is_last = len(shares) + 1 == len(counts)
        shares[name] = left if is_last else min(share, MOST_EACH * counts[name])
        left -= shares[name]
    return {name: shares[name] for name in counts}


def _of_phase(name: str, operations: int, wanted: int, ahead: int, chance: random.Random) -> list[Moment]:
    found = []
    for number in range(wanted):
        first, end = (operations * edge // wanted for edge in (number, number + 1))
        operation = chance.randrange(first, max(end, first + 1))
        again = ""
        if chance.random() < AGAIN_SHARE:
            again = _cut(chance.randrange(chance.choice([NEAR, ahead])), chance)
        found.append(Moment(name, _cut(operation, chance), again, operation))
    return found


def _cut(operation: int, chance: random.Random) -> str:
    return f"tear@{operation}:{chance.randrange(SEEDS)}" if chance.random() < TORN_SHARE else f"cut@{operation}"
