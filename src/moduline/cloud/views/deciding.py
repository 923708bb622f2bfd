"""A filter of plans as a condition of the database: the same devices, without reading every one of them.

The language compares without case, with ``*``, and versions piece by piece, which no database does alike. So the rules
judge the *values* there are - a fleet runs few versions and has few tags - and the database is asked for the devices
that have one of those that hold::

    version<1.10  ──▶ which versions are there? 1.2 1.9 1.10 ──▶ rules: 1.2 1.9 ──▶ version IN ('1.2', '1.9')

Names of the index are walked value by value, so that it costs as many steps as there are values and not as there are
devices. Where there are too many values (``MOST``), the database gives a superset that the rules judge device by
device, as they do with what cannot be put so at all (``dk<5``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, LargeBinary, and_, cast, false, func, literal, not_, or_, select, text, true
from sqlalchemy import Text as TextType

from moduline.cloud import tables
from moduline.cloud.devices.device import MODULE
from moduline.cloud.plans.filters import Filter, Group, Test

MOST: Final = 1000
"""Values of one name that are judged one by one."""
_D: Final = tables.devices.c
_V: Final = tables.device_versions.c
_T: Final = tables.device_tags.c
_NEGATIVE: Final = frozenset({"!=", "=out="})
_EQUAL: Final = frozenset({"==", "=in="})
_STEPS: Final = """
WITH RECURSIVE known(one) AS (
  SELECT min({column}) FROM {table} WHERE {where}
  UNION ALL
  SELECT (SELECT min({column}) FROM {table} WHERE {where} AND {column} > known.one) FROM known WHERE one IS NOT NULL
)
SELECT one FROM known WHERE one IS NOT NULL LIMIT :most
"""


@dataclass(frozen=True, slots=True)
class Decided:
    """What the database can say of a filter.

    Args:
        condition: holds for every device that the filter means.
        is_whole: and for no other.
    """

    condition: Any
    is_whole: bool


_NOTHING_KNOWN: Final = Decided(true(), is_whole=False)


def decide(conn: Connection, known: Filter) -> Decided:
    """A filter as a condition over ``devices``."""
    return _of(conn, known.root)


def _of(conn: Connection, part: Test | Group) -> Decided:
    if isinstance(part, Test):
        return _test(conn, part)
    members = [_of(conn, one) for one in part.members]
    join = and_ if part.is_all else or_
    return Decided(join(*(one.condition for one in members)), all(one.is_whole for one in members))


def _test(conn: Connection, test: Test) -> Decided:
    name, _, rest = test.name.partition(".")
    if test.name == "dk":
        return _key(test)
    if test.name == "tag":
        found = _steps(conn, "device_tags", "name", "1 = 1")
        return _among(conn, test, found, _T.name, lambda where: select(_T.device_id).where(where))
    if name == "attr":
        mine = (_T.name == rest, _T.value != "")
        found = _steps(conn, "device_tags", "value", "name = :key AND value <> ''", key=rest)
        return _among(conn, test, found, _T.value, lambda where: select(_T.device_id).where(*mine, where))
    if test.name == "version":
        mine = (_V.type == MODULE, _V.component == "")
        found = _steps(conn, "device_versions", "version", f"type = {MODULE} AND component = ''")
        return _among(conn, test, found, _V.version, lambda where: select(_V.device_id).where(*mine, where))
    if name == "mcu":
        mine = (_V.type != MODULE, _V.component == rest)
        found = _some(conn, select(_V.version).where(*mine))
        return _among(conn, test, found, _V.version, lambda where: select(_V.device_id).where(*mine, where))
    if test.name == "cell":
        found = _some(conn, select(_D.cell).where(_D.cell != ""))
        return _among(conn, test, found, _D.cell, lambda where: select(_D.id).where(_D.cell != "", where))
    return _fact(conn, test, "model" if test.name == "model" else rest)


def _key(test: Test) -> Decided:
    """Keys are letters, digits and signs of ASCII, so lower case is all that case is about."""
    if test.operator not in _NEGATIVE | _EQUAL:
        return _NOTHING_KNOWN
    same = or_(false(), *(_alike(_D.dk, value) for value in test.values))
    return Decided(not_(same) if test.operator in _NEGATIVE else same, is_whole=True)


def _fact(conn: Connection, test: Test, name: str) -> Decided:
    """What a device told last, as JSON of any type."""
    is_postgres = conn.dialect.name == "postgresql"
    column = cast(_D.facts.op("->")(literal(name)), TextType) if is_postgres else _plain_fact(name)
    found = _some(conn, select(column).where(column.is_not(None)))
    if found is None:
        return _NOTHING_KNOWN
    held = [one for one in found if _holds(test, str(json.loads(one)))]
    has = and_(column.is_not(None), column.in_(held))
    return Decided(not_(func.coalesce(has, false())) if test.operator in _NEGATIVE else has, is_whole=True)


def _plain_fact(name: str) -> Any:
    path = f'$."{name}"'
    return cast(_D.facts, TextType).op("->", return_type=TextType())(literal(path))


def _among(
    conn: Connection, test: Test, found: list[str] | None, column: Any, devices: Callable[[Any], Any]
) -> Decided:
    """Devices with one of the values that hold; for a negative test: all others."""
    is_negative = test.operator in _NEGATIVE
    if found is not None:
        held = [one for one in found if _holds(test, one)]
        if not held:
            return Decided(true() if is_negative else false(), is_whole=True)
        inside = _D.id.in_(devices(column.in_(held)))
        return Decided(not_(inside) if is_negative else inside, is_whole=True)
    if test.operator in _EQUAL and all(value.isascii() for value in test.values):
        rough = or_(_is_foreign(conn, column), *(_alike(column, value) for value in test.values))
        return Decided(_D.id.in_(devices(rough)), is_whole=False)
    return _NOTHING_KNOWN


def _holds(test: Test, value: str) -> bool:
    """Whether a value is one that the test speaks of."""
    same = {"!=": "==", "=out=": "=in="}.get(test.operator, test.operator)
    return Test(test.name, same, test.values).holds({test.name: (value,)})


def _alike(column: Any, wanted: str) -> Any:
    """Equal without case, ``*`` for anything; of texts in ASCII."""
    wanted = wanted.casefold()
    if not wanted.isascii() or "\0" in wanted:
        return false()
    if "*" not in wanted:
        return func.lower(column) == wanted
    pattern = wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
    return func.lower(column).like(pattern, escape="\\")


def _is_foreign(conn: Connection, column: Any) -> Any:
    """Whether a text has letters beyond ASCII, whose case databases see differently."""
    octets = func.octet_length(column) if conn.dialect.name == "postgresql" else func.length(cast(column, LargeBinary))
    return octets > func.length(column)


def _steps(conn: Connection, table: str, column: str, where: str, **values: str) -> list[str] | None:
    """The values of a column that an index begins with; None: too many."""
    query = text(_STEPS.format(table=table, column=column, where=where))
    return _few(conn.execute(query, {"most": MOST + 1, **values}).scalars())


def _some(conn: Connection, query: Any) -> list[str] | None:
    """The values that a query gives; None: too many."""
    return _few(conn.execute(query.distinct().limit(MOST + 1)).scalars())


def _few(found: Iterable[str]) -> list[str] | None:
    values = list(found)
    return values if len(values) <= MOST else None
