"""One virtual module: its flash, its power, its ports, and which program runs.

``_life`` is one stretch of power: boot, run, download mode and back, as in ``power.TABLE``, until the power goes away.
Whatever a stage needs (ports, the interpreter) is made when it begins and gone when it ends, however it ends; so a
power cut in the middle of a flash operation closes the ports exactly as a pulled plug does.

Two ways lead into a life from outside: ``power_off`` cancels it, and everything else (reset, AT commands, scripts)
is a *wish* that the running stage sees.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, closing, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, Self

from moduline.errors import FlashCut, InterpreterMissing, PortGone, StorageFailed
from moduline.events import Notice
from moduline.port.registry import ModuleEntry, ModuleState, PortEntry
from moduline.vmodule.at_desk import at_desk
from moduline.vmodule.at_port import AtAction, AtFacts, AtSession
from moduline.vmodule.boot import BootCode, BootSystem, StayInRom
from moduline.vmodule.download.events import (
    CutReached,
    DownloadEvent,
    PartDone,
    ResetWanted,
    StageEntered,
    UnplugReached,
)
from moduline.vmodule.download.session import WireSession
from moduline.vmodule.download_mode import Window, serve
from moduline.vmodule.download_sessions import session_for
from moduline.vmodule.facts import ModuleIdentity, facts_of, quirks_of
from moduline.vmodule.faults import Faults, Line, forget_fired, forget_word
from moduline.vmodule.flash_file import FlashFile
from moduline.vmodule.interpreter.plan import OwnerCalls, RuntimePlan
from moduline.vmodule.mishaps import Mishaps
from moduline.vmodule.module_options import MakeRuntime, ModuleEnd, ModuleOptions, Runtime
from moduline.vmodule.nv_store import factory_block
from moduline.vmodule.outlet import Cable, Outlet
from moduline.vmodule.power import TABLE, PowerDownReason, PowerOnReason, start_after
from moduline.vmodule.power import Start as _Start
from moduline.vmodule.update import UpdateUnit
from moduline.vmodule.update.acceptance import abilities_of
from moduline.vmodule.update.boot_loop import end_line, run_boot_steps
from moduline.vmodule.wiring import make_end, uart_numbers
from moduline.vmodule.world.updates import Station
from moduline.vmodule.world.world import World

_Wish = _Start | None  # None: the module switches itself off
_RESET_BY_DOWNLOAD = _Start("reset")


class VirtualModule:
    """A module; ``async with`` opens its flash and takes its power away at the end.

    Args:
        identity: who it is.
        folder: of its flash file and port links; made when missing.
        make_runtime: makes what runs scripts.
        options: how it is set up.
    """

    def __init__(
        self, identity: ModuleIdentity, folder: Path, make_runtime: MakeRuntime, options: ModuleOptions | None = None
    ) -> None:
        self.identity = identity
        self.folder = folder
        self.state: ModuleState = "off"
        self.starts = 0  # how often it began to boot or went into its ROM
        self.reason = ""  # why it is in the ROM, or went dark
        self.imei = ""
        self.firmware_version = ""
        self.faults = Faults()
        self.runtime: Runtime | None = None
        self._options = options or ModuleOptions()
        self._make_runtime = make_runtime
        self._ports: dict[str, Outlet] = {}
        self._life_task: asyncio.Task[None] | None = None
        self._wish: asyncio.Future[_Wish] | None = None
        self._changed = asyncio.Event()
        self._cable = Cable()
        roles = ["at", "repl", "download", *(f"uart{number}" for number in uart_numbers(self._options))]
        self._lines = {role: Line(role) for role in roles}
        self._mishaps = Mishaps(
            self, identity.profile, self.faults, self._lines, self._options.world, self._options.seed
        )
        self._down_reason = PowerDownReason.UNKNOWN
        self._content_path = folder / "content.json"
        is_new = not (folder / "flash.bin").exists()
        self.file = FlashFile(folder / "flash.bin", identity.geometry, self._options.template)
        self.storage = identity.storage(self.file.flash)
        self._options.world.secure.store = self.storage.nv
        self._boot_code = BootCode(identity, self.file.flash, self.file.path)
        abilities = abilities_of(identity, self._options.world.update_plan.public_key)
        self.update = UpdateUnit(identity, self.file.flash, self.storage.files, abilities)
        if is_new:
            block = factory_block(identity.factory_imei, identity.factory_imei, identity.chip.entry.nv_bytes)
            self.storage.nv.write_block(block)
        self.imei = self.storage.nv.imei
        self.file.flash.power_off()
        self._options.world.attend(folder, self._wake)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Take the power away and let go of the flash file."""
        await self._mishaps.close()
        await self.power_off()
        self.file.close()
        self._options.world.close()

    # ---- power -----------------------------------------------------------------------------------------------------

    async def power_on(self, *, boot_pin: bool = False) -> None:
        """Give it power; returns at once. A module that has power only gets its cable plugged in again.

        Args:
            boot_pin: hold the pin: the module stays in download mode until it is reset or loses its power.
        """
        if self._life_task is not None and not self._life_task.done():
            await self.put_in_cable()
            return
        self.file.flash.power_on()
        start = _Start("power_on_pin" if boot_pin else "power_on", PowerOnReason.KEY, self._down_reason, boot_pin)
        self.reason = ""
        self._life_task = asyncio.get_running_loop().create_task(self._life(start))

    def _wake(self, reason: int) -> None:
        """A module that has switched itself off is switched on by its power key or its alarm."""
        is_off = self._life_task is None or self._life_task.done()
        if is_off and (reason != PowerOnReason.RTC or quirks_of(self.identity).can_alarm_switch_on):
            self.file.flash.power_on()
            start = _Start("power_on", PowerOnReason(reason), self._down_reason)
            self._life_task = asyncio.get_running_loop().create_task(self._life(start))

    async def power_off(self) -> None:
        """Take the power away, whatever happens just now; ports vanish before this returns."""
        self.file.flash.power_off()
        task = self._life_task
        if task is not None and not task.done():
            task.cancel()
            self._down_reason = PowerDownReason.LOW_VOLTAGE
            with suppress(asyncio.CancelledError):
                await task
        self._options.world.lose_supply()

    async def reset(self, *, boot_pin: bool = False) -> None:
        """Pull the RESET pin; a module without power is switched on."""
        await self.put_in_cable()
        if self._wish is None:
            await self.power_on(boot_pin=boot_pin)
        else:
            self._wants(_Start("reset_pin" if boot_pin else "reset", is_pin_held=boot_pin))

    def fault(self, word: str) -> None:
        """Switch on a fault; see ``faults.words``.

        Raises:
            BadOption: no such fault.
        """
        self._mishaps.add(word)
        self._tell()

    def end_fault(self, word: str) -> None:
        """End a fault that is on.

        Raises:
            BadOption: it is not.
        """
        self._mishaps.remove(word)
        self._tell()

    async def fault_acted(self) -> None:
        """Return when what ``fault`` began, such as pulling the cable, is done."""
        await self._mishaps.acted()

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Call ``act`` when so many seconds of the module's clock have passed, unless the module is closed before."""
        self._mishaps.after(seconds, act)

    async def wait_state(self, *states: ModuleState) -> None:
        """Return when the module is in one of the states; the caller sets the time limit."""
        await self.wait_until(lambda: self.state in states)

    async def wait_until(self, is_true: Callable[[], bool]) -> None:
        """Return when a change of state or ports has made ``is_true`` true."""
        while not is_true():
            self._changed.clear()
            await self._changed.wait()

    # ---- mishaps ---------------------------------------------------------------------------------------------------

    def arm_cuts(self) -> None:
        """Hand cuts that wait for a flash operation to the flash; they count from now."""
        if self.faults.flash:
            self.file.flash.arm(self.faults.flash)
            self.faults.flash = ()

    def disarm_cuts(self) -> None:
        """Take back cuts that were handed to the flash."""
        self.file.flash.arm(())

    async def cut_power(self) -> None:
        """The supply breaks off."""
        if self.state != "off":
            await self.power_off()
            self.reason = "power-cut"
            self._notice("virt.power-cut", operation=self.file.flash.operation)
            self._tell()

    async def pull_cable(self) -> None:
        """The cable goes out: USB ports vanish, the module runs on."""
        await self._cable.pull()
        self._notice("virt.unplugged")
        self._tell()

    async def put_in_cable(self) -> None:
        """The cable is put in; the ports of the present state appear."""
        if not self._cable.is_in:
            await self._cable.put_in()
            self._notice("virt.plugged")
            self._tell()

    def bite(self) -> None:
        """The watchdog restarts the module."""
        self._wants(_Start("reset", PowerOnReason.WATCHDOG, PowerDownReason.WATCHDOG))

    def hang(self) -> None:
        """Stop the interpreter if it runs; else it will be stopped when it does."""
        if self.runtime is not None and self.state == "running":
            self.runtime.stand_still()
            self._lines["repl"].hold()

    def unhang(self) -> None:
        """Let the interpreter go on, if it stands still."""
        if self.runtime is not None and self._lines["repl"].is_held:
            self.runtime.go_on()
        self._lines["repl"].release()

    def _end_hang(self) -> None:
        """A restart ends what stood still; a hang that has not begun waits on."""
        if self._lines["repl"].is_held:
            self.faults.is_hanging = False
            forget_word(self.faults, "hang")
            self._lines["repl"].release()

    # ---- what others see -------------------------------------------------------------------------------------------

    @property
    def content_bytes(self) -> int:
        """Content of the last package that was in the module whole; 0 when there was none."""
        try:
            return int(json.loads(self._content_path.read_text(encoding="utf-8"))["content_bytes"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    @content_bytes.setter
    def content_bytes(self, size: int) -> None:
        try:
            self._content_path.write_text(json.dumps({"content_bytes": size}), encoding="utf-8")
        except OSError as cause:
            raise StorageFailed(path=str(self._content_path), reason=cause.strerror or str(cause)) from cause

    def entry(self) -> ModuleEntry:
        """The module as the virtual USB tree shows it."""
        who, chip = self.identity, self.identity.chip
        usb = chip.download if self.state == "download" else chip.running
        ports = tuple(
            PortEntry(role, end.path, location=who.location, enumeration=end.enumeration)
            if role.startswith("uart")
            else PortEntry(role, end.path, usb.vid, usb.pid, chip.port_name(role), who.location, end.enumeration)
            for role, end in self._ports.items()
            if end.path
        )
        return ModuleEntry(who.name, who.rack, who.profile.identity.model, self.imei, who.slot, self.state, ports)

    @property
    def world(self) -> World:
        """What surrounds it."""
        return self._options.world

    @property
    def is_unplugged(self) -> bool:
        """Whether the cable is out: it runs, and no host sees it."""
        return not self._cable.is_in

    @property
    def has_ports(self) -> bool:
        """Whether a host can see it now."""
        return any(end.path for role, end in self._ports.items() if not role.startswith("uart"))

    def port_path(self, role: str) -> str:
        """What a host opens for that role; empty while there is no such port."""
        end = self._ports.get(role)
        return end.path if end is not None else ""

    # ---- a life ------------------------------------------------------------------------------------------------------

    async def _life(self, start: _Start) -> None:
        following: _Wish = start
        try:
            while following is not None:
                self._wish = asyncio.get_running_loop().create_future()
                self.starts += 1
                self._become(following.event)
                self._down_reason = following.down_reason
                if self.state == "download":
                    following = await self._in_download_mode(following)
                else:
                    following = await self._booted(following)
            self._down_reason = PowerDownReason.NORMAL
        except FlashCut as cut:
            if not self.file.flash.has_cuts:
                forget_fired(self.faults, "flash")
            self._down_reason = PowerDownReason.LOW_VOLTAGE
            self.reason = "power-cut"
            self._notice("virt.power-cut", operation=cut.facts.get("operation"))
        except StorageFailed as failed:
            self.reason = "storage-failed"
            self._notice("virt.storage-failed", **failed.facts)
        finally:
            self.file.flash.power_off()
            self._wish = None
            self._become("power_off")

    async def _booted(self, start: _Start) -> _Wish:
        """Boot and run until something ends it."""
        await self._options.clock.sleep(self._options.timings.boot_s)
        decision = self._boot_code.decide()
        self.imei = self.storage.nv.imei
        self.file.release_memory()
        if self.faults.is_cut_at_boot:
            self.faults.is_cut_at_boot = False
            forget_word(self.faults, "cut@boot")
            raise FlashCut(operation=self.file.flash.operation)
        if self.update.is_due and self._boot_code.can_update(decision):
            if await self._is_restarted_by_update(self._boot_code.sure_version(decision)):
                return _Start("reset", down_reason=PowerDownReason.NORMAL)
            decision = self._boot_code.decide()
        if isinstance(decision, StayInRom):
            self.reason, self.firmware_version = decision.reason, ""
            self._notice("virt.nothing-to-boot", reason=decision.reason)
            return _Start("nothing_to_boot", is_pin_held=True)
        self.reason = ""
        self.firmware_version = decision.firmware_version
        for notice in decision.notices:
            self._options.report(notice)
        await self._options.clock.sleep(self._options.timings.enumerate_s)
        async with AsyncExitStack() as stack:
            stack.callback(self._ports.clear)
            self._options.world.radio.power_on()
            stack.callback(self._options.world.radio.power_off)
            roles = ["at", "repl", *(f"uart{number}" for number in uart_numbers(self._options))]
            ends = {role: await self._new_end(role, stack) for role in roles}
            stack.callback(self._end_hang)
            stack.push_async_callback(self._options.world.updates.close)
            self._options.world.updates.open(self._station())
            await self._start_runtime(self._plan(decision, start, ends), stack)
            if (ended := self.update.take_result()) is not None:
                self._notice("virt.update-told", is_done=ended.is_done)
                ends["at"].write_if_room(end_line(ended))
            self._ports = ends
            self._become("booted")
            if self.faults.is_hanging:
                self.hang()
            return await self._first_of(self._serve_at(ends["at"]))

    async def _is_restarted_by_update(self, found_version: str | None) -> bool:
        """Apply what waits, with progress on the AT port; whether the boot code restarts the module."""
        self._boot_code.begin_update()
        async with AsyncExitStack() as stack:
            stack.callback(self._show, {})
            end = await self._new_end("at", stack) if self.update.is_applying else None
            self._show({"at": end} if end is not None else {})
            say = end.write_if_room if end is not None else len
            return await run_boot_steps(self.update, found_version, self._notice, say)

    async def _start_runtime(self, plan: RuntimePlan, stack: AsyncExitStack) -> None:
        try:
            runtime = await self._make_runtime(plan)
            stack.push_async_callback(runtime.stop)
            await runtime.start()
            self.runtime = runtime
            stack.callback(setattr, self, "runtime", None)
        except InterpreterMissing as missing:
            self._notice("virt.no-interpreter", **missing.facts)

    def _plan(self, decision: BootSystem, start: _Start, ends: dict[str, Outlet]) -> RuntimePlan:
        owner = OwnerCalls(
            on_power_down=lambda: self._wants(None),
            on_power_restart=lambda: self._wants(_Start("reset", down_reason=PowerDownReason.NORMAL)),
            on_enter_download=lambda: self._wants(_Start("enter_download")),
            on_power_cut=self._cut,
            on_notice=self._options.report,
            on_watchdog=self.bite,
        )
        return RuntimePlan(
            name=self.identity.name,
            flash=self.file.flash,
            flash_path=self.file.path,
            mounts=decision.mounts,
            facts=facts_of(self.identity, self.imei, decision, self._options.world.radio.battery_mv),
            repl=ends["repl"],
            owner=owner,
            quirks=quirks_of(self.identity, is_language_strict=self._options.is_language_strict),
            uarts={number: ends[f"uart{number}"] for number in uart_numbers(self._options)},
            rom=decision.rom,
            power_on_reason=start.on_reason,
            power_down_reason=start.down_reason,
            desks=(*self._options.world.desks(), at_desk(self._at_facts(), self._act)),
        )

    def _act(self, action: AtAction) -> None:
        """A script's AT command does something to the power."""
        self._wants(start_after(action))

    def _station(self) -> Station:
        """What the update service gets of this life."""
        return Station(
            unit=self.update,
            running_version=self.firmware_version,
            on_restart=lambda: self._wants(_Start("reset", down_reason=PowerDownReason.NORMAL)),
            on_cut=self._cut,
            notice=self._notice,
        )

    def _at_facts(self) -> AtFacts:
        return AtFacts(
            model=self.identity.profile.identity.model,
            firmware_version=self.firmware_version,
            imei=self.imei,
            radio=self._options.world.radio,
            serial_number=self.identity.serial_number,
            has_download_command=bool(self.identity.chip.entry.at_commands),
        )

    async def _serve_at(self, end: ModuleEnd) -> _Wish:
        """Answer the AT port until a command ends the state."""

        def say_unasked() -> None:
            said = session.bytes_to_send()
            if not self.faults.is_at_silent:
                end.write_if_room(said)

        session = AtSession(self._at_facts(), say_unasked)
        with closing(session), suppress(PortGone):
            while True:
                data = await end.read_some()
                session.is_silent = self.faults.is_at_silent
                actions = session.receive(data)
                end.write_if_room(session.bytes_to_send())
                if actions:
                    await self._options.clock.sleep(self._options.timings.answer_s)
                    return start_after(actions[0])
        return await _never()

    # ---- download mode -----------------------------------------------------------------------------------------------

    async def _in_download_mode(self, start: _Start) -> _Wish:
        await self._options.clock.sleep(self._options.timings.enumerate_s)
        window = Window(self._options.clock, None if start.is_pin_held else self._options.timings.window_s)
        window.open()
        try:
            session = session_for(self.identity, self.storage, self.faults.download)
            return await self._first_of(self._serve_download(session, window), self._window_over(window))
        finally:
            window.close()
            self.file.release_memory()

    async def _window_over(self, window: Window) -> _Wish:
        await window.over()
        self._notice("virt.window-over")
        return _Start("window_over")

    async def _serve_download(self, session: WireSession, window: Window) -> _Wish:
        """Speak the protocol, over as many pluggings as the cable sees."""
        done: set[int] = set()

        def see(event: DownloadEvent) -> None:
            window.see(event)
            if isinstance(event, PartDone):
                done.add(event.address)
            self._notice(f"virt.download.{type(event).__name__}", **asdict(event))

        async with AsyncExitStack() as stack:
            end = await self._new_end("download", stack)
            stack.callback(self._show, {})
            self._show({"download": end})
            while True:
                event = await serve(end, session, self.faults, see, self._options.clock)
                if isinstance(event, CutReached):
                    self.faults.download.cut_at_bytes = None
                    forget_fired(self.faults, "cut")
                    raise FlashCut(operation=self.file.flash.operation)
                if isinstance(event, UnplugReached):
                    forget_fired(self.faults, "unplug")
                    await self.pull_cable()
                elif isinstance(event, StageEntered):
                    await self._enumerate_anew(end)
                elif event is not None:
                    break
            self._keep_content_size(session, done)
            await self._options.clock.sleep(self._options.timings.answer_s)
        if isinstance(event, ResetWanted):
            return _RESET_BY_DOWNLOAD
        await self._options.clock.sleep(self._options.timings.power_off_s)
        return None

    async def _enumerate_anew(self, end: Outlet) -> None:
        """The loader that was just started shows the port again, once the host has had its answer."""
        await self._options.clock.sleep(self._options.timings.answer_s)
        await end.unplug()
        self._tell()
        await self._options.clock.sleep(self._options.timings.enumerate_s)
        if self._cable.is_in:
            await end.plug()
        self._tell()

    def _keep_content_size(self, session: WireSession, done: set[int]) -> None:
        system = self.identity.profile.partition("system")
        if system is not None and system.address in done:
            self.content_bytes = session.content_bytes

    # ---- parts -------------------------------------------------------------------------------------------------------

    async def _first_of(self, *work: Coroutine[Any, Any, _Wish]) -> _Wish:
        """The result of whichever ends first, wishes from outside included; the others are ended."""
        assert self._wish is not None
        tasks = [asyncio.ensure_future(one) for one in (*work, self._wish)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next(iter(done)).result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _wants(self, wish: _Wish) -> None:
        if self._wish is not None and not self._wish.done():
            self._wish.set_result(wish)

    def _cut(self, cut: FlashCut) -> None:
        if self._wish is not None and not self._wish.done():
            self._wish.set_exception(cut)

    async def _new_end(self, role: str, stack: AsyncExitStack) -> Outlet:
        """The module's side of a new port, closed with the stack; on the cable unless it is a UART."""
        make = partial(make_end, role, self.folder / role, self._options)
        outlet = Outlet(role, make, self._lines[role], self._options.clock)
        stack.push_async_callback(outlet.close)
        if role.startswith("uart"):
            await outlet.plug()
        else:
            await self._cable.hold(outlet)
            stack.callback(self._cable.let_go, outlet)
        return outlet

    def _become(self, event: str) -> None:
        self.state = TABLE[self.state, event]
        if self.state != "running":
            self._ports = {}
        self._tell()

    def _show(self, ports: dict[str, Outlet]) -> None:
        self._ports = ports
        self._tell()

    def _tell(self) -> None:
        if self._options.on_change is not None:
            self._options.on_change(self.entry())
        self._changed.set()

    def _notice(self, slug: str, **facts: Any) -> None:
        self._options.report(Notice(slug, self.identity.name, facts))


async def _never() -> NoReturn:
    """Wait for ever, until cancelled."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError
