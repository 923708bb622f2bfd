"""How fast the platform keeps things: status reports per second, activation for 100,000 devices, cold start.

    python bench/cloud_store.py [--devices 100000] [--reports 20000] [--db URL]

Reports are the real verb: a device under upgrade says "downloading" (code 5), its row is read, judged by the rules,
written with its deadline and counted; 256 of them at most share one commit that is on the disk. Activation is the real
verb too. Cold start: a new process's ``Database.open``, the devices of the last run marked offline, live plans read.
Each is run three times in one process; the middle one counts.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import insert, select

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from cloud_rig import Rig
from moduline.cloud import tables
from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.db import Database
from moduline.cloud.devices import contact
from moduline.cloud.plans import course
from moduline.cloud.plans import service as plans
from moduline.cloud.upgrades import service
from moduline.cloud.upgrades.events import StatusReported

UNDER_WAY = 1000


def fill(conn, product_id, count):
    """Devices that are known and have reported a version, without the detour over their messages."""
    rows = [
        {
            "product_id": product_id, "dk": f"{number:015d}", "ds": "0" * 32, "is_enabled": True, "origin": "contact",
            "connection": 0, "cell": "", "facts": {"battery": 80, "model": "EC600U"}, "created_at": 1.0,
        }
        for number in range(count)
    ]  # fmt: skip
    conn.execute(insert(tables.devices), rows)
    numbers = conn.execute(select(tables.devices.c.id).where(tables.devices.c.product_id == product_id)).scalars()
    versions = [(number, 0, "", "V1") for number in numbers]
    contact.keep_versions(conn, versions, now=1.0)


def meet(conn, product_id):
    """Devices that come for the first time, in one transaction; their numbers."""
    keys = [f"r{number}" for number in range(UNDER_WAY)]
    return [contact.authenticate(conn, product_id, dk, is_first_only=False, now=1.0).device_id for dk in keys]


def reports(rig, product, artifact, count):
    """Status reports of devices that load a file: how many per second, processor seconds of each."""
    known = rig.db.write(meet, product.id)
    rig.activated(
        product, artifact, name=product.name, white=frozenset(f"r{n}" for n in range(UNDER_WAY)), has_white_list=True
    )
    for device in known:
        rig.db.submit(service.came_online, device, "one", 1, now=rig.now)
        rig.db.submit(service.told_versions, device, "V1", {}, now=rig.now, is_request=True)
        for code in (1, 2, 4, 5):
            waiting = rig.db.submit(service.hear, device, StatusReported(code, ComponentType.MODULE, "c0"), now=rig.now)
    waiting.result()
    event = StatusReported(5, ComponentType.MODULE, "c0")
    began, cpu = time.perf_counter(), time.process_time()
    for number in range(count):
        waiting = rig.db.submit(service.hear, known[number % UNDER_WAY], event, now=rig.now + 1 + number / 1000)
    waiting.result()
    return count / (time.perf_counter() - began), (time.process_time() - cpu) / count


def trivial(rig, _product, _artifact, count):
    """Signs of life, the smallest write there is; the same figures."""
    began, cpu = time.perf_counter(), time.process_time()
    for number in range(count):
        waiting = rig.db.submit(contact.seen, {number % 1000 + 1: float(number)})
    waiting.result()
    return count / (time.perf_counter() - began), (time.process_time() - cpu) / count


def activation(rig, product, artifact, number):
    """Seconds of one activation for all devices of a product."""
    draft = rig.draft(product, artifact, name=f"all {number}")
    began = time.perf_counter()
    rig.act(plans.activate, draft.id)
    return time.perf_counter() - began


def cold_start(address):
    """Seconds until a new process knows where it stands."""
    began = time.perf_counter()
    database = Database(address)
    database.open()
    database.write(contact.forget_node, "one", now=2.0)
    database.read(course.live)
    seconds = time.perf_counter() - began
    database.close()
    return seconds


def middle(runs):
    return statistics.median(runs)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--devices", type=int, default=100_000)
    options.add_argument("--reports", type=int, default=20_000)
    options.add_argument("--db", default="")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        address = given.db or str(Path(folder) / "ota.db")
        rig = Rig(address)
        artifact, product = rig.artifact(), rig.product()
        began = time.perf_counter()
        rig.db.write(fill, product.id, given.devices)
        print(f"{given.devices} devices made known          {time.perf_counter() - began:8.2f} s")
        runs = [activation(rig, product, artifact, number) for number in range(3)]
        print(f"activation for {given.devices} devices       {middle(runs):8.2f} s   (aim: under 1 s at 100000)")
        for words, work in (("status reports kept (aim: 8000 /s)", reports), ("signs of life kept", trivial)):
            runs = [work(rig, rig.product(f"{words} {number}"), artifact, given.reports) for number in range(3)]
            rate, cpu = middle([one[0] for one in runs]), middle([one[1] for one in runs])
            print(f"{words:36}  {rate:8.0f} /s   {cpu * 1e6:6.0f} us of processor each, sender included")
        rig.close()
        runs = [cold_start(address) for _ in range(3)]
        print(f"cold start                            {middle(runs):8.2f} s   (aim: under 3 s)")


if __name__ == "__main__":
    main()
