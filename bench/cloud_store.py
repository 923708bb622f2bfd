"""How fast the platform keeps things: status reports per second, activation for 100,000 devices, cold start.

    python bench/cloud_store.py [--devices 100000] [--reports 20000] [--db URL]

Reports are handed over as the gateway's desk does: a device under upgrade says "downloading" (code 5) again and again,
or all that one upgrade makes it say; each is read against its row, judged by the rules, written with its deadline, its
log and its counters. At most 256 share one commit that is on the disk. Activation is the real
verb too. Cold start: a new process's ``Database.open``, the devices of the last run marked offline, live plans read.
Each is run three times in one process; the middle one counts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import insert, select

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from cloud_rig import Rig
from moduline.cloud import tables
from moduline.cloud.db import Database
from moduline.cloud.device_link.keeping import keep
from moduline.cloud.device_link.platform import Received, Uplink
from moduline.cloud.devices import contact
from moduline.cloud.plans import course
from moduline.cloud.plans import service as plans
from moduline.cloud.upgrades import service
from moduline.wire.quecthing.ota_messages import Report

UNDER_WAY = 1000
WHOLE = (1, 2, 4, 5, 5, 5, 5, 5, 8, 9, 11)
"""What a device says in one upgrade."""


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


def under_way(rig, product, artifact):
    """Devices whose upgrade was offered; their numbers."""
    known = rig.db.write(meet, product.id)
    rig.activated(
        product, artifact, name=product.name, white=frozenset(f"r{n}" for n in range(UNDER_WAY)), has_white_list=True
    )
    for device in known:
        rig.db.submit(service.came_online, device, "one", 1, now=rig.now)
        waiting = rig.db.submit(service.told_versions, device, "V1", {}, now=rig.now, is_request=True)
    waiting.result()
    return known


def kept(rig, known, codes, count):
    """Status reports as a gateway hands them over: how many per second, processor seconds of each."""
    told = {code: Received(1, Report(code, "", 0, "c0", module_version="V2" if code == 11 else None)) for code in codes}
    rounds = [Uplink(device, 1, rig.now + at, told[code]) for at, code in enumerate(codes) for device in known]
    wall, cpu, done = 0.0, 0.0, 0
    while done < count:
        began, used = time.perf_counter(), time.process_time()
        for uplink in rounds:
            waiting = rig.db.submit(keep, "one", uplink)
        waiting.result()
        wall, cpu, done = wall + time.perf_counter() - began, cpu + time.process_time() - used, done + len(rounds)
        if codes is WHOLE:
            break
    return done / wall, cpu / done


def progress(rig, product, artifact, count):
    """Devices that load a file say so."""
    known = under_way(rig, product, artifact)
    kept(rig, known, (1, 2, 4), 1)
    return kept(rig, known, (5,), count)


def whole(rig, product, artifact, count):
    """All reports of whole upgrades, from the answer to the plan to the success."""
    del count
    return kept(rig, under_way(rig, product, artifact), WHOLE, 1)


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
        made = {"devices": given.devices, "reports": given.reports}
        print(f"{given.devices} devices made known          {time.perf_counter() - began:8.2f} s")
        runs = [activation(rig, product, artifact, number) for number in range(3)]
        print(f"activation for {given.devices} devices       {middle(runs):8.2f} s   (aim: under 1 s at 100000)")
        made["activation_s"] = round(middle(runs), 3)
        for name, words, work in (
            ("progress", "reports of progress kept (aim: 8000 /s)", progress),
            ("whole", "reports of whole upgrades kept", whole),
            ("seen", "signs of life kept", trivial),
        ):
            runs = [work(rig, rig.product(f"{words} {number}"), artifact, given.reports) for number in range(3)]
            rate, cpu = middle([one[0] for one in runs]), middle([one[1] for one in runs])
            print(f"{words:40}{rate:8.0f} /s   {cpu * 1e6:6.0f} us of processor each, sender included")
            made |= {f"{name}_per_s": round(rate), f"{name}_cpu_us": round(cpu * 1e6)}
        rig.close()
        runs = [cold_start(address) for _ in range(3)]
        print(f"cold start                            {middle(runs):8.2f} s   (aim: under 3 s)")
        made["cold_start_s"] = round(middle(runs), 3)
        print(json.dumps({"cloud_store": made}, indent=1))


if __name__ == "__main__":
    main()
