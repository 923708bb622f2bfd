"""What is wrong with a value somebody typed: a field, a sentence in both languages and its facts."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moduline.errors import BadField, Text


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that a rule does not accept, or accepts with a warning.

    Args:
        field: path of the field as in the API, such as ``windows[1].to``.
        text: what is wrong; ``{name}`` stands for a fact.
        facts: numbers and short strings of the sentence.
        is_warning: whether the value is accepted nevertheless.
    """

    field: str
    text: Text
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    is_warning: bool = False

    def say(self, lang: str = "en") -> str:
        """The sentence with its facts."""
        return self.text.say(lang, **self.facts)


def refuse_first(problems: tuple[Problem, ...]) -> None:
    """Raise the first problem that is not a warning.

    Raises:
        BadField: there is one; its fact ``also`` counts the further ones.
    """
    real = [problem for problem in problems if not problem.is_warning]
    if real:
        first = real[0]
        facts = {name: value for name, value in first.facts.items() if name not in {"field", "reason", "also"}}
        raise BadField(field=first.field, reason=first.text, also=len(real) - 1, **facts)
