"""Modules as people see them: the ports of one place as one thing, with a state; and the ports that nobody knows.

A port says where it is and what it is for; a module is what has several of them, or, in download mode, one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from moduline.port.listing import PortInfo, is_module
from moduline.port.usb_ids import find_usb_id

ModuleSight = Literal["running", "booting", "download", "off"]
"""What a module looks like from outside; ``off`` is a virtual module that has no ports."""


@dataclass(frozen=True, slots=True)
class ConnectedModule:
    """A module that is connected.

    Args:
        place: USB place; the same for all its ports and through every restart.
        address: leads to it again, ready to paste.
        state: what it looks like.
        model: model or, for a real one, which models its USB id belongs to; empty when unknown.
        imei: where it is known without asking.
        name: of a virtual one.
        rack: rack.
        slot: position in the rack.
        ports: by role; the one of a role that is used.
    """

    place: str
    address: str
    state: ModuleSight
    model: str
    imei: str
    name: str
    rack: str
    slot: str
    ports: tuple[PortInfo, ...]

    @property
    def is_virtual(self) -> bool:
        """Whether it is one of a rack on this computer."""
        return bool(self.name)

    def port(self, role: str) -> PortInfo | None:
        """The port of a role; None when it has none now."""
        return next((port for port in self.ports if port.role == role), None)


def connected_modules(ports: Iterable[PortInfo]) -> list[ConnectedModule]:
    """The modules among some ports, virtual ones first, by rack, slot and place.

    One whose cable is out may still be heard on a UART; it is not connected.
    """
    places: dict[str, list[PortInfo]] = {}
    for port in ports:
        places.setdefault(port.place, []).append(port)
    found = [_module(place, here) for place, here in places.items() if any(map(_is_plugged, here))]
    names = [(one.name, one.place) for one in found if one.name]
    twice = {name for name, place in names if any(name == other and place != there for other, there in names)}
    return sorted(
        (_named_fully(one) if one.name in twice else one for one in found),
        key=lambda one: (not one.is_virtual, one.rack, _natural(one.slot), _natural(one.name), _natural(one.place)),
    )


def unknown_ports(ports: Iterable[PortInfo]) -> list[PortInfo]:
    """Ports of places at which nothing is known to be a module, by path."""
    listed = list(ports)
    places = {port.place for port in listed if is_module(port)}
    return sorted((port for port in listed if port.place not in places), key=lambda port: _natural(port.path))


def _is_plugged(port: PortInfo) -> bool:
    return is_module(port) and not port.role.startswith("uart")


def _module(place: str, ports: list[PortInfo]) -> ConnectedModule:
    first = next((port for port in ports if is_module(port)), ports[0])
    row = find_usb_id(first.vid, first.pid)
    model = next((port.model for port in ports if port.model), "")
    if not model and row is not None and not first.name:
        model = row.modules
    return ConnectedModule(
        place=place,
        address=first.address,
        state=_state(ports),
        model=model,
        imei=next((port.imei for port in ports if port.imei), ""),
        name=first.name,
        rack=first.rack,
        slot=first.slot,
        ports=tuple(ports),
    )


def _state(ports: list[PortInfo]) -> ModuleSight:
    """A virtual module says it; a real one is judged by what it shows."""
    roles = {port.role for port in ports}
    told = next((port.state for port in ports if port.state), "")
    if told in {"download", "booting", "off"}:
        return told  # type: ignore[return-value]
    if "download" in roles:
        return "download"
    return "running" if told == "running" or roles & {"at", "repl"} else "booting"


def _named_fully(module: ConnectedModule) -> ConnectedModule:
    """The same with an address that names the rack, for names that are used twice."""
    values = {name: getattr(module, name) for name in ConnectedModule.__slots__}
    return ConnectedModule(**values | {"address": f"virt:{module.rack}/{module.name}"})


def _natural(text: str) -> tuple[tuple[int, int | str], ...]:
    """So that m2 stands before m10."""
    parts: list[tuple[int, int | str]] = []
    digits = ""
    for letter in f"{text}\0":
        if letter.isdecimal():
            digits += letter
            continue
        if digits:
            parts.append((0, int(digits)))
            digits = ""
        parts.append((1, letter))
    return tuple(parts)
