"""What a check of a package says: one frozen value per finding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from moduline.errors import BadPackage, FormatError, Text

ERROR: Final = "error"
WARNING: Final = "warning"
NOTICE: Final = "notice"


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark about a package.

    Attributes:
        severity: "error" (must not be burnt), "warning" (unusual), "notice" (good to know).
        slug: stable name of the remark, such as "image-crc".
        part: name of the part it is about; "" for the package.
        text: the sentence; facts are filled in by ``say``.
    """

    severity: str
    slug: str
    part: str
    text: Text
    facts: Mapping[str, Any] = field(default_factory=dict)

    def say(self, lang: str) -> str:
        """The sentence in one language."""
        return self.text.say(lang, **self.facts)


def finding(severity: str, slug: str, part: str, en: str, zh: str, **facts: Any) -> Finding:
    """A finding of plain values."""
    return Finding(severity, slug, part, Text(en, zh), facts)


def of_error(slug: str, part: str, failure: FormatError, severity: str = ERROR) -> Finding:
    """The finding that a reader's error amounts to."""
    return Finding(severity, slug, part, failure.text, failure.facts)


def errors_of(findings: Iterable[Finding]) -> list[Finding]:
    """Only the findings that forbid burning."""
    return [one for one in findings if one.severity == ERROR]


def must_be_sound(findings: Iterable[Finding], package: str) -> None:
    """Stop when a package must not be burnt.

    Raises:
        BadPackage: there is an error among the findings.
    """
    wrong = errors_of(findings)
    if wrong:
        first = Text(_literal(wrong[0].say("en")), _literal(wrong[0].say("zh")))
        raise BadPackage(count=len(wrong), package=package, first=first)


def _literal(text: str) -> str:
    """A template that says exactly ``text``."""
    return text.replace("{", "{{").replace("}", "}}")
