"""The error tree: every failure a user can meet, with its code, exit code and both languages.

::

    ModulineError
    ├── UsageError        the caller asked something wrong
    ├── FormatError       the input is wrong (file, image, package, recording)
    ├── PeerError         the other end of a wire misbehaved
    ├── WorldError        ports, files, storage, network failed
    └── Refusal           possible, but against a rule (policy, size, model, the user said no)

A code is ``ML-E`` + exit code (two digits) + running number (two digits). Errors carry *facts* as keyword
arguments; the sentence is composed from them, so a fact named in a text must be given. Exit codes are a promise
(docs/reference/errors.md); a bug is none of these: it is an assertion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

LANGUAGES = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in both languages; ``{name}`` is replaced by the fact of that name."""

    en: str
    zh: str

    def say(self, lang: str, **facts: Any) -> str:
        """The sentence in ``lang`` ("en" or "zh") with the facts filled in; a fact may be a Text itself."""
        plain = {name: value for name, value in facts.items() if not isinstance(value, Text)}
        texts = {name: fact for name, fact in facts.items() if isinstance(fact, Text)}
        said = {name: fact.say(lang, **plain) for name, fact in texts.items()}
        spoken = plain | said
        if len(texts) > 1:  # one may name another: "it is {state}"
            spoken |= {name: fact.say(lang, **spoken) for name, fact in texts.items()}
        sentence = self.zh if lang == "zh" else self.en
        try:
            return sentence.format_map(_Facts(spoken))
        except (ValueError, IndexError, AttributeError, KeyError):  # braces that came with a user's own words
            return sentence

    def __str__(self) -> str:
        return self.en


class _Facts(dict[str, Any]):
    """Facts for a template; an unknown one shows as ``?`` instead of raising inside an error."""

    def __missing__(self, key: str) -> str:
        return "?"


class ModulineError(Exception):
    """Root of the tree; only its leaves are raised.

    Args:
        facts: what failed, where, what was expected; numbers and short strings, ready for JSON.
    """

    code: ClassVar[str] = ""
    slug: ClassVar[str] = ""
    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500
    text: ClassVar[Text] = Text("internal fault", "内部故障")
    hint: ClassVar[Text] = Text("please report this", "请反馈此问题")

    def __init__(self, **facts: Any) -> None:
        super().__init__(facts)
        self.facts = facts

    def message(self, lang: str = "en") -> str:
        """What failed and where, one sentence."""
        return self.text.say(lang, **self.facts)

    def remedy(self, lang: str = "en") -> str:
        """What the user can do about it, one sentence."""
        return self.hint.say(lang, **self.facts)

    def __str__(self) -> str:
        return f"{self.code} {self.message()}"


class UsageError(ModulineError):
    """The caller asked something wrong."""

    exit_code = 2
    http_status = 400


class FormatError(ModulineError):
    """The input is wrong."""

    exit_code = 8
    http_status = 422


class PeerError(ModulineError):
    """The other end of a wire misbehaved."""

    exit_code = 6
    http_status = 502


class WorldError(ModulineError):
    """Ports, files, storage or the network failed."""

    exit_code = 1
    http_status = 503


class Refusal(ModulineError):
    """Possible, but against a rule."""

    exit_code = 15
    http_status = 409


def leaves(root: type[ModulineError] = ModulineError) -> list[type[ModulineError]]:
    """Every error that can be raised, in the order of definition."""
    subclasses = root.__subclasses__()
    if not subclasses:
        return [root]
    return [leaf for subclass in subclasses for leaf in leaves(subclass)]


def failure_of(said: object) -> ModulineError | None:
    """The failure that a process of ours answered with as JSON; None for anything else.

    Args:
        said: ``{"code", "facts", ...}``; a fact of two languages is a Text again.
    """
    if not isinstance(said, dict) or not isinstance(said.get("facts"), dict):
        return None
    leaf = next((leaf for leaf in leaves() if leaf.code == said.get("code")), None)
    if leaf is None:
        return None
    return leaf(
        **{
            name: Text(fact["en"], fact["zh"]) if isinstance(fact, dict) and set(fact) == {"en", "zh"} else fact
            for name, fact in said["facts"].items()
        }
    )
