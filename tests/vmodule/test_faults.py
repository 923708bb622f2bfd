"""The words of faults, what a bad line loses, and what happens to a module: power, cable, silence, hang."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from pathlib import Path

import pytest

from fault_bench import fault_bench, read_until
from moduline.errors import BadOption, NoModule, PortGone
from moduline.nor.faulty import CutSpec
from moduline.port.serial import open_serial
from moduline.vmodule.faults import words
from moduline.vmodule.faults.line import Line, Spoiler
from moduline.vmodule.faults.words import (
    ContentFault,
    FlashFault,
    LineFault,
    Moment,
    PartFault,
    SlowFault,
    Surrounding,
    Switch,
    TimedFault,
    TrafficFault,
    parse_faults,
)
from moduline.vmodule.world.clock import ClockPlan, ModuleClock
from moduline.vmodule.world.world import World

GIVEN = [
    ("cut@7", FlashFault("cut@7", (CutSpec(7),))),
    ("tear@3:5", FlashFault("tear@3:5", (CutSpec(3, 5),))),
    ("cut@download:450", ContentFault("cut@download:450", "cut", 450)),
    ("cut@download:45%", ContentFault("cut@download:45%", "cut", 0, 45.0)),
    ("unplug@45.5%", ContentFault("unplug@45.5%", "unplug", 0, 45.5)),
    ("unplug@repl:4096", TrafficFault("unplug@repl:4096", "unplug", "repl", 4096)),
    ("cut@uart2:9", TrafficFault("cut@uart2:9", "cut", "uart2", 9)),
    ("cut@12.5s", TimedFault("cut@12.5s", "cut", 12.5)),
    ("unplug@5s", TimedFault("unplug@5s", "unplug", 5.0)),
    ("replug@8s", TimedFault("replug@8s", "replug", 8.0)),
    ("power@20s", TimedFault("power@20s", "power", 20.0)),
    ("drop@1/10000:77", LineFault("drop@1/10000:77", "drop", "", 10000, 77)),
    ("drop@1/9", LineFault("drop@1/9", "drop", "", 9, None)),
    ("flip@at:1/500:3", LineFault("flip@at:1/500:3", "flip", "at", 500, 3)),
    ("slow@repl:300", SlowFault("slow@repl:300", "repl", 300)),
    ("verify-error@PY_FS_U", PartFault("verify-error@PY_FS_U", "PY_FS_U")),
    ("rssi=99", Surrounding("rssi=99", "rssi", 99)),
    ("battery=3200", Surrounding("battery=3200", "battery", 3200)),
    *((word, Switch(word)) for word in words.SWITCHES),
    *((word, Moment(word)) for word in words.MOMENTS),
    *((word, Surrounding(word, word)) for word in words.SURROUNDINGS),
]


@pytest.mark.parametrize(("word", "fault"), GIVEN, ids=[word for word, _ in GIVEN])
def test_word_when_read_then_means_this(word, fault):
    assert parse_faults(word) == (fault,)


def test_words_when_joined_then_in_order_and_cuts_of_the_flash_are_one_fault():
    assert [one.word for one in parse_faults("cut@3, unplug@5s,tear@4:5,replug@8s")] == [
        "cut@3,tear@4:5",
        "unplug@5s",
        "replug@8s",
    ]


@pytest.mark.parametrize(
    "word",
    [
        "",
        ",",
        "cut",
        "cut@",
        "cut@-1",
        "cut@s",
        "cut@1e3s",
        "tear@1",
        "unplug@repl",
        "unplug@usb:3",
        "drop@1/0",
        "drop@2/5",
        "drop@1/5:",
        "drop@gnss:1/5",
        "slow@repl:0",
        "slow@300",
        "rssi=32",
        "rssi=-1",
        "battery=9000",
        "battery",
        "replug@8%",
        "cut@download:101%x",
        "silent;rm",
        "hang@3",
        "9" * 4000 + "@",
    ],
)
def test_word_when_it_means_nothing_then_bad_option_in_both_languages(word):
    with pytest.raises(BadOption) as caught:
        parse_faults(word)
    assert caught.value.exit_code == 2
    assert caught.value.message("zh") != caught.value.message("en")


def test_forms_when_shown_to_users_then_name_every_word():
    """The list in the complaint, the file's head and the command's help page speak of the same words."""
    head = words.__doc__
    help_text = (Path(__file__).parents[2] / "src/moduline/cli/virt.py").read_text(encoding="utf-8")
    for word in (*words.SWITCHES, *words.MOMENTS, *words.SURROUNDINGS):
        assert word in words.FORMS
        assert word in head
    joined = "".join(line.strip().removeprefix('"').removesuffix('"') for line in help_text.splitlines())
    assert joined.count(words.FORMS) == 2


# ---- lines -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["drop", "flip"])
def test_line_when_bytes_come_in_other_pieces_then_the_same_ones_are_spoilt(kind):
    data = bytes(range(256)) * 200
    whole = Spoiler(kind, 100, 7, "repl", "in").spoil(data)
    for size in (1, 3, 64, 5000):
        spoiler = Spoiler(kind, 100, 7, "repl", "in")
        assert b"".join(spoiler.spoil(data[at : at + size]) for at in range(0, len(data), size)) == whole
    assert Spoiler(kind, 100, 8, "repl", "in").spoil(data) != whole
    assert Spoiler(kind, 100, 7, "at", "in").spoil(data) != whole
    assert Spoiler(kind, 100, 7, "repl", "out").spoil(data) != whole


def test_line_when_it_drops_or_flips_then_as_many_as_asked_for():
    data = bytes(1_000_000)
    lost = len(data) - len(Spoiler("drop", 1000, 1, "at", "out").spoil(data))
    flipped = Spoiler("flip", 1000, 1, "at", "out").spoil(data)
    assert 900 <= lost <= 1100
    assert len(flipped) == len(data)
    assert {value.bit_count() for value in flipped if value} == {1}
    assert 900 <= len(data) - flipped.count(0) <= 1100
    assert Spoiler("drop", 1, 1, "at", "out").spoil(data) == b""


def test_line_when_a_limit_is_reached_then_told_once_and_what_is_behind_is_lost():
    line, told = Line("repl"), []
    line.after(10, lambda: told.append("unplug"))
    assert (line.inwards(b"123456"), told) == (b"123456", [])
    assert (line.outwards(b"abcdef"), told) == (b"abcd", ["unplug"])
    assert line.outwards(b"gh") == b"gh"
    assert told == ["unplug"]


def test_line_when_mute_or_held_then_nothing_reaches_the_host_and_clear_ends_it():
    line = Line("repl")
    line.is_mute = True
    assert (line.outwards(b"x"), line.inwards(b"x")) == (b"", b"x")
    line.clear()
    line.hold()
    assert line.outwards(b"x") == b""
    line.clear()
    assert line.outwards(b"x") == b"x"


# ---- modules -----------------------------------------------------------------------------------------------------------


async def last_words(stream):
    """What is heard until the port vanishes."""
    heard = b""
    async with asyncio.timeout(30):
        while True:
            try:
                heard += await stream.read_some()
            except PortGone:
                await stream.close()
                return heard


async def gone(stream):
    await last_words(stream)


async def said(stream, line, end):
    await stream.write_all(line)
    return await read_until(stream, end)


@pytest.mark.parametrize("port_kind", ["pty", "tcp"])
def test_cable_when_pulled_while_running_then_ports_vanish_module_lives_and_ports_come_back(tmp_path, port_kind):
    async def story():
        async with fault_bench(tmp_path, port_kind=port_kind) as one:
            await one.on("running")
            before = {port.role: port.enumeration for port in one.module.entry().ports}
            at, repl = await one.open("at"), await one.open("repl")
            await one.fault("unplug")
            assert (one.module.state, one.module.has_ports, one.module.is_unplugged) == ("running", False, True)
            assert [port.role for port in one.module.entry().ports] == ["uart2"]
            await gone(at)
            await gone(repl)
            assert one.runtimes[0].is_running
            await one.fault("replug")
            after = {port.role: port.enumeration for port in one.module.entry().ports}
            assert after["at"] > before["at"]
            assert after["repl"] > before["repl"]
            assert after["uart2"] == before["uart2"]
            at, repl = await one.open("at"), await one.open("repl")
            assert await said(at, b"AT\r\n", b"OK\r\n") == b"AT\r\r\nOK\r\n"
            assert await said(repl, b"still here", b"here") == b"still here"
            assert len(one.runtimes) == 1
            await at.close()
            await repl.close()

    asyncio.run(story())


def test_cable_when_timed_then_goes_and_comes_on_the_modules_clock(tmp_path):
    async def story():
        world = World(clock=ModuleClock(ClockPlan(speed=1000.0)))
        async with fault_bench(tmp_path, world=world) as one:
            await one.on("running")
            began = world.clock.tick_s()
            one.module.fault("unplug@50s,replug@80s")
            assert one.module.faults.words == ("unplug@50s", "replug@80s")
            async with asyncio.timeout(30):
                await one.module.wait_until(lambda: one.module.is_unplugged)
                assert world.clock.tick_s() - began >= 50
                assert one.module.faults.words == ("replug@80s",)
                await one.module.wait_until(lambda: not one.module.is_unplugged)
                assert world.clock.tick_s() - began >= 80
            assert one.slugs.count("virt.unplugged") == one.slugs.count("virt.plugged") == 1

    asyncio.run(story())


def test_cable_when_pulled_after_so_many_bytes_then_the_host_got_exactly_those(tmp_path):
    async def story():
        async with fault_bench(tmp_path) as one:
            await one.on("running")
            repl = await one.open("repl")
            one.module.fault("unplug@repl:13")
            await repl.write_all(b"0123456789")
            heard = await last_words(repl)
            assert b"012".startswith(heard)  # three bytes were on their way when it went

    asyncio.run(story())


def test_cable_when_out_at_power_on_then_the_module_runs_unseen_until_it_is_plugged(tmp_path):
    async def story():
        async with fault_bench(tmp_path) as one:
            await one.fault("unplug")
            await one.module.power_on()
            async with asyncio.timeout(30):
                await one.module.wait_state("running")
            assert not one.module.has_ports
            await one.fault("clear")
            assert one.module.has_ports

    asyncio.run(story())


def test_power_when_cut_at_a_time_then_dark_and_back_at_a_time(tmp_path):
    async def story():
        world = World(clock=ModuleClock(ClockPlan(speed=1000.0)))
        async with fault_bench(tmp_path, world=world) as one:
            await one.on("running")
            one.module.fault("cut@20s,power@60s")
            await one.until("off")
            async with asyncio.timeout(30):
                await one.module.wait_until(lambda: one.module.reason == "power-cut" or one.module.state != "off")
            await one.until("running")
            assert len(one.runtimes) == 2
            assert one.runtimes[1].plan.power_down_reason == 3
            assert one.module.faults.words == ()

    asyncio.run(story())


def test_power_when_cut_at_boot_then_no_port_appears_and_the_next_boot_is_well(tmp_path):
    async def story():
        async with fault_bench(tmp_path) as one:
            one.module.fault("cut@boot")
            await one.module.power_on()
            async with asyncio.timeout(30):
                await one.module.wait_until(lambda: one.module.reason == "power-cut" and one.module.state == "off")
            assert one.runtimes == []
            assert one.module.faults.words == ()
            await one.on("running")

    asyncio.run(story())


def test_watchdog_when_it_bites_then_restart_with_its_reason(tmp_path):
    async def story():
        async with fault_bench(tmp_path) as one:
            await one.on("running")
            one.module.fault("watchdog")
            async with asyncio.timeout(30):
                await one.module.wait_until(lambda: len(one.runtimes) == 2)
            await one.until("running")
            assert (one.runtimes[1].plan.power_on_reason, one.runtimes[1].plan.power_down_reason) == (5, 5)

    asyncio.run(story())


def test_hang_when_switched_on_then_repl_is_dead_at_is_not_and_a_restart_frees_it(tmp_path):
    async def story():
        async with fault_bench(tmp_path) as one:
            await one.on("running")
            repl, at = await one.open("repl"), await one.open("at")
            assert await said(repl, b"a", b"a") == b"a"
            one.module.fault("hang")
            assert one.runtimes[0].is_still
            await repl.write_all(b"b")
            assert b"OK" in await said(at, b"AT\r\n", b"OK\r\n")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await repl.read_some()
            assert one.module.faults.words == ("hang",)
            await said(at, b"AT+CFUN=1,1\r\n", b"OK\r\n")
            await gone(repl)
            await gone(at)
            async with asyncio.timeout(30):
                await one.module.wait_until(lambda: len(one.runtimes) == 2)
            await one.until("running")
            assert one.module.faults.words == ()
            repl = await one.open("repl")
            assert await said(repl, b"c", b"c") == b"c"
            await repl.close()

    asyncio.run(story())


def test_hang_when_cleared_then_what_was_typed_meanwhile_arrives(tmp_path):
    async def story():
        async with fault_bench(tmp_path) as one:
            one.module.fault("hang")
            await one.on("running")
            assert one.runtimes[0].is_still
            repl = await one.open("repl")
            await repl.write_all(b"typed")
            await one.fault("clear")
            assert not one.runtimes[0].is_still
            assert await read_until(repl, b"typed") == b"typed"
            await repl.close()

    asyncio.run(story())


def test_repl_when_silent_then_module_still_listens(tmp_path):
    async def story():
        async with fault_bench(tmp_path) as one:
            await one.on("running")
            one.module.fault("repl-silent")
            repl = await one.open("repl")
            await repl.write_all(b"unheard")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await repl.read_some()
            one.module.fault("clear")
            assert await said(repl, b"heard", b"heard") == b"heard"
            await repl.close()

    asyncio.run(story())


@pytest.mark.parametrize("fault", ["drop@repl:1/50:9", "flip@repl:1/50:9"])
def test_line_when_bad_then_the_same_bytes_suffer_every_time(tmp_path, fault):
    async def once(folder):
        async with fault_bench(folder) as one:
            await one.on("running")
            one.module.fault(fault)
            repl = await one.open("repl")
            sent = b"".join(b"%04d " % number for number in range(200))
            heard = bytearray()
            for at in range(0, len(sent), 97):
                await repl.write_all(sent[at : at + 97])
                async with asyncio.timeout(30):
                    heard += await repl.read_some()
            while True:
                try:
                    async with asyncio.timeout(0.2):
                        heard += await repl.read_some()
                except TimeoutError:
                    break
            await repl.close()
            return sent, bytes(heard)

    sent, first = asyncio.run(once(tmp_path / "a"))
    _, second = asyncio.run(once(tmp_path / "b"))
    assert first == second != sent
    line = Line("repl")
    line.spoil("drop" if fault.startswith("drop") else "flip", 50, 9)
    assert first == line.outwards(line.inwards(sent))


def test_line_when_slow_then_so_many_bytes_a_second(tmp_path):
    async def story():
        async with fault_bench(tmp_path) as one:
            await one.on("running")
            one.module.fault("slow@at:2000,slow@repl:2000")
            repl, at = await one.open("repl"), await one.open("at")
            for stream, line, end, size in (
                (repl, b"x" * 399 + b"!", b"!", 800),
                (at, b"AT" + b" " * 300 + b"\r", b"OK\r\n", 600),
            ):
                began = time.monotonic()
                await said(stream, line, end)
                took = time.monotonic() - began
                assert size / 2000 * 0.4 < took < size / 2000 * 4 + 20, (end, took)  # others use this computer, too
                await stream.close()

    asyncio.run(story())


def test_fault_when_one_word_of_several_is_wrong_then_nothing_is_done(tmp_path):
    async def story():
        async with fault_bench(tmp_path) as one:
            await one.on("running")
            for spec in ("unplug,verify-error@NOSUCH", "unplug,drop@uart7:1/5", "unplug,cut@download:5%"):
                with pytest.raises(BadOption):
                    await one.fault(spec)
                assert one.module.has_ports, spec
                assert one.module.faults.words == ()

    asyncio.run(story())


def test_surroundings_when_changed_then_the_at_port_says_so_and_clear_undoes_it(tmp_path):
    async def story():
        async with fault_bench(tmp_path) as one:
            await one.on("running")
            one.module.fault("rssi=7,battery=3333")
            at = await one.open("at")
            assert b"+CSQ: 7," in await said(at, b"AT+CSQ\r\n", b"OK\r\n")
            assert one.module.faults.words == ("rssi=7", "battery=3333")
            one.module.fault("rssi=9")
            assert one.module.faults.words == ("battery=3333", "rssi=9")
            assert one.module._options.world.radio.battery_mv == 3333
            one.module.fault("sim-out,no-network")
            assert one.module.faults.words[-2:] == ("sim-out", "no-network")
            one.module.fault("sim-in,network")
            assert one.module.faults.words == ("battery=3333", "rssi=9")
            one.module.fault("clear")
            assert one.module.faults.words == ()
            assert one.module._options.world.radio.battery_mv != 3333
            await at.close()

    asyncio.run(story())


def test_faults_when_module_is_closed_then_nothing_happens_afterwards(tmp_path):
    async def story():
        async with fault_bench(tmp_path) as one:
            await one.on("running")
            one.module.fault("cut@0.05s,unplug@0.06s")
        told = len(one.notices)
        await asyncio.sleep(0.15)
        assert len(one.notices) == told

    asyncio.run(story())


def open_files():
    """How many files this process has open; 0 where the system does not tell."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def test_cable_when_pulled_many_times_in_the_middle_of_talk_then_nothing_leaks_and_the_module_answers(tmp_path):
    async def story():
        async with fault_bench(tmp_path) as one:
            await one.on("running")
            before = open_files()
            for turn in range(60):
                at, repl = await one.open("at"), await one.open("repl")
                await at.write_all(b"ATI\r\n" * (turn % 4))
                await repl.write_all(b"x" * (turn * 37))
                for _ in range(turn % 7):
                    await asyncio.sleep(0)
                await one.fault("unplug")
                await gone(at)
                await gone(repl)
                await one.fault("replug")
            at = await one.open("at")
            assert b"OK" in await said(at, b"AT\r\n", b"OK\r\n")
            await at.close()
            assert open_files() <= before
            assert len(one.runtimes) == 1

    asyncio.run(story())


@pytest.mark.parametrize("seed", [1, 2, *(pytest.param(seed, marks=pytest.mark.sweep) for seed in range(3, 30))])
def test_faults_when_thrown_at_random_then_the_module_lives_and_clear_makes_it_well(tmp_path, seed):
    """A replayable storm: every word that needs no burn, in an order that a seed decides."""
    storm = [
        "unplug", "replug", "drop@1/30", "flip@repl:1/9", "slow@at:900", "at-silent", "repl-silent", "silent", "hang",
        "watchdog", "cut@boot", "cut@0.01s,power@0.02s", "unplug@0.01s,replug@0.02s", "fragment", "rssi=3", "sim-out",
        "no-network", "data-drop", "cut@at:40", "unplug@repl:60", "clear", "cut@3", "reenumerate@exec",
    ]  # fmt: skip

    async def story():
        dice = random.Random(seed)
        async with fault_bench(tmp_path) as one:
            await one.on("running")
            for _ in range(150):
                await one.fault(dice.choice(storm))
                path = one.module.port_path(dice.choice(["at", "repl"]))
                if path:
                    with contextlib.suppress(NoModule, PortGone):
                        stream = open_serial(path)
                        await stream.write_all(b"ATI\r\n" * 3)
                        await stream.close()
                await asyncio.sleep(dice.choice([0, 0, 0.005, 0.03]))
                if one.module.state == "off":
                    await one.module.power_on()
            await one.fault("clear")
            await one.module.power_off()
            await one.on("running")
            assert one.module.faults.words == ()
            at, repl = await one.open("at"), await one.open("repl")
            assert await said(at, b"AT\r\n", b"OK\r\n") == b"AT\r\r\nOK\r\n"
            assert await said(repl, b"well", b"well") == b"well"
            await at.close()
            await repl.close()

    asyncio.run(story())


ARMED = {
    "cut@3": lambda one: one.module.file.flash.has_cuts,
    "cut@download:9": lambda one: one.module.faults.download.cut_at_bytes == 9,
    "unplug@download:9": lambda one: one.module.faults.download.unplug_at_bytes == 9,
    "verify-error@AP": lambda one: bool(one.module.faults.download.verify_errors),
    "silent": lambda one: one.module.faults.download.is_silent,
    "at-silent": lambda one: one.module.faults.is_at_silent,
    "hang": lambda one: one.runtimes[0].is_still,
    "rssi=3": lambda one: one.module.world.radio.rssi == 3,
    "registration=denied": lambda one: one.module.world.radio.cell.registration == "denied",
    "battery=3000": lambda one: one.module.world.radio.battery_mv == 3000,
    "sim-out": lambda one: not one.module.world.radio.sim.is_in,
    "no-network": lambda one: one.module.world.radio.cell.is_lost,
}


def test_faults_when_ended_one_by_one_then_only_that_one_ends(tmp_path):
    async def story():
        async with fault_bench(tmp_path) as one:
            await one.on("running")
            for word, is_on in ARMED.items():
                assert not is_on(one), word
                one.module.fault(word)
                assert is_on(one), word
            for number, (word, is_on) in enumerate(ARMED.items()):
                one.module.end_fault(word)
                assert not is_on(one), word
                assert word not in one.module.faults.words
                left = list(ARMED)[number + 1 :]
                assert list(one.module.faults.words) == left
                assert all(ARMED[other](one) for other in left if other != "rssi=3")  # no card, no network: no signal
            with pytest.raises(BadOption) as caught:
                one.module.end_fault("silent")
            assert "silent" in caught.value.message("zh")

    asyncio.run(story())


def test_timed_and_counted_faults_when_ended_then_never_happen(tmp_path):
    async def story():
        world = World(clock=ModuleClock(ClockPlan(speed=1000.0)))
        async with fault_bench(tmp_path, world=world) as one:
            await one.on("running")
            one.module.fault("unplug@40s,unplug@repl:3,cut@90s")
            one.module.end_fault("unplug@40s,unplug@repl:3")
            assert one.module.faults.words == ("cut@90s",)
            repl = await one.open("repl")
            assert await said(repl, b"abcdef", b"abcdef") == b"abcdef"
            async with asyncio.timeout(30):
                await one.module.wait_until(lambda: one.module.state == "off")
            assert "virt.unplugged" not in one.slugs
            await repl.close()

    asyncio.run(story())


def test_bad_line_when_ended_then_every_byte_arrives_and_the_other_fault_stays(tmp_path):
    async def story():
        async with fault_bench(tmp_path) as one:
            await one.on("running")
            one.module.fault("drop@repl:1/2:5,drop@at:1/2:5,slow@repl:4000,slow@repl:9000")
            one.module.end_fault("drop@repl:1/2:5")
            one.module.end_fault("slow@repl:9000")
            assert one.module.faults.words == ("drop@at:1/2:5", "slow@repl:4000")
            repl = await one.open("repl")
            sent = bytes(range(33, 120))
            assert await said(repl, sent, sent) == sent
            await repl.close()

    asyncio.run(story())
