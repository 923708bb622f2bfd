"""Two gateways, two workers, PostgreSQL and three NATS servers: any one is killed while devices upgrade.

Nothing is stuck, counters equal rows, nobody is upgraded twice, and whatever the platform acknowledged is among its rows.
"""

from __future__ import annotations

import collections
import itertools
import json
import random
import signal
import subprocess
import sys
import time

import pytest

from ota_cluster import APART, TOGETHER, WAIT_S, Cluster
from ota_fleet import Fleet
from quecthing_device import QuecThingDevice, flashes

END_S = 600.0  # a download that nobody hears of any more is begun again after five minutes
MOST_TRIES = 5  # a download that was cut off more often has failed
DOWNLOAD_FAILED = 220
LOGGED = {8, 9}  # loaded, begins to write: each has a line
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a matter of Unix")


class Roamer(QuecThingDevice):
    """A device that knows several gateways: the next one when its own does not answer.

    Args:
        ports: of the gateways.
    """

    def __init__(self, flash, ports, wishes=None):
        self._ports = itertools.cycle(ports[int(flash.dk) % len(ports) :] + ports[: int(flash.dk) % len(ports)])
        super().__init__(flash, next(self._ports), wishes)

    async def run(self):
        try:
            await super().run()
        except OSError:
            self.port = next(self._ports)
            raise


def storm(cluster, *, devices, kills, seed, spread_s, away_s):
    """Upgrade so many devices while so many parts are killed; each is away for a while, then started again."""
    dice = random.Random(seed)
    fleet = None
    try:
        plan, fleet = prepared(cluster, devices)
        for device in fleet.devices:
            device.wishes = device.wishes.__class__(asks=True)
        for nth, name in enumerate(kills):
            for device in fleet.devices[nth :: len(kills)]:
                fleet.do(device, ask)
            time.sleep(dice.uniform(0.0, spread_s))  # when it is killed is the test
            victim = cluster.victims[name]
            victim.kill()
            time.sleep(dice.uniform(0.0, away_s))  # and how long it is away
            victim.start()
            cluster.assert_whole()
        ended = {"upgraded", "failed"}
        with cluster.web() as web:
            cluster.until(lambda: sum(counters(web, plan)[name] for name in ended) == devices, END_S)
            ends = web.get(f"/v1/plans/{plan['id']}/upgrades", params={"limit": 1000}).json()["items"]
        assert_ended(cluster, fleet.devices, ends)
    finally:
        if fleet is not None:
            fleet.stop()


def ask(device):
    """Ask for an upgrade; who is offline does so when it is back."""
    if device.online.is_set():
        device.request()


def prepared(cluster, count):
    """An active plan over devices that are online and do not ask yet."""
    with cluster.web(0) as web:
        product, ps = product_of(web)
        fleet = Fleet([one.mqtt for one in cluster.gateways], Roamer)
        for flash in flashes(count, product["pk"], ps):
            fleet.add(flash, asks=False)
    with cluster.web(1) as web:  # whoever is asked
        package = package_of(web)
        cluster.until(lambda: known(web) == count)
        return activated(web, product, package), fleet


def product_of(web):
    """A product, and its secret."""
    product = web.post("/v1/products", json={"name": "meter"}).json()
    return product, web.post(f"/v1/products/{product['id']}/secret").json()["ps"]


def package_of(web):
    sent = web.put("/v1/artifacts/files/v2.bin", content=b"new firmware" * 10_000).json()
    files = [{"name": "v2.bin", "sha256": sent["sha256"]}]
    return web.post("/v1/artifacts", json={"name": "v2", "target": "V2", "files": files}).json()


def activated(web, product, package):
    plan = {
        "name": "storm", "product": product["id"], "zone": "UTC",
        "start": "2020-01-01T00:00", "end": "2090-01-01T00:00",
        "components": [{"component": "mod", "releases": [{"artifact": package["id"]}]}],
    }  # fmt: skip
    plan = web.post("/v1/plans", json=plan).json()
    assert web.post(f"/v1/plans/{plan['id']}/activate").json()["state"] == "running"
    return plan


def known(web):
    found = web.get("/v1/devices", params={"is_online": True, "limit": 1000}).json()["items"]
    return sum(bool(one["versions"]) for one in found)


def counters(web, plan):
    counted = web.get(f"/v1/plans/{plan['id']}").json()["counters"]["by_status"]
    return collections.Counter({name: count for name, count in counted.items() if count})


def assert_ended(cluster, devices, ends):
    """Every device has the one upgrade it was to have, and all that it was told is kept is kept."""
    assert "Traceback" not in cluster.complaints
    failed = {one["dk"]: one["reason"] for one in ends if one["status_name"] == "failed"}
    assert {reason["code"] for reason in failed.values()} <= {DOWNLOAD_FAILED}, "cut off too often, and nothing else"
    cluster.assert_whole()
    assert cluster.rows("SELECT count(*) FROM upgrades WHERE is_open") == [(0,)]
    assert cluster.rows("SELECT max(attempt), count(*) FROM upgrades") == [(1, len(devices))]
    secrets = dict(cluster.rows("SELECT dk, ds FROM devices"))
    versions = dict(cluster.rows("SELECT dk, version FROM devices JOIN device_versions ON device_id = id"))
    codes = collections.defaultdict(set)
    lines = "SELECT dk, code FROM upgrade_log JOIN upgrades u ON u.id = upgrade_id JOIN devices d ON d.id = device_id"
    for dk, code in cluster.rows(lines):
        codes[dk].add(code)
    for device in devices:
        dk, told = device.flash.dk, device.acknowledged
        assert device.flash.installs == ([] if dk in failed else ["V2"])
        assert secrets[dk] == device.flash.ds
        assert versions[dk] == [one for one in told if isinstance(one, str)][-1] == device.flash.version
        assert {code for code in told if code in LOGGED} <= codes[dk], dk


FLEET = """
[fleet]
seed = {seed}
rate = 50.0
[[kind]]
name = "meter"
share = 8
bytes_per_s = 40000.0
duplicates = 0.02
[[kind]]
name = "restless"
share = 2
outage_every_s = [10.0, 60.0]
outage_s = [2.0, 10.0]
"""


class FleetProcess:
    """``moduline fleet run`` at the gateways of a cluster.

    Args:
        cluster: of the platform.
        folder: of its files.
        words: more of the command line.
    """

    def __init__(self, cluster, folder, *words):
        self._said = folder / "fleet.jsonl"
        self._log = folder / "fleet.log"
        server = ",".join(f"127.0.0.1:{one.mqtt}" for one in cluster.gateways)
        with self._said.open("wb") as said, self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "moduline", "fleet", "run", "--server", server, *words, "--jsonl"],
                stdout=said,
                stderr=log,
            )

    def end(self):
        """As Ctrl-C does; how often each device came to an end, by outcome, and the summary."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(WAIT_S)
        assert self._process.returncode == 130, self._log.read_text()
        lines = [json.loads(line) for line in self._said.read_text().splitlines()]
        ends = collections.defaultdict(collections.Counter)
        for line in lines:
            if line.get("slug") == "fleet.ended":
                ends[line["where"]][line["facts"]["outcome"]] += 1
        return ends, lines[-1]

    def kill(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(WAIT_S)


def great_storm(cluster, folder, *, devices, kills, seed):
    """The same with a simulated fleet that comes online, upgrades and has outages of its own while parts are killed."""
    dice = random.Random(seed)
    (folder / "fleet.toml").write_text(FLEET.format(seed=seed))
    with cluster.web(0) as web:
        product, ps = product_of(web)
        plan = activated(web, product, package_of(web))
    words = ("--count", devices, "--product", product["pk"], "--secret", ps, "--fleet", folder / "fleet.toml")
    fleet = FleetProcess(cluster, folder, *map(str, words))
    log = []
    try:
        for _ in range(kills):
            time.sleep(dice.uniform(0.0, 4.0))
            name = dice.choice(sorted(cluster.victims))
            away_s = dice.uniform(0.0, 8.0)
            log.append((name, round(away_s, 1)))
            victim = cluster.victims[name]
            victim.kill()
            time.sleep(away_s)
            victim.start()
            cluster.assert_whole()
        ended = ("upgraded", "failed")
        with cluster.web(dice.randrange(2)) as web:
            cluster.until(lambda: sum(counters(web, plan)[name] for name in ended) == devices, END_S)
        ends, summary = fleet.end()
    finally:
        fleet.kill()
    status = dict(cluster.rows("SELECT dk, status FROM upgrades JOIN devices d ON d.id = device_id"))
    failed = {dk for dk, one in status.items() if one == 3}  # gave up waiting for what was away too long
    assert "Traceback" not in cluster.complaints
    cluster.assert_whole()
    assert cluster.rows("SELECT count(*) FROM upgrades WHERE is_open") == [(0,)]
    assert cluster.rows("SELECT max(attempt), count(*) FROM upgrades") == [(1, devices)]
    assert {dk for dk, outcomes in ends.items() if outcomes["upgraded"] > 1} == set(), "upgraded twice"
    upgraded = {dk for dk, outcomes in ends.items() if outcomes["upgraded"]}
    assert {dk for dk, one in status.items() if one == 2} == upgraded, "both sides agree"
    assert {dk for dk in failed if not ends[dk]["failed"]} == set(), "nobody failed who did not say so"
    versions = dict(cluster.rows("SELECT dk, version FROM devices JOIN device_versions ON device_id = id"))
    assert {versions[dk] for dk in upgraded} == {"V2"}
    return log, len(failed), summary


@pytest.fixture
def make(tmp_path):
    """Makes a cluster of these nodes."""
    made = []

    def begun(roles, **more):
        made.append(Cluster(tmp_path / "cluster", roles, **more))
        return made[0]

    yield begun
    for one in made:
        one.stop()


@pytest.mark.timeout(900)
def test_cluster_when_parts_are_killed_while_thirty_devices_upgrade_then_all_end_upgraded_once(make):
    storm(make(TOGETHER), devices=30, kills=["n1", "nats 0", "postgres"], seed=1, spread_s=0.5, away_s=0.5)


@pytest.mark.sweep
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(1, 5))
def test_cluster_when_parts_are_killed_while_a_thousand_devices_upgrade_then_all_end_upgraded_once(
    make, tmp_path, seed
):
    great_storm(make(APART), tmp_path, devices=1000, kills=10, seed=seed)
