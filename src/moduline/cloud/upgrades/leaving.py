"""Sending devices to another server: command 0x00B4, told to those that are connected and do nothing else.

The device tries the new place three times and comes back if it is not let in there, so nothing is lost by it. One that
is being upgraded stays until that is over; one that is offline cannot be told. Both are named, to be asked again.

Source: ota-semantics 11.4 (configuration).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from moduline.cloud import audit, tables
from moduline.cloud.devices import service as devices
from moduline.cloud.devices.contact import POLLING
from moduline.cloud.edge import Actor, acts
from moduline.cloud.upgrades.offer import SayMove
from moduline.cloud.upgrades.rows import Downlink
from moduline.errors import BadField, Text

MOST: Final = 1000
"""Devices of one call."""
NO_UPGRADE: Final = 0
"""What is said belongs to none."""
_DOMAIN: Final = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9]([A-Za-z0-9-]{0,62}))*")
_BLOCK: Final = 500
_U: Final = tables.upgrades.c
_NO_HOST: Final = Text("a domain or an IPv4 address", "须为域名或 IPv4 地址")
_NO_PORT: Final = Text("1 to 65535", "须为 1–65535")


@dataclass(frozen=True, slots=True)
class Leaving:
    """Who was told, and who was not.

    Args:
        told: numbers of devices that are on their way.
        offline: that cannot hear it, or poll instead of being connected.
        busy: that are being upgraded.
    """

    told: tuple[int, ...]
    offline: tuple[int, ...]
    busy: tuple[int, ...]


@acts("device.move")
def move(
    conn: Connection,
    device_ids: Sequence[int],
    host: str,
    port: int,
    *,
    actor: Actor,
    now: float,
    is_trial: bool = False,
) -> tuple[Leaving, tuple[Downlink, ...]]:
    """Send devices to another server; what was said, and what is to be said to them after the commit.

    Args:
        device_ids: which; at most ``MOST``.
        host: domain or IPv4 address of the other platform.
        port: of its MQTT; devices keep the scheme they came by.
        is_trial: only see who would be told.

    Raises:
        BadField: the address cannot be one.
        NoSuchObject: a device is not there; none is told then.
    """
    server = _server(host, port)
    told, offline, busy = [], [], []
    wanted = list(dict.fromkeys(device_ids))
    for begin in range(0, len(wanted), _BLOCK):
        block = wanted[begin : begin + _BLOCK]
        upgrading = set(conn.execute(select(_U.device_id).where(_U.device_id.in_(block), _U.is_open)).scalars())
        for device in devices.of_actor(conn, block, actor=actor):
            if device.id in upgrading:
                busy.append(device.id)
            elif device.node in {None, POLLING}:
                offline.append(device.id)
            else:
                told.append(device.id)
                if not is_trial:
                    after = {"server": f"{host}:{port}"}
                    audit.note(conn, "device.move", device.id, device.dk, actor=actor, now=now, after=after)
    said = () if is_trial else tuple(Downlink(one, NO_UPGRADE, server) for one in told)
    return Leaving(tuple(told), tuple(offline), tuple(busy)), said


def _server(host: str, port: int) -> SayMove:
    if not 0 < port < 1 << 16:
        raise BadField(field="port", reason=_NO_PORT)
    try:
        return SayMove("", str(ipaddress.IPv4Address(host)), port)
    except ValueError:
        if not _DOMAIN.fullmatch(host) or host.rpartition(".")[2].isdigit():
            raise BadField(field="host", reason=_NO_HOST) from None
    return SayMove(host, "", port)
