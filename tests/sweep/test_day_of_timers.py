"""A day of a timer script: counts right, no drift beyond the plan's, no hang, nothing left behind.

The script has hardware timers, timers of the operating system, an RTC alarm that sets itself anew every hour, and
threads that sleep; the module's clock is fast and drifts with its temperature as the plan says. ``true_s`` is the
clock on the wall. The short form runs some simulated minutes in the normal suite, the day with ``make sweep``.

Source: issue 3 (24 simulated hours of a timer script); device-api 10.1 to 10.3, 10.6, 10.7.
"""

import json
import os
from pathlib import Path

import pytest

from moduline.vmodule.world import World
from moduline.vmodule.world.clock import ClockPlan, ModuleClock, Warmth
from moduline.vmodule.world.radio_plan import RadioPlan, SimPlan
from transcripts.board import Board, run

SCRIPT = """\
import _thread, osTimer, utime, ujson
from machine import RTC, Timer

LENGTH_S = {length_s}
EVERY_S = {every_s}
counts = {{'second': 0, 'minute': 0, 'os': 0, 'once': 0, 'alarm': 0, 'thread': [0, 0, 0]}}
late = [0]
began = utime.time()
start_ms = utime.ticks_ms()

def count(what):
    counts[what] += 1

def minute(t):
    count('minute')
    due = start_ms + counts['minute'] * 60000
    late[0] = max(late[0], utime.ticks_diff(utime.ticks_ms(), due & 0x3fffffff))

def once(t):
    count('once')
    t.start(period=EVERY_S * 1000, mode=t.ONE_SHOT, callback=once)

rtc = RTC()
def moment(seconds):
    now = utime.localtime(seconds)
    return (now[0], now[1], now[2], 0, now[3], now[4], now[5], 0)

alarm_at = [began]
def set_next():
    alarm_at[0] += EVERY_S
    rtc.set_alarm(moment(alarm_at[0]))

def alarm(_):
    count('alarm')
    set_next()

rtc.register_callback(alarm)
set_next()
rtc.enable_alarm(1)

def sleeper(n):
    ticks = start_ms
    for step in range(1, LENGTH_S // 60 + 1):
        wait = utime.ticks_diff((start_ms + step * 60000) & 0x3fffffff, utime.ticks_ms())
        if wait > 0: utime.sleep_ms(wait)
        counts['thread'][n] += 1

for n in range(3): _thread.start_new_thread(sleeper, (n,))
t0, t1, t2, o = Timer(0), Timer(1), Timer(2), osTimer()
start_ms = utime.ticks_ms()
t0.start(period=1000, mode=t0.PERIODIC, callback=lambda t: count('second'))
t1.start(period=60000, mode=t1.PERIODIC, callback=minute)
t2.start(period=EVERY_S * 1000, mode=t2.ONE_SHOT, callback=once)
o.start(30000, 1, lambda t: count('os'))
ended_ms = (start_ms + LENGTH_S * 1000 + 500) & 0x3fffffff
while utime.ticks_diff(ended_ms, utime.ticks_ms()) > 0: utime.sleep(10)
while min(counts['second'], counts['minute'] * 60, counts['os'] * 30, sum(counts['thread']) * 20) < LENGTH_S:
    utime.sleep(1)  # on the fast clock, calls that are due are some seconds away
t0.stop(), t1.stop(), t2.stop(), o.stop()
counts['late_ms'] = late[0]
counts['passed_s'] = utime.time() - began
print(ujson.dumps(counts))
"""


def processes_and_files():
    """Children of this process, and open files of it."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
    return len(children), sum(1 for _ in Path("/proc/self/fd").iterdir())


async def day(length_s, every_s, speed):
    plan = ClockPlan(
        speed=speed,
        drift_ppm=20,
        start_s=1_600_000_000,
        temperatures=(Warmth(0, 25), Warmth(length_s / 3, -20), Warmth(2 * length_s / 3, 60)),
    )
    world = World(clock=ModuleClock(plan), radio_plan=RadioPlan(sim=SimPlan(state="absent")))
    async with Board(world=world) as board:
        await board.prompt()
        began = world.clock.tick_s(), world.clock.true_s()
        source = SCRIPT.format(length_s=length_s, every_s=every_s)
        said = await board.client.raw(source, 30 + 4 * length_s / speed)
        passed_s, true_s = world.clock.tick_s() - began[0], world.clock.true_s() - began[1]
        assert "virt.callback-lost" not in board.slugs()
        assert await board.client.ask("1+1") == "2\n"
        world.close()
    return json.loads(said), passed_s, true_s


def check(length_s, every_s, speed):
    """Run it; every count is exact up to what becomes due in the moments around the end."""
    results = []

    async def story():
        results.extend(await day(length_s, every_s, speed))

    before = processes_and_files()
    run(story, 60 + 5 * length_s / speed)
    assert processes_and_files() == before
    counts, passed_s, true_s = results
    beyond_s = counts["passed_s"] - length_s  # the script looks every ten seconds, and is late on the fast clock
    assert beyond_s < 60 + speed
    assert length_s - 1 <= counts["passed_s"] <= passed_s + 1  # the script reads whole seconds, twice
    assert length_s <= counts["second"] <= length_s + beyond_s + 1
    assert length_s // 60 <= counts["minute"] <= (length_s + beyond_s) // 60 + 1
    assert length_s // 30 <= counts["os"] <= (length_s + beyond_s) // 30 + 1
    assert counts["thread"] == [length_s // 60] * 3
    # a one-shot timer that starts itself again counts from its callback, which the fast clock makes late
    assert length_s // every_s - 1 - length_s // 7200 <= counts["once"] <= length_s // every_s
    assert length_s // every_s - 1 <= counts["alarm"] <= (length_s + beyond_s) // every_s
    # 20 ppm fast at 25 °C; 45 K below it is -68.85 ppm, 35 K above it -41.65 ppm: a third of the time each
    expected = (3 * 20 - 68.85 - 41.65) / 3 * 1e-6
    assert passed_s / true_s - 1 == pytest.approx(expected, abs=2e-5)
    return counts


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes and files are counted in /proc")
def test_minutes_of_timers_when_they_have_passed_are_counted_exactly():
    """Thirty simulated minutes in nine seconds."""
    counts = check(1800, 300, 200)
    assert counts["late_ms"] < 60_000


@pytest.mark.sweep
@pytest.mark.timeout(400)
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes and files are counted in /proc")
def test_day_of_timers_when_it_has_passed_is_counted_exactly():
    """24 simulated hours: 86400 seconds, 1440 minutes, 24 alarms, in under a minute."""
    counts = check(86400, 3600, 3600)
    print(counts)
    assert counts["late_ms"] < 10 * 60_000
