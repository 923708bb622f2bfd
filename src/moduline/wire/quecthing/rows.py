"""Field tables of messages: which attribute is which id of which kind, once, for reading and writing.

Order of rows is order on the wire. Fields a table does not name are kept as `extra` and written behind the others, so
a newer device's message survives a round trip (style H8).

Texts are UTF-8; bytes that are not, and U+0000, are kept as escapes, for a database must be able to hold them.

Builds of the SDK differ in what they send: a number where the table has a text is read as its figures, and a text of
figures where it has a number as that number. A value that is still of another type counts as not said and is kept in
`extra`, so that one odd field costs nothing else; only a required one makes the message unreadable.

Source: ota-semantics 11.3 ("Unknown ids are ignored"), 11.4, 11.5.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from moduline.errors import BadFormat, BadOption, Text
from moduline.wire.quecthing import ttlv

FORMAT: Final = "QuecThing message"
_FIGURES: Final = re.compile(rb"[+-]?[0-9]{1,20}(\.[0-9]{1,15})?")


class Kind(Enum):
    """What the value of a row is: in Python, and on the wire."""

    TEXT = "text"  # str: bytes, UTF-8
    BYTES = "bytes"  # bytes: bytes
    INTEGER = "integer"  # int: number without digits; a number with digits is rounded
    NUMBER = "number"  # Decimal: number
    FLAG = "flag"  # bool: true or false; 0 and 1 are read too
    STRUCT = "struct"  # ttlv.Struct, read further by the message


@dataclass(frozen=True, slots=True)
class Row:
    """One field of a message.

    Attributes:
        id: on the wire.
        name: attribute of the message's class.
        kind: what the value is.
        is_required: without it the message is `BadFormat`; an empty text counts as missing.
    """

    id: int
    name: str
    kind: Kind
    is_required: bool = False


Rows = tuple[Row, ...]


def write(rows: Rows, message: object, extra: ttlv.Fields = ()) -> ttlv.Fields:
    """The fields of ``message``: its attributes that are not None, then ``extra``.

    Raises:
        BadOption: a required attribute is None or an empty text.
    """
    fields = []
    for row in rows:
        value = getattr(message, row.name)
        if row.is_required and (value is None or value == ""):
            raise BadOption(name=row.name, reason=Text("needed in this message", "此消息中必须填写"))
        if value is not None:
            fields.append(ttlv.Field(row.id, _to_wire(row.kind, value)))
    return (*fields, *extra)


def read(rows: Rows, fields: ttlv.Fields) -> dict[str, Any]:
    """Attributes by name, and ``extra``: what no row names. The first of several fields with one id counts.

    Raises:
        BadFormat: a required field is missing, or of another type than its row says.
    """
    found = {field.id: field.value for field in reversed(fields)}
    values: dict[str, Any] = {}
    for row in rows:
        value = found.pop(row.id, None)
        if value is None and not row.is_required:  # most rows of most messages
            values[row.name] = None
            continue
        values[row.name] = read = _from_wire(row, value)
        if read is None and value is not None and value != b"":
            found[row.id] = value
    values["extra"] = tuple(field for field in fields if field.id in found) if found else ()
    return values


def text_of(data: bytes) -> str:
    """A text field's value as text: always possible, never with U+0000."""
    return data.decode("utf-8", "backslashreplace").replace("\0", "\\x00")


def bad(en: str, zh: str) -> BadFormat:
    """A message that breaks its table."""
    return BadFormat(format=FORMAT, reason=Text(en, zh), offset=0)


def _to_wire(kind: Kind, value: Any) -> ttlv.Value:
    match kind:
        case Kind.TEXT:
            return str(value).encode()
        case Kind.INTEGER | Kind.NUMBER:
            return ttlv.number(value)
        case Kind.FLAG:
            return bool(value)
        case Kind.BYTES:
            return bytes(value)
        case Kind.STRUCT:
            assert isinstance(value, ttlv.Struct)
            return value


def _from_wire(row: Row, value: ttlv.Value | None) -> Any:
    if value is None or (row.is_required and value == b""):
        if row.is_required:
            raise bad(f"'{row.name}' (id {row.id}) is missing", f"缺少 '{row.name}'（标识 {row.id}）")
        return None
    match row.kind, value:
        case Kind.TEXT, bytes(data):
            return text_of(data)
        case Kind.TEXT, Decimal() | bool() as figure:
            return f"{figure:f}" if isinstance(figure, Decimal) else str(int(figure))
        case Kind.BYTES, bytes(data):
            return data
        case Kind.INTEGER, Decimal() as number:
            return int(number.to_integral_value())
        case Kind.NUMBER, Decimal() as number:
            return number
        case Kind.INTEGER | Kind.NUMBER, bytes(data) if not row.is_required and _FIGURES.fullmatch(data):
            number = Decimal(data.decode())
            return number if row.kind is Kind.NUMBER else int(number.to_integral_value())
        case (Kind.FLAG, bool(flag)):
            return flag
        case Kind.FLAG, Decimal() as number:
            return bool(number)
        case Kind.INTEGER, bool(flag):
            return int(flag)
        case Kind.STRUCT, ttlv.Struct() as struct:
            return struct
        case _ if not row.is_required:
            return None
        case _:
            kind = row.kind.value
            raise bad(f"'{row.name}' (id {row.id}) is no {kind}", f"'{row.name}'（标识 {row.id}）类型不是 {kind}")
