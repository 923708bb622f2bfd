"""Reading of a scenario's ``radio`` table: what it means, and what is refused."""

from __future__ import annotations

import pytest

from moduline.errors import BadRecipe
from moduline.profiles.schema import Table
from moduline.vmodule.world.radio_plan import (
    REALISTIC,
    Contact,
    Neighbour,
    Point,
    RadioPlan,
    SimEvent,
    dbm_of_rssi,
    rssi_of_dbm,
    value_at,
)
from moduline.vmodule.world.radio_table import read_radio


def read(text):
    return read_radio(Table.parse(text.encode(), "rack.toml"))


def test_table_when_empty_then_a_healthy_module():
    assert read("") == RadioPlan()


def test_table_when_full_then_every_value_arrives():
    plan = read("""
timing = "realistic"
battery = [{ at_s = 0, mv = 4100 }, { at_s = 86400, mv = 3400 }]
[sim]
state = "pin"
imsi = "460105466870381"
iccid = "89860390845513443049"
number = "+8618166328752"
pin = "4321"
puk = "87654321"
phonebook = [{ index = 1, name = "Tom", number = "18144786859" }]
events = [{ at_s = 75, what = "in" }, { at_s = 60.5, what = "out" }]
[cell]
operator = "CHN-UNICOM"
short_name = "UNICOM"
mcc = "460"
mnc = "01"
registration = "roaming"
signal = [{ at_s = 0, rssi = 28 }, { at_s = 900, rssi = 99 }, { at_s = 960, rsrp = 95 }]
noise_db = 2.0
neighbours = [{ cid = 110110494, pci = 10, tac = 26909, earfcn = 2452, rsrp = 87 }]
[data]
apn = "private.iot"
is_apn_strict = true
user = "mia"
password = "123"
fail_first = 2
drop_after_s = 600
address = "10.0.0.5"
dns = ["9.9.9.9"]
""")
    assert plan.times == REALISTIC
    assert plan.battery == (Point(0, 4100), Point(86400, 3400))
    assert (plan.sim.state, plan.sim.pin, plan.sim.puk) == ("pin", "4321", "87654321")
    assert (plan.sim.imsi, plan.sim.number) == ("460105466870381", "+8618166328752")
    assert plan.sim.phonebook == (Contact(1, "Tom", "18144786859"),)
    assert plan.sim.events == (SimEvent(60.5, is_in=False), SimEvent(75, is_in=True))
    assert (plan.cell.operator, plan.cell.mnc, plan.cell.registration) == ("CHN-UNICOM", "01", "roaming")
    # 27.007: rssi 28 is -57 dBm. An rsrp of -95 dBm is an rssi of -70 dBm, as -76 goes with -51 in device-api 9.3.
    assert plan.cell.signal == (Point(0, -57), Point(900, None), Point(960, -70))
    assert plan.cell.neighbours == (Neighbour(110110494, 10, 26909, 2452, -87),)
    assert (plan.data.apn, plan.data.is_apn_strict, plan.data.fail_first) == ("private.iot", True, 2)
    assert (plan.data.drop_after_s, plan.data.address, plan.data.dns) == (600, "10.0.0.5", ("9.9.9.9", "9.9.9.9"))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("colour = 1", "colour"),
        ("timing = 'slow'", "timing"),
        ("[sim]\nstate = 'lost'", "sim.state"),
        ("[sim]\nimsi = '4600'", "sim.imsi"),
        ("[sim]\npin = '12a4'", "sim.pin"),
        ("[sim]\nevents = [{ at_s = 1 }]", "sim.events[0].what"),
        ("[sim]\nevents = [{ at_s = -1, what = 'in' }]", "sim.events[0].at_s"),
        ("[sim]\nevents = [{ at_s = inf, what = 'in' }]", "sim.events[0].at_s"),
        ("[sim]\nphonebook = [{ index = 501, name = 'x', number = '1' }]", "sim.phonebook[0].index"),
        ("[cell]\nregistration = 'maybe'", "cell.registration"),
        ("[cell]\nsignal = [{ at_s = 0, rssi = 32 }]", "cell.signal[0].rssi"),
        ("[cell]\nsignal = [{ at_s = 0, rsrp = 30 }]", "cell.signal[0].rsrp"),
        ("[cell]\nsignal = [{ at_s = 5, rssi = 3 }, { at_s = 5, rssi = 4 }]", "cell.signal"),
        ("[cell]\nlac = 0", "cell.lac"),
        ("[cell]\ncid = 268435456", "cell.cid"),
        ("[cell]\nmcc = '46'", "cell.mcc"),
        ("[data]\naddress = '::1'", "data.address"),
        ("[data]\naddress = 'nowhere'", "data.address"),
        ("[data]\ndns = []", "data.dns"),
        ("[data]\ndns6 = ['1.1.1.1']", "data.dns6"),
        ("[data]\nfail_first = -1", "data.fail_first"),
        ("[data]\nretries = 3", "data.retries"),
        ("battery = [{ at_s = 0 }]", "battery[0].mv"),
    ],
)
def test_table_when_a_value_is_wrong_then_refused_by_its_name(text, key):
    with pytest.raises(BadRecipe) as refused:
        read(text)
    assert refused.value.facts["key"] == key


@pytest.mark.parametrize(("rssi", "dbm"), [(0, -113), (1, -111), (30, -53), (31, -51)])
def test_rssi_when_converted_then_as_27_007_has_it(rssi, dbm):
    assert dbm_of_rssi(rssi) == dbm
    assert rssi_of_dbm(dbm) == rssi


@pytest.mark.parametrize(("dbm", "rssi"), [(-140, 0), (-20, 31)])
def test_dbm_when_out_of_the_scale_then_its_end(dbm, rssi):
    assert rssi_of_dbm(dbm) == rssi


@pytest.mark.parametrize(
    ("at_s", "value"), [(0, 10), (5, 10), (15, 15), (20, 20), (25, 20), (30, None), (35, None), (40, 8)]
)
def test_points_when_one_is_missing_then_no_slope_to_it(at_s, value):
    points = (Point(10, 10.0), Point(20, 20.0), Point(30, None), Point(40, 8.0))
    assert value_at(points, at_s) == value
