"""The module's clock: speed, drift over temperature, the RTC and its alarm.

Golden numbers are computed by hand from the tuning-fork parabola: 10 K off is -3.4 ppm, 45 K off is -68.85 ppm.
"""

import asyncio
import json

import pytest

from manual_clock import ManualClock
from moduline.errors import BadRecipe, StorageFailed
from moduline.profiles.schema import Table
from moduline.vmodule.world import World
from moduline.vmodule.world.clock import ClockPlan, ModuleClock, Warmth, ppm_at, read_clock


def clock_of(**plan):
    host = ManualClock()
    return ModuleClock(ClockPlan(**plan), host), host


def test_clock_when_nothing_is_planned_runs_as_the_host_does():
    clock, host = clock_of()
    host.advance(90)
    assert (clock.tick_s(), clock.now_s(), clock.true_s()) == (90, host.now_s(), host.now_s())
    assert clock.rate == 1


def test_clock_when_speed_is_3600_passes_a_day_in_24_seconds():
    clock, host = clock_of(speed=3600, start_s=1_600_000_000)
    host.advance(24)
    assert clock.tick_s() == 86400
    assert clock.now_s() == 1_600_086_400
    assert clock.host_s_until(86400 + 3600) == pytest.approx(1)
    assert clock.host_s_until(5) == 0


def test_clock_when_its_crystal_is_fast_gains_against_the_true_time():
    clock, host = clock_of(drift_ppm=20)
    host.advance(1_000_000)
    assert clock.now_s() - clock.true_s() == pytest.approx(20)


@pytest.mark.parametrize(
    ("celsius", "ppm"), [(25, 0), (35, -3.4), (15, -3.4), (-20, -68.85), (70, -68.85), (85, -122.4)]
)
def test_parabola_of_the_crystal_when_asked_gives_the_data_sheets_values(celsius, ppm):
    assert ppm_at(celsius) == pytest.approx(ppm)


def test_clock_when_it_warms_up_drifts_by_the_temperature_of_each_stretch():
    clock, host = clock_of(temperatures=(Warmth(1000, -20), Warmth(3000, 25)))
    host.advance(1000)
    assert clock.tick_s() == pytest.approx(1000, abs=1e-9)
    host.advance(1000)
    assert clock.tick_s() - 2000 == pytest.approx(-1000 * 68.85e-6)
    host.advance(5000)
    assert clock.tick_s() - 7000 == pytest.approx(-2000 * 68.85e-6)
    assert clock.rate == 1


def test_clock_when_asked_how_long_to_wait_looks_ahead_over_changes_of_rate():
    """A wait of 3000 module seconds begun at 0: 1000 s at 25 °C, the rest at -20 °C."""
    clock, _ = clock_of(temperatures=(Warmth(1000, -20),))
    assert clock.host_s_until(3000) == pytest.approx(1000 + 2000 / (1 - 68.85e-6))


def test_clock_when_waited_on_calls_back_after_module_time():
    async def story():
        clock = ModuleClock(ClockPlan(speed=1000))
        rung = asyncio.Event()
        before = clock.tick_s()
        clock.call_later(20, rung.set)
        await rung.wait()
        assert 20 <= clock.tick_s() - before < 520

    asyncio.run(story())


# ---- scenario ----------------------------------------------------------------------------------------------------


def read(text):
    table = Table.parse(text.encode(), "rack.toml")
    return read_clock(table.table("clock"))


def test_clock_table_when_read_gives_the_plan():
    plan = read("""
[clock]
speed = 60
drift_ppm = -1.5
start_s = 1700000000
rtc_error_s = -30
is_rtc_kept = false
[[clock.temperatures]]
at_s = 0
celsius = -40
[[clock.temperatures]]
at_s = 3600.5
celsius = 21.5
""")
    assert plan == ClockPlan(60, -1.5, 1_700_000_000, -30, False, (Warmth(0, -40), Warmth(3600.5, 21.5)))
    assert read("[clock]") == ClockPlan()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("speed = 0", "clock.speed"),
        ("speed = -1", "clock.speed"),
        ("speed = nan", "clock.speed"),
        ("speed = inf", "clock.speed"),
        ("speed = true", "clock.speed"),
        ("speed = 1000000", "clock.speed"),
        ("speed = '60'", "clock.speed"),
        ("drift_ppm = 600000", "clock.drift_ppm"),
        ("sped = 1", "clock.sped"),
        ("temperatures = [{at_s = 5, celsius = 0}, {at_s = 5, celsius = 1}]", "clock.temperatures"),
        ("temperatures = [{at_s = -5, celsius = 0}]", "clock.temperatures[0].at_s"),
        ("temperatures = [{at_s = 5, celsius = 300}]", "clock.temperatures[0].celsius"),
        ("temperatures = [{at_s = 5}]", "clock.temperatures[0].celsius"),
        ("temperatures = [{at_s = 5, celsius = 1, x = 1}]", "clock.temperatures[0].x"),
    ],
)
def test_clock_table_when_wrong_is_refused_with_its_key(text, key):
    with pytest.raises(BadRecipe) as caught:
        read("[clock]\n" + text)
    assert caught.value.facts["key"] == key


# ---- RTC -----------------------------------------------------------------------------------------------------------


def test_rtc_when_set_goes_on_from_there_and_tells_who_listens():
    clock, host = clock_of()
    heard = []
    unlisten = clock.rtc.listen(lambda: heard.append(clock.now_s()))
    clock.rtc.set_to(1000)
    host.advance(5)
    assert (clock.now_s(), heard) == (1005, [1000])
    assert clock.true_s() == host.now_s()
    unlisten()
    clock.rtc.set_to(2000)
    assert heard == [1000]


def test_rtc_when_the_supply_is_lost_keeps_its_time_only_with_vrtc():
    kept, host = clock_of()
    kept.rtc.lose_supply()
    assert kept.now_s() == host.now_s()
    lost, _ = clock_of(is_rtc_kept=False)
    lost.rtc.set_alarm(lost.now_s() + 5)
    lost.rtc.lose_supply()
    assert (lost.now_s(), lost.rtc.alarm_s) == (0, None)


def test_rtc_when_the_module_is_put_away_is_right_when_it_comes_back(tmp_path):
    clock, host = clock_of()
    clock.rtc.keep_in(tmp_path / "rtc.json")
    clock.rtc.set_to(clock.true_s() - 120)
    host.advance(1000)
    clock.rtc.close()
    host.advance(86400)
    again = ModuleClock(ClockPlan(), host)
    again.rtc.keep_in(tmp_path / "rtc.json")
    assert again.now_s() == pytest.approx(host.now_s() - 120)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"error_s": "x"}', "\x00" * 50])
def test_rtc_when_its_file_is_no_such_file_begins_with_the_plan(tmp_path, content):
    path = tmp_path / "rtc.json"
    path.write_text(content, encoding="utf-8")
    clock, host = clock_of(rtc_error_s=7)
    clock.rtc.keep_in(path)
    assert clock.now_s() == host.now_s() + 7
    assert json.loads(path.read_text(encoding="utf-8")) == {"error_s": 7.0}


def test_rtc_when_its_file_cannot_be_written_says_so(tmp_path):
    clock, _ = clock_of()
    clock.rtc.keep_in(tmp_path / "none" / "rtc.json")
    clock.rtc.set_to(5)
    for lose in (clock.rtc.lose_supply, clock.rtc.close):
        with pytest.raises(StorageFailed):
            lose()


def test_alarm_when_it_comes_due_rings_once_for_whoever_is_there():
    async def story():
        clock = ModuleClock(ClockPlan(speed=1000))
        rung = asyncio.Event()
        clock.rtc.wake = rung.set
        clock.rtc.set_alarm(clock.now_s() + 10)
        await asyncio.sleep(0.03)
        assert not rung.is_set(), "the alarm is not on yet"
        clock.rtc.set_alarm(clock.now_s() + 10)
        clock.rtc.enable_alarm(is_on=True)
        async with asyncio.timeout(30):
            await rung.wait()
        assert clock.rtc.alarm_s is None

    asyncio.run(story())


def test_alarm_when_the_time_is_set_meanwhile_rings_by_the_new_time():
    async def story():
        clock = ModuleClock(ClockPlan(speed=1000))
        rung = asyncio.Event()
        clock.rtc.on_alarm = rung.set
        due = clock.now_s() + 1_000_000
        clock.rtc.set_alarm(due)
        clock.rtc.enable_alarm(is_on=True)
        clock.rtc.set_to(due - 5)
        async with asyncio.timeout(30):
            await rung.wait()

    asyncio.run(story())


def test_world_when_a_module_is_off_is_woken_by_alarm_and_key_only_while_supplied(tmp_path):
    async def story():
        world = World(clock=ModuleClock(ClockPlan(speed=1000)))
        woken = []
        world.attend(tmp_path, woken.append)
        world.bench.press_power_key()
        assert woken == [], "there is no supply yet"
        world.desks()
        world.bench.press_power_key()
        assert woken == [1]
        world.lose_supply()
        world.bench.press_power_key()
        assert woken == [1]
        world.close()

    asyncio.run(story())
