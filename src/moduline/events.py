"""What long work reports: frozen values, no rendering.

A verb that takes time gets a ``report: Reporter`` and calls it with these values; the command line, the browser and
the records only differ in how they show them. ``where`` names the slot or module when several report at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """A named stage begins or ends; ``name`` is a stable slug such as ``burn.enter``."""

    name: str
    state: str  # "begin", "done" or "failed"
    where: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """Bytes done of a total; never decreases within one ``what``."""

    what: str
    done_bytes: int
    total_bytes: int
    where: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should know that is neither progress nor an error."""

    slug: str
    where: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


Event = Step | Progress | Notice
Reporter = Callable[[Event], None]


def silent(event: Event) -> None:
    """Reporter that drops everything."""
    del event


def to_json(event: Event) -> dict[str, Any]:
    """The event as one JSON-lines object; ``event`` is step, progress or notice."""
    return {"event": type(event).__name__.lower(), **asdict(event)}
