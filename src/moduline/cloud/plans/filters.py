r"""The language of filters over attributes and tags of devices, the one operators know from hawkBit (RSQL).

::

    filter  = and { ("," | "or") and }          "or" binds weaker than "and"
    and     = term { (";" | "and") term }
    term    = "(" filter ")" | test
    test    = name op value | name ("=in=" | "=out=") "(" value { "," value } ")"
    op      = "==" | "!=" | "<" | "<=" | ">" | ">=" | "=lt=" | "=le=" | "=gt=" | "=ge="
    name    = "tag" | "dk" | "version" | "cell" | "model" | "attr." word | "mcu." word | "fact." word
    value   = word | "'" text "'" | '"' text '"'     \ quotes a character; * in == and != stands for anything

``tag==pilot`` asks whether the device has the tag, ``tag!=pilot`` whether it has not. A name the device lacks fails
every test but ``!=`` and ``=out=``. ``<`` and its kin compare piece by piece as versions (``1.10`` is more than
``1.9``), but as numbers when both are and the name is no version. ``==`` takes no notice of upper and lower case, as
in hawkBit.

Hostile texts: length, depth and number of tests are limited, and every error has its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

from moduline.errors import BadField, Text

MOST_LENGTH: Final = 4096
MOST_DEPTH: Final = 20
MOST_TESTS: Final = 200
NAMES: Final = ("tag", "dk", "version", "cell", "model")
PREFIXES: Final = ("attr.", "mcu.", "fact.")
_OPERATORS: Final = ("=in=", "=out=", "=lt=", "=le=", "=gt=", "=ge=", "==", "!=", "<=", ">=", "<", ">")
_SAME: Final[Mapping[str, str]] = {"=lt=": "<", "=le=": "<=", "=gt=": ">", "=ge=": ">="}
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)
_WORD: Final = re.compile(r"[^\s\"'();,=!<>~\\]+")
_BLANK: Final = re.compile(r"\s*")
_PIECES: Final = re.compile(r"[0-9]+|[^0-9._+-]+")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)
_VERSIONS: Final = ("version", "mcu.")


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison.

    Args:
        name: what is asked.
        operator: one of ``== != < <= > >= =in= =out=``.
        values: one, or several of ``=in=`` and ``=out=``.
    """

    __test__ = False

    name: str
    operator: str
    values: tuple[str, ...]

    def holds(self, facts: Mapping[str, Iterable[str]]) -> bool:
        """Whether it is true of a device, see ``Filter.holds``."""
        found = tuple(facts.get(self.name, ()))
        if self.operator in {"!=", "=out="}:
            return not any(_like(one, value) for one in found for value in self.values)
        if self.operator in {"==", "=in="}:
            return any(_like(one, value) for one in found for value in self.values)
        return any(_holds(self.operator, _order(self.name, one, self.values[0])) for one in found)


@dataclass(frozen=True, slots=True)
class Group:
    """Several tests of which all (``and``) or one (``or``) must hold.

    Args:
        is_all: whether all must.
        members: at least two.
    """

    is_all: bool
    members: tuple[Test | Group, ...]

    def holds(self, facts: Mapping[str, Iterable[str]]) -> bool:
        """Whether it is true of a device, see ``Filter.holds``."""
        join = all if self.is_all else any
        return join(member.holds(facts) for member in self.members)


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that was read.

    Args:
        text: as the operator wrote it.
        root: what must hold.
    """

    text: str
    root: Test | Group

    def holds(self, facts: Mapping[str, Iterable[str]]) -> bool:
        """Whether it is true of a device.

        Args:
            facts: every name of the grammar the device has, with its values; several only of ``tag``.
        """
        return self.root.holds(facts)


def parse_filter(text: str) -> Filter:
    """Read a filter.

    Raises:
        BadField: it is none; the fact ``at`` counts characters from 0.
    """
    if len(text) > MOST_LENGTH:
        _fail(text, MOST_LENGTH, Text("longer than {most} characters", "超过 {most} 个字符"), most=MOST_LENGTH)
    reader = _Reader(text)
    root = reader.any_of(0)
    if reader.at < len(text):
        _fail(text, reader.at, Text("';', ',' or the end is expected", "此处应为“;”、“,”或结尾"))
    return Filter(text, root)


def _fail(text: str, at: int, reason: Text, **facts: object) -> NoReturn:
    """Raise the error of a place.

    Raises:
        BadField: always.
    """
    near = text[at : at + 12]
    told = Text(
        f"at {{at}} {'near ' if near else '(the end)'}{{near}}: {reason.en}",
        f"第 {{at}} 个字符{'“' if near else '（结尾）'}{{near}}{'”处' if near else ''}：{reason.zh}",
    )
    raise BadField(field="filter", reason=told, at=at, near=near, **facts)


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0
    tests: int = 0

    def any_of(self, depth: int) -> Test | Group:
        if depth > MOST_DEPTH:
            _fail(self.text, self.at, Text("nested deeper than {most}", "嵌套超过 {most} 层"), most=MOST_DEPTH)
        members = [self._all_of(depth)]
        while self._takes(",", "or"):
            members.append(self._all_of(depth))
        return members[0] if len(members) == 1 else Group(is_all=False, members=tuple(members))

    def _all_of(self, depth: int) -> Test | Group:
        members = [self._term(depth)]
        while self._takes(";", "and"):
            members.append(self._term(depth))
        return members[0] if len(members) == 1 else Group(is_all=True, members=tuple(members))

    def _term(self, depth: int) -> Test | Group:
        self._skip()
        if self.text.startswith("(", self.at):
            self.at += 1
            inner = self.any_of(depth + 1)
            self._need(")")
            return inner
        self.tests += 1
        if self.tests > MOST_TESTS:
            _fail(self.text, self.at, Text("more than {most} tests", "条件超过 {most} 个"), most=MOST_TESTS)
        name = self._name()
        operator = self._operator()
        values = self._several() if operator in {"=in=", "=out="} else (self._value(),)
        return Test(name, _SAME.get(operator, operator), values)

    def _skip(self) -> None:
        found = _BLANK.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _takes(self, sign: str, word: str) -> bool:
        self._skip()
        if self.text.startswith(sign, self.at):
            self.at += 1
            return True
        after = self.text[self.at + len(word) : self.at + len(word) + 1]
        if self.text[self.at : self.at + len(word)].lower() == word and (after.isspace() or after == "("):
            self.at += len(word)
            return True
        return False

    def _need(self, sign: str) -> None:
        self._skip()
        if not self.text.startswith(sign, self.at):
            _fail(self.text, self.at, Text("'{sign}' is expected", "此处应为“{sign}”"), sign=sign)
        self.at += 1

    def _name(self) -> str:
        found = _NAME.match(self.text, self.at)
        name = found.group() if found else ""
        if name not in NAMES and not any(name.startswith(prefix) and name != prefix for prefix in PREFIXES):
            text = Text("a name is expected: {known}", "此处应为名称：{known}")
            _fail(self.text, self.at, text, known=", ".join((*NAMES, *(f"{prefix}…" for prefix in PREFIXES))))
        self.at += len(name)
        return name

    def _operator(self) -> str:
        self._skip()
        for operator in _OPERATORS:
            if self.text[self.at : self.at + len(operator)].lower() == operator:
                self.at += len(operator)
                return operator
        text = Text("a comparison is expected: {known}", "此处应为比较符：{known}")
        _fail(self.text, self.at, text, known=" ".join(_OPERATORS))

    def _several(self) -> tuple[str, ...]:
        self._need("(")
        values = [self._value()]
        self._skip()
        while self.text.startswith(",", self.at):
            self.at += 1
            values.append(self._value())
            self._skip()
        self._need(")")
        return tuple(values)

    def _value(self) -> str:
        self._skip()
        quote = self.text[self.at : self.at + 1]
        if quote and quote in "'\"":
            return self._quoted(quote)
        found = _WORD.match(self.text, self.at)
        if not found:
            _fail(self.text, self.at, Text("a value is expected", "此处应为值"))
        self.at = found.end()
        return found.group()

    def _quoted(self, quote: str) -> str:
        begin, self.at = self.at, self.at + 1
        letters: list[str] = []
        while self.at < len(self.text):
            letter = self.text[self.at]
            if letter == quote:
                self.at += 1
                return "".join(letters)
            if letter == "\\" and self.at + 1 < len(self.text):
                self.at += 1
                letter = self.text[self.at]
            letters.append(letter)
            self.at += 1
        _fail(self.text, begin, Text("the quotation does not end", "引号没有结束"))


def _like(found: str, wanted: str) -> bool:
    """Equality without case; ``*`` stands for anything. No regular expression, so no text makes it slow."""
    found, wanted = found.casefold(), wanted.casefold()
    if "*" not in wanted:
        return found == wanted
    first, *middle, last = wanted.split("*")
    if len(found) < len(first) + len(last) or not found.startswith(first) or not found.endswith(last):
        return False
    at, end = len(first), len(found) - len(last)
    for piece in middle:
        at = found.find(piece, at, end)
        if at < 0:
            return False
        at += len(piece)
    return True


def _order(name: str, found: str, wanted: str) -> int:
    """-1, 0 or 1: how the two stand to each other."""
    if not name.startswith(_VERSIONS) and _NUMBER.fullmatch(found) and _NUMBER.fullmatch(wanted):
        left, right = float(found), float(wanted)
        return (left > right) - (left < right)
    first, second = _version_key(found), _version_key(wanted)
    return (first > second) - (first < second)


def _holds(operator: str, order: int) -> bool:
    return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[operator]


def _version_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Pieces of a version; digits are more than letters and compare as numbers of any length."""
    pieces = _PIECES.findall(text.lower())
    digits = [piece.lstrip("0") if piece[0] in "0123456789" else None for piece in pieces]
    return tuple(
        (0, 0, piece) if number is None else (1, len(number), number)
        for piece, number in zip(pieces, digits, strict=True)
    )
