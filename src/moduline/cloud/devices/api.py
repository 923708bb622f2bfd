"""Routes of devices."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from moduline.cloud.accounts.door import After, Limit, Open, Who, shown
from moduline.cloud.devices import service as devices
from moduline.cloud.devices.device import MODULE, Device, DeviceFilter

router: Final = APIRouter(prefix="/v1/devices", tags=["devices"])


class NewDevice(BaseModel):
    """A device that is made known before it comes."""

    model_config = ConfigDict(extra="forbid")
    product: int
    dk: str


class DeviceChange(BaseModel):
    """What is to be different; what is left out stays."""

    model_config = ConfigDict(extra="forbid")
    is_enabled: bool | None = None
    cell: str | None = None


class Tags(BaseModel):
    """Tags and attributes for some devices."""

    model_config = ConfigDict(extra="forbid")
    devices: list[int] = Field(min_length=1, max_length=10_000)
    tags: dict[str, str | None] = Field(description='"" is a plain tag, null takes it away')


def device_json(device: Device) -> dict[str, Any]:
    """A device as JSON; versions as a list, for JSON has no keys of two."""
    versions = [
        {"type": kind, "component": component, "version": version}
        for (kind, component), version in sorted(device.versions.items())
    ]
    return asdict(device) | {"versions": versions, "is_online": device.is_online}


@router.get("")
async def list_devices(
    door: Open,
    who: Who,
    product: int | None = None,
    dk: Annotated[str, Query(description="whose key begins so")] = "",
    is_online: bool | None = None,
    tag: str = "",
    value: str | None = None,
    version: Annotated[str, Query(description="that runs this version")] = "",
    type: int = MODULE,  # noqa: A002  the name in the query
    component: str = "",
    after: After = 0,
    limit: Limit = None,
) -> dict[str, Any]:
    """Devices by their numbers."""
    wanted = DeviceFilter(product, dk, is_online, tag=tag, value=value, type=type, component=component, version=version)
    return shown(await door.see(devices.page, wanted, actor=who, after=after, limit=limit), device_json)


@router.post("", status_code=201)
async def add_device(door: Open, who: Who, new: NewDevice) -> dict[str, Any]:
    """Make a device known; it gets its secret when it authenticates."""
    return device_json(await door.act(devices.add, new.product, new.dk, actor=who))


@router.post("/tags")
async def tag_devices(door: Open, who: Who, given: Tags) -> dict[str, Any]:
    """Give tags and attributes, or take them away."""
    return {"changed": await door.act(devices.tag, given.devices, given.tags, actor=who)}


@router.get("/{device}")
async def show_device(door: Open, who: Who, device: int) -> dict[str, Any]:
    """One device."""
    return device_json(await door.see(devices.by_id, device, actor=who))


@router.patch("/{device}")
async def change_device(door: Open, who: Who, device: int, to: DeviceChange) -> dict[str, Any]:
    """Off or on, or another radio cell; one that is switched off loses its connection."""
    made = await door.act(devices.change, device, actor=who, is_enabled=to.is_enabled, cell=to.cell)
    if not made.is_enabled:
        await door.drop(device)
    return device_json(made)


@router.delete("/{device}")
async def delete_device(door: Open, who: Who, device: int) -> dict[str, Any]:
    """Forget a device that is in no plan."""
    await door.act(devices.delete, device, actor=who)
    await door.drop(device)
    return {"ok": True}
