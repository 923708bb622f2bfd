"""What the grid does with many devices in one block is what it does with each of them alone, however alike they are."""

from __future__ import annotations

import random
from shutil import copyfile

import pytest
from sqlalchemy import select, update

from cloud_rig import Rig
from moduline.cloud import tables
from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.plans.filters import parse_filter
from moduline.cloud.plans.plan import Strategy
from moduline.cloud.upgrades import service

DEVICES = 16
STRATEGIES = (
    Strategy(),
    Strategy(retries=2, retry_interval_min=0),
    Strategy(holds_on_status=True, min_battery=50, disk_bytes=4096),
)


def furnished(rig, draw, strategy):
    """A plan for devices that differ in little: versions, facts, what was heard of them before."""
    product = rig.product()
    known = [
        rig.device(product, f"d{number}", draw.choice(["V1", "V1", "V1", "V2", None]), c1=draw.choice("112"))
        for number in range(DEVICES)
    ]
    pieces = (rig.artifact(), rig.artifact("pump", kind=ComponentType.MCU, target="2"))
    plan = rig.activated(product, *pieces, strategy=strategy, filter=draw.choice([None, parse_filter('dk != "d3"')]))
    for device in known:
        rig.online(device)
        if draw.random() < 0.7:
            facts = {"battery": draw.choice([20, 90]), "free_flash": draw.choice([1024, 8192, 8192])}
            rig.tell(service.told_facts, device, facts)
    return plan, known


def lives(rig, known, draw):
    """Some of the devices fail, refuse or let the offer lapse; the others have not heard of it."""
    for device in known:
        if draw.random() < 0.5:
            rig.request(device)
            for code in draw.choice([(), (1,), (1, 3), (1, 2, 4, 7), (1, 2, 5)]):
                rig.status(device, code)
    rig.now += 7200
    while rig.db.write(service.due, now=rig.now):
        rig.now += 120


def found(rig, table, device):
    """Rows of a table that belong to a device, without the numbers of the lines of the log."""
    upgrades = tables.upgrades.c
    columns = [one for one in table.c if one.name != "id" or table is tables.upgrades]
    query = select(*columns).where(upgrades.device_id == device)
    if table is not tables.upgrades:
        query = query.join_from(table, tables.upgrades, table.c.upgrade_id == upgrades.id)
    return sorted(map(repr, rig.db.read(lambda conn: conn.execute(query).all())))


def put_online(rig, devices, known):
    """Have just these be connected, as rows."""
    one = tables.devices

    def put(conn):
        conn.execute(update(one).where(one.c.id.in_(known)).values(node=None))
        conn.execute(update(one).where(one.c.id.in_(devices)).values(node="one"))

    rig.db.write(put)


@pytest.mark.parametrize("seed", range(6))
def test_grid_when_devices_are_alike_then_rows_and_words_as_of_each_alone(file_rig, quick_folder, seed):
    rig, draw = file_rig, random.Random(seed)
    plan, known = furnished(rig, draw, STRATEGIES[seed % len(STRATEGIES)])
    lives(rig, known, draw)
    put_online(rig, known, known)
    rig.db.close()
    alone = Rig(copyfile(rig.db.name, quick_folder / "alone.db"))
    rig.db.open()
    said, _ = rig.db.write(service.grid, plan.id, now=rig.now)
    words = []
    for device in known:
        put_online(alone, [device], known)
        words += alone.db.write(service.grid, plan.id, now=rig.now)[0]
    assert sorted(map(repr, said)) == sorted(map(repr, words))
    assert {one.device_id for one in said}, "nobody is offered anything"
    for device in known:
        for table in (tables.upgrades, tables.upgrade_log):
            assert found(rig, table, device) == found(alone, table, device), device
    assert rig.counts(plan) == alone.counts(plan)
    alone.close()
