"""``kill -9`` of the platform while devices upgrade: nothing stuck, counters equal rows, nobody upgraded twice."""

from __future__ import annotations

import collections
import random
import sqlite3
import sys
import time

import pytest

from ota_fleet import Fleet
from ota_process import OtaProcess
from quecthing_device import QuecThingDevice, flashes

END_S = 420.0  # a download that nobody hears of any more is begun again after five minutes
MOST_TRIES = 5  # a download that was cut off more often has failed
DOWNLOAD_FAILED = 220
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a matter of Unix")


def storm(folder, *, devices, kills, seed):
    """Upgrade so many devices while the platform is killed so many times; asserts what must hold."""
    dice = random.Random(seed)
    server = OtaProcess(folder)
    fleet = None
    try:
        plan, fleet = prepared(server, devices)
        for device in fleet.devices:
            device.wishes = device.wishes.__class__(asks=True)
        for device in fleet.devices[: devices // 4]:
            fleet.do(device, QuecThingDevice.request)
        for _ in range(kills):
            time.sleep(dice.uniform(0.0, 1.5))  # when it is killed is the test
            server.kill()
            server.start()
        with server.web() as web:
            ended = {"upgraded", "failed"}
            server.until(lambda: sum(counters(web, plan)[name] for name in ended) == devices, END_S)
            ends = web.get(f"/v1/plans/{plan['id']}/upgrades", params={"limit": 1000}).json()["items"]
        assert server.end() == 0
        assert "Traceback" not in server.complaints
    finally:
        if fleet is not None:
            fleet.stop()
        server.end()
    failed = {one["dk"]: one["reason"] for one in ends if one["status_name"] == "failed"}
    if kills <= MOST_TRIES:
        assert failed == {}
    assert {reason["code"] for reason in failed.values()} <= {DOWNLOAD_FAILED}, "cut off too often, and nothing else"
    for device in fleet.devices:
        assert device.flash.installs == ([] if device.flash.dk in failed else ["V2"])
    assert_sound(folder / "ota.db")


def prepared(server, count):
    """An active plan over devices that are online and do not ask yet."""
    with server.web() as web:
        product = web.post("/v1/products", json={"name": "meter"}).json()
        ps = web.post(f"/v1/products/{product['id']}/secret").json()["ps"]
        fleet = Fleet(server.ready["mqtt"])
        for flash in flashes(count, product["pk"], ps):
            fleet.add(flash, asks=False)
        server.until(lambda: known(web) == count)
        sent = web.put("/v1/artifacts/files/v2.bin", content=b"new firmware" * 1000).json()
        files = [{"name": "v2.bin", "sha256": sent["sha256"]}]
        package = web.post("/v1/artifacts", json={"name": "v2", "target": "V2", "files": files}).json()
        plan = {
            "name": "storm", "product": product["id"], "zone": "UTC",
            "start": "2020-01-01T00:00", "end": "2090-01-01T00:00",
            "components": [{"component": "mod", "releases": [{"artifact": package["id"]}]}],
        }  # fmt: skip
        plan = web.post("/v1/plans", json=plan).json()
        assert web.post(f"/v1/plans/{plan['id']}/activate").json()["state"] == "running"
        return plan, fleet


def known(web):
    found = web.get("/v1/devices", params={"is_online": True, "limit": 1000}).json()["items"]
    return sum(bool(one["versions"]) for one in found)


def counters(web, plan):
    counted = web.get(f"/v1/plans/{plan['id']}").json()["counters"]["by_status"]
    return collections.Counter({name: count for name, count in counted.items() if count})


def assert_sound(file):
    """What the file itself says: counters equal rows, nothing open, one attempt each."""
    with sqlite3.connect(file) as db:
        rows = "SELECT plan_id, group_number, status, count(*) FROM upgrades GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        kept = (
            "SELECT plan_id, group_number, status, sum(count) FROM plan_counters "
            "GROUP BY 1, 2, 3 HAVING sum(count) != 0 ORDER BY 1, 2, 3"
        )
        assert db.execute(kept).fetchall() == db.execute(rows).fetchall()
        assert db.execute("SELECT count(*) FROM upgrades WHERE is_open OR deadline IS NOT NULL").fetchone() == (0,)
        assert db.execute("SELECT max(attempt) FROM upgrades").fetchone() == (1,)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.timeout(600)
def test_platform_when_killed_while_fifty_devices_upgrade_then_all_end_upgraded_once(tmp_path):
    storm(tmp_path / "ota", devices=50, kills=3, seed=6)


@pytest.mark.sweep
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(4))
def test_platform_when_killed_again_and_again_then_all_end_upgraded_once(tmp_path, seed):
    storm(tmp_path / "ota", devices=300, kills=12, seed=seed)
