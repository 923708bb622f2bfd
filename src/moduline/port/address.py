"""Port addresses: one grammar everywhere, from text to an open stream.

=====================  ==============================================================================
``auto``               the one module that is connected; several are an error with a list to paste
``/dev/ttyUSB2 COM7``  that port, whatever it is
``virt:NAME``          a virtual module; ``virt:RACK/NAME`` where the name is used twice, ``virt:1`` by number
``imei:8612…``         the module with that IMEI; real modules are asked over AT
``usb:1-2.4``          the module at that USB place
``slot:A3``            the module in that slot; ``slot:RACK/A3`` where racks use the same names
``tcp:HOST:PORT``      raw TCP
``rfc2217://HOST:PORT``  a serial port of another computer
=====================  ==============================================================================

An address that names a module is resolved for a *role*: which of its ports is wanted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from moduline.errors import BadAddress, NoModule, SeveralModules
from moduline.port import aside
from moduline.port.identity import ask_imei
from moduline.port.listing import PortInfo, all_ports, is_module
from moduline.port.recording import recorded
from moduline.port.serial import DEFAULT_BAUD, open_serial_aside
from moduline.port.stream import ByteStream

_TCP: Final = re.compile(r"tcp:(?://)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^:/\[\]]+):(?P<port>\d{1,5})/?")
_RFC2217: Final = re.compile(r"rfc2217://(?P<host>\[[0-9A-Fa-f:.]+\]|[^:/\[\]]+):(?P<port>\d{1,5})(?:[/?].*)?")
_DEVICE: Final = re.compile(r"(?:/|\\\\[.?]\\|[Cc][Oo][Mm]\d+$|\.{0,2}/)")
_FORMS: Final = ("virt", "imei", "usb", "slot")


def resolve(address: str, role: str | Sequence[str] = "at", ports: Sequence[PortInfo] | None = None) -> PortInfo:
    """The port that ``address`` means when a port of ``role`` is wanted.

    Args:
        address: see the table above.
        role: ``at``, ``repl``, ``download``, ``uart2`` …, or several, best first; ignored by addresses that name a
            port.
        ports: who is connected; None: look now.

    Raises:
        BadAddress: no form of the grammar.
        NoModule: nothing matches, or the module has no such port now.
        SeveralModules: more than one module matches.
    """
    address = address.strip()
    roles = [role] if isinstance(role, str) else list(role)
    if (found := _fixed(address, roles[0])) is not None:
        return found
    form, _, wanted = address.partition(":")
    if address != "auto" and (form not in _FORMS or not wanted):
        raise BadAddress(address=address)
    ports = list(all_ports() if ports is None else ports)
    matching = [port for port in ports if is_module(port) and _test(form, wanted, ports)(port)]
    if form == "imei" and not matching:
        matching = _asked(wanted, ports)
    places = sorted({port.place for port in matching})
    with_role = [port for wanted_role in roles for port in matching if port.role == wanted_role]
    if address == "auto":
        places = sorted({port.place for port in with_role})
    if len(places) > 1:
        raise _several(address, places, matching)
    if not with_role:
        raise NoModule(address=address)
    return with_role[0]


async def open_address(address: str, role: str | Sequence[str] = "at", baud: int = DEFAULT_BAUD) -> ByteStream:
    """The port that ``address`` means, open; see :func:`resolve` and :func:`open_port`.

    Raises:
        BadAddress, NoModule, SeveralModules, PortBusy: as those two.
    """
    return await open_port(resolve(address, role), baud)


async def open_port(info: PortInfo, baud: int = DEFAULT_BAUD, *, asks: bool = True) -> ByteStream:
    """The port, open for this program alone; recorded when this program records, see ``port.recording``.

    Whoever holds it in this program only to look at it steps aside, see ``port.aside``.

    Args:
        info: from :func:`resolve` or a listing.
        baud: bits per second, for ports that have a rate.
        asks: whether who holds it is asked to step aside; False for those who would only look themselves.

    Raises:
        NoModule: it is gone, or nobody listens there.
        PortBusy: another program holds it, or no permission.
    """
    if asks:
        await aside.make_way(info.path)
    return recorded(await _open(info, baud), info)


async def _open(info: PortInfo, baud: int) -> ByteStream:
    if tcp := _TCP.fullmatch(info.path):
        from moduline.port.tcp import open_tcp

        return await open_tcp(tcp["host"].strip("[]"), int(tcp["port"]))
    if _RFC2217.fullmatch(info.path):
        from moduline.port.rfc2217 import open_rfc2217

        return await open_rfc2217(info.path, baud)
    return await open_serial_aside(info.path, baud)


def _fixed(address: str, role: str) -> PortInfo | None:
    """The port of an address that names a port; None for addresses that name a module."""
    if match := _TCP.fullmatch(address):
        address = f"tcp:{match['host']}:{match['port']}"
    elif match := _RFC2217.fullmatch(address):
        pass
    elif _DEVICE.match(address):
        known = next((port for port in all_ports() if port.path == address), None)
        return known or PortInfo(path=address, role=role)
    else:
        return None
    if not 0 < int(match["port"]) < 65536:
        raise BadAddress(address=address)
    return PortInfo(path=address, role=role)


def _test(form: str, wanted: str, ports: Sequence[PortInfo]) -> Callable[[PortInfo], bool]:
    if form == "virt":
        return _virtual_test(wanted, ports)
    if form == "imei":
        return lambda port: port.imei == wanted
    if form == "usb":
        return lambda port: port.location == wanted
    if form == "slot":
        rack, _, slot = wanted.rpartition("/")
        return lambda port: port.slot.lower() == slot.lower() and rack in {"", port.rack}
    return lambda port: bool(port.path)


def _virtual_test(wanted: str, ports: Sequence[PortInfo]) -> Callable[[PortInfo], bool]:
    rack, _, name = wanted.rpartition("/")
    names = list(dict.fromkeys((port.rack, port.name) for port in ports if port.name))
    if not any(name == known for _, known in names) and name.isdecimal() and 0 < int(name) <= len(names):
        chosen = names[int(name) - 1]
        return lambda port: (port.rack, port.name) == chosen
    return lambda port: port.name == name and rack in {"", port.rack}


def _asked(imei: str, ports: Sequence[PortInfo]) -> list[PortInfo]:
    """Ports of the real module that says it has this IMEI."""
    for port in ports:
        if not port.name and port.role == "at" and is_module(port) and ask_imei(port.path) == imei:
            return [other for other in ports if other.place == port.place]
    return []


def _several(address: str, places: Sequence[str], matching: Sequence[PortInfo]) -> SeveralModules:
    firsts = [next(port for port in matching if port.place == place) for place in places]
    simple = [port.address for port in firsts]
    choices = [
        text if simple.count(text) == 1 else f"virt:{port.rack}/{port.name}"
        for text, port in zip(simple, firsts, strict=True)
    ]
    return SeveralModules(address=address, count=len(choices), choices=", ".join(choices))
