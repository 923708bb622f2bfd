"""A fleet that moves here from another platform: its list as CSV or JSON Lines, each line judged by itself.

::

    CSV     dk,ds,version,cell,tags,attr.site       dk, devicekey or imei; ds or devicesecret; ',' ';' or tab between
            860...01,00112233...,V1,,pilot; batch=7,Berlin
    JSONL   {"dk": "860...01", "ds": "00112233...", "tags": {"pilot": "", "site": "Berlin"}}

What ``moduline ota export devices`` writes is read as well. A secret is in no reason, so it gets into no message.

Source: ota-semantics 1, 11.1 (device key, device secret, password form 1).
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from moduline.cloud.devices.device import DK
from moduline.errors import BadField, Text

DS: Final = re.compile(r"[!-~]{1,32}")
"""What a device secret is; that of the vendor's platform has 32 hex digits. Source: ota-semantics 11.4, id 5."""
TAG: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
MOST_TAGS: Final = 64
VALUE_LIMIT: Final = 256
VERSION_LIMIT: Final = 64
CELL_LIMIT: Final = 100
ATTRIBUTE: Final = "attr."
_KEYS: Final = {
    "dk": "dk", "devicekey": "dk", "imei": "dk", "ds": "ds", "devicesecret": "ds", "version": "version",
    "cell": "cell", "tags": "tags",
}  # fmt: skip
_OURS: Final = frozenset(_KEYS) - {"imei"}
"""Columns that no CSV of the production line has; its key is ``imei``."""
_ROUNDED: Final = re.compile(r"[0-9]+([.,][0-9]+)?[Ee]\+?[0-9]+")
_NO_KEY: Final = Text("1 to 16 letters, digits, '_' or '-'", "须为 1–16 位字母、数字、“_”或“-”")
_NO_SECRET: Final = Text("1 to 32 printable characters without a space", "须为 1–32 个不含空格的可打印 ASCII 字符")
_WAS_ROUNDED: Final = Text("rounded by a spreadsheet; export it as text", "已被电子表格取近似值，请以文本格式导出")
_NO_TEXT: Final = Text("one printable line of at most {most} characters", "须为不超过 {most} 个字符的单行文本")
_NO_TAG: Final = Text("1 to 64 letters, digits, '_', '.', ':' or '-'", "须为 1–64 位字母、数字、“_”、“.”、“:”或“-”")
_MANY_TAGS: Final = Text("at most {most} tags per device", "每台设备最多 {most} 个标签")
_TWICE: Final = Text("this device was on line {line} already", "该设备已出现在第 {line} 行")
_NO_JSON: Final = Text("not a JSON object", "不是 JSON 对象")
_NO_NAME: Final = Text("no such field; known: {known}", "未知字段，可用：{known}")
_CELLS: Final = Text("{count} cells, {most} columns", "有 {count} 个单元格，列数为 {most}")
_NO_COLUMN: Final = Text("no column 'dk' in the first line", "首行缺少 dk 列")


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A device that comes from another platform.

    Args:
        dk: device key.
        ds: its secret; "": it will ask for one.
        version: of the module, as the other platform knew it; "": not known.
        cell: radio cell; "": not known.
        tags: name -> value; "" is a plain tag.
    """

    dk: str
    ds: str = field(default="", repr=False)
    version: str = ""
    cell: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a line cannot be.

    Args:
        line: number in the file, from 1.
        field: which of its fields.
        reason: never has a secret in it.
    """

    line: int
    field: str
    reason: Text


@dataclass(frozen=True, slots=True)
class FleetList:
    """What a file says.

    Args:
        newcomers: of lines without a fault, in their order.
        faults: by line.
        ignored: columns that mean nothing here.
    """

    newcomers: tuple[Newcomer, ...]
    faults: tuple[Fault, ...]
    ignored: tuple[str, ...] = ()


class _WrongError(Exception):
    """A field that cannot be so."""

    def __init__(self, field: str, reason: Text, **facts: object) -> None:
        super().__init__(field)
        self.field = field
        self.reason = Text(reason.en.format(**facts), reason.zh.format(**facts))


def from_csv(text: str) -> FleetList:
    """The devices of a table.

    Raises:
        BadField: its first line names no column of device keys.
    """
    text = text.removeprefix("\ufeff")
    rows = csv.reader(io.StringIO(text), delimiter=_separator(text))
    try:
        head = [one.strip() for one in next(rows, [])]
        names = [_column(one) for one in head]
        if "dk" not in names:
            raise BadField(field="csv", reason=_NO_COLUMN)
        found = _judged((rows.line_num, _row(names, row)) for row in rows if any(cell.strip() for cell in row))
    except csv.Error as wrong:
        raise BadField(field=f"csv.{rows.line_num}", reason=str(wrong)) from wrong
    ignored = tuple(one for one, name in zip(head, names, strict=True) if not name and one)
    return FleetList(found.newcomers, found.faults, ignored)


def from_jsonl(text: str) -> FleetList:
    """The devices of JSON Lines."""
    lines = enumerate(text.removeprefix("\ufeff").split("\n"), 1)
    return _judged((number, _object(line)) for number, line in lines if line.strip())


def is_table(text: str) -> bool:
    """Whether a text is a table of device keys, and not that of the production line."""
    text = text.removeprefix("\ufeff")
    try:
        head = [one.strip() for one in next(csv.reader(io.StringIO(text), delimiter=_separator(text)), [])]
    except csv.Error:
        return False
    names = {_plain(one) for one in head}
    return bool(names & _OURS) or any(one.startswith(ATTRIBUTE) for one in head)


def checked(newcomer: Newcomer) -> Newcomer:
    """A device as it may be kept.

    Raises:
        BadField: something of it cannot be so.
    """
    try:
        return _checked(newcomer)
    except _WrongError as wrong:
        raise BadField(field=wrong.field, reason=wrong.reason) from wrong


def _judged(lines: Iterable[tuple[int, Newcomer | _WrongError]]) -> FleetList:
    seen: dict[str, int] = {}
    good: list[Newcomer] = []
    faults: list[Fault] = []
    for number, found in lines:
        try:
            if isinstance(found, _WrongError):
                raise found
            one = _checked(found)
            if one.dk in seen:
                raise _WrongError("dk", _TWICE, line=seen[one.dk])
        except _WrongError as wrong:
            faults.append(Fault(number, wrong.field, wrong.reason))
        else:
            seen[one.dk] = number
            good.append(one)
    return FleetList(tuple(good), tuple(faults))


def _checked(one: Newcomer) -> Newcomer:
    if not DK.fullmatch(one.dk):
        raise _WrongError("dk", _WAS_ROUNDED if _ROUNDED.fullmatch(one.dk) else _NO_KEY)
    if one.ds and not DS.fullmatch(one.ds):
        raise _WrongError("ds", _NO_SECRET)
    for name, value, most in (("version", one.version, VERSION_LIMIT), ("cell", one.cell, CELL_LIMIT)):
        _require_line(name, value, most)
    for name, value in one.tags.items():
        if not TAG.fullmatch(name):
            raise _WrongError("tags", _NO_TAG)
        _require_line(f"tags.{name}", value, VALUE_LIMIT)
    if len(one.tags) > MOST_TAGS:
        raise _WrongError("tags", _MANY_TAGS, most=MOST_TAGS)
    return one


def _require_line(name: str, value: str, most: int) -> None:
    if len(value) > most or not value.isprintable():
        raise _WrongError(name, _NO_TEXT, most=most)


def _separator(text: str) -> str:
    head = text.partition("\n")[0]
    return max(",;\t", key=head.count)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def _column(name: str) -> str:
    """What a column is: one of the known, an attribute, or "" for nothing that is known here."""
    return name if name.startswith(ATTRIBUTE) else _KEYS.get(_plain(name), "")


def _row(names: list[str], row: list[str]) -> Newcomer | _WrongError:
    """A row of the table; in a spreadsheet a ``'`` before a number says that it is text."""
    if len(row) > len(names) and any(cell.strip() for cell in row[len(names) :]):
        return _WrongError("csv", _CELLS, count=len(row), most=len(names))
    known: dict[str, str] = {}
    tags: dict[str, str] = {}
    for name, cell in zip(names, row, strict=False):
        value = cell.strip()
        if name == "tags":
            tags |= dict(_tags(value))
        elif name.startswith(ATTRIBUTE) and value:
            tags[name.removeprefix(ATTRIBUTE)] = value
        elif name and (value or name not in known):
            known[name] = value.lstrip("'") if name == "dk" else value
    fields = {name: value for name, value in known.items() if not name.startswith(ATTRIBUTE)}
    return Newcomer(**{"dk": "", **fields}, tags=tags)


def _tags(text: str) -> Iterator[tuple[str, str]]:
    """``pilot; site=Berlin``, as the export writes it."""
    for part in text.split(";"):
        name, _, value = part.strip().partition("=")
        if name:
            yield name, value


def _object(line: str) -> Newcomer | _WrongError:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return _WrongError("json", _NO_JSON)
    if not isinstance(found, dict):
        return _WrongError("json", _NO_JSON)
    tags = found.pop("tags", None) or {}
    fields: dict[str, Any] = {}
    for name, value in found.items():
        known = _KEYS.get(_plain(name))
        if known is None:
            return _WrongError(name[:32], _NO_NAME, known=", ".join(dict.fromkeys(_KEYS.values())))
        fields[known] = "" if value is None else str(value) if isinstance(value, int) else value
    if not all(isinstance(value, str) for value in fields.values()):
        return _WrongError("json", _NO_TEXT, most=VALUE_LIMIT)
    if not isinstance(tags, dict) or not all(isinstance(value, str) for value in tags.values()):
        return _WrongError("tags", _NO_TEXT, most=VALUE_LIMIT)
    return Newcomer(**{"dk": "", **fields}, tags=tags)
