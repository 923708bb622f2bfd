"""Devices: modules known to the platform. ``service``: what people do; ``contact``: what devices do themselves."""

from __future__ import annotations

from moduline.cloud.devices.device import Denied, Device, DeviceFilter, Issued, Known

__all__ = ["Denied", "Device", "DeviceFilter", "Issued", "Known"]
