"""What the tables of all drivers have in common: what their words are, and the page for people.

The tables themselves stay beside their drivers, as data: ``State`` and ``Cue`` are the words, ``TABLE`` says what is
done and what follows, ``LIMITS_S`` and ``RETRIES_S`` how long a state may last and when it wakes up.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

GIVING_UP: Final = frozenset({"give_up", "refuse"})
"""Actions that are possible in nearly every state; the page does not repeat them."""


class Word(Enum):
    """A state or a cue."""

    __hash__ = object.__hash__  # looked up for every packet; Enum's own hashes the name


def page(
    states: type[Word],
    table: Mapping[tuple[Any, Any], tuple[str, Any]],
    limits_s: Mapping[Any, float],
    retries_s: Mapping[Any, float],
    unsaid: frozenset[str] = GIVING_UP,
) -> str:
    """A table for people: a row per state with what may happen, what is done and where it leads.

    Args:
        states: in the order of the rows.
        table: action and next state by state and cue.
        limits_s: seconds a state may last.
        retries_s: seconds after which a state wakes up.
        unsaid: actions that are left out.
    """
    lines = ["| State | Cue: action → next state | Limit |", "| --- | --- | --- |"]
    for state in states:
        rows = [
            f"{cue.name}: {action} → {after.name}"
            for (before, cue), (action, after) in table.items()
            if before is state and action not in unsaid
        ]
        if rows:
            limit = f"{limits_s[state]:g} s" if state in limits_s else ""
            retry = f", again every {retries_s[state]:g} s" if state in retries_s else ""
            lines.append(f"| {state.name} | {' · '.join(rows)} | {limit}{retry} |")
    return "\n".join(lines)
