"""Time on the real interpreter: ``utime`` on a fast and a drifting clock, timers, RTC, alarm, watchdog.

Source: device-api 2.5, 10.2, 10.3, 10.6, 10.7.
"""

import asyncio
import time
from pathlib import Path

import pytest

from moduline.vmodule.world import World
from moduline.vmodule.world.clock import ClockPlan, ModuleClock
from moduline.vmodule.world.radio_plan import RadioPlan, SimPlan
from onboard.test_small_modules import ask_all, raises
from transcripts.board import Board, run

NO_NETWORK = RadioPlan(sim=SimPlan(state="absent"))  # nobody sets the RTC
START_S = 1_600_000_000  # 2020-09-13 20:26:40 in Peking, a Sunday


def world(**plan):
    return World(clock=ModuleClock(ClockPlan(**{"start_s": START_S, **plan})), radio_plan=NO_NETWORK)


def test_module_when_its_clock_is_3600_times_as_fast_sleeps_a_second_in_less_than_a_millisecond():
    source = """\
import utime
began, ticks = utime.time(), utime.ticks_ms()
utime.sleep(3600)
utime.sleep_ms(1800000)
utime.sleep_us(1)
print(utime.time() - began, utime.ticks_diff(utime.ticks_ms(), ticks))
"""

    async def story():
        async with Board(world=world(speed=3600)) as board:
            await board.prompt()
            started = time.monotonic()
            seconds, ticks = map(int, (await board.client.raw(source)).split())
            took = time.monotonic() - started
            assert 1.5 <= took < 25
            assert 5400 <= seconds <= 5400 + took * 3600
            assert abs(ticks / 1000 - seconds) <= 1

    run(story)


def test_clock_of_the_script_when_asked_agrees_with_the_worlds_to_a_millisecond():
    async def story():
        async with Board(world=world(speed=60, drift_ppm=50_000)) as board:
            await board.prompt()
            earliest, latest = -1e9, 1e9  # bounds of what lies between the two beginnings
            for _ in range(5):
                before = board.world.clock.tick_s()
                ticks = int(await board.client.ask("import utime; utime.ticks_ms()")) / 1000
                earliest = max(earliest, before - ticks)
                latest = min(latest, board.world.clock.tick_s() - ticks)
            assert earliest <= latest + 0.001
            before = board.world.clock.now_s()
            told = int(await board.client.ask("utime.time()"))
            assert before - 1 <= told <= board.world.clock.now_s() + 1

    run(story)


def test_ticks_when_soft_reset_go_on_counting_from_power_on():
    async def story():
        async with Board(world=world(speed=1000)) as board:
            await board.prompt()
            before = int(await board.client.ask("import utime; utime.ticks_ms()"))
            board.client.write(b"\x04")
            await board.prompt()
            assert int(await board.client.ask("import utime; utime.ticks_ms()")) > before

    run(story)


# ---- RTC -----------------------------------------------------------------------------------------------------------


def test_rtc_when_read_and_set_has_the_modules_form():
    ask_all(
        ("from machine import RTC; r = RTC(); import utime", ""),
        ("r.datetime()[:4], r.datetime()[7]", "((2020, 9, 13, 0), 0)\n"),
        ("r.datetime([2020, 3, 12, 1, 12, 12, 12, 0])", "0\n"),
        ("r.datetime()[:6], utime.localtime()[:5]", "((2020, 3, 12, 4, 12, 12), (2020, 3, 12, 12, 12))\n"),
        ("r.init((2021, 1, 1, 0, 0, 0, 0, 0)); r.datetime()[:3]", "(2021, 1, 1)\n"),
        ("r.datetime((2020, 13, 1, 0, 0, 0, 0, 0)), r.set_alarm((1950, 1, 1, 0, 0, 0, 0, 0))", "(-1, -1)\n"),
        ("r.datetime((2020, 1))", raises("ValueError: requested length 8 but object has length 2")),
        world=world(),
    )


def test_rtc_when_the_network_tells_the_time_is_right_without_the_script_doing_anything():
    async def story():
        clock = ModuleClock(ClockPlan(start_s=START_S, rtc_error_s=-1e8))
        async with Board(world=World(clock=clock)) as board:
            await board.prompt()
            await board.client.ask("import utime")
            async with asyncio.timeout(30):
                while abs(clock.now_s() - clock.true_s()) > 1:
                    await asyncio.sleep(0.02)
            before = clock.true_s()
            told = int(await board.client.ask("utime.time()"))
            assert before - 2 < told < clock.true_s() + 2

    run(story)


def test_rtc_when_set_by_a_script_survives_soft_resets_and_power_cycles():
    async def story():
        async with Board(world=world()) as board:
            await board.prompt()
            await board.client.ask("from machine import RTC; RTC().datetime((2031, 5, 6, 0, 7, 8, 9, 0))")
            board.client.write(b"\x04")
            await board.prompt()
            assert await board.client.ask("from machine import RTC; RTC().datetime()[:4]") == "(2031, 5, 6, 2)\n"
            await board.power_cycle()
            await board.prompt()
            assert await board.client.ask("from machine import RTC; RTC().datetime()[:4]") == "(2031, 5, 6, 2)\n"

    run(story)


def test_alarm_when_its_time_comes_calls_back_once():
    async def story():
        async with Board(world=world(speed=60)) as board:
            await board.prompt()
            ask = board.client.ask
            await ask("from machine import RTC; r = RTC()")
            await ask("import utime; due = utime.time() + 90")
            assert await ask("r.register_callback(lambda _: print('RTC alarm', utime.time() - due))") == "0\n"
            await ask("d = list(r.datetime()); d[6] += 90")  # seconds beyond 59, as the vendor's page has it
            assert await ask("r.set_alarm(d), r.enable_alarm(2)") == "(0, -1)\n"
            board.client.write(b"r.enable_alarm(1)\r")
            await board.client.until(b"RTC alarm ")
            assert 0 <= int(await board.client.until(b"\r\n")) <= 300  # five seconds of a loaded computer
            assert b"RTC alarm" not in await board.client.quiet(0.2)

    run(story)


# ---- timers --------------------------------------------------------------------------------------------------------


def test_timer_when_periodic_calls_back_with_itself_until_it_is_stopped():
    async def story():
        async with Board(world=world(speed=100)) as board:
            await board.prompt()
            ask = board.client.ask
            await ask("from machine import Timer; n = []")
            await board.client.raw("def tick(t):\n    n.append(t)\n    if len(n) == 5: t.stop()")
            assert await ask("t = Timer(Timer.Timer1); t.start(period=1000, mode=t.PERIODIC, callback=tick)") == "0\n"
            await board.client.raw("while len(n) < 5: pass")
            assert await ask("len(n), n[0] is t, Timer(1) is t") == "(5, True, True)\n"
            await asyncio.sleep(0.05)
            assert await ask("len(n), t.stop()") == "(5, 0)\n"

    run(story)


def test_timer_when_one_shot_rings_once_and_can_be_started_again_in_its_callback():
    source = """\
from machine import Timer
import utime
rung = []
def once(t):
    rung.append(utime.ticks_ms())
    if len(rung) < 3:
        t.start(period=500, mode=Timer.ONE_SHOT, callback=once)
t = Timer(Timer.Timer3)
start = utime.ticks_ms()
t.start(period=500, mode=Timer.ONE_SHOT, callback=once)
utime.sleep(5)
print(len(rung), [n - start >= 500 * (i + 1) for i, n in enumerate(rung)])
"""

    async def story():
        async with Board(world=world(speed=10)) as board:
            await board.prompt()
            assert await board.client.raw(source) == "3 [True, True, True]\r\n"

    run(story)


def test_timer_when_misused_says_so():
    ask_all(
        ("from machine import Timer", ""),
        ("Timer(4)", raises("ValueError: invalid value, Timern should be in (Timer0~Timer3).")),
        ("Timer(0).stop()", "-1\n"),
        ("Timer(0).start(1000, 1, print)", lambda said: "TypeError" in said),
        ("Timer(0).start(period=100000, callback=print), Timer(0).start(period=1, callback=print)", "(0, 0)\n"),
        ("Timer.PERIODIC, Timer.ONE_SHOT", "(1, 2)\n"),
    )


def test_timers_when_many_run_ring_in_the_order_of_their_times_and_none_is_late_by_much():
    source = """\
import osTimer, utime
order = []
timers = []
for n in range(20):
    t = osTimer()
    t.start(1000 * (20 - n), 0, lambda t, n=n: order.append(n))
    timers.append(t)
utime.sleep(21)
print(order == list(range(19, -1, -1)))
"""

    async def story():
        async with Board(world=world(speed=50)) as board:
            await board.prompt()
            assert await board.client.raw(source) == "True\r\n"

    run(story)


def test_os_timer_when_its_callback_raises_prints_that_and_goes_on():
    async def story():
        async with Board(world=world(speed=20)) as board:
            await board.prompt()
            client = board.client
            assert await client.ask("import osTimer; osTimer") == "<class 'osTimer'>\n"
            await client.ask("n = []; t = osTimer()")
            await client.raw("def f(t):\n    n.append(1)\n    1/len(n[1:])")
            client.write(b"t.start(1000, 1, f)\r")
            said = await client.until(b"ZeroDivisionError: divide by zero\r\n")
            assert b'File "<stdin>", line 3, in f\r\n' in said
            await client.raw("while len(n) < 4: pass")
            assert await client.ask("t.stop(), t.stop(), t.delete_timer()") == "(0, 0, 0)\n"

    run(story)


def test_timers_when_there_are_too_many_fail_as_the_operating_system_does():
    ask_all(
        ("import osTimer; a = [osTimer() for _ in range(300)]", ""),
        ("r = [t.start(10**6, 1, print) for t in a]; r.count(0), r.count(-1), r[255], r[256]", "(256, 44, 0, -1)\n"),
        ("a[0].stop(), a[299].start(10**6, 1, print)", "(0, 0)\n"),
    )


def test_timer_when_the_script_is_deaf_for_long_loses_calls_and_the_owner_is_told():
    """Source: device-api 10.2 (depth 64)."""

    async def story():
        async with Board() as board:
            await board.prompt()
            ask = board.client.ask
            await ask("n = 'a' * 150000 + 'b'; h = 'a' * 300000")
            await ask("import osTimer; c = [0]; t = osTimer()")
            await board.client.raw("def f(t): c[0] += 1")
            await ask("import utime; w = utime.ticks_ms()")
            await ask("t.start(1, 1, f); h.find(n); utime.sleep_ms(30); t.stop()")
            assert 64 < int(await ask("c[0]")) < int(await ask("utime.ticks_ms() - w"))
            assert "virt.callback-lost" in board.slugs()

    run(story)


def test_timers_when_soft_reset_are_gone():
    async def story():
        async with Board(world=world(speed=100)) as board:
            await board.prompt()
            await board.client.ask("import osTimer; t = osTimer(); _ = t.start(1000, 1, lambda t: print('ring'))")
            await board.client.until(b"ring\r\n")
            board.client.write(b"\x04")
            await board.client.until(b"mount.")
            await board.prompt()
            assert b"ring" not in await board.client.quiet(0.2)

    run(story)


# ---- watchdog ------------------------------------------------------------------------------------------------------


def test_watchdog_when_fed_keeps_still_and_when_not_restarts_the_module():
    source = """\
from machine import WDT
import utime
w = WDT(10)
for n in range(5):
    utime.sleep(8)
    w.feed()
print('fed', w.stop())
utime.sleep(30)
w.feed()
utime.sleep(30)
print('stopped')
w = WDT(10)
while True: pass
"""

    async def story():
        async with Board(world=world(speed=100)) as board:
            await board.prompt()
            client = board.client
            client.write(b"\x01" + source.encode() + b"\x04")
            await client.until(b"stopped\r\n")
            async with asyncio.timeout(30):
                await board.dead.wait()
            assert board.wishes == ["watchdog"]
            assert board.slugs()[-1] == "virt.watchdog"

    run(story)


def test_watchdog_when_its_period_is_none_is_refused():
    ask_all(
        ("from machine import WDT", ""),
        ("WDT(0)", raises("ValueError: invalid period")),
        ("WDT(-5)", raises("ValueError: invalid period")),
        ("WDT()", lambda said: "TypeError" in said),
    )


# ---- other queues of time ------------------------------------------------------------------------------------------


def test_utimeq_orders_by_ticks_over_their_wrap():
    ask_all(
        ("import utimeq; q = utimeq.utimeq(3); bool(q), len(q)", "(False, 0)\n"),
        ("q.push(5, 'late', 1); q.push(0x3ffffff0, 'early', 2); q.push(5, 'later', 3)", ""),
        ("q.push(1, 'x', 0)", raises("IndexError: queue overflow")),
        ("l = [0, 0, 0]; q.peektime() == 0x3ffffff0, q.pop(l), l", "(True, None, [1073741808, 'early', 2])\n"),
        ("q.pop(l); l", "[5, 'late', 1]\n"),
        ("q.pop(l); l", "[5, 'later', 3]\n"),
        ("q.pop(l)", raises("IndexError: empty heap")),
        ("q.push(1, 2, 3); q.pop([1])", raises("TypeError: ")),
    )


def test_scripts_time_when_it_waits_for_nothing_costs_next_to_nothing():
    """Sleeping must not poll: a module in ``sleep_ms`` for a second uses less than 2 % of a processor."""
    source = "import utime, usys\nutime.sleep_ms(1000)\nprint('x')\n"

    async def story():
        async with Board() as board:
            await board.prompt()
            client = board.client
            client.write(b"\x01" + source.encode() + b"\x04")
            await client.until(b"OK")
            before = cpu_s(board.runtime.pid)
            await client.until(b"x\r\n")
            assert cpu_s(board.runtime.pid) - before <= 0.02

    if not has_proc():
        pytest.skip("processor time of another process is read from /proc")
    run(story)


def has_proc():
    try:
        cpu_s(1)
    except OSError:
        return False
    return True


def cpu_s(pid):
    """Processor seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
