"""How the clients of a product are treated: how often they poll, which attribute is the version, whose word counts.

Source: hawkbit-ddi 3.2 (version mapping), 4 (trust_device_result), 5 (polling).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select

from moduline.cloud import audit, tables
from moduline.cloud.edge import Actor, acts
from moduline.cloud.products import service as products
from moduline.errors import BadField, Text

LEAST_POLL_S: Final = 5
MOST_POLL_S: Final = 24 * 3600 - 1
"""``HH:MM:SS`` can say no more."""
VERSION_NAMES: Final = ("sw_version", "version", "fw_version")
"""The attribute that is the version of the module where a product does not name one: the first that there is."""
TRUSTS: Final = ("auto", "always", "never")
_NAME: Final = re.compile(r"[!-~]{1,64}")
_T: Final = tables.ddi_products.c


@dataclass(frozen=True, slots=True)
class ProductTerms:
    """How clients of the DDI of one product are treated.

    Args:
        poll_s: seconds between two polls; 0: as the platform says.
        busy_poll_s: while there is an action; 0: likewise.
        version_attribute: name of the attribute that is the version of the module; "": the first of
            ``VERSION_NAMES`` that a client tells.
        trust: whether ``closed/success`` counts without a version: ``auto`` where a client tells no version at all,
            ``always``, ``never``.
    """

    poll_s: int = 0
    busy_poll_s: int = 0
    version_attribute: str = ""
    trust: str = "auto"

    def version_in(self, data: Mapping[str, Any]) -> str | None:
        """The version of the module among attributes; None: there is none."""
        names = (self.version_attribute,) if self.version_attribute else VERSION_NAMES
        return next((str(data[name]) for name in names if data.get(name)), None)

    def trusts(self, data: Mapping[str, Any]) -> bool:
        """Whether the word of a client with these attributes counts alone."""
        return self.trust == "always" or (self.trust == "auto" and self.version_in(data) is None)


USUAL: Final = ProductTerms()
_COLUMNS: Final = tuple(_T[one.name] for one in fields(ProductTerms))


def of_product(conn: Connection, product_id: int) -> ProductTerms:
    """How clients of a product are treated."""
    row = conn.execute(select(*_COLUMNS).where(_T.product_id == product_id)).first()
    return USUAL if row is None else ProductTerms(*row)


def of_device(conn: Connection, device_id: int) -> ProductTerms:
    """How a client is treated."""
    one = tables.devices.c
    query = select(*_COLUMNS).join_from(tables.devices, tables.ddi_products, one.product_id == _T.product_id)
    row = conn.execute(query.where(one.id == device_id)).first()
    return USUAL if row is None else ProductTerms(*row)


def every(conn: Connection) -> dict[int, ProductTerms]:
    """Product -> terms, where they are not as usual."""
    return {row.product_id: ProductTerms(*row[1:]) for row in conn.execute(select(_T.product_id, *_COLUMNS))}


def shown(conn: Connection, product_id: int, *, actor: Actor) -> ProductTerms:
    """How clients of a product are treated, for people.

    Raises:
        NoSuchObject: there is no such product.
    """
    products.by_id(conn, product_id, actor=actor)
    return of_product(conn, product_id)


@acts("product.change")
def change(conn: Connection, product_id: int, wanted: Mapping[str, Any], *, actor: Actor, now: float) -> ProductTerms:
    """Treat clients of a product otherwise; what is left out stays.

    Raises:
        BadField: it cannot be so.
        NoSuchObject: there is no such product.
    """
    product = products.by_id(conn, product_id, actor=actor)
    old = of_product(conn, product_id)
    made = replace(old, **wanted)
    _check(made)
    conn.execute(delete(tables.ddi_products).where(_T.product_id == product_id))
    if made != USUAL:
        conn.execute(insert(tables.ddi_products), {"product_id": product_id} | asdict(made))
    before, after = asdict(old), asdict(made)
    audit.note(conn, "product.change", product_id, product.name, actor=actor, now=now, before=before, after=after)
    return made


def _check(made: ProductTerms) -> None:
    for name in ("poll_s", "busy_poll_s"):
        if getattr(made, name) and not LEAST_POLL_S <= getattr(made, name) <= MOST_POLL_S:
            reason = Text("0, or {least} to {most} seconds", "须为 0 或 {least}–{most} 秒")
            raise BadField(field=name, reason=reason, least=LEAST_POLL_S, most=MOST_POLL_S)
    if made.version_attribute and not _NAME.fullmatch(made.version_attribute):
        reason = Text("1 to 64 ASCII characters without blanks", "须为 1–64 个不含空格的 ASCII 字符")
        raise BadField(field="version_attribute", reason=reason)
    if made.trust not in TRUSTS:
        raise BadField(field="trust", reason=Text("auto, always or never", "须为 auto、always 或 never"))
