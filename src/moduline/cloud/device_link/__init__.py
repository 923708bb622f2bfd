"""Devices on the wire: QuecThing connections, downloads, the DDI. What they say goes to the platform; no rules here."""

from __future__ import annotations

from moduline.cloud.device_link.device_http import DeviceHttp
from moduline.cloud.device_link.gateway import Gateway
from moduline.cloud.device_link.limits import GatewayLimits, SessionLimits
from moduline.cloud.device_link.platform import (
    Admitted,
    Busy,
    CameOnline,
    Cause,
    Contact,
    Platform,
    Received,
    Refused,
    Undelivered,
    Unreadable,
    Uplink,
    WentOffline,
)

__all__ = [
    "Admitted",
    "Busy",
    "CameOnline",
    "Cause",
    "Contact",
    "DeviceHttp",
    "Gateway",
    "GatewayLimits",
    "Platform",
    "Received",
    "Refused",
    "SessionLimits",
    "Undelivered",
    "Unreadable",
    "Uplink",
    "WentOffline",
]
