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
from ota_rows import assert_whole
from quecthing_device import QuecThingDevice, flashes

END_S = 600.0  # a download that nobody hears of any more is begun again after five minutes
MOST_TRIES = 5  # a download that was cut off more often has failed
DOWNLOAD_FAILED = 220
LOGGED = {8, 9}  # loaded, begins to write: each has a line; others may come when they change nothing any more
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a matter of Unix")


def storm(folder, *, devices, kills, seed, spread_s=1.5):
    """Upgrade so many devices while the platform is killed so many times; asserts what must hold.

    The first kill comes while devices are being made known, the others while they upgrade.
    """
    dice = random.Random(seed)
    server = OtaProcess(folder)
    fleet = None
    try:
        plan, fleet = prepared(server, devices, dice.uniform(0.0, spread_s))
        for device in fleet.devices:
            device.wishes = device.wishes.__class__(asks=True)
        for device in fleet.devices[: devices // 4]:
            fleet.do(device, QuecThingDevice.request)
        for _ in range(kills - 1):
            time.sleep(dice.uniform(0.0, spread_s))  # when it is killed is the test
            server.kill()
            assert_whole(folder / "ota.db")
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
    assert_kept(folder / "ota.db", fleet.devices)
    return len(failed)


def prepared(server, count, kill_after_s):
    """An active plan over devices that are online and do not ask yet."""
    with server.web() as web:
        product = web.post("/v1/products", json={"name": "meter"}).json()
        ps = web.post(f"/v1/products/{product['id']}/secret").json()["ps"]
    fleet = Fleet(server.ready["mqtt"])
    for flash in flashes(count, product["pk"], ps):
        fleet.add(flash, asks=False)
    time.sleep(kill_after_s)
    server.kill()
    server.start()
    with server.web() as web:
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
    """What the file says at the end: nothing open, one attempt each."""
    assert_whole(file)
    with sqlite3.connect(file) as db:
        assert db.execute("SELECT count(*) FROM upgrades WHERE is_open").fetchone() == (0,)
        assert db.execute("SELECT max(attempt) FROM upgrades").fetchone() == (1,)


def assert_kept(file, devices):
    """Whatever the platform said it has is among its rows: secrets, versions, the statuses that decide."""
    with sqlite3.connect(file) as db:
        secrets = dict(db.execute("SELECT dk, ds FROM devices"))
        versions = dict(db.execute("SELECT dk, version FROM devices JOIN device_versions ON device_id = id"))
        codes = collections.defaultdict(set)
        lines = (
            "SELECT dk, code FROM upgrade_log JOIN upgrades u ON u.id = upgrade_id JOIN devices d ON d.id = device_id"
        )
        for dk, code in db.execute(lines):
            codes[dk].add(code)
    for device in devices:
        dk, told = device.flash.dk, device.acknowledged
        assert secrets[dk] == device.flash.ds
        assert versions[dk] == [one for one in told if isinstance(one, str)][-1] == device.flash.version
        assert {code for code in told if code in LOGGED} <= codes[dk], dk


@pytest.mark.timeout(900)
def test_platform_when_killed_while_fifty_devices_upgrade_then_all_end_upgraded_once(tmp_path):
    storm(tmp_path / "ota", devices=50, kills=4, seed=6)


@pytest.mark.sweep
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(1, 6))
def test_platform_when_killed_while_a_thousand_devices_upgrade_then_all_end_upgraded_once(tmp_path, seed):
    storm(tmp_path / "ota", devices=1000, kills=10, seed=seed, spread_s=4.0)
