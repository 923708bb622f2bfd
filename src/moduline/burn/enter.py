"""Bring a module into download mode and find its download port again.

The 8910 in download mode has no serial number and no name: only its USB place tells which module it is. So the place
of the AT port is remembered before ``AT+QDOWNLOAD=1``, and the download port is awaited at the same place.

The ways are tried in order: the AT command, then somebody who holds the boot pin. Where the chip's profile promises no
AT command, it is tried all the same, and the pin is asked for as soon as it is refused or nothing comes of it.

Source: platform-unisoc 8; platform-eigencomm 2; device-api 4.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from moduline.burn.action import BurnPlan
from moduline.errors import AtRefused, BadAnswer, NoAnswer, NoModule, PortGone, Text, WindowMissed, WrongModule
from moduline.events import Notice, Reporter
from moduline.port import address as addresses
from moduline.port.listing import PortInfo
from moduline.port.usb_ids import find_usb_id
from moduline.port.watch import Watch
from moduline.profiles import catalog
from moduline.remote.at_session import AtSession
from moduline.remote.identify import Identity, identify_by_at

SWITCH_COMMANDS: Final = ("AT+QDOWNLOAD=1",)
"""For chips without a profile."""
SWITCH_LIMIT_S: Final = 3.0
WINDOW_S: Final = 15.0
"""How long the download port may take to appear after the switch; the vendor's tool waits 15 s."""
ASK_LIMIT_S: Final = 12.0
"""How long a module may take to answer on AT: one that was just powered on needs some seconds."""
PIN_LIMIT_S: Final = 60.0
"""How long somebody may take to hold the boot pin and re-power."""
COUNTDOWN_S: Final = 10.0
"""How often the one who holds the boot pin is told how much time is left."""
_VARIANT: Final = re.compile(r"(?P<base>E[A-Z]\d{3}[A-Z])(?P<variant>[A-Z]{4})(?=R\d\d|\Z)")
"""Model and region at the head of a version or of a model's full name: EC600S CNLB (R01A01...)."""
SAME_NAME_LENGTH: Final = 5
"""Models and versions that share fewer letters are never taken for the same."""


@dataclass(frozen=True, slots=True)
class Entered:
    """A module in download mode: its download port, and what it said about itself just before it went there by itself.

    After somebody held the boot pin nobody knows whether it is still the module that spoke.
    """

    port: PortInfo
    identity: Identity | None


class _Switch(Enum):
    """What came of the switch command."""

    SILENT = auto()
    REFUSED = auto()
    ACCEPTED = auto()


def find_module(address: str, watch: Watch) -> PortInfo:
    """The download port of the module at ``address`` when it has one now, else its AT port.

    Raises:
        BadAddress, NoModule, SeveralModules: as ``port.address``.
    """
    return addresses.resolve(address, ("download", "at"), watch.ports)


async def enter(
    port: PortInfo,
    plan: BurnPlan,
    watch: Watch,
    report: Reporter,
    *,
    force: bool = False,
    window_s: float = WINDOW_S,
    ask_limit_s: float = ASK_LIMIT_S,
    pin_limit_s: float = PIN_LIMIT_S,
    on_identity: Callable[[Identity], None] = lambda _: None,
) -> Entered:
    """Switch the module behind ``port`` to download mode and give its download port.

    Args:
        port: from :func:`find_module`.
        plan: what will be burnt; its chip and model must be the module's.
        watch: who is connected.
        report: gets a Notice when somebody has to hold the boot pin.
        force: burn although the module says it is another model.
        window_s: how long to wait for the download port after the switch.
        ask_limit_s: how long to try the AT port before somebody has to help.
        pin_limit_s: how long to wait for somebody to hold the boot pin.
        on_identity: called as soon as the module has said who it is.

    Raises:
        WrongModule: the package is for another module; nothing was changed.
        WindowMissed: the download port did not appear.
        PortBusy, NoModule: the AT port cannot be opened.
    """
    _check_chip(port, plan)
    if port.role == "download":
        return Entered(port, None)
    loop = asyncio.get_running_loop()
    limit = loop.time() + ask_limit_s
    switch, identity = await _ask_and_switch(port, plan, force=force, on_identity=on_identity)
    while not _is_settled(switch, plan) and loop.time() < limit:
        back = await watch.wait_for(port.place, ["download", "at"], limit - loop.time())
        if back is not None and back.role == "download":
            _check_chip(back, plan)
            return Entered(back, None)
        if back is not None:
            switch, identity = await _ask_and_switch(back, plan, force=force, on_identity=on_identity)
    found = None
    if switch is _Switch.ACCEPTED:
        found = await watch.wait_for(port.place, ["download"], window_s)
    if found is None and (switch is not _Switch.ACCEPTED or not _has_command(plan)):
        found, identity = await _await_pin(port.place, watch, report, pin_limit_s), None
    if found is None:
        raise WindowMissed(where=port.address)
    _check_chip(found, plan)
    return Entered(found, identity)


async def _await_pin(place: str, watch: Watch, report: Reporter, limit_s: float) -> PortInfo | None:
    """The download port, once somebody has held the boot pin; None when nobody did in time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + limit_s
    while (left_s := end - loop.time()) > 0:
        report(Notice("burn.hold-boot-pin", facts={"place": place, "seconds": left_s}))
        found = await watch.wait_for(place, ["download"], min(left_s, COUNTDOWN_S))
        if found is not None:
            return found
    return None


async def _ask_and_switch(
    port: PortInfo, plan: BurnPlan, *, force: bool, on_identity: Callable[[Identity], None]
) -> tuple[_Switch, Identity | None]:
    """What came of telling the module to switch, and who it is when it said so."""
    try:
        session = AtSession(await addresses.open_port(port))
    except NoModule:
        return _Switch.SILENT, None
    try:
        await session.open()
        identity = await identify_by_at(session)
        on_identity(identity)
        if not force:
            check_model(plan, identity)
        return await _switch(session, plan), identity
    except (NoAnswer, PortGone, AtRefused, BadAnswer):
        return _Switch.SILENT, None
    finally:
        await session.close()


async def _switch(session: AtSession, plan: BurnPlan) -> _Switch:
    """Send the chip's commands until one is not refused."""
    for command in switch_commands(plan.chip):
        try:
            await session.tell(command, SWITCH_LIMIT_S)
        except AtRefused:
            continue
        except (NoAnswer, PortGone, BadAnswer):
            return _Switch.ACCEPTED  # some firmware resets before it answers; the port that appears decides
        return _Switch.ACCEPTED
    return _Switch.REFUSED


def switch_commands(chip: str) -> tuple[str, ...]:
    """The AT commands that lead a module of this chip to download mode, in the order in which they are tried."""
    if chip not in catalog.chips():
        return SWITCH_COMMANDS
    known = [f"AT{one}=1" if one.startswith("+") else f"AT{one}" for one in catalog.chip(chip).entry.at_commands]
    return tuple(known) or SWITCH_COMMANDS


def _is_settled(switch: _Switch, plan: BurnPlan) -> bool:
    """Whether asking again is of no use: it was accepted, or refused by a chip that never promised the command."""
    return switch is _Switch.ACCEPTED or (switch is _Switch.REFUSED and not _has_command(plan))


def _has_command(plan: BurnPlan) -> bool:
    """Whether the chip is known to enter download mode by an AT command; families of chips are."""
    return plan.chip not in catalog.chips() or bool(catalog.chip(plan.chip).entry.at_commands)


def check_model(plan: BurnPlan, identity: Identity) -> None:
    """Nothing when the package may be for this module.

    Raises:
        WrongModule: both models are known and differ.
    """
    if plan.model and identity.model and not is_same_name(plan.model, identity.model):
        raise WrongModule(package=plan.model, module=identity.model)
    package, module = (_VARIANT.match(_letters(text or "")) for text in (plan.version or plan.model, identity.version))
    if package and module and package["base"] == module["base"] and package["variant"] != module["variant"]:
        raise WrongModule(package=package["base"] + "-" + package["variant"], module=identity.version)
    variant = f"{module['base']}-{module['variant']}" if module else ""
    known = catalog.module_of_model(variant) if plan.flash_bytes and variant else None
    if known is not None and known.identity.variant == variant:
        have = known.on_chip(catalog.chip_of(known)).flash.size_bytes
        if plan.flash_bytes != have:
            raise _wrong_flash(plan, have)


def _wrong_flash(plan: BurnPlan, have: int) -> WrongModule:
    package, module = (Text(f"{size >> 20} MB of flash", f"{size >> 20} MB Flash") for size in (plan.flash_bytes, have))
    return WrongModule(package=package, module=module)


def is_same_name(one: str, other: str) -> bool:
    """Whether two model or version texts mean the same: equal, or one is a longer form of the other.

    ``EG915U-EUAB`` and ``EG915U`` are; ``EC600U`` and ``EC600G`` are not.
    """
    first, second = _letters(one), _letters(other)
    if min(len(first), len(second)) < SAME_NAME_LENGTH:
        return first == second
    return first.startswith(second) or second.startswith(first)


def _letters(text: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def _check_chip(port: PortInfo, plan: BurnPlan) -> None:
    """Nothing when a module with these USB ids may be of the plan's chip and flash size; some ids stand for a family.

    Raises:
        WrongModule: it may not.
    """
    row = find_usb_id(port.vid, port.pid)
    if row is None:
        return
    if not plan.chip.startswith(row.chip) and not row.chip.startswith(plan.chip):
        raise WrongModule(package=plan.chip, module=row.chip)
    if row.flash_bytes and plan.flash_bytes and row.flash_bytes != plan.flash_bytes:
        raise _wrong_flash(plan, row.flash_bytes)
