"""A job as a value: what was asked, how far it is, what came out."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from moduline.errors import ModulineError, Text


class JobState(StrEnum):
    """Where a job stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def is_over(self) -> bool:
        """Whether nothing comes any more."""
        return self is not JobState.RUNNING


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as it is at one moment.

    Args:
        id: unlike all others; later ones sort behind.
        kind: such as ``burn``; pages find their jobs by it.
        title: what it does, for people.
        owner: name of the account that started it.
        key: what it works at, such as the address of a module; "" for nothing particular.
        page: path that shows more of it; "" for none.
        started_at: UTC seconds.
        state: where it stands.
        ended_at: UTC seconds; None while it runs.
        step: slug of the stage that began last.
        done_bytes: of what the last progress was about.
        total_bytes: of the same; 0: not known.
        result: facts that the work gave.
        error: code, message and remedy in both languages, and facts; None: it did not fail.
    """

    id: str
    kind: str
    title: Text
    owner: str
    key: str
    page: str
    started_at: float
    state: JobState = JobState.RUNNING
    ended_at: float | None = None
    step: str = ""
    done_bytes: int = 0
    total_bytes: int = 0
    result: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] | None = None

    @property
    def share(self) -> float | None:
        """How much is done, 0 to 1; None: not known."""
        return min(1.0, self.done_bytes / self.total_bytes) if self.total_bytes else None

    def to_json(self) -> dict[str, Any]:
        """As kept in a file."""
        return asdict(self) | {"state": str(self.state)}

    @classmethod
    def of_json(cls, kept: dict[str, Any]) -> Self:
        """From a file.

        Raises:
            ValueError, KeyError, TypeError: it is none.
        """
        return cls(**(kept | {"title": Text(**kept["title"]), "state": JobState(kept["state"])}))

    def ended(self, state: JobState, at: float, **more: Any) -> Self:
        """The same at its end."""
        return replace(self, state=state, ended_at=at, **more)


def told(failure: ModulineError) -> dict[str, Any]:
    """An error as kept with a job: both languages, facts as text."""
    return {
        "code": failure.code,
        "message": {"en": failure.message("en"), "zh": failure.message("zh")},
        "hint": {"en": failure.remedy("en"), "zh": failure.remedy("zh")},
        "facts": {name: str(fact) for name, fact in failure.facts.items()},
    }
