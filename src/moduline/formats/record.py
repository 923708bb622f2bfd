"""Field tables: a binary structure is declared once, and reading, writing and describing are derived from it.

::

    HEADER = RecordTable("pac header", (
        Field("version", "utf16:48", "format version"),
        Field("size",    "u32",      "whole file", "bytes"),
        ...
    ), total_bytes=2124)

    HEADER.unpack(data, at=0) -> {"version": WideText, "size": 9893, ...}
    HEADER.pack(values)       -> 2124 bytes

Kinds: ``u8 u16 u32 u64`` (little-endian), ``u16be u32be``, ``bytes:N`` (kept as they are), ``utf16:N`` (N bytes of
UTF-16LE, a ``WideText``), and ``u16[N]``, ``u32[N]`` (a tuple). Every kind gives back the same bytes it read.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from moduline.errors import BadFormat, Text, TooBig

_INTEGERS: Final = {"u8": "<B", "u16": "<H", "u32": "<I", "u64": "<Q", "u16be": ">H", "u32be": ">I"}
_KIND: Final = re.compile(r"(?P<base>u8|u16|u32|u64|u16be|u32be|bytes|utf16)(?::(?P<width>\d+)|\[(?P<count>\d+)\])?")


@dataclass(frozen=True, slots=True)
class WideText:
    """A UTF-16LE field: its text up to the first U+0000, and whatever bytes stand behind it.

    ``raw`` has no trailing zero bytes, so equal fields are equal values.

    Source: platform-unisoc 2.4.
    """

    raw: bytes = b""

    @classmethod
    def of(cls, text: str) -> Self:
        """The field that holds ``text`` and nothing behind it."""
        return cls(text.encode("utf-16-le", "replace").rstrip(b"\0"))

    @classmethod
    def unpack(cls, field: bytes) -> Self:
        """The value of a whole field as read from a file."""
        return cls(field.rstrip(b"\0"))

    def pack(self, width: int) -> bytes:
        """The field, ``width`` bytes, padded with zeros.

        Raises:
            TooBig: the text does not fit.
        """
        if len(self.raw) > width:
            raise TooBig(
                what=Text("the text '{shown}'", "文本“{shown}”"), need=len(self.raw), have=width, shown=self.text
            )
        return self.raw.ljust(width, b"\0")

    @property
    def text(self) -> str:
        """The text before the first U+0000; undecodable units become U+FFFD."""
        even = self.raw + b"\0" * (len(self.raw) % 2)
        return even.decode("utf-16-le", "replace").partition("\0")[0]

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a field table."""

    name: str
    kind: str
    meaning: str
    unit: str = ""


class RecordTable:
    """A fixed-size structure as a table of fields.

    Args:
        name: what the structure is, for error messages.
        fields: the rows, in order, without gaps.
        total_bytes: the size the specification states; checked here.
    """

    def __init__(self, name: str, fields: Sequence[Field], *, total_bytes: int) -> None:
        self.name = name
        self.fields = tuple(fields)
        self.total_bytes = total_bytes
        self.offsets: dict[str, int] = {}
        self._codes: list[tuple[Field, str, int, bool]] = []
        at = 0
        for field in self.fields:
            code, width, is_array = _code_of(field.kind)
            assert field.name not in self.offsets, field.name
            self.offsets[field.name] = at
            self._codes.append((field, code, width, is_array))
            at += width
        assert at == total_bytes, f"{name}: fields are {at} bytes, stated are {total_bytes}"

    def unpack(self, data: bytes, at: int = 0) -> dict[str, Any]:
        """Field values of the structure at offset ``at``.

        Raises:
            BadFormat: the data ends before the structure does (rule ``truncated``).
        """
        if at < 0 or at + self.total_bytes > len(data):
            raise BadFormat(
                format=self.name,
                reason=Text("the data ends too early", "数据过早结束"),
                offset=min(max(at, 0), len(data)),
                rule="truncated",
            )
        values: dict[str, Any] = {}
        for field, code, width, is_array in self._codes:
            if code:
                read = struct.unpack_from(code, data, at)
                values[field.name] = read if is_array else read[0]
            else:
                chunk = bytes(data[at : at + width])
                values[field.name] = WideText.unpack(chunk) if field.kind.startswith("utf16") else chunk
            at += width
        return values

    def pack(self, values: Mapping[str, Any]) -> bytes:
        """The bytes of the structure; every field must be given.

        Raises:
            TooBig: a value does not fit its field.
        """
        parts: list[bytes] = []
        for field, code, width, is_array in self._codes:
            value = values[field.name]
            if code:
                try:
                    parts.append(struct.pack(code, *value) if is_array else struct.pack(code, value))
                except struct.error as wrong:
                    what = Text(f"{self.name}: {field.name} = {value}", f"{self.name}：{field.name} = {value}")
                    raise TooBig(what=what, need=_bytes_of(value), have=width) from wrong
            else:
                chunk = value.pack(width) if isinstance(value, WideText) else bytes(value)
                if len(chunk) != width:
                    what = Text(f"{self.name}: {field.name}", f"{self.name}：{field.name}")
                    raise TooBig(what=what, need=len(chunk), have=width)
                parts.append(chunk)
        return b"".join(parts)

    def describe(self, values: Mapping[str, Any]) -> list[tuple[str, str, str]]:
        """Rows (name, value, meaning with unit) for people."""
        rows = []
        for field in self.fields:
            value = values[field.name]
            shown = f"0x{value:x} ({value})" if isinstance(value, int) else str(value)
            if isinstance(value, bytes):
                shown = value[:16].hex(" ") + (" …" if len(value) > 16 else "")
            rows.append((field.name, shown, f"{field.meaning}, {field.unit}" if field.unit else field.meaning))
        return rows

    def as_markdown(self) -> str:
        """The table of docs/spec: offset, length, kind, field, meaning."""
        lines = ["| offset | bytes | kind | field | meaning |", "| --- | --- | --- | --- | --- |"]
        for field, _, width, _ in self._codes:
            kind = field.kind.partition(":")[0]
            meaning = f"{field.meaning}, {field.unit}" if field.unit else field.meaning
            lines.append(f"| {self.offsets[field.name]} | {width} | {kind} | `{field.name}` | {meaning} |")
        return "\n".join(lines) + "\n"


def _code_of(kind: str) -> tuple[str, int, bool]:
    """``struct`` code (empty for byte fields), width in bytes and whether it is an array."""
    match = _KIND.fullmatch(kind)
    assert match, kind
    if match["width"]:
        return "", int(match["width"]), False
    code = _INTEGERS[match["base"]]
    if match["count"]:
        code = f"{code[0]}{match['count']}{code[1]}"
    return code, struct.calcsize(code), bool(match["count"])


def _bytes_of(value: object) -> int:
    """How many bytes the largest integer of a value needs."""
    numbers = value if isinstance(value, tuple) else (value,)
    return max((max(1, (n.bit_length() + 7) // 8) for n in numbers if isinstance(n, int)), default=0)
