"""A filter of plans as a condition of the database: the same devices, without reading every one of them.

The language compares without case, with ``*``, and versions piece by piece, which no database does alike. So the rules
judge the *values* there are - a fleet runs few versions and has few tags - and the database is asked for the devices
that have one of those that hold::

    version<1.10  ──▶ which versions are there? 1.2 1.9 1.10 ──▶ rules: 1.2 1.9 ──▶ version IN ('1.2', '1.9')

Names of the index are walked value by value, so that it costs as many steps as there are values and not as there are
devices; more than ``FEW`` of them, such as the numbers of units, are read in one go. Where there are too many values
(``MOST``), the database gives a superset that the rules judge device by device.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import JSON, Connection, LargeBinary, and_, cast, false, func, literal, not_, or_, select, text, true
from sqlalchemy import Text as TextType

from moduline.cloud import tables
from moduline.cloud.devices.device import MODULE
from moduline.cloud.plans.filters import Filter, Group, Test

FEW: Final = 1000
"""Values of one name that are walked along the index, and named to the database one by one."""
MOST: Final = 200_000
"""Values of one name that are judged at all."""
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


@dataclass(frozen=True, slots=True)
class _Held:
    """Where the values of a name stand.

    Args:
        column: of the values.
        device: of the number of their device.
        mine: conditions of the rows that speak of this name.
    """

    column: Any
    device: Any
    mine: tuple[Any, ...] = ()

    def devices(self, where: Any) -> Any:
        return select(self.device).where(*self.mine, where)


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
        return _key(conn, test)
    if test.name == "tag":
        return _among(conn, test, _Held(_T.name, _T.device_id), _steps(conn, "device_tags", "name", "1 = 1"))
    if name == "attr":
        found = _steps(conn, "device_tags", "value", "name = :key AND value <> ''", key=rest)
        return _among(conn, test, _Held(_T.value, _T.device_id, (_T.name == rest, _T.value != "")), found)
    if test.name == "version":
        found = _steps(conn, "device_versions", "version", f"type = {MODULE} AND component = ''")
        return _among(conn, test, _Held(_V.version, _V.device_id, (_V.type == MODULE, _V.component == "")), found)
    if name == "mcu":
        return _among(conn, test, _Held(_V.version, _V.device_id, (_V.type != MODULE, _V.component == rest)))
    if test.name == "cell":
        return _among(conn, test, _Held(_D.cell, _D.id, (_D.cell != "",)))
    return _fact(conn, test, "model" if test.name == "model" else rest)


def _key(conn: Connection, test: Test) -> Decided:
    """Keys are letters, digits and signs of ASCII, so lower case is all that case is about."""
    if test.operator not in _NEGATIVE | _EQUAL:
        return _among(conn, test, _Held(_D.dk, _D.id))
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
    has = and_(column.is_not(None), _one_of(conn, column, held))
    return Decided(not_(func.coalesce(has, false())) if test.operator in _NEGATIVE else has, is_whole=True)


def _plain_fact(name: str) -> Any:
    path = f'$."{name}"'
    return cast(_D.facts, TextType).op("->", return_type=TextType())(literal(path))


def _among(conn: Connection, test: Test, held: _Held, found: list[str] | None = None) -> Decided:
    """Devices with one of the values that hold; for a negative test: all others.

    Args:
        found: the values, where they are known already.
    """
    if found is None and test.operator in _EQUAL | _NEGATIVE and all(value.isascii() for value in test.values):
        foreign = _is_foreign(conn, held.column)
        same = or_(false(), *(_alike(held.column, value) for value in test.values))
        if not conn.execute(select(held.devices(foreign).exists())).scalar():
            return _decided(test, held.devices(same))
        if test.operator in _EQUAL:
            return Decided(_D.id.in_(held.devices(or_(foreign, same))), is_whole=False)
    if found is None:
        found = _some(conn, select(held.column).where(*held.mine))
    if found is None:
        return _NOTHING_KNOWN
    return _decided(test, held.devices(_one_of(conn, held.column, [one for one in found if _holds(test, one)])))


def _decided(test: Test, devices: Any) -> Decided:
    inside = _D.id.in_(devices)
    return Decided(not_(inside) if test.operator in _NEGATIVE else inside, is_whole=True)


def _one_of(conn: Connection, column: Any, held: list[str]) -> Any:
    """Whether a text is one of these; many go as one list, for a database takes only so many values."""
    if len(held) <= FEW:
        return column.in_(held)
    kept = literal(json.dumps(held))
    if conn.dialect.name == "postgresql":
        return column.in_(select(func.json_array_elements_text(cast(kept, JSON))))
    return column.in_(select(func.json_each(kept).table_valued("value").c.value))


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
    return _limited(conn.execute(query, {"most": FEW + 1, **values}).scalars(), FEW)


def _some(conn: Connection, query: Any) -> list[str] | None:
    """The values that a query gives; None: too many."""
    return _limited(conn.execute(query.distinct().limit(MOST + 1)).scalars(), MOST)


def _limited(found: Iterable[str], most: int) -> list[str] | None:
    values = list(found)
    return values if len(values) <= most else None
