"""What a page of ``explain`` is."""

from __future__ import annotations

from dataclasses import dataclass

from moduline.errors.tree import Text


@dataclass(frozen=True, slots=True)
class Page:
    """What stands behind one error code.

    Args:
        cause: how one comes to it, most frequent first.
        example: a command to type, with a word on what it does.
        remedy: what to do; None where the error's own hint says it without facts.
    """

    cause: Text
    example: Text
    remedy: Text | None = None


def page(causes: tuple[str, str], command: str, does: tuple[str, str], remedy: tuple[str, str] | None = None) -> Page:
    """A page from pairs of English and Chinese.

    Args:
        causes: how one comes to it.
        command: a command to type, the same in both languages.
        does: what it does.
        remedy: what to do, where the hint names facts.
    """
    example = Text(f"{command}    # {does[0]}", f"{command}    # {does[1]}")
    return Page(Text(*causes), example, Text(*remedy) if remedy else None)
