"""Routes of devices; lists of them are in ``views``, for a filter belongs to the room of plans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic import ConfigDict, Field

from moduline.cloud.accounts.door import Door, Id, Open, Who, needs
from moduline.cloud.devices import handover, moving
from moduline.cloud.devices import service as devices
from moduline.cloud.devices.device import Device
from moduline.cloud.devices.fleet_list import Newcomer
from moduline.cloud.devices.handover import MOST_UNITS, Unit
from moduline.cloud.edge import Actor, require
from moduline.cloud.given import Given
from moduline.errors import Text, TooBig

router: Final = APIRouter(prefix="/v1/devices", tags=["devices"])
MOST_CSV: Final = 16 << 20
BLOCK: Final = 1000
"""Units that are imported in one transaction."""
CSV: Final = Text("the table", "表格")


class NewDevice(Given):
    """A device that is made known before it comes."""

    product: int
    dk: str


class DeviceChange(Given):
    """What is to be different; what is left out stays."""

    is_enabled: bool | None = None
    cell: str | None = None


class NewUnit(Given):
    """A unit that passed on the production line."""

    dk: str = Field(description="its IMEI")
    version: str = Field("", description="of the module, as the line read it back")
    attributes: dict[str, str] = Field({}, description="what the line knows: line.order, line.station ...")


class Handover(Given):
    """Units of one product."""

    product: int
    units: list[NewUnit] = Field(min_length=1, max_length=MOST_UNITS)


class NewcomerDevice(Given):
    """A device that comes from another platform."""

    model_config = ConfigDict(hide_input_in_errors=True)
    dk: str
    ds: str = Field("", description="its device secret; without one it authenticates anew")
    version: str = Field("", description="of the module, as the other platform knew it")
    cell: str = ""
    tags: dict[str, str] = Field({}, description='tags and attributes; "" is a plain tag')


class Newcomers(Given):
    """Devices of one product: all of them are kept, or none."""

    model_config = ConfigDict(hide_input_in_errors=True)
    product: int
    devices: list[NewcomerDevice] = Field(min_length=1, max_length=MOST_UNITS)


class Tags(Given):
    """Tags and attributes for some devices."""

    devices: list[int] = Field(min_length=1, max_length=10_000)
    tags: dict[str, str | None] = Field(description='"" is a plain tag, null takes it away')


class ManyChange(Given):
    """Which devices are to be on or off."""

    devices: list[int] = Field(min_length=1, max_length=1000)
    is_enabled: bool


def device_json(device: Device) -> dict[str, Any]:
    """A device as JSON; versions as a list, for JSON has no keys of two."""
    versions = [
        {"type": kind, "component": component, "version": version}
        for (kind, component), version in sorted(device.versions.items())
    ]
    return asdict(device) | {"versions": versions, "is_online": device.is_online}


@router.post("", status_code=201, **needs("device.add"))
async def add_device(door: Open, who: Who, new: NewDevice) -> dict[str, Any]:
    """Make a device known; it gets its secret when it authenticates."""
    return device_json(await door.act(devices.add, new.product, new.dk, actor=who))


@router.post("/tags", **needs("device.tag"))
async def tag_devices(door: Open, who: Who, given: Tags) -> dict[str, Any]:
    """Give tags and attributes, or take them away."""
    return {"changed": await door.act(devices.tag, given.devices, given.tags, actor=who)}


@router.post("/change", **needs("device.change"))
async def change_devices(door: Open, who: Who, to: ManyChange) -> dict[str, Any]:
    """Switch devices off or on, all or none; those that are switched off lose their connections."""
    changed = await door.act(devices.change_many, to.devices, actor=who, is_enabled=to.is_enabled)
    for number in () if to.is_enabled else changed:
        await door.drop(number)
    return {"changed": len(changed)}


@router.post("/import", **needs("device.import"))
async def import_units(door: Open, who: Who, given: Handover) -> dict[str, Any]:
    """Make units of the production line known before their first contact.

    One that is known keeps its secret and its other tags.
    """
    units = [Unit(one.dk, one.version, one.attributes) for one in given.units]
    return await _imported(door, who, given.product, units)


@router.post("/import/csv", **needs("device.import"))
async def import_csv(door: Open, who: Who, product: int, request: Request) -> dict[str, Any]:
    """The same from the CSV of `moduline gang report --csv`, as the body; at most 16 MB."""
    require(who, "device.import")
    table = bytearray()
    async for piece in request.stream():
        table += piece
        if len(table) > MOST_CSV:
            raise TooBig(what=CSV, need=len(table), have=MOST_CSV)
    return await _imported(door, who, product, handover.from_csv(table.decode("utf-8-sig", "replace")))


@router.post("/adopt", **needs("device.adopt"))
async def adopt_devices(door: Open, who: Who, given: Newcomers) -> dict[str, Any]:
    """Make a fleet of another platform known, with its device secrets.

    One transaction: all or none. What is known here stays, so it may be sent twice; secrets are never given back.
    """
    newcomers = [Newcomer(one.dk, one.ds, one.version, one.cell, one.tags) for one in given.devices]
    return asdict(await door.act(moving.adopt, given.product, newcomers, actor=who))


@router.get("/{device}")
async def show_device(door: Open, who: Who, device: Id) -> dict[str, Any]:
    """One device."""
    return device_json(await door.see(devices.by_id, device, actor=who))


@router.patch("/{device}", **needs("device.change"))
async def change_device(door: Open, who: Who, device: Id, to: DeviceChange) -> dict[str, Any]:
    """Off or on, or another radio cell; one that is switched off loses its connection."""
    made = await door.act(devices.change, device, actor=who, is_enabled=to.is_enabled, cell=to.cell)
    if not made.is_enabled:
        await door.drop(device)
    return device_json(made)


@router.delete("/{device}", **needs("device.delete"))
async def delete_device(door: Open, who: Who, device: Id) -> dict[str, Any]:
    """Forget a device that is in no plan."""
    await door.act(devices.delete, device, actor=who)
    await door.drop(device)
    return {"ok": True}


async def _imported(door: Door, who: Actor, product: int, units: Sequence[Unit]) -> dict[str, Any]:
    """Import block by block, for each block holds up the others who write."""
    made = known = 0
    for begin in range(0, max(len(units), 1), BLOCK):
        fresh, old = await door.act(devices.import_line, product, units[begin : begin + BLOCK], actor=who)
        made, known = made + fresh, known + old
    return {"new": made, "known": known}
