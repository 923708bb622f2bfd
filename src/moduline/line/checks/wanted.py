"""What a measured value must be, and what was found: the two halves of every verdict.

Limits are written the same way in every kind of check: ``min``, ``max``, ``equals``, ``pattern``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from string import Template
from typing import Any, Final

from moduline.errors import BadAnswer, Text
from moduline.profiles.schema import Table

MAX_PATTERN: Final = 400
MAX_SHOWN: Final = 200
MAX_SEARCHED: Final = 8192
"""Characters of a value that a pattern is looked for in; a module may say more than anybody reads."""
LIMIT_KEYS: Final[Mapping[str, Text]] = {
    "min": Text("least value", "最小值"),
    "max": Text("greatest value", "最大值"),
    "equals": Text(
        "the value itself; in a text, `${column}` is that column of the unit's own data",
        "期望值；文本中的 `${列名}` 替换为该单元数据的对应列",
    ),
    "pattern": Text("regular expression that is found in the value", "在取值中应能匹配到的正则表达式"),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """What one measurement found.

    Args:
        value: for the record.
        limits: what it had to be, for the record.
        is_good: whether it is that.
        detail: why not, or what else is worth keeping; in English.
    """

    value: str
    limits: str
    is_good: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Limits of one value; without any, everything is good.

    Args:
        least: no smaller number.
        most: no greater number.
        equals: this very value; None: any.
        pattern: found in the value as text.
    """

    least: float | None = None
    most: float | None = None
    equals: bool | float | str | None = None
    pattern: re.Pattern[str] | None = None

    @classmethod
    def read(cls, table: Table, keys: tuple[str, ...] = tuple(LIMIT_KEYS), *, is_needed: bool = False) -> Wanted:
        """Take the limits out of a table.

        Args:
            table: of the check; ``keys`` are taken, nothing else.
            keys: which limits the check knows.
            is_needed: whether it is of no use without any.

        Raises:
            BadRecipe: a limit of the wrong type, a broken pattern, ``min`` above ``max``, or none where one is needed.
        """
        least = table.amount("min") if "min" in keys and table.has("min") else None
        most = table.amount("max") if "max" in keys and table.has("max") else None
        if least is not None and most is not None and least > most:
            table.refuse("min", "it is greater than max", "大于 max")
        equals = table.value("equals") if "equals" in keys and table.has("equals") else None
        if equals is not None and not isinstance(equals, bool | int | float | str):
            table.refuse("equals", "it must be a string, a number, true or false", "应为字符串、数值、true 或 false")
        pattern = read_pattern(table, "pattern") if "pattern" in keys else None
        found = cls(least, most, equals, pattern)
        if is_needed and found == cls():
            table.refuse(keys[0], "it needs one of {keys}", "需要 {keys} 之一", keys=", ".join(keys))
        return found

    def judge(self, value: Any, row: Mapping[str, str] | None = None) -> Measured:
        """Whether a value is good.

        Args:
            value: text, number, truth value, or anything that has a text.
            row: the unit's own data by column, for ``equals``.

        Raises:
            BadAnswer: ``equals`` names a column that the unit does not have.
        """
        equals = self._equals(row or {})
        is_good = (
            self._is_within(value)
            and (equals is None or _is_equal(value, equals))
            and (self.pattern is None or self.pattern.search(str(value)[:MAX_SEARCHED]) is not None)
        )
        return Measured(shown(value), self.told(equals), is_good)

    def _is_within(self, value: Any) -> bool:
        """Whether a value is a number within ``min`` and ``max``; anything is where there are none."""
        if self.least is None and self.most is None:
            return True
        number = as_number(value)
        return (
            number is not None
            and (self.least is None or number >= self.least)
            and (self.most is None or number <= self.most)
        )

    def filled(self, row: Mapping[str, str]) -> str:
        """The limits as the record has them, with the unit's own data in ``equals``.

        Raises:
            BadAnswer: ``equals`` names a column that the unit does not have.
        """
        return self.told(self._equals(row))

    def _equals(self, row: Mapping[str, str]) -> bool | float | str | None:
        return filled_in(self.equals, row) if isinstance(self.equals, str) else self.equals

    def told(self, equals: bool | float | str | None = None) -> str:
        """The limits as the record has them."""
        texts = []
        if self.least is not None or self.most is not None:
            texts.append(f"{_plain(self.least)}..{_plain(self.most)}")
        wanted = self.equals if equals is None else equals
        if wanted is not None:
            texts.append(shown(wanted))
        if self.pattern is not None:
            texts.append(f"/{self.pattern.pattern}/")
        return shown(" ".join(texts))


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a kind of check, for the reader's table.

    Args:
        name: as in the recipe.
        means: what it is.
        default: what holds without it; "" when it is needed or there is nothing.
    """

    name: str
    means: Text
    default: str = field(default="")


def limit_keys(*names: str) -> tuple[Key, ...]:
    """The rows of some limits."""
    return tuple(Key(name, LIMIT_KEYS[name]) for name in names)


def read_pattern(table: Table, key: str) -> re.Pattern[str] | None:
    """A regular expression of a table; None when it is not there.

    Raises:
        BadRecipe: it cannot be compiled, or is longer than 400 characters.
    """
    if not table.has(key):
        return None
    text = table.text(key)
    if len(text) > MAX_PATTERN:
        table.refuse(key, "longer than {most} characters", "超过 {most} 个字符", most=MAX_PATTERN)
    try:
        return re.compile(text)
    except (re.error, RecursionError, OverflowError) as wrong:
        table.refuse(key, "no regular expression: {why}", "不是有效的正则表达式：{why}", why=str(wrong))


def filled_in(text: str, row: Mapping[str, str]) -> str:
    """A text with ``${column}`` replaced by the unit's own data; a dollar sign is ``$$``.

    Raises:
        BadAnswer: the unit has no such column.
    """
    if "$" not in text:
        return text
    try:
        return Template(text).substitute(row)
    except (KeyError, ValueError) as wrong:
        raise BadAnswer(what=Text("the unit's own data", "单元数据"), answer=f"no column for {text[:80]}") from wrong


def shown(value: Any) -> str:
    """A value as the record has it: one line, printable, not without end."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    text = "".join(letter if letter.isprintable() else " " for letter in text[: 2 * MAX_SHOWN]).strip()
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."


def as_number(value: Any) -> float | None:
    """The number a value is or spells; None for anything else, and for what is no number at all."""
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return None if math.isnan(number) else number  # NaN is within no limits


def _is_equal(value: Any, wanted: bool | float | str) -> bool:
    if isinstance(wanted, bool) or isinstance(value, bool):
        return value is wanted
    if isinstance(wanted, str):
        return str(value) == wanted
    return as_number(value) == float(wanted)


def _plain(number: float | None) -> str:
    return "" if number is None else f"{number:g}" if abs(number) < 1e15 else str(number)
