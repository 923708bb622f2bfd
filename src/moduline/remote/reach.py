"""From an address to a session: which port of a module is asked for what.

An address that names a module (``auto``, ``virt:…``, ``imei:…``, ``usb:…``, ``slot:…``) leads to its AT and its REPL
port; one that names a port (a device path, ``tcp:…``) is that port, whichever it is.
"""

from __future__ import annotations

from collections.abc import Callable

from moduline.errors import ModulineError, NoAnswer, NoModule, PortBusy
from moduline.port.address import open_port, resolve
from moduline.port.stream import ByteStream
from moduline.remote.at_session import AtSession
from moduline.remote.identify import Identity, identify_by_at, identify_by_repl
from moduline.remote.repl_session import ReplSession, Sink, drop
from moduline.remote.rescue import Ways

_MODULE_ADDRESSES = ("virt:", "imei:", "usb:", "slot:")


def names_a_module(address: str) -> bool:
    """True when the address stands for a module with several ports."""
    return address == "auto" or address.startswith(_MODULE_ADDRESSES)


async def open_stream(address: str, role: str) -> ByteStream:
    """The port of that role (``at`` or ``repl``), open.

    Raises:
        BadAddress, NoModule, SeveralModules, PortBusy: as ``port.address``.
    """
    return await open_port(resolve(address, role=role))


async def open_repl(address: str, on_noise: Sink = drop) -> ReplSession:
    """The REPL of a module, to be entered with ``async with``.

    Raises:
        BadAddress, NoModule, SeveralModules, PortBusy: as ``port.address``.
    """
    return ReplSession(await open_stream(address, "repl"), on_noise=on_noise)


async def open_at(address: str, on_unsolicited: Callable[[str], None] | None = None) -> AtSession:
    """The AT port of a module, to be entered with ``async with``.

    Raises:
        BadAddress, NoModule, SeveralModules, PortBusy: as ``port.address``.
    """
    return AtSession(await open_stream(address, "at"), on_unsolicited)


def ways(address: str, at_address: str | None = None) -> Ways:
    """How ``rescue`` reaches the module: its REPL, and its AT port where there is one or one is named."""
    at = at_address if at_address is not None else (address if names_a_module(address) else None)

    async def repl_stream() -> ByteStream:
        return await open_stream(address, "repl")

    async def at_stream() -> ByteStream:
        return await open_stream(at or address, "at")

    if at_address is None and at is not None and not _has_at_port(at):
        at = None
    return Ways(address, repl_stream, at_stream if at is not None else None)


async def identify(address: str, via: str = "auto") -> Identity:
    """Who the module is.

    Args:
        via: ``at``, ``repl`` (which interrupts what runs), or ``auto``: AT first, the REPL where AT is silent.

    Raises:
        NoAnswer: neither answers.
        BadAddress, NoModule, SeveralModules, PortBusy: as ``port.address``.
    """
    if via != "repl":
        try:
            async with await open_at(address) as at:
                return await identify_by_at(at)
        except (NoAnswer, NoModule, PortBusy):
            if via == "at":
                raise
    async with await open_repl(address) as repl:
        return await identify_by_repl(repl)


def _has_at_port(address: str) -> bool:
    try:
        resolve(address, role="at")
    except ModulineError:
        return False
    return True
