"""Tokens of single devices: issued by people, shown once, taken back. A device with one of its own needs no other.

The token is the device's secret, the same that a QuecThing device gets by its protocol; a device that has its secret
so keeps it, for nobody could tell it another.
"""

from __future__ import annotations

import secrets
from typing import Final

from sqlalchemy import Connection, select, update

from moduline.cloud import audit, tables
from moduline.cloud.device_link.ddi import polling
from moduline.cloud.devices import service as devices
from moduline.cloud.edge import Actor, acts
from moduline.errors import StateForbids, Text

TOKEN_BYTES: Final = 16
_D: Final = tables.devices.c
_QUECTHING: Final = Text(
    "it has its secret by the QuecThing protocol; another would lock it out",
    "其密钥由 QuecThing 协议下发，更换会导致设备无法接入",
)


@acts("device.token")
def issue(conn: Connection, device_id: int, *, actor: Actor, now: float) -> str:
    """A new token of a device; the one before counts no more. That it was issued is noted.

    Raises:
        NoSuchObject: there is no such device.
        StateForbids: it is a QuecThing device that has its secret already.
    """
    dk = _require_polling(conn, device_id, actor)
    token = secrets.token_hex(TOKEN_BYTES)
    conn.execute(update(tables.devices).where(_D.id == device_id).values(ds=token))
    audit.note(conn, "device.token", device_id, dk, actor=actor, now=now, after={"is_issued": True})
    return token


@acts("device.token")
def revoke(conn: Connection, device_id: int, *, actor: Actor, now: float) -> None:
    """Take the token of a device back; that of its product speaks for it again.

    Raises:
        NoSuchObject: there is no such device.
        StateForbids: it is a QuecThing device.
    """
    dk = _require_polling(conn, device_id, actor)
    row = update(tables.devices).where(_D.id == device_id)
    conn.execute(row.values(ds="", authenticated_at=None))
    audit.note(conn, "device.token", device_id, dk, actor=actor, now=now, after={"is_issued": False})


def _require_polling(conn: Connection, device_id: int, actor: Actor) -> str:
    device = devices.by_id(conn, device_id, actor=actor)
    row = conn.execute(select(_D.authenticated_at, _D.ds).where(_D.id == device_id)).one()
    has_secret = bool(row.ds) and row.authenticated_at is not None
    if has_secret and not polling.has_polled(conn, device_id):
        raise StateForbids(kind=devices.KIND, name=device.dk, reason=_QUECTHING)
    return device.dk
