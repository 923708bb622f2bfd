"""The bench: plan, pins, voltages, devices on buses, keys, UART peers, and the trace."""

import asyncio
import heapq
import itertools

import pytest

from moduline.errors import BadRecipe, PortGone
from moduline.profiles.schema import Table
from moduline.vmodule.world.bench import Bench
from moduline.vmodule.world.bench_plan import (
    BenchPlan,
    BusPeer,
    Exchange,
    KeyPress,
    LevelAt,
    PowerKeyPress,
    Register,
    Reply,
    Send,
    UartPeer,
    UsbAt,
    VoltageAt,
    read_bench,
)
from moduline.vmodule.world.clock import ClockPlan, ModuleClock


class HandClock(ModuleClock):
    """A module clock that a test moves; what waits on it is called in order."""

    def __init__(self):
        self.tick = 0.0
        self.waiting = []
        self.places = itertools.count()
        super().__init__(ClockPlan())

    def tick_s(self):
        return self.tick

    def call_later(self, seconds, callback):
        handle = HandTimer(callback)
        heapq.heappush(self.waiting, (self.tick + seconds, next(self.places), handle))
        return handle

    def advance(self, seconds):
        end = self.tick + seconds
        while self.waiting and self.waiting[0][0] <= end:
            self.tick, _, first = heapq.heappop(self.waiting)
            if not first.is_cancelled:
                first.callback()
        self.tick = end


class HandTimer:
    def __init__(self, callback):
        self.callback, self.is_cancelled = callback, False

    def cancel(self):
        self.is_cancelled = True


def bench_of(**plan):
    clock = HandClock()
    bench = Bench(BenchPlan(**plan), clock)
    heard = []
    bench.ear = lambda what, value: heard.append((clock.tick, what, value))
    bench.power_on()
    return bench, clock, heard


def happened(bench, what=""):
    return [(one.at_s, one.what, one.name, one.value, one.by) for one in bench.trace(what)]


# ---- pins ----------------------------------------------------------------------------------------------------------


def test_pin_when_nothing_drives_it_has_the_level_of_the_modules_resistor():
    bench, _, _ = bench_of()
    assert bench.pin_level(5) == 0
    bench.pins.configure(5, is_output=False, pull=1, own=0)
    assert bench.pin_level(5) == 1
    bench.set_pin(5, 0)
    assert bench.pin_level(5) == 0
    bench.set_pin(5, None)
    assert bench.pin_level(5) == 1


def test_pin_when_the_plan_drives_it_changes_at_its_times_and_is_traced():
    bench, clock, heard = bench_of(levels=(LevelAt(0, 3, 1), LevelAt(2.5, 3, 0), LevelAt(4, 3, None)))
    assert bench.pin_level(3) == 1
    clock.advance(3)
    assert bench.pin_level(3) == 0
    assert happened(bench) == [(0, "pin", "3", 1, "bench"), (2.5, "pin", "3", 0, "bench")]
    assert heard == [(0, "pin", [3, 1]), (2.5, "pin", [3, 0])]


def test_pin_when_both_sides_drive_against_each_other_is_a_short_circuit():
    bench, _, _ = bench_of()
    notices = []
    bench.notice = lambda slug, **facts: notices.append((slug, facts))
    bench.set_pin(7, 1)
    bench.pins.configure(7, is_output=True, pull=0, own=0)
    bench.pins.set_own(7, 1)
    assert notices == [("virt.pin-short", {"line": 7})]
    assert bench.pin_level(7) == 1


def test_pin_when_the_module_gets_its_power_again_is_an_input():
    bench, _, _ = bench_of()
    bench.pins.configure(1, is_output=True, pull=0, own=1)
    bench.power_on()
    assert bench.pin_level(1) == 0


def test_pin_when_there_is_no_such_is_refused():
    bench, _, _ = bench_of()
    for line in (-1, 64):
        with pytest.raises(IndexError):
            bench.set_pin(line, 1)


# ---- voltages, keys, USB -------------------------------------------------------------------------------------------


def test_voltage_when_between_two_points_lies_on_the_line_between_them():
    points = (VoltageAt(10, 0, 1000), VoltageAt(20, 0, 3000), VoltageAt(20, 1, 5))
    bench, clock, _ = bench_of(voltages=points)
    seen = []
    for _ in range(6):
        seen.append(bench.millivolts(0))
        clock.advance(5)
    assert seen == [1000, 1000, 1000, 2000, 3000, 3000]
    assert bench.millivolts(3) == 0
    bench.set_adc(0, 42)
    assert bench.millivolts(0) == 42


def test_keys_when_pressed_by_plan_and_by_hand_are_heard_down_and_up():
    bench, clock, heard = bench_of(keys=(KeyPress(1, 0.5, 2, 3),), power_keys=(PowerKeyPress(5, 2),))
    clock.advance(10)
    bench.press_key(0, 0, 1)
    clock.advance(1)
    assert heard == [
        (1, "key", [1, 2, 3]), (1.5, "key", [0, 2, 3]),
        (5, "power_key", [1, 0.0]), (7, "power_key", [0, 2]),
        (10, "key", [1, 0, 0]), (11, "key", [0, 0, 0]),
    ]  # fmt: skip


def test_usb_when_plugged_as_it_is_already_changes_nothing():
    _, clock, heard = bench_of(usb=(UsbAt(1, True), UsbAt(2, False), UsbAt(3, False), UsbAt(4, True)))
    clock.advance(5)
    assert heard == [(2, "usb", 0), (4, "usb", 1)]


def test_plan_when_the_module_is_switched_on_again_does_not_begin_anew():
    bench, clock, heard = bench_of(usb=(UsbAt(1, False),))
    clock.advance(2)
    bench.plug_usb(True)
    bench.power_on()
    clock.advance(5)
    assert heard == [(1, "usb", 0), (2, "usb", 1)]


def test_trace_when_it_is_full_loses_the_oldest_entries():
    bench, _, _ = bench_of()
    for number in range(10_005):
        bench.note("sleep", "auto", number, "script")
    trace = bench.trace("sleep")
    assert (len(trace), trace[0].value, trace[-1].value) == (10_000, 5, 10_004)


def test_bench_when_closed_does_nothing_by_itself_any_more():
    bench, clock, heard = bench_of(levels=(LevelAt(1, 1, 1),), uarts=(UartPeer(2, "script", sends=(Send(1, b"x"),)),))
    bench.close()
    clock.advance(5)
    assert heard == []


# ---- buses ---------------------------------------------------------------------------------------------------------


def test_register_device_when_written_and_read_counts_its_address_up():
    sensor = BusPeer(
        "i2c0",
        0x38,
        registers=(
            Register(0x71, b"\x18"),
            Register(0xF0, b"\x01\x02"),
        ),
    )
    bench, _, _ = bench_of(peers=(sensor,))
    device = bench.device("i2c0", 0x38)
    assert device.read(b"\x71", 2) == b"\x18\xff"
    assert device.write(b"\x10", b"\xaa\xbb\xcc")
    assert device.read(b"\x11", 1) == b"\xbb"
    assert device.read(b"", 1) == b"\xcc"
    assert device.register(0xF0, 2) == b"\x01\x02"
    assert device.read(b"\xff", 2) == b"\xff\xff"
    assert device.transfers[1] == (b"\x10\xaa\xbb\xcc", b"")
    assert bench.device("i2c0", 0x39) is None


def test_register_device_when_a_value_changes_over_time_gives_the_value_of_then():
    peer = BusPeer("i2c1", 1, address_bytes=2, registers=(Register(0x1234, b"\x01"), Register(0x1234, b"\x02", 10)))
    bench, clock, _ = bench_of(peers=(peer,))
    device = bench.device("i2c1", 1)
    assert device.read(b"\x12\x34", 1) == b"\x01"
    clock.advance(10)
    assert device.read(b"\x12\x34", 1) == b"\x02"
    device.set_register(0x1234, b"\x07")
    assert device.read(b"\x12\x34", 1) == b"\x07"


def test_scripted_device_when_it_meets_what_it_expects_answers_in_order():
    exchanges = (Exchange(b"\xac\x33\x00", b""), Exchange(b"", b"\x1c\x80"), Exchange(None, b"\x01\x02\x03"))
    bench, _, _ = bench_of(peers=(BusPeer("i2c0", 0x38, exchanges=exchanges, is_repeating=True),))
    device = bench.device("i2c0", 0x38)
    for _ in range(2):
        assert device.write(b"\xac", b"\x33\x00")
        assert device.read(b"", 4) == b"\x1c\x80\xff\xff"
        assert device.read(b"\x99", 2) == b"\x01\x02"


def test_scripted_device_when_it_meets_something_else_does_not_acknowledge_and_reports_it():
    bench, _, _ = bench_of(peers=(BusPeer("i2c0", 0x38, exchanges=(Exchange(b"\x71", b"\x18"),)),))
    notices = []
    bench.notice = lambda slug, **facts: notices.append((slug, facts))
    device = bench.device("i2c0", 0x38)
    assert device.read(b"\x70", 1) is None
    assert device.read(b"\x71", 1) == b"\x18"
    assert not device.write(b"\x71", b"")
    assert [facts for slug, facts in notices if slug == "virt.peer-mismatch"] == [
        {"bus": "i2c0", "address": 0x38, "expected": "71", "got": "70"},
        {"bus": "i2c0", "address": 0x38, "expected": "-", "got": "71"},
    ]
    assert [value for _, _, _, value, _ in happened(bench, "mismatch")] == ["expected 71, got 70", "expected -, got 71"]


def test_spi_device_when_a_loop_gives_back_what_is_sent_else_the_script_or_a_line_at_rest():
    peers = (BusPeer("spi0", is_loop=True), BusPeer("spi1", exchanges=(Exchange(b"\x9f", b"\xef\x40\x18"),)))
    bench, _, _ = bench_of(peers=peers)
    assert bench.device("spi0").transfer(b"abc", 3) == b"abc"
    assert bench.device("spi1").transfer(b"\x9f", 3) == b"\xef\x40\x18"
    assert bench.device("spi1").transfer(b"\x9f", 3) == b"\xff\xff\xff"


# ---- UART peers ----------------------------------------------------------------------------------------------------


def test_uart_peer_when_scripted_sends_at_its_times_and_answers_patterns():
    async def story():
        replies = (Reply(b"AT\r", b"OK\r\n"), Reply(b"ID?", b"7", 2))
        peer = UartPeer(2, "script", sends=(Send(1, b"hello"),), replies=replies)
        bench, clock, _ = bench_of(uarts=(peer,))
        end = bench.open_uart(2)
        clock.advance(1)
        assert await end.read_some() == b"hello"
        await end.write_all(b"xxA")
        await end.write_all(b"T\rAT\r..ID?")
        assert await end.read_some(4) == b"OK\r\n"
        assert await end.read_some(100) == b"OK\r\n"
        clock.advance(2)
        assert await end.read_some() == b"7"
        assert bench.uart(2).received == b"xxAT\rAT\r..ID?"
        bench.uart(2).send(b"now")
        assert await end.read_some() == b"now"
        await end.close()
        with pytest.raises(PortGone):
            await end.read_some()
        with pytest.raises(PortGone):
            await end.write_all(b"x")
        bench.uart(2).send(b"lost")
        assert bench.open_uart(1) is None

    asyncio.run(story())


def test_uart_peer_when_flooded_keeps_its_limits():
    async def story():
        peer = UartPeer(1, "script", replies=(Reply(b"a", b"b" * 4000, 1),))
        bench, clock, _ = bench_of(uarts=(peer,))
        end = bench.open_uart(1)
        for _ in range(30):
            await end.write_all(b"a" * 2000)
        assert len(clock.waiting) == 20_000
        clock.advance(1)
        assert len(await end.read_some(1 << 30)) == 1 << 16
        for _ in range(1100):
            await end.write_all(b"x" * 1024)
        assert len(bench.uart(1).received) == 1 << 20

    asyncio.run(story())


# ---- scenario ------------------------------------------------------------------------------------------------------


def read(text):
    return read_bench(Table.parse(text.encode(), "rack.toml").table("bench"))


def test_bench_table_when_read_gives_the_plan():
    plan = read("""
[bench]
pins = [{line = 3, level = 1}, {at_s = 2.5, line = 3, is_open = true}]
adc = [{channel = 0, mv = 1200}, {at_s = 60, channel = 0, mv = 0}]
keys = [{at_s = 1, row = 2, column = 3}]
power_key = [{at_s = 5, hold_s = 2}]
usb = [{at_s = 7, is_plugged = false}]
[[bench.i2c]]
address = 0x38
registers = [{address = 0x71, hex = "18"}, {address = 1, text = "ok", from_s = 9}]
[[bench.i2c]]
clock_line = 15
data_line = 16
address = 1
is_repeating = true
exchanges = [{expect = "ac 33 00"}, {answer = "1c80"}]
[[bench.spi]]
port = 1
is_loop = true
[[bench.uart]]
number = 2
to = "script"
sends = [{at_s = 3, text = "hi\\r\\n"}]
replies = [{pattern = "AT\\r", hex = "4f4b", after_s = 0.5}]
[[bench.uart]]
number = 1
to = "tcp"
tcp_port = 4000
""")
    assert plan == BenchPlan(
        levels=(LevelAt(0, 3, 1), LevelAt(2.5, 3, None)),
        voltages=(VoltageAt(0, 0, 1200), VoltageAt(60, 0, 0)),
        keys=(KeyPress(1, 0.1, 2, 3),),
        power_keys=(PowerKeyPress(5, 2),),
        usb=(UsbAt(7, False),),
        peers=(
            BusPeer("i2c0", 0x38, registers=(Register(0x71, b"\x18"), Register(1, b"ok", 9))),
            BusPeer(
                "gpio15+16",
                1,
                exchanges=(Exchange(b"\xac\x33\x00", b""), Exchange(None, b"\x1c\x80")),
                is_repeating=True,
            ),
            BusPeer("spi1", is_loop=True),
        ),
        uarts=(
            UartPeer(2, "script", sends=(Send(3, b"hi\r\n"),), replies=(Reply(b"AT\r", b"OK", 0.5),)),
            UartPeer(1, "tcp", 4000),
        ),
    )
    assert read("[bench]") == BenchPlan()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("pins = [{line = 64, level = 1}]", "bench.pins[0].line"),
        ("pins = [{line = 3, level = 2}]", "bench.pins[0].level"),
        ("pins = [{line = 3}]", "bench.pins[0].level"),
        ("pins = [{line = 3, level = 1, at_s = -1}]", "bench.pins[0].at_s"),
        ("pins = [{line = 3, level = 1, at = 1}]", "bench.pins[0].at"),
        ("pins = 5", "bench.pins"),
        ("adc = [{channel = 0, mv = nan}]", "bench.adc[0].mv"),
        ("i2c = [{address = 128}]", "bench.i2c[0].address"),
        ("i2c = [{address = 1}, {address = 1}]", "bench.i2c"),
        ("i2c = [{address = 1, registers = [{address = 256, hex = '00'}]}]", "bench.i2c[0].registers[0].address"),
        ("i2c = [{address = 1, registers = [{address = 2, hex = '0g'}]}]", "bench.i2c[0].registers[0].hex"),
        (
            "i2c = [{address = 1, registers = [{address = 2, hex = '00'}], exchanges = [{answer = '00'}]}]",
            "bench.i2c[0].exchanges",
        ),
        ("uart = [{number = 5}]", "bench.uart[0].number"),
        ("uart = [{number = 2}, {number = 2}]", "bench.uart"),
        ("uart = [{number = 2, to = 'usb'}]", "bench.uart[0].to"),
        ("uart = [{number = 2, sends = [{at_s = 0, text = 'x'}]}]", "bench.uart[0].to"),
        (
            "uart = [{number = 2, to = 'script', replies = [{pattern = '', text = 'x'}]}]",
            "bench.uart[0].replies[0].pattern",
        ),
        ("gpio = []", "bench.gpio"),
    ],
)
def test_bench_table_when_wrong_is_refused_with_its_key(text, key):
    with pytest.raises(BadRecipe) as caught:
        read("[bench]\n" + text)
    assert caught.value.facts["key"] == key
