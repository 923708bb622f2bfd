"""What looking at a project says: remarks with file and line, and files left out, each with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from moduline.errors import BadProject, Text

ERROR: Final = "error"
NOTICE: Final = "notice"


@dataclass(frozen=True, slots=True)
class Remark:
    """One remark about a project.

    Attributes:
        severity: "error" (nothing is merged) or "notice".
        slug: stable name, such as "name-missing".
        path: file within the project folder.
        line: from 1 on; 0 when it is about the file as a whole.
        reason: what it is; its facts are filled in by ``say``.
        remedy: what to do.
        facts: what the two texts name.
    """

    severity: str
    slug: str
    path: str
    line: int
    reason: Text
    remedy: Text
    facts: Mapping[str, Any] = field(default_factory=dict)

    def say(self, lang: str) -> str:
        """``file:line: reason`` in one language."""
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.reason.say(lang, **self.facts)}"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that is not merged, or not compiled, and why; a folder ends in ``/``."""

    path: str
    reason: Text


def errors_of(remarks: Iterable[Remark]) -> tuple[Remark, ...]:
    """Only the remarks that forbid merging."""
    return tuple(one for one in remarks if one.severity == ERROR)


def must_be_sound(remarks: Iterable[Remark]) -> None:
    """Stop when a project must not be merged.

    Raises:
        BadProject: there is an error among the remarks; it carries the first in its text and all in ``findings``.
    """
    wrong = errors_of(remarks)
    if wrong:
        first = wrong[0]
        rows = [
            {"path": one.path, "line": one.line, "slug": one.slug, "reason": one.reason.say("en", **one.facts)}
            for one in wrong
        ]
        told = {"path": first.path, "line": first.line, "reason": first.reason, "remedy": first.remedy}
        raise BadProject(**dict(first.facts) | told, slug=first.slug, count=len(wrong), findings=rows)
