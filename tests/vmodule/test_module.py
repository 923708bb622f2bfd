"""A module from the outside: power, ports, AT, download mode, window, faults; with a stand-in for the interpreter."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from fault_bench import VERSION, firmware, read_until
from fault_bench import fault_bench as bench
from manual_clock import ManualClock
from moduline.errors import BadOption, PortGone
from moduline.vmodule.power import TABLE
from moduline.wire.download.unisoc import (
    BslCommand,
    BslDecoder,
    BslFrame,
    PdlCommand,
    PdlDecoder,
    PdlRequest,
    encode_bsl,
    encode_pdl_request,
    pack_words,
)
from unisoc_host import LOADER_1, LOADER_2, uimage


async def ask(stream, line):
    """Send one AT line, give everything up to the final result."""
    await stream.write_all(line.encode() + b"\r\n")
    return await read_until(stream, b"OK\r\n")


async def vanished(stream):
    """Return when the port is gone; what it still says is dropped."""
    with contextlib.suppress(PortGone):
        async with asyncio.timeout(30):
            while True:
                await stream.read_some()


class Frames:
    """Sends BSL commands on a stream and gives the types of the answers; passes over log frames."""

    def __init__(self, stream):
        self.stream = stream
        self.decoder = BslDecoder("sum")
        self.waiting = []

    async def answer(self):
        async with asyncio.timeout(30):
            while not self.waiting:
                events = self.decoder.feed(await self.stream.read_some())
                self.waiting += [event.type for event in events if isinstance(event, BslFrame) and event.type != 0xFF]
        return self.waiting.pop(0)

    async def ask(self, command, data=b""):
        await self.stream.write_all(encode_bsl(command, data))
        return await self.answer()

    async def greet(self):
        """One flag after the other until FDL1 tells its version."""
        while True:
            await self.stream.write_all(b"\x7e")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.2):
                    return await self.answer()


async def pdl(stream, command, *more):
    await stream.write_all(encode_pdl_request(PdlRequest(command, *more)))
    if command == PdlCommand.EXEC_DATA:
        return
    decoder = PdlDecoder()
    async with asyncio.timeout(30):
        while not decoder.feed(await stream.read_some()):
            pass


async def bring_up_fdl2(stream):
    await pdl(stream, PdlCommand.CONNECT)
    await pdl(stream, PdlCommand.START_DATA, 0x8000C0, len(LOADER_1))
    await pdl(stream, PdlCommand.MID_DATA, 0, len(LOADER_1), LOADER_1)
    await pdl(stream, PdlCommand.END_DATA)
    await pdl(stream, PdlCommand.EXEC_DATA)
    fdl = Frames(stream)
    assert await fdl.greet() == 0x81
    codes = [await fdl.ask(BslCommand.START_DATA, pack_words(0x810000, len(LOADER_2)))]
    codes += [await fdl.ask(BslCommand.MIDST_DATA, LOADER_2), await fdl.ask(BslCommand.END_DATA)]
    assert {*codes, await fdl.ask(BslCommand.EXEC_DATA)} == {0x80}
    return fdl


def test_table_when_walked_then_every_state_is_reached_and_left_and_power_can_always_go():
    states = {"off", "booting", "running", "download"}
    reached, frontier = {"off"}, ["off"]
    while frontier:
        here = frontier.pop()
        for (source, _), target in TABLE.items():
            if source == here and target not in reached:
                reached.add(target)
                frontier.append(target)
    assert reached == states == {source for source, _ in TABLE}
    assert all((state, "power_off") in TABLE and (state, "cut") in TABLE for state in states - {"off"})


@pytest.mark.parametrize("port_kind", ["pty", "tcp"])
def test_module_when_powered_then_answers_on_at_and_repl_as_its_flash_says(tmp_path, port_kind):
    async def story():
        async with bench(tmp_path, port_kind=port_kind) as one:
            await one.on("running")
            at = await one.open("at")
            assert b"866981057532206" in await ask(at, "AT+GSN")
            assert VERSION.encode() in await ask(at, "ATI")
            await at.close()
            plan = one.runtimes[0].plan
            assert (plan.facts.imei, plan.facts.firmware_version) == (one.module.imei, VERSION)
            assert (plan.power_on_reason, plan.power_down_reason) == (1, 0)
            entry = one.module.entry()
            assert [(port.role, port.vid, port.pid, port.product) for port in entry.ports] == [
                ("at", 0x2C7C, 0x0901, "Quectel USB AT Port"),
                ("repl", 0x2C7C, 0x0901, "Quectel USB REPL Port"),
                ("uart2", 0, 0, ""),
            ]

    asyncio.run(story())


def test_power_when_taken_away_then_ports_vanish_and_runtime_stops(tmp_path):
    async def story():
        async with bench(tmp_path) as one:
            await one.on("running")
            repl = await one.open("repl")
            one.runtimes[0].plan.repl.write_if_room(b"hello")
            assert (await read_until(repl, b"hello")).endswith(b"hello")
            await one.module.power_off()
            assert (one.module.state, one.module.entry().ports) == ("off", ())
            assert not one.runtimes[0].is_running
            with pytest.raises(PortGone):
                await repl.read_some()
            await repl.close()
            await one.on("running")
            assert one.runtimes[1].plan.power_down_reason == 3

    asyncio.run(story())


@pytest.mark.parametrize(
    ("line", "state", "on_reason", "down_reason"),
    [("AT+CFUN=1,1", "running", 2, 1), ("AT+QDOWNLOAD=1", "download", None, None), ("AT+QPOWD", "off", None, None)],
)
def test_at_command_when_it_ends_the_state_then_answered_first(tmp_path, line, state, on_reason, down_reason):
    async def story():
        async with bench(tmp_path) as one:
            await one.on("running")
            at = await one.open("at")
            assert b"\r\nOK\r\n" in await ask(at, line)
            await vanished(at)
            await at.close()
            await one.until(state)
            if state == "running":
                reasons = (one.runtimes[1].plan.power_on_reason, one.runtimes[1].plan.power_down_reason)
                assert reasons == (on_reason, down_reason)
            if state == "off":
                await one.on("running")
                assert one.runtimes[1].plan.power_down_reason == 1

    asyncio.run(story())


def test_script_when_it_restarts_powers_down_or_enters_download_then_so_does_the_module(tmp_path):
    async def story():
        async with bench(tmp_path) as one:
            await one.on("running")
            one.runtimes[0].plan.owner.on_power_restart()
            await one.module.wait_until(lambda: len(one.runtimes) == 2)
            await one.until("running")
            assert (one.runtimes[1].plan.power_on_reason, one.runtimes[1].plan.power_down_reason) == (2, 1)
            one.runtimes[1].plan.owner.on_enter_download()
            await one.until("download")
            await one.module.reset()
            await one.until("running")
            one.runtimes[2].plan.owner.on_power_down()
            await one.until("off")

    asyncio.run(story())


def test_download_mode_when_entered_then_one_port_without_identity_at_the_same_place(tmp_path):
    async def story():
        async with bench(tmp_path) as one:
            await one.on("running")
            place = one.module.entry().ports[0].location
            await one.module.power_off()
            await one.on("download", boot_pin=True)
            (port,) = one.module.entry().ports
            assert (port.role, port.vid, port.pid, port.product) == ("download", 0x0525, 0xA4A7, "")
            assert port.location == place

    asyncio.run(story())


async def settle(clock, is_true):
    """Let the clock run on in small steps until something is true; no real time passes."""
    for _ in range(10_000):
        await asyncio.sleep(0)
        if is_true():
            return
        if clock.next_s is not None and clock.next_s < 1:
            clock.advance(clock.next_s)
    raise AssertionError


def test_window_when_nobody_connects_then_boots_after_ten_seconds(tmp_path):
    """T30: leaving download mode without flashing after a time-out returns to normal mode."""

    async def story():
        clock = ManualClock()
        async with bench(tmp_path, clock=clock) as one:
            await one.module.power_on()
            await settle(clock, lambda: one.module.state == "running")
            one.runtimes[0].plan.owner.on_enter_download()
            await settle(clock, lambda: one.module.state == "download" and one.module.has_ports)
            clock.advance(9.9)
            for _ in range(20):
                await asyncio.sleep(0)
            assert one.module.state == "download"
            clock.advance(0.2)
            await settle(clock, lambda: one.module.state == "running")
            assert "virt.window-over" in one.slugs

    asyncio.run(story())


def test_window_when_host_connects_then_stays(tmp_path):
    async def story():
        clock = ManualClock()
        async with bench(tmp_path, clock=clock) as one:
            await one.module.power_on()
            await settle(clock, lambda: one.module.state == "running")
            one.runtimes[0].plan.owner.on_enter_download()
            await settle(clock, lambda: one.module.state == "download" and one.module.has_ports)
            port = await one.open("download")
            await pdl(port, PdlCommand.CONNECT)
            clock.advance(100)
            for _ in range(50):
                await asyncio.sleep(0)
            assert one.module.state == "download"
            await port.close()

    asyncio.run(story())


@pytest.mark.parametrize("is_pin_held", [False, True])
def test_window_when_pin_is_held_or_nothing_can_boot_then_never_over(tmp_path, is_pin_held):
    async def story():
        clock = ManualClock()
        async with bench(tmp_path, is_blank=not is_pin_held, clock=clock) as one:
            await one.module.power_on(boot_pin=is_pin_held)
            await settle(clock, lambda: one.module.state == "download" and one.module.has_ports)
            clock.advance(1000)
            for _ in range(50):
                await asyncio.sleep(0)
            assert one.module.state == "download"
            assert one.module.reason == ("" if is_pin_held else "boot-erased")

    asyncio.run(story())


@pytest.mark.parametrize("port_kind", ["pty", "tcp"])
def test_burn_when_finished_then_module_restarts_with_the_new_firmware(tmp_path, port_kind):
    async def story():
        async with bench(tmp_path, is_blank=True, port_kind=port_kind) as one:
            await one.on("download")
            port = await one.open("download")
            fdl = await bring_up_fdl2(port)
            for place, data in (
                (0x60010000, firmware("EC600UCNLBR03A02M08_OCPU_PY_NEW")),
                (0x60000000, uimage(b"boot", 0x800100)),
            ):
                assert await fdl.ask(BslCommand.START_DATA, pack_words(place, len(data))) == 0x80
                assert await fdl.ask(BslCommand.MIDST_DATA, data) == 0x80
                assert await fdl.ask(BslCommand.END_DATA) == 0x80
            assert await fdl.ask(BslCommand.NORMAL_RESET) == 0x80
            await one.until("running")
            assert one.module.firmware_version == "EC600UCNLBR03A02M08_OCPU_PY_NEW"
            assert one.runtimes[0].plan.power_on_reason == 2
            assert one.module.content_bytes > 0
            await port.close()

    asyncio.run(story())


def test_power_off_command_when_sent_then_module_goes_dark(tmp_path):
    async def story():
        async with bench(tmp_path, is_blank=True) as one:
            await one.on("download")
            port = await one.open("download")
            fdl = await bring_up_fdl2(port)
            assert await fdl.ask(BslCommand.POWER_OFF) == 0x80
            await one.until("off")
            await port.close()

    asyncio.run(story())


def test_fault_when_power_is_cut_at_a_flash_operation_then_dark_and_recoverable(tmp_path):
    async def story():
        async with bench(tmp_path) as one:
            await one.on("download", boot_pin=True)
            port = await one.open("download")
            fdl = await bring_up_fdl2(port)
            one.module.fault("tear@3:5")
            await fdl.ask(BslCommand.START_DATA, pack_words(0x60420000, 0x1000))
            await port.write_all(encode_bsl(BslCommand.MIDST_DATA, bytes(0x1000)))
            await vanished(port)
            await port.close()
            await one.until("off")
            assert one.module.reason == "power-cut"
            assert one.module.faults.words == ()
            assert one.module.file.memory.read(0x420000, 0x201)[:0x200] == bytes(0x200)
            await one.on("running")
            assert one.module.reason == ""

    asyncio.run(story())


def test_fault_when_power_is_cut_by_content_then_dark_at_that_packet(tmp_path):
    async def story():
        async with bench(tmp_path) as one:
            await one.on("download", boot_pin=True)
            one.module.fault(f"cut@download:{len(LOADER_1) + len(LOADER_2) + 0x900}")
            port = await one.open("download")
            fdl = await bring_up_fdl2(port)
            assert await fdl.ask(BslCommand.START_DATA, pack_words(0x60420000, 0x1000)) == 0x80
            assert await fdl.ask(BslCommand.MIDST_DATA, bytes(0x800)) == 0x80
            await port.write_all(encode_bsl(BslCommand.MIDST_DATA, bytes(0x800)))
            await one.until("off")
            await port.close()
            await one.on("running")

    asyncio.run(story())


def test_fault_when_cable_goes_out_then_port_vanishes_and_loader_lives_on(tmp_path):
    async def story():
        async with bench(tmp_path) as one:
            await one.on("download", boot_pin=True)
            one.module.fault(f"unplug@download:{len(LOADER_1) + len(LOADER_2) + 0x400}")
            port = await one.open("download")
            fdl = await bring_up_fdl2(port)
            await fdl.ask(BslCommand.START_DATA, pack_words(0x60420000, 0x1000))
            await port.write_all(encode_bsl(BslCommand.MIDST_DATA, bytes(0x400)))
            await vanished(port)
            await port.close()
            await one.module.wait_until(lambda: not one.module.has_ports)
            assert one.module.state == "download"
            await one.on("download")  # the cable is in again; the power never was away
            port = await one.open("download")
            assert await Frames(port).ask(BslCommand.CONNECT) == 0x80
            await port.close()

    asyncio.run(story())


def test_fault_when_fragmenting_then_everything_still_works(tmp_path):
    async def story():
        async with bench(tmp_path) as one:
            one.module.fault("fragment")
            one.module.fault("log-frames")
            await one.on("download", boot_pin=True)
            port = await one.open("download")
            await bring_up_fdl2(port)
            await port.close()

    asyncio.run(story())


def test_fault_when_at_port_is_silent_then_nothing_is_heard(tmp_path):
    async def story():
        async with bench(tmp_path) as one:
            await one.on("running")
            one.module.fault("at-silent")
            at = await one.open("at")
            await at.write_all(b"AT\r\n")
            one.module.fault("clear")
            await at.write_all(b"AT+GSN\r\n")
            assert (await read_until(at, b"OK\r\n")).count(b"OK") <= 2
            await at.close()

    asyncio.run(story())


def test_reset_when_pin_is_held_then_download_mode(tmp_path):
    async def story():
        async with bench(tmp_path) as one:
            await one.on("running")
            await one.module.reset(boot_pin=True)
            await one.until("download")
            await one.module.reset()
            await one.until("running")

    asyncio.run(story())


def test_module_when_made_again_over_its_folder_then_flash_is_kept(tmp_path):
    async def story():
        async with bench(tmp_path) as one:
            one.module.file.memory.program(0x420000, b"kept")
            imei = one.module.imei
        async with bench(tmp_path, is_blank=True) as one:
            await one.on("running")
            assert one.module.file.memory.read(0x420000, 4) == b"kept"
            assert one.module.imei == imei

    asyncio.run(story())


def test_power_when_switched_wildly_then_no_port_and_no_runtime_is_left(tmp_path):
    async def story():
        async with bench(tmp_path) as one:
            for turn in range(30):
                await one.module.power_on(boot_pin=turn % 3 == 0)
                for _ in range(turn):
                    await asyncio.sleep(0)
                if turn % 4 == 0:
                    await one.module.reset()
                await one.module.power_off()
                assert (one.module.state, one.module.entry().ports) == ("off", ())
            assert not any(runtime.is_running for runtime in one.runtimes)

    asyncio.run(story())


@pytest.mark.parametrize("word", ["", "cut", "cut@", "tear@1", "cut@download:101%x", "verify-error@NOSUCH", "sleep"])
def test_fault_when_word_means_nothing_then_bad_option_in_both_languages(tmp_path, word):
    async def story():
        async with bench(tmp_path) as one:
            with pytest.raises(BadOption) as caught:
                one.module.fault(word)
            assert caught.value.message("zh") != caught.value.message("en")

    asyncio.run(story())


def test_fault_when_percentage_of_nothing_then_says_so(tmp_path):
    async def story():
        async with bench(tmp_path, is_blank=True) as one:
            with pytest.raises(BadOption):
                one.module.fault("cut@download:45%")
            one.module.content_bytes = 1000
            one.module.fault("cut@download:45%")
            one.module.fault("verify-error@PY_FS_U")
            assert one.module.faults.download.cut_at_bytes == 450
            assert one.module.faults.download.verify_errors == {0x60420000}
            assert one.module.faults.words == ("cut@download:45%", "verify-error@PY_FS_U")

    asyncio.run(story())


def test_design_document_when_read_then_its_power_table_is_the_codes():
    text = (Path(__file__).resolve().parents[2] / "docs/design/virtual-module.md").read_text(encoding="utf-8")
    written = text.split("<!-- power.TABLE -->\n")[1].split("<!-- end -->")[0]
    rows = "".join(f"| {state} | {event} | {following} |\n" for (state, event), following in TABLE.items())
    assert written == "| state | event | next state |\n|---|---|---|\n" + rows
