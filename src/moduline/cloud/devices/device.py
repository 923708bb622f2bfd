"""Values of devices."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

DK: Final = re.compile(r"[A-Za-z0-9_-]{1,16}")
"""What a device key is; normally a 15-digit IMEI. Source: ota-semantics, section 1."""
POLLING_KEY: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
"""What the key of a device that polls is: host names, addresses of network cards, UUIDs. Source: hawkbit-ddi 1."""
MODULE: Final = 0
"""Component type of the module itself: one version, whatever a plan calls the component."""
MCU: Final = 1
"""Component type of a controller behind the module: one version per identifier."""


class Denied(Enum):
    """Why a device may not come in."""

    DK_ILLEGAL = "dk-illegal"
    ALREADY = "already-authenticated"
    DISABLED = "disabled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Issued:
    """A device that has authenticated.

    Args:
        device_id: number in the database.
        ds: its new secret, 32 hex digits.
        is_new: whether the platform had not heard of it.
    """

    device_id: int
    ds: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What is needed to check the password of a device that has its secret.

    Args:
        device_id: number in the database.
        product_id: its product.
        pk: key of that.
        dk: device key.
        ps: secret of the product.
        ds: secret of the device; "" when none was issued.
        is_enabled: whether it may come in.
    """

    device_id: int
    product_id: int
    pk: str
    dk: str
    ps: str
    ds: str
    is_enabled: bool


@dataclass(frozen=True, slots=True)
class Device:
    """A device as operators see it; never its secret.

    Args:
        id: number in the database.
        product_id: its product.
        dk: device key.
        is_enabled: whether it may come in and is matched by plans.
        origin: ``contact``, ``operator``, ``line`` (production line) or ``moved`` (brought from another platform).
        node: of the platform that it is connected to; None: offline.
        connected_at: since when it is online, or was last; UTC seconds.
        last_seen: last sign of life.
        cell: radio cell it was last in.
        facts: last status and information report: battery, signal, model ...
        facts_at: when that came.
        created_at: when it became known.
        versions: of its components: (type, component) -> version.
        tags: name -> value; a plain tag has the value "".
    """

    id: int
    product_id: int
    dk: str
    is_enabled: bool
    origin: str
    node: str | None
    connected_at: float | None
    last_seen: float | None
    cell: str
    facts: Mapping[str, Any]
    facts_at: float | None
    created_at: float
    versions: Mapping[tuple[int, str], str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_online(self) -> bool:
        """Whether it is connected."""
        return self.node is not None


@dataclass(frozen=True, slots=True)
class DeviceFilter:
    """Which devices are wanted; what is left at its default is not asked about.

    Args:
        product_id: of this product.
        dk: whose key begins so.
        is_online: connected or not.
        is_enabled: may come in or not.
        tag: that has a tag or attribute of this name.
        value: and its value is this.
        type: type of the component of ``version``.
        component: identifier of it; "" is the module.
        version: that runs this version of that component.
        cell: in this radio cell.
        seen_before: of which nothing was heard since then, UTC seconds.
        find: whose key, or number of the production line (``line.unit``), begins so.
    """

    product_id: int | None = None
    dk: str = ""
    is_online: bool | None = None
    is_enabled: bool | None = None
    tag: str = ""
    value: str | None = None
    type: int = MODULE
    component: str = ""
    version: str = ""
    cell: str = ""
    seen_before: float | None = None
    find: str = ""
