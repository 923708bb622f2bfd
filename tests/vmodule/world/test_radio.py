"""The radio on a clock that the test moves: registration, data calls, faults, scenario events.

Source: device-api 2.2, 9.2 to 9.4.
"""

from __future__ import annotations

import pytest

from hand_clock import HandClock
from moduline.vmodule.world.data_contexts import BOTH, V4, V6, Access
from moduline.vmodule.world.radio import News, Radio
from moduline.vmodule.world.radio_plan import (
    REALISTIC,
    CellPlan,
    DataPlan,
    Point,
    RadioPlan,
    RadioTimes,
    SimEvent,
    SimPlan,
)

TIMES = RadioTimes(sim_s=1.0, search_s=4.0, connect_s=2.0, redial_s=3.0)
IDLE, HOME, SEARCHING, DENIED, ROAMING = 0, 1, 2, 3, 5


class Story:
    """A radio, its clock and what it told."""

    def __init__(self, *, is_on=True, **plan):
        self.clock = HandClock()
        self.radio = Radio(RadioPlan(**{"times": TIMES, **plan}), self.clock, seed=7)
        self.told = []
        self.radio.subscribe(lambda news: self.told.append((self.clock.tick, news.kind, *news.values)))
        if is_on:
            self.radio.power_on()

    def after(self, seconds):
        self.clock.advance(seconds)
        return self.radio

    def heard(self, kind):
        return [(at, *values) for at, what, *values in self.told if what == kind]


def dialled(**plan):
    """A radio whose boot has asked for a data call, ten seconds later."""
    story = Story(**plan)
    story.radio.data.dial_at_boot(1, None)
    story.after(10)
    return story


def test_power_when_on_then_card_search_and_registration_take_their_time():
    story = Story()
    assert (story.radio.sim_status, story.radio.registration) == (18, IDLE)
    assert (story.after(1).sim_status, story.radio.registration) == (1, SEARCHING)
    assert story.after(3.9).registration == SEARCHING
    assert story.after(0.1).registration == HOME
    assert story.heard("registration") == [(1.0, SEARCHING), (5.0, HOME)]


def test_power_when_on_twice_then_nothing_begins_again():
    story = Story()
    story.after(10).power_on()
    assert story.radio.registration == HOME
    assert story.clock.waiting == 0


def test_power_when_off_then_all_of_it_is_gone_and_comes_back_with_power():
    story = dialled()
    assert story.radio.has_data
    story.radio.power_off()
    assert (story.radio.has_data, story.radio.registration, story.radio.nitz_s) == (False, IDLE, None)
    assert story.clock.waiting == 0
    story.radio.power_on()
    assert story.after(10).registration == HOME
    assert not story.radio.has_data  # nobody has asked in this life


@pytest.mark.parametrize(("kind", "state"), [("home", 1), ("roaming", 5), ("denied", 3), ("none", 2)])
def test_registration_when_planned_then_the_network_answers_so(kind, state):
    story = Story(cell=CellPlan(registration=kind))
    assert story.after(30).registration == state
    assert story.radio.is_registered == (kind in {"home", "roaming"})


def test_nitz_when_registered_then_the_networks_time_of_that_moment():
    story = Story()
    assert story.after(3).nitz_s is None
    story.after(2)
    assert story.radio.nitz_s == story.clock.begin_s + 5
    story.after(100)
    assert story.radio.nitz_s == story.clock.begin_s + 5


@pytest.mark.parametrize("state", ["absent", "pin", "puk", "blocked", "invalid"])
def test_registration_when_card_is_not_ready_then_idle_for_ever(state):
    assert Story(sim=SimPlan(state=state)).after(3600).registration == IDLE


def test_pin_when_given_then_the_search_begins():
    story = Story(sim=SimPlan(state="pin", pin="4321"))
    assert story.after(2).sim_status == 2
    assert story.radio.sim.verify("4321")
    story.radio.card_changed()
    assert (story.radio.sim_status, story.radio.registration) == (1, SEARCHING)
    assert story.after(4).registration == HOME


# ---- data calls -----------------------------------------------------------------------------------------------------


def test_boot_call_when_network_comes_later_then_connected_without_being_asked_again():
    story = Story()
    story.radio.data.dial_at_boot(1, None)
    story.after(6.9)
    assert (story.radio.has_data, story.radio.data[1].state) == (False, "dialling")
    story.after(0.1)
    assert story.heard("data") == [(7.0, 1, 1)]
    assert story.radio.address() == "10.91.44.177"


def test_boot_call_when_first_two_attempts_fail_then_the_third_connects():
    story = Story(data=DataPlan(fail_first=2))
    story.radio.data.dial_at_boot(1, None)
    assert not story.after(16.9).has_data  # registered at 5; attempts end at 7, 12 and 17
    assert story.after(0.1).has_data
    assert story.heard("data") == [(17.0, 1, 1)]


def test_boot_call_when_three_attempts_fail_then_no_more_until_the_network_comes_anew():
    story = Story(data=DataPlan(fail_first=3))
    story.radio.data.dial_at_boot(1, None)
    assert not story.after(3600).has_data
    assert story.clock.waiting == 0
    story.radio.lose_network()
    story.radio.restore_network()
    assert story.after(6).has_data


@pytest.mark.parametrize(
    ("access", "is_let_in"),
    [
        (Access(V4, "private.iot", "mia", "123", 2), True),
        (Access(V4, "cmnet", "mia", "123", 2), False),
        (Access(V4, "", "mia", "123", 2), False),
        (Access(V4, "private.iot", "mia", "124", 2), False),
        (Access(V4, "private.iot"), False),
    ],
)
def test_access_when_the_network_is_strict_then_name_and_account_must_fit(access, is_let_in):
    plan = DataPlan(apn="private.iot", is_apn_strict=True, user="mia", password="123")
    story = Story(data=plan)
    story.after(10)
    assert story.radio.data.dial(1, access, is_patient=False)
    assert story.radio.data[1].state == "dialling"
    assert story.after(2).has_data == is_let_in
    assert not story.after(60).has_data or is_let_in  # one attempt, no more


def test_call_when_not_registered_and_not_patient_then_refused_at_once():
    story = Story()
    assert not story.radio.data.dial(1, Access(), is_patient=False)
    assert not story.after(60).has_data


def test_call_when_it_drops_after_a_while_then_told_and_dialled_again():
    story = dialled(data=DataPlan(drop_after_s=600))  # up at 7
    story.after(597)
    assert story.heard("data") == [(7.0, 1, 1), (607.0, 1, 0)]
    story.after(5)
    assert story.heard("data")[-1] == (612.0, 1, 1)  # 3 s pause, 2 s connecting


def test_call_of_a_script_when_lost_then_not_dialled_again_without_auto_connect():
    story = Story()
    story.after(10)
    story.radio.data.dial(2, Access(), is_patient=False)
    story.after(2)
    story.radio.drop_data()
    assert story.heard("data") == [(12.0, 2, 1), (12.0, 2, 0)]
    assert not story.after(3600).has_data


def test_call_when_hung_up_then_told_once_and_stays_so():
    story = dialled()
    story.radio.data.hang_up(1)
    story.radio.data.hang_up(1)
    assert story.heard("data") == [(7.0, 1, 1), (10.0, 1, 0)]
    assert not story.after(3600).has_data


def test_addresses_when_two_families_then_each_profile_has_its_own():
    story = Story()
    story.after(10)
    for profile, family in ((1, V4), (2, V6), (3, BOTH)):
        story.radio.data.dial(profile, Access(family), is_patient=False)
    radio = story.after(2)
    assert [radio.address(profile) for profile in (1, 2, 3, 4)] == [
        "10.91.44.177", "2001:db8:91:44::178", "10.91.44.179", None,
    ]  # fmt: skip
    assert (radio.data.leg(1, V6).state, radio.data.leg(1, V6).address) == (0, "::")
    assert (radio.data.leg(2, V4).state, radio.data.leg(2, V4).address) == (0, "0.0.0.0")
    assert radio.data.leg(3, V4).state == radio.data.leg(3, V6).state == 1


def test_saved_access_when_power_was_cut_then_used_by_the_next_boot():
    story = Story(data=DataPlan(apn="iot", is_apn_strict=True))
    story.radio.data.save_access(1, Access(V4, "iot"))
    story.radio.power_off()
    story.radio.power_on()
    story.radio.data.dial_at_boot(1, None)
    assert story.after(10).has_data


# ---- functionality ---------------------------------------------------------------------------------------------------


def test_flight_mode_when_set_then_call_and_registration_end_and_come_back_with_full():
    story = dialled()
    assert story.radio.set_functionality(4)
    assert (story.radio.registration, story.radio.has_data, story.radio.rssi) == (IDLE, False, 99)
    assert story.radio.sim_status == 1  # the card keeps its supply
    assert story.heard("data")[-1] == (10.0, 1, 0)
    assert story.radio.set_functionality(1)
    story.after(6)  # search and connect
    assert (story.radio.registration, story.radio.has_data) == (HOME, True)


def test_minimum_when_set_then_the_card_has_no_supply_and_starts_anew():
    story = dialled(sim=SimPlan(state="pin"))
    story.radio.sim.verify("1234")
    story.radio.card_changed()
    story.after(10)
    story.radio.set_functionality(0)
    assert (story.radio.sim_status, story.radio.registration) == (0, IDLE)
    story.radio.set_functionality(1)
    assert story.radio.sim_status == 18
    assert story.after(1).sim_status == 2  # the PIN must be given again


def test_functionality_when_there_is_no_such_level_then_refused():
    story = Story()
    assert not story.radio.set_functionality(2)
    assert story.radio.functionality == 1


def test_functionality_when_power_was_cut_then_full_again():
    story = Story()
    story.radio.set_functionality(4)
    story.radio.power_off()
    story.radio.power_on()
    assert story.radio.functionality == 1


def test_mode_when_the_cell_has_another_technology_then_not_heard():
    story = Story()
    story.after(10)
    assert story.radio.set_mode(0)  # GSM only; the cell is LTE
    assert story.radio.registration == SEARCHING
    assert story.radio.set_mode(5)
    assert story.after(4).registration == HOME
    assert not story.radio.set_mode(19)


# ---- faults and events -----------------------------------------------------------------------------------------------


def test_card_when_taken_out_then_everything_ends_and_hot_plugging_tells():
    story = dialled()
    story.radio.is_hot_plug_on = True
    assert story.radio.set_fault("sim-out")
    assert (story.radio.sim_status, story.radio.registration, story.radio.has_data) == (0, IDLE, False)
    assert story.radio.rssi == 99
    assert story.radio.set_fault("sim-in")
    assert story.radio.sim_status == 18
    assert story.after(7).has_data
    assert story.heard("sim") == [(10.0, 2), (10.0, 1)]


def test_card_when_hot_plugging_is_off_then_nobody_is_told():
    story = dialled()
    story.radio.set_fault("sim-out")
    assert story.heard("sim") == []


def test_network_when_lost_and_back_then_searches_and_dials_again():
    story = dialled()
    assert story.radio.set_fault("no-network")
    assert (story.radio.registration, story.radio.has_data, story.radio.rssi) == (SEARCHING, False, 99)
    assert story.after(3600).registration == SEARCHING
    assert story.radio.set_fault("network")
    assert story.after(6).has_data


def test_data_when_dropped_then_dialled_again():
    story = dialled()
    assert story.radio.set_fault("data-drop")
    assert not story.radio.has_data
    assert story.radio.registration == HOME
    assert story.after(5).has_data
    assert story.heard("data") == [(7.0, 1, 1), (10.0, 1, 0), (15.0, 1, 1)]


def test_signal_and_battery_when_forced_then_so_until_cleared():
    story = dialled()
    assert story.radio.set_fault("rssi=3")
    assert story.radio.set_fault("battery=3100")
    assert (story.radio.rssi, story.radio.battery_mv, story.radio.registration) == (3, 3100, HOME)
    assert story.radio.set_fault("rssi=99")
    assert story.radio.registration == SEARCHING
    assert story.radio.set_fault("clear")
    assert (story.radio.rssi, story.radio.battery_mv) == (24, 3590)
    assert story.after(6).has_data


@pytest.mark.parametrize("word", ["", "sim", "rssi=32", "rssi=-1", "rssi=", "battery=", "battery=123456", "sim-out "])
def test_fault_when_there_is_no_such_word_then_false(word):
    story = Story()
    assert not story.radio.set_fault(word)


def test_card_when_events_are_planned_then_they_happen_at_their_time():
    story = Story(sim=SimPlan(events=(SimEvent(60, False), SimEvent(75, True))))
    assert story.after(59).registration == HOME
    assert story.after(1).sim_status == 0
    assert story.after(15).sim_status == 18
    assert story.after(5).registration == HOME


def test_card_when_an_event_passed_before_power_then_it_has_happened():
    story = Story(is_on=False, sim=SimPlan(events=(SimEvent(60, False),)))
    story.clock.advance(100)
    story.radio.power_on()
    assert story.after(100).sim_status == 0


def test_coverage_when_it_ends_and_returns_in_the_plan_then_registration_follows():
    signal = (Point(0, -60.0), Point(100, None), Point(160, -80.0))
    story = dialled(cell=CellPlan(signal=signal))
    assert story.after(89).registration == HOME
    assert (story.after(1).registration, story.radio.has_data) == (SEARCHING, False)
    assert story.after(60).registration == SEARCHING
    assert story.after(4).registration == HOME
    assert story.after(2).has_data


def test_signal_when_between_two_points_then_changes_evenly():
    story = Story(cell=CellPlan(signal=(Point(0, -53.0), Point(600, -113.0))))
    assert [story.after(seconds).rssi for seconds in (0, 300, 300, 1000)] == [30, 15, 0, 0]


def test_battery_when_between_two_points_then_changes_evenly():
    story = Story(battery=(Point(0, 4100.0), Point(100, 3400.0)))
    assert [story.after(seconds).battery_mv for seconds in (0, 50, 50, 50)] == [4100, 3750, 3400, 3400]


def test_noise_when_the_seed_is_the_same_then_so_is_every_second_whoever_asks():
    def measured(seed, asked_between):
        clock = HandClock()
        radio = Radio(RadioPlan(cell=CellPlan(noise_db=4.0)), clock, seed)
        radio.power_on()
        values = []
        for _ in range(50):
            clock.advance(1)
            for _ in range(asked_between):
                assert radio.rssi == radio.rssi
            values.append(radio.rssi)
        return values

    assert measured(7, 0) == measured(7, 3)
    assert measured(7, 0) != measured(8, 0)
    assert len(set(measured(7, 0))) > 3
    assert all(10 <= value <= 31 for value in measured(7, 0))


def test_subscription_when_ended_then_nothing_more_is_told():
    story = Story()
    seen = []
    end = story.radio.subscribe(seen.append)
    story.after(2)
    end()
    end()
    story.after(10)
    assert seen == [News("sim_status", (1,)), News("registration", (SEARCHING,))]


def test_times_when_realistic_then_seconds_pass():
    story = Story(times=REALISTIC)
    story.radio.data.dial_at_boot(1, None)
    assert story.after(7.4).registration == SEARCHING
    assert story.after(0.1).registration == HOME
    assert not story.after(0.9).has_data
    assert story.after(0.1).has_data
