"""Many events heard at once leave the same rows and the same words as one by one, whatever they are and in any order."""

from __future__ import annotations

import random
import threading
from shutil import copyfile

import pytest
from sqlalchemy import func, select, update

from cloud_rig import Rig
from moduline.cloud import tables
from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.device_link.keeping import keep, keep_all
from moduline.cloud.device_link.platform import CameOnline, Cause, Received, Uplink, WentOffline
from moduline.cloud.plans.plan import Strategy
from moduline.cloud.upgrades import service
from moduline.wire.quecthing.ota_messages import SHA256_WANTED, Confirmation, Report, Request
from moduline.wire.quecthing.sys_messages import DeviceInformation, DeviceStatus

DEVICES = 6
TABLES = (
    tables.upgrades, tables.upgrade_log, tables.plan_counters, tables.outbox, tables.devices, tables.device_versions,
    tables.plans,
)  # fmt: skip
SECRETS = {"ds", "token"}
"""Columns that are drawn by lot."""


def event(draw):
    """Something a device says, likely or not."""
    version = draw.choice([None, None, "V1", "V2", "V9"])
    match draw.randrange(16):
        case 0:
            return Received(1, Request(module_version=draw.choice(["V1", "V2"])))
        case 1:
            return WentOffline(Cause.LOST)
        case 2:
            return CameOnline(is_first_contact=False, address="192.0.2.1")
        case 3:
            return Received(1, DeviceStatus(battery=draw.randrange(100), free_flash=draw.choice([None, 4096])))
        case 4:
            return Received(1, DeviceInformation(model="EC600U", module_version=version))
        case 5:
            return Received(1, Confirmation(accepts=draw.random() < 0.7))
        case 6:
            return Received(1, Report(2, "SUBMITOTA", 0, "c0", digest=SHA256_WANTED))
        case _:
            code = draw.choice([1, 2, 2, 3, 4, 5, 5, 5, 6, 8, 9, 11, 12, 7, 99])
            kind, component = draw.choice([(0, "c0"), (0, "c0"), (1, "c1")])
            told = version if kind == 0 else None
            return Received(1, Report(code, draw.choice(["", "word", "字\0"]), kind, component, module_version=told))


def furnished(rig):
    """Two plans, one of two components and with retries; devices online, every other one with an offer."""
    product = rig.product()
    known = [rig.device(product, f"d{number}", "V1", c1="1") for number in range(DEVICES)]
    pieces = (rig.artifact(), rig.artifact("pump", kind=ComponentType.MCU, target="2"))
    rig.activated(product, *pieces, name="first", strategy=Strategy(retries=2, retry_interval_min=0))
    rig.now += 1
    rig.activated(product, rig.artifact("v3", target="V3"), name="second", black=frozenset({"d0", "d1"}))
    for at, device in enumerate(known):
        rig.online(device)
        if at % 2:
            rig.request(device, "V1", c1="1")
    return known


def heard(draw, known, now, count):
    """So many calls of ``keep``; some of connections that are past."""
    return [
        ("one", Uplink(draw.choice(known), int(now) - draw.choice([0, 0, 0, 0, 1]), now + number / 8, event(draw)))
        for number in range(count)
    ]


def contents(rig):
    """All rows of the tables that events may change."""
    found = {}
    for table in TABLES:
        columns = [column for column in table.c if column.name not in SECRETS]
        query = select(*columns).order_by(*list(table.primary_key))
        rows = rig.db.read(lambda conn, query=query: conn.execute(query).all())
        found[table.name] = [tuple(row) for row in rows]
    return found


def worded(said):
    """What is said, without the tokens of links."""
    return [
        each if each is None else [(one.device_id, one.upgrade_id, one.say, len(one.files)) for one in each]
        for each in said
    ]


def gathered(rig, calls):
    """The futures of calls that one commit takes together: the writer is held until all of them wait."""
    gate, is_held = threading.Event(), threading.Event()

    def hold(_conn):
        is_held.set()
        assert gate.wait(60)

    rig.db.submit(hold)
    assert is_held.wait(60)
    futures = [rig.db.submit(keep, *call) for call in calls]
    gate.set()
    return futures


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5, 6, 7, 8])
def test_events_when_heard_at_once_then_rows_and_words_as_one_by_one(rig, quick_folder, empty_file, seed):
    draw = random.Random(seed)
    plain = Rig(copyfile(empty_file, quick_folder / "plain.db"))
    known = furnished(rig)
    assert furnished(plain) == known
    now, states = rig.now, set()
    for _ in range(12):
        now += draw.choice([1, 30, 700])
        calls = heard(draw, known, now, draw.randrange(1, 24))
        one_by_one = [plain.db.write(keep, *call) for call in calls]
        at_once = rig.db.write(keep_all, [(call, {}) for call in calls])
        assert worded(at_once) == worded(one_by_one)
        assert contents(rig) == contents(plain)
        rig.db.write(service.due, now=now)
        plain.db.write(service.due, now=now)
        states |= {row.status for row in rig.db.read(lambda conn: conn.execute(select(tables.upgrades.c.status)).all())}
    assert len(states) > 2, "the events led nowhere"
    plain.close()


def test_event_when_it_fails_then_alone(file_rig):
    known = furnished(file_rig)
    broken = known[1]

    def spoil(conn):
        mine = (tables.upgrades.c.device_id == broken) & tables.upgrades.c.is_open
        assert conn.execute(update(tables.upgrades).where(mine).values(state={"phase": "sideways"})).rowcount == 1

    file_rig.db.write(spoil)
    report = Received(1, Report(1, "", 0, "c0"))
    calls = [("one", Uplink(device, 1, file_rig.now, report)) for device in (*known, *known)]
    for (_, uplink), future in zip(calls, gathered(file_rig, calls), strict=True):
        if uplink.device == broken:
            assert isinstance(future.exception(60), Exception)
        else:
            assert future.result(60) == ()
    lines = select(tables.upgrades.c.device_id).join_from(tables.upgrade_log, tables.upgrades)
    told = file_rig.db.read(
        lambda conn: list(conn.execute(lines.where(tables.upgrade_log.c.code == 1).distinct()).scalars())
    )
    assert sorted(told) == [device for device in known if device in told and device != broken]
    assert told


def test_events_when_many_wait_then_one_call_takes_them(file_rig):
    known = furnished(file_rig)
    calls = [("one", Uplink(device, 1, file_rig.now, Received(1, Report(5, "", 0, "c0")))) for device in known * 3]
    assert [future.result(60) for future in gathered(file_rig, calls)] == [()] * len(calls)
    versions = select(func.count()).select_from(tables.upgrade_log).where(tables.upgrade_log.c.code == 5)
    assert file_rig.db.read(lambda conn: conn.execute(versions).scalar_one()) == DEVICES // 2
