"""What has changed since the last look: plans, settings, and devices and products that somebody did something to.

One read a second tells a node what others did, on whatever node: plans by a number per product, the rest by the audit
log, which every verb of people writes. Numbers of that log may become visible out of order on a database server, so
each look goes back over the last ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, select

from moduline.cloud import tables
from moduline.cloud.device_link.ddi import terms
from moduline.cloud.device_link.ddi.terms import ProductTerms
from moduline.cloud.plans import course

OVERLAP: Final = 200
"""Lines of the audit log that are looked at once more."""
MOST_LINES: Final = 2000
"""More lines than that since the last look, and everything is looked up anew."""
_P, _A = tables.plans.c, tables.audit.c
_PLANS: Final = select(_P.product_id, _P.id, _P.state, _P.revision, _P.open_group).where(_P.state.in_(course.LIVE))
_LINES: Final = (
    select(_A.id, _A.kind, _A.verb, _A.object_id)
    .where(_A.id > bindparam("after"), _A.kind.in_(("device", "product")), _A.verb != "product.secret")
    .order_by(_A.id)
    .limit(MOST_LINES + 1)
)
_LAST: Final = select(func.coalesce(func.max(_A.id), 0))


@dataclass(frozen=True, slots=True)
class News:
    """One look.

    Args:
        plans: product -> a number that changes with its live plans.
        terms: product -> how its clients are treated, where it is not as usual.
        last: newest line of the audit log.
        lines: numbers of the lines that were looked at.
        devices: that something was done to.
        products: likewise.
        is_all: too much has happened; everything is to be forgotten.
    """

    plans: Mapping[int, int] = field(default_factory=dict)
    terms: Mapping[int, ProductTerms] = field(default_factory=dict)
    last: int | None = None
    lines: frozenset[int] = frozenset()
    devices: frozenset[int] = frozenset()
    products: frozenset[int] = frozenset()
    is_all: bool = False


def news(conn: Connection, before: News) -> News:
    """What has changed since a look; the first one begins with the newest line."""
    plans: dict[int, list[Any]] = {}
    for row in conn.execute(_PLANS):
        plans.setdefault(row.product_id, []).append(tuple(row))
    numbers = {product: hash(tuple(sorted(rows))) for product, rows in plans.items()}
    last = int(conn.execute(_LAST).scalar_one())
    if before.last is None:
        return News(numbers, terms.every(conn), last)
    lines = conn.execute(_LINES, {"after": before.last - OVERLAP}).all()
    fresh = [line for line in lines if line.id not in before.lines and (line.id > before.last or before.lines)]
    products = {line.object_id for line in fresh if line.kind == "product" or line.verb == "device.import"}
    devices = {line.object_id for line in fresh if line.kind == "device" and line.verb != "device.import"}
    return News(
        numbers,
        terms.every(conn),
        last,
        frozenset(line.id for line in lines),
        frozenset(devices),
        frozenset(products),
        len(lines) > MOST_LINES,
    )
