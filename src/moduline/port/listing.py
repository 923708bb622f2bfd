"""Who is connected now: ports of real and virtual modules as one list of frozen values.

Real ports come from the system (``serial.tools.list_ports``), virtual ones from the registry. A slot is a name for a
USB place: virtual racks name theirs, real places are named by the user (``moduline port map``) and kept in
``<home>/slots.json`` as ``{"RACK": {"SLOT": "USB place"}}``.

The real listing costs milliseconds of system calls; whoever polls does it in a thread and rarely.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from serial.tools import list_ports

from moduline.errors import BadOption, BadRecipe, StorageFailed, Text
from moduline.port import registry
from moduline.port.usb_ids import find_usb_id, role_of

_INTERFACE = re.compile(r"[.:](?:x)?(\d+)$")


@dataclass(frozen=True, slots=True)
class PortInfo:
    """One port that can be opened.

    Args:
        path: what is opened: a device path, ``tcp:HOST:PORT`` or ``rfc2217://HOST:PORT``.
        role: ``at``, ``repl``, ``download``, ``uart2`` and so on; ``serial`` when unknown.
        location: USB place, the same for all ports of a module and through every restart; empty when there is none.
        vid: USB vendor id, 0 when unknown.
        pid: USB product id, 0 when unknown.
        product: USB product text.
        name: name of the virtual module, empty for real ones.
        rack: rack of the module, empty when in none.
        slot: position in the rack.
        model: model, where it is known without asking.
        imei: IMEI, where it is known without asking; never in download mode.
        state: state of a virtual module, empty for real ones.
        enumeration: of a virtual module's port, another number for every time it appeared; 0 for real ones.
    """

    path: str
    role: str
    location: str = ""
    vid: int = 0
    pid: int = 0
    product: str = ""
    name: str = ""
    rack: str = ""
    slot: str = ""
    model: str = ""
    imei: str = ""
    state: str = ""
    enumeration: int = 0

    @property
    def place(self) -> str:
        """What stays the same when the module restarts: its USB place, else the path."""
        return self.location or self.path

    @property
    def address(self) -> str:
        """An address that leads to this module again, ready to paste."""
        if self.name:
            return f"virt:{self.name}"
        return f"usb:{self.location}" if self.location else self.path


def virtual_ports(rack: str | None = None) -> list[PortInfo]:
    """Ports of live virtual modules, by rack and name; a slot name the user gave a place counts before the rack's."""
    slots = _slots_by_place()
    found = [port for entry in registry.modules(rack) for port in ports_of(entry)]
    return [
        replace(port, slot=named[1]) if (named := slots.get(port.place)) and named[0] == port.rack else port
        for port in found
    ]


def ports_of(entry: registry.ModuleEntry) -> list[PortInfo]:
    """The ports of one virtual module, as they are seen over USB."""
    is_known = entry.state != "download"
    return [
        PortInfo(
            path=port.path,
            role=port.role,
            location=port.location,
            vid=port.vid,
            pid=port.pid,
            product=port.product,
            name=entry.name,
            rack=entry.rack,
            slot=entry.slot,
            model=entry.model if is_known else "",
            imei=entry.imei if is_known else "",
            state=entry.state,
            enumeration=port.enumeration,
        )
        for port in entry.ports
    ]


def real_ports() -> list[PortInfo]:
    """Serial ports of this computer, those of known modules with their roles, by place and path."""
    slots = _slots_by_place()
    found = []
    for port in list_ports.comports():
        interface = _INTERFACE.search(port.location or "")
        location = (port.location or "").split(":")[0]
        row = find_usb_id(port.vid, port.pid)
        name = " ".join(filter(None, (port.product, port.interface, port.description)))
        rack, slot = slots.get(location, ("", ""))
        found.append(
            PortInfo(
                path=port.device,
                role=role_of(row, name, int(interface[1]) if interface else None),
                location=location,
                vid=port.vid or 0,
                pid=port.pid or 0,
                product=port.interface or port.product or "",
                rack=rack,
                slot=slot,
            )
        )
    return sorted(found, key=lambda port: (port.location, port.path))


def all_ports() -> list[PortInfo]:
    """Every port, virtual ones first."""
    return virtual_ports() + real_ports()


def is_module(port: PortInfo) -> bool:
    """Whether the port belongs to a module, and not to some other serial device."""
    return bool(port.name) or find_usb_id(port.vid, port.pid) is not None or port.role not in {"serial", ""}


def read_slots() -> dict[str, dict[str, str]]:
    """The user's names of USB places: rack, slot, place.

    Raises:
        BadRecipe: the file is not what ``port map`` writes.
    """
    path = registry.home() / "slots.json"
    if not path.exists():
        return {}
    try:
        raw: Any = json.loads(path.read_text(encoding="utf-8"))
        return {str(rack): {str(slot): str(place) for slot, place in named.items()} for rack, named in raw.items()}
    except (OSError, ValueError, AttributeError) as cause:
        raise BadRecipe(path=str(path), key="slots", reason=str(cause)) from cause


def _slots_by_place() -> dict[str, tuple[str, str]]:
    """Rack and slot of every place that the user named."""
    return {place: (rack, slot) for rack, named in read_slots().items() for slot, place in named.items()}


def write_slots(rack: str, named: Iterable[tuple[str, str]]) -> dict[str, dict[str, str]]:
    """Name places of a rack, keeping the names given before; an empty place takes a name away. Gives all names.

    Raises:
        BadOption: a place would have two names.
        BadRecipe: the file is not what this function writes.
        StorageFailed: the file cannot be written.
    """
    slots = read_slots()
    mapped = slots.setdefault(rack, {})
    for slot, place in named:
        if place:
            mapped[slot] = place
        else:
            mapped.pop(slot, None)
    _check_places(slots)
    if not mapped:
        del slots[rack]
    path = registry.home() / "slots.json"
    fresh = path.with_suffix(".json.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("w", encoding="utf-8") as file:
            file.write(json.dumps(slots, ensure_ascii=False, indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as cause:
        raise StorageFailed(path=str(path), reason=cause.strerror or Text("cannot write", "无法写入")) from cause
    return slots


def _check_places(slots: Mapping[str, Mapping[str, str]]) -> None:
    """See that no place has two names.

    Raises:
        BadOption: one has.
    """
    owners: dict[str, tuple[str, str]] = {}
    for rack, named in slots.items():
        for slot, place in named.items():
            first = owners.setdefault(place, (rack, slot))
            if first != (rack, slot):
                reason = Text("{place} is {one} and {other}", "{place} 同时为 {one} 与 {other}")
                names = (f"{first[0]}/{first[1]}", f"{rack}/{slot}")
                raise BadOption(name="SLOT=PLACE", reason=reason, place=place, one=names[0], other=names[1])
