"""Strict reading of TOML tables: every key is asked for, checked, and none is left over.

A ``Table`` is consumed key by key; ``end()`` refuses what nobody asked for, so a typing error in a profile, a recipe
or a ``moduline.toml`` is a message with file and key, never a silently ignored line. Pure: it gets text, not a path.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from moduline.errors import BadRecipe, Text

MAX_TOML_BYTES: Final = 256 << 10
_TYPE_NAMES: Final[Mapping[type, Text]] = {
    str: Text("a string", "字符串"),
    int: Text("an integer", "整数"),
    float: Text("a number", "数值"),
    bool: Text("true or false", "true 或 false"),
    list: Text("a list", "列表"),
    dict: Text("a table", "表"),
}
_MISSING: Final = object()


class Table:
    """One TOML table being read.

    Args:
        values: the table as ``tomllib`` gives it.
        path: name of the file, for messages.
        prefix: dotted name of the table within the file; empty for the file itself.
    """

    def __init__(self, values: Mapping[str, Any], path: str, prefix: str = "") -> None:
        self._rest = dict(values)
        self._path = path
        self._prefix = prefix
        self.source = ""

    @classmethod
    def parse(cls, data: bytes, path: str) -> Table:
        """The top table of a TOML file.

        Raises:
            BadRecipe: not UTF-8, not TOML, or larger than 256 KiB.
        """
        if len(data) > MAX_TOML_BYTES:
            raise BadRecipe(path=path, key="-", reason=Text("the file is too large", "文件过大"))
        try:
            return cls(tomllib.loads(data.decode("utf-8-sig")), path)
        except UnicodeDecodeError as wrong:
            raise BadRecipe(path=path, key="-", reason=Text("not UTF-8", "不是 UTF-8 编码")) from wrong
        except ValueError as wrong:  # of TOML, and of Python where a number has thousands of digits
            why = Text("not TOML: {detail}", "不是 TOML：{detail}")
            raise BadRecipe(path=path, key="-", reason=why, detail=str(wrong)) from wrong
        except RecursionError as wrong:
            raise BadRecipe(path=path, key="-", reason=Text("nested too deep", "嵌套过深")) from wrong

    def text(self, key: str, default: Any = _MISSING) -> str:
        """A string."""
        return str(self._take(key, str, default))

    def number(self, key: str, default: Any = _MISSING) -> int:
        """An integer that is not negative."""
        value = self._take(key, int, default)
        if isinstance(value, bool) or int(value) < 0:
            self.refuse(key, "it must be an integer from 0 on", "应为不小于 0 的整数")
        return int(value)

    def seconds(self, key: str) -> float:
        """A number of seconds."""
        value = self._rest.get(key)
        return float(self.number(key)) if isinstance(value, int) else float(self._take(key, float, _MISSING))

    def amount(self, key: str, default: Any = _MISSING) -> float:
        """A number of any sign, whole or not."""
        value = self._rest.get(key)
        kind = int if isinstance(value, int) else float
        value = self._take(key, kind, default)
        if isinstance(value, bool) or not math.isfinite(value):
            self.refuse(key, "it must be a number", "应为数值")
        return float(value)

    def flag(self, key: str, default: Any = _MISSING) -> bool:
        """True or false."""
        return bool(self._take(key, bool, default))

    def value(self, key: str, default: Any = _MISSING) -> Any:
        """A value of any kind; whoever asks checks it."""
        return self._take(key, object, default)

    def choice(self, key: str, allowed: tuple[str, ...], default: Any = _MISSING) -> str:
        """One of a few strings."""
        value = self.text(key, default)
        if value not in allowed and value != default:
            en, zh = "'{value}' is none of {allowed}", "“{value}”不在 {allowed} 之中"
            self.refuse(key, en, zh, value=value, allowed=", ".join(allowed))
        return value

    def texts(self, key: str, default: Any = _MISSING) -> tuple[str, ...]:
        """A list of strings."""
        values = self._take(key, list, default)
        if not all(isinstance(value, str) for value in values):
            self.refuse(key, "it must be a list of strings", "应为字符串列表")
        return tuple(values)

    def table(self, key: str) -> Table:
        """A table within this one."""
        return Table(self._take(key, dict, _MISSING), self._path, self._name(key))

    def tables(self, key: str, default: Any = _MISSING) -> tuple[Table, ...]:
        """A list of tables (``[[key]]``)."""
        values = self._take(key, list, default)
        if not all(isinstance(value, dict) for value in values):
            self.refuse(key, "it must be a list of tables", "应为表的列表")
        return tuple(Table(value, self._path, f"{self._name(key)}[{i}]") for i, value in enumerate(values))

    def names(self) -> tuple[str, ...]:
        """Keys that stand there and were not read yet, in the order of the file."""
        return tuple(self._rest)

    def has(self, key: str) -> bool:
        """Whether the key stands there and was not read yet."""
        return key in self._rest

    def sourced(self) -> Table:
        """This table, after its ``source`` was taken off and kept in ``source``.

        Raises:
            BadRecipe: a table of facts without a source.
        """
        self.source = self.text("source").strip()
        if not self.source:
            self.refuse("source", "a fact needs a source", "事实需注明出处")
        return self

    @property
    def is_inferred(self) -> bool:
        """Whether the facts of this table are this project's choice: their source says so first."""
        return self.source.startswith("inferred")

    def end(self) -> None:
        """Say that everything was read.

        Raises:
            BadRecipe: keys are left over.
        """
        for key in self._rest:
            self.refuse(key, "unknown key", "未知字段")

    def refuse(self, key: str, en: str, zh: str, **facts: Any) -> NoReturn:
        """Raise BadRecipe for a key of this table; ``facts`` fill the texts.

        Raises:
            BadRecipe: always.
        """
        raise BadRecipe(**facts, path=self._path, key=self._name(key), reason=Text(en, zh))

    def _name(self, key: str) -> str:
        return f"{self._prefix}.{key}" if self._prefix else key

    def _take(self, key: str, kind: type, default: Any) -> Any:
        value = self._rest.pop(key, default)
        if value is _MISSING:
            self.refuse(key, "it is missing", "缺少该字段")
        if value is not default and not isinstance(value, kind):
            name = _TYPE_NAMES[kind]
            self.refuse(key, f"it must be {name.en}", f"应为{name.zh}")
        return value
