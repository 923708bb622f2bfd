"""How long does a line with 100,000 records behind it wait for its book?

    python bench/line_records.py [RECORDS]

Fills a database with RECORDS finished tries (default 100,000; four events each) in one transaction per thousand tries,
which a line would do one by one, then asks what people and programs ask. Printed are seconds, CPU seconds and what came
back; *one write* is the durable write that a slot waits for, *bare* the same number of bytes appended to a file and
synced.
"""

import os
import random
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from sqlalchemy import insert

from moduline.burn import BurnRecord
from moduline.burn.books.database import Database
from moduline.burn.books.filters import RecordFilter
from moduline.burn.books.rows import to_row
from moduline.burn.books.schema import event
from moduline.burn.books.store import RecordStore
from moduline.line.records.export import as_csv, as_xlsx
from moduline.line.records.statistics import breakdown, figures, pareto

SLOTS, WRITES = 16, 50


def tries(count):
    """Finished tries of sixteen slots; every twentieth fails."""
    dice = random.Random(4)
    for number in range(count):
        is_good = dice.random() > 0.05
        yield BurnRecord(
            id=f"{number:032x}", outcome="PASS" if is_good else "FAIL", imei=f"{860000000000000 + number}",
            imei_from="after", model="EC600U", slot=f"A{number % SLOTS}", place=f"1-{number % SLOTS}", rack="jig",
            package="QUEC_TEST_1.0.0.zip", sha256="ab" * 32, package_version="V2", version_after="V2",
            order=f"O-{number // 5000}", operator="w", station=f"S{number % 4}", started=1.7e9 + number * 2.0,
            ended=1.7e9 + number * 2.0 + 30, bytes=4 << 20, seconds=30 * dice.random(),
            error_code="" if is_good else "ML-E0901", error_message="" if is_good else "write failed",
            steps={"burn.enter": 1.5, "burn.AP": 20.25, "burn.check": 3.0},
        )  # fmt: skip


def fill(database, count):
    seq, rows = 0, []
    for record in tries(count):
        row = to_row(record) | {"written": record.ended, "host": "bench", "process_mark": ""}
        for number, kind in enumerate(("begun", "noted", "noted", "ended")):
            outcome = record.outcome if kind == "ended" else "RUNNING"
            own = {
                "uid": f"{record.id}{number}",
                "kind": kind,
                "began": seq + 1 if number else None,
                "outcome": outcome,
            }
            rows.append(row | own)
        seq += 4
        if len(rows) >= 4000 or seq == 4 * count:
            database.write(lambda one, rows=rows: one.execute(insert(event), rows))
            rows = []


def timed(what, work):
    begun, cpu = time.perf_counter(), time.process_time()
    given = work()
    begun, cpu = time.perf_counter() - begun, time.process_time() - cpu
    print(f"{what:44s} {begun:8.3f} s {cpu:8.3f} s CPU   {given}", flush=True)
    return given


def median_ms(work):
    spent = []
    for number in range(WRITES):
        begun = time.perf_counter()
        work(number)
        spent.append(1000 * (time.perf_counter() - begun))
    return statistics.median(spent)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "line.db"
        store = RecordStore(Database(path))
        timed(f"fill with {count} tries, {4 * count} events", lambda: fill(store.database, count))
        print(f"{'size of the database':44s} {path.stat().st_size / count:8.0f} bytes per try")
        records = [one.record for one in store.select()]
        timed("read all", lambda: f"{len(store.select())} records")
        timed("read one order", lambda: f"{len(store.select(RecordFilter(order='O-3')))} records")
        timed("one unit by IMEI", lambda: len(store.select(RecordFilter(imei=records[count // 2].imei))))
        last = RecordFilter(order="O-0", place="1-3", limit=1, is_newest_first=True)
        timed("the try before, at a place", lambda: store.select(last)[0].record.id[-4:])
        timed(
            "a page of 100 from the middle",
            lambda: len(store.page(RecordFilter(after=2 * count, limit=100, by="seq")).records),
        )
        timed("interrupted tries", store.settle_interrupted)
        timed("statistics and Pareto", lambda: (figures(records).units, len(pareto(records))))
        timed("by hour", lambda: f"{len(breakdown(records, 'hour'))} hours")
        timed("CSV", lambda: f"{len(as_csv(records)) >> 10} KiB")
        timed("XLSX", lambda: f"{len(as_xlsx(records)) >> 10} KiB")
        fresh = BurnRecord(id="x", order="bench", place="1-1", process=os.getpid(), started=1.7e9)
        write = median_ms(lambda number: store.write(replace(fresh, id=f"x{number}")))
        with (Path(folder) / "bare").open("ab", buffering=0) as file:

            def append(_):
                file.write(b"x" * 1000)
                os.fsync(file.fileno())

            bare = median_ms(append)
        print(f"{'one write':44s} {write:8.3f} ms  bare append and sync {bare:.3f} ms, {write / bare:.1f} times")


main()
