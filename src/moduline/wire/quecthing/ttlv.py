"""TTLV: tag, type, length, value; what is inside a QuecThing frame.

::

    tag       u16 big endian = id x 8 + type          id 0..8191
    type 0    false       nothing follows
    type 1    true        nothing follows
    type 2    number      one byte: bit 7 negative, bits 6..3 decimal digits, bits 2..0 length - 1;
                          then the magnitude, big endian, 1..8 bytes          25.5 = 255 with one digit
    type 3    bytes       u16 length, bytes (also text in UTF-8)
    type 4    struct      u16 count of members, members; members with id 0 are an array

After a member with id 0 no other id may follow inside its struct. Of two fields with one id the first counts. Numbers
are `Decimal`: a module that means 3.82 V has sent 3.819999999999999 with 15 digits.

Whatever the bytes, the outcome is a tuple of fields or `BadFormat`; depth and count have limits.

Source: ota-semantics 11.3; vectors of its section 14.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from moduline.errors import BadFormat, BadOption, Text

FORMAT: Final = "TTLV"
LAST_ID: Final = 0x1FFF
LAST_DIGITS: Final = 15
LARGEST_MAGNITUDE: Final = (1 << 64) - 1
DEPTH_LIMIT: Final = 8  # plans need 2
COUNT_LIMIT: Final = 4096  # fields of one payload, inner ones counted

_FALSE, _TRUE, _NUMBER, _BYTES, _STRUCT = range(5)


@dataclass(frozen=True, slots=True)
class Struct:
    """A value made of fields.

    Attributes:
        fields: in their order; all of id 0 if it is an array.
    """

    fields: tuple[Field, ...] = ()

    def items(self) -> tuple[Value, ...]:
        """The members of an array: the values with id 0."""
        return tuple(field.value for field in self.fields if field.id == 0)


Value = bool | Decimal | bytes | Struct


@dataclass(frozen=True, slots=True)
class Field:
    """One value under an id.

    Attributes:
        id: 0..8191; 0 in arrays.
        value: false or true, a number, bytes (texts too), or a struct.
    """

    id: int
    value: Value


Fields = tuple[Field, ...]


def number(value: Decimal | int | str) -> Decimal:
    """``value`` as a number field holds it."""
    return Decimal(value)


def array(values: Iterable[Value]) -> Struct:
    """A struct whose members all have id 0."""
    return Struct(tuple(Field(0, value) for value in values))


def first(fields: Fields, wanted: int) -> Value | None:
    """The value of the first field with the id ``wanted``; None if there is none."""
    return next((field.value for field in fields if field.id == wanted), None)


def encode(fields: Fields) -> bytes:
    """The bytes of ``fields``.

    Raises:
        BadOption: an id, a number or a length that the format cannot say, or too deep.
    """
    out = bytearray()
    _write(out, fields, 0)
    return bytes(out)


def _write(out: bytearray, fields: Fields, depth: int) -> None:
    if depth > DEPTH_LIMIT:
        raise BadOption(name="ttlv", reason=Text("nested too deep", "嵌套过深"))
    for field in fields:
        if not 0 <= field.id <= LAST_ID:
            raise BadOption(name="ttlv", reason=Text("ids are 0..8191", "标识须为 0..8191"))
        match field.value:
            case bool(value):
                out += _tag(field.id, _TRUE if value else _FALSE)
            case Decimal() as value:
                out += _tag(field.id, _NUMBER) + encode_number(value)
            case bytes(value):
                out += _tag(field.id, _BYTES) + _u16(len(value)) + value
            case Struct(members):
                out += _tag(field.id, _STRUCT) + _u16(len(members))
                _write(out, members, depth + 1)


def encode_number(value: Decimal) -> bytes:
    """A number without its tag: head byte and the shortest magnitude.

    Raises:
        BadOption: not finite, more than 15 decimal digits, or a magnitude of more than 64 bits.
    """
    sign, figures, exponent = value.as_tuple()
    if not isinstance(exponent, int) or not -LAST_DIGITS <= exponent <= 20:  # "n", "N", "F": not a number, infinite
        raise BadOption(name="ttlv", reason=Text("at most 15 decimal digits", "最多 15 位小数"))
    magnitude = abs(int(value)) if exponent >= 0 else int("".join(map(str, figures)))
    if magnitude > LARGEST_MAGNITUDE:
        raise BadOption(name="ttlv", reason=Text("magnitude of more than 64 bits", "数值超过 64 位"))
    size = max(1, (magnitude.bit_length() + 7) // 8)
    head = sign << 7 | max(-exponent, 0) << 3 | (size - 1)
    return bytes([head]) + magnitude.to_bytes(size, "big")


def decode(data: bytes, *, depth_limit: int = DEPTH_LIMIT, count_limit: int = COUNT_LIMIT) -> Fields:
    """The fields that ``data`` is made of.

    Args:
        data: a whole payload.
        depth_limit: structs inside structs.
        count_limit: fields in all, inner ones counted.

    Raises:
        BadFormat: unknown type, cut short, beyond a limit, or another id behind an array member.
    """
    cursor = _Cursor(data, depth_limit, count_limit)
    fields = []
    while cursor.at < len(data):
        fields.append(cursor.field(0))
    return tuple(fields)


class _Cursor:
    __slots__ = ("at", "count_left", "data", "depth_limit")

    def __init__(self, data: bytes, depth_limit: int, count_limit: int) -> None:
        self.data = data
        self.at = 0
        self.depth_limit = depth_limit
        self.count_left = count_limit

    def field(self, depth: int) -> Field:
        begin = self.at
        self.count_left -= 1
        if self.count_left < 0:
            raise _bad(begin, "too many fields", "字段过多")
        tag = self.number(2)
        return Field(tag >> 3, self.value(tag & 7, begin, depth))

    def value(self, kind: int, begin: int, depth: int) -> Value:
        match kind:
            case 0 | 1:
                return kind == _TRUE
            case 2:
                head = self.number(1)
                magnitude = self.number((head & 7) + 1)
                if not head >> 3:  # neither sign nor digits: most numbers
                    return Decimal(magnitude)
                figures = tuple(map(int, str(magnitude)))
                return Decimal((head >> 7, figures, -(head >> 3 & 15)))
            case 3:
                return self.take(self.number(2))
            case 4:
                return self.struct(begin, depth + 1)
            case _:
                raise _bad(begin, f"type {kind}", f"类型 {kind}")

    def struct(self, begin: int, depth: int) -> Struct:
        if depth > self.depth_limit:
            raise _bad(begin, "nested too deep", "嵌套过深")
        members: list[Field] = []
        for _ in range(self.number(2)):
            at = self.at
            member = self.field(depth)
            if member.id and members and not members[-1].id:
                raise _bad(at, f"id {member.id} behind an array member", f"数组成员之后出现标识 {member.id}")
            members.append(member)
        return Struct(tuple(members))

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def take(self, count: int) -> bytes:
        left = len(self.data) - self.at
        if count > left:
            raise _bad(self.at, f"{count} bytes expected, {left} left", f"应有 {count} 字节，只剩 {left}")
        piece = self.data[self.at : self.at + count]
        self.at += count
        return piece


def _tag(field_id: int, kind: int) -> bytes:
    return _u16(field_id << 3 | kind)


def _u16(value: int) -> bytes:
    if value > 0xFFFF:
        raise BadOption(name="ttlv", reason=Text("longer than 65535", "超过 65535"))
    return value.to_bytes(2, "big")


def _bad(offset: int, en: str, zh: str) -> BadFormat:
    return BadFormat(format=FORMAT, reason=Text(en, zh), offset=offset)
