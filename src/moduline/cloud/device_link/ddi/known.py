"""Who a client is: tenant, controller and token give a device. What was found is kept for a minute.

::

    /PRODUCT_KEY/controller/v1/DEVICE_KEY      tenant: the product key, or DEFAULT
    Authorization: TargetToken DEVICE_SECRET   of one device
    Authorization: GatewayToken PRODUCT_SECRET of devices that have none of their own; makes a device known that is not

The secrets are those that the QuecThing protocol has too; a product whose devices poll needs no others. DEFAULT is
for clients that have no field for a tenant: the token alone decides which product is meant. The secret of a product
is in the flash of every module of it, so it speaks for no device that has once proven a secret of its own: whoever
has taken one module apart is not let in as all the others (decision 0032).

Source: hawkbit-ddi 1, 2.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, select, update
from sqlalchemy.exc import IntegrityError

from moduline.cloud import tables
from moduline.cloud.devices import contact
from moduline.cloud.devices.device import POLLING_KEY

DEFAULT: Final = "default"
TARGET: Final = "targettoken"
GATEWAY: Final = "gatewaytoken"
TOKEN_LIMIT: Final = 128
"""Characters of a token."""
_P, _D = tables.products.c, tables.devices.c
_DEVICES: Final = (
    select(_D.id, _D.product_id, _D.dk, _D.ds, _D.is_enabled, _D.authenticated_at, _P.ps, _P.pk)
    .join_from(tables.devices, tables.products)
    .where(_D.dk == bindparam("dk"))
)
_OF_PRODUCT: Final = _DEVICES.where(func.lower(_P.pk) == bindparam("tenant"))
_PRODUCTS: Final = select(_P.id, _P.pk, _P.ps)


@dataclass(frozen=True, slots=True)
class Client:
    """A device that may come in by the DDI.

    Args:
        device_id: number in the database.
        product_id: of its product.
        dk: device key.
        is_enabled: whether the platform takes it.
        is_gateway: it came by the token of its product.
        is_proven: it has come with a secret of its own before.
    """

    device_id: int
    product_id: int
    dk: str
    is_enabled: bool
    is_gateway: bool
    is_proven: bool = False


def authorization(header: str) -> tuple[str, str]:
    """Kind and token of an ``Authorization`` header; two empty texts: none that we know."""
    kind, _, token = header.strip().partition(" ")
    token = token.strip()
    known = kind.lower() in {TARGET, GATEWAY} and 0 < len(token) <= TOKEN_LIMIT
    return (kind.lower(), token) if known else ("", "")


def find(conn: Connection, tenant: str, dk: str, kind: str, token: str) -> Client | None:
    """The known device that a token is right for; None: none."""
    asked = {"dk": dk, "tenant": tenant.lower()}
    query = _DEVICES if tenant.lower() == DEFAULT else _OF_PRODUCT
    found = None
    for row in conn.execute(query, asked).all():
        if _is_right(row, kind, token):
            is_proven = row.authenticated_at is not None
            found = found or Client(row.id, row.product_id, row.dk, bool(row.is_enabled), kind == GATEWAY, is_proven)
    return found


def welcome(conn: Connection, tenant: str, dk: str, token: str, *, now: float) -> Client | None:
    """Make a device known that brings the token of a product; None: the token is of none.

    Two requests of a new device may come at once: whoever is second finds it there.
    """
    if not POLLING_KEY.fullmatch(dk):
        return None
    query = _PRODUCTS if tenant.lower() == DEFAULT else _PRODUCTS.where(func.lower(_P.pk) == tenant.lower())
    owners = [row for row in conn.execute(query).all() if _same(row.ps, token)]
    if len(owners) != 1:
        return None
    one = tables.devices.c
    if conn.execute(select(one.id).where(one.product_id == owners[0].id, one.dk == dk)).first() is not None:
        return find(conn, owners[0].pk, dk, GATEWAY, token)  # None: it has a secret of its own
    try:
        with conn.begin_nested():
            number = contact.add_row(conn, owners[0].id, dk, origin="contact", now=now)
    except IntegrityError:  # another node was quicker
        return find(conn, owners[0].pk, dk, GATEWAY, token)
    return Client(number, owners[0].id, dk, is_enabled=True, is_gateway=True)


def prove(conn: Connection, device_id: int, *, now: float) -> None:
    """A device has come with its own secret: from now on that of its product speaks for it no more."""
    row = (_D.id == device_id) & _D.authenticated_at.is_(None)
    conn.execute(update(tables.devices).where(row).values(authenticated_at=now))


def _is_right(row: Any, kind: str, token: str) -> bool:
    if kind == TARGET:
        return bool(row.ds) and _same(row.ds, token)
    return kind == GATEWAY and row.authenticated_at is None and _same(row.ps, token)


def _same(secret: str, token: str) -> bool:
    return hmac.compare_digest(secret.encode(), token.encode("utf-8", "backslashreplace"))
