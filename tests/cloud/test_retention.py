"""What is forgotten and when; the clock in the hand."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, insert, select

from hand_clock import HandClock
from moduline.cloud import retention, tables
from moduline.cloud.artifacts import making
from moduline.cloud.blob import FolderStore
from moduline.cloud.jobs import queue
from moduline.cloud.outbox import events
from moduline.cloud.plans import service as plans
from moduline.cloud.retention import Forgotten, forget
from moduline.cloud.schedule import COLLECT_S, Schedule
from moduline.cloud.settings import Settings
from moduline.cloud.upgrades import people, verification

DAY = 24 * 3600.0


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path)


def count(rig, table, *conditions):
    query = select(func.count()).select_from(table).where(*conditions)
    return rig.db.read(lambda conn: conn.execute(query).scalar_one())


def swept(rig, settings, later=0.0):
    """Everything that is forgotten so much later."""
    total = Forgotten()
    while (some := rig.db.write(forget, settings, now=rig.now + later)).total:
        total += some
    return total


def over(rig, product, dk="a", name="plan"):
    """A plan that was terminated, and its upgrade with a log."""
    device = rig.device(product, dk)
    plan = rig.activated(product, rig.artifact(name=f"for-{name}"), name=name)
    rig.online(device)
    rig.request(device, "V1")
    for code in (1, 2, 4, 8, 9, 12):
        rig.status(device, code)
    rig.act(plans.terminate, plan.id)
    (shown,) = rig.see(people.page, plan.id).items
    return plan, shown.row.id


def test_log_when_its_plan_is_over_for_180_days_then_forgotten_and_the_result_stays(rig, settings):
    product = rig.product()
    plan, upgrade = over(rig, product)
    assert rig.see(people.log, upgrade).items
    assert swept(rig, settings, 180 * DAY - 1).lines == 0
    assert swept(rig, settings, 180 * DAY + 1).lines > 0
    assert rig.see(people.log, upgrade).items == ()
    assert rig.counts(plan)


def test_log_when_its_plan_runs_then_kept_however_long(file_rig, settings):
    rig = file_rig
    product = rig.product()
    device = rig.device(product, "a")
    plan = rig.activated(product, rig.artifact(), hours=(-1, 24 * 4000))
    rig.online(device)
    rig.request(device, "V1")
    rig.status(device, 1)
    (shown,) = rig.see(people.page, plan.id).items
    assert swept(rig, settings, 3000 * DAY).lines == 0
    assert rig.see(people.log, shown.row.id).items


def test_events_when_a_month_old_then_forgotten_once_they_have_a_place(file_rig, settings):
    rig = file_rig
    rig.db.write(events.note, rig.owner.main_id, "job.done", {"at": 1}, now=rig.now)
    assert swept(rig, settings, 31 * DAY).events == 0  # nobody can have read what has no place yet
    rig.db.write(events.order)
    assert swept(rig, settings, 30 * DAY - 1).events == 0
    assert swept(rig, settings, 30 * DAY + 1).events == 1


def test_jobs_when_over_for_a_month_then_forgotten_and_those_that_wait_are_not(file_rig, settings):
    rig = file_rig
    wholes = [rig.artifact(name, content=name.encode()) for name in ("v1", "v2", "v3")]
    gone = rig.act(making.start, wholes[0].id, wholes[1].id)
    rig.act(queue.cancel, gone.id)
    waits = rig.act(making.start, wholes[0].id, wholes[2].id)
    assert swept(rig, settings, 30 * DAY - 1).jobs == 0
    assert swept(rig, settings, 30 * DAY + 1).jobs == 1
    assert [one.id for one in rig.see(queue.page).items] == [waits.id]


def test_verifications_when_more_than_are_kept_then_the_newest_stay_with_their_logs(rig, tmp_path):
    settings = Settings(tmp_path, history_kept=2)
    product = rig.product()
    first, second = rig.artifact("one"), rig.artifact("two", content=b"2")
    device = rig.device(product, "a")
    rig.online(device)
    for artifact in (first,) * 4 + (second,):
        rig.act(verification.start, artifact.id, device, "c0")
        for code in (1, 2, 4, 8, 9, 12):
            rig.status(device, code)
    runs = rig.see(verification.runs, first.id).items
    assert len(runs) == 4
    assert swept(rig, Settings(tmp_path)).verifications == 0  # twenty are kept when nobody says
    assert swept(rig, settings).verifications == 2
    assert rig.see(verification.runs, first.id).items == runs[2:]
    assert len(rig.see(verification.runs, second.id).items) == 1
    assert count(rig, tables.plans) == 3
    assert count(rig, tables.upgrades) == 3
    assert count(rig, tables.upgrade_log, tables.upgrade_log.c.upgrade_id.not_in(select(tables.upgrades.c.id))) == 0


def test_verification_when_it_runs_then_kept_beyond_twenty(file_rig, tmp_path):
    rig, settings = file_rig, Settings(tmp_path, history_kept=1)
    product, artifact = rig.product(), rig.artifact()
    devices = [rig.device(product, dk) for dk in ("a", "b", "c")]
    for device in devices:
        rig.online(device)
        rig.act(verification.start, artifact.id, device, "c0")
    for code in (1, 2, 4, 8, 9, 12):
        rig.status(devices[1], code)
    assert swept(rig, settings).verifications == 1
    assert [one.device_id for one in rig.see(verification.runs, artifact.id).items] == [devices[0], devices[2]]


def test_proofs_when_more_than_twenty_of_a_file_then_the_newest_stay(file_rig, settings):
    rig = file_rig
    delta = rig.artifact("delta", source="V1")
    row = {
        "artifact_id": delta.id, "sha256": "0" * 64, "is_good": True, "cuts": "all", "pairs": 1, "trials": 1, "failed": 0,
        "tool": "0.1.0", "proof_version": 2, "proof_key": "p", "page_key": "q", "rehearsed_at": rig.now, "kind": "flash",
        "is_damaged": False,
    }  # fmt: skip
    rows = [row | {"position": at % 2} for at in range(50)]
    rig.db.write(lambda conn: conn.execute(insert(tables.rehearsals), rows) and None)
    assert swept(rig, settings).proofs == 10
    kept = rig.db.read(
        lambda conn: list(conn.execute(select(tables.rehearsals.c.id).order_by(tables.rehearsals.c.id)).scalars())
    )
    assert len(kept) == 40
    assert kept == list(range(kept[0], kept[0] + 40))


def test_batch_when_there_is_more_then_so_many_and_no_more(file_rig, settings):
    rig = file_rig
    payloads = [{"at": at} for at in range(retention.BATCH + 7)]
    rig.db.write(events.note_many, rig.owner.main_id, "job.done", payloads, now=rig.now)
    while rig.db.write(events.order):
        continue
    found = [rig.db.write(forget, settings, now=rig.now + 31 * DAY).events for _ in range(3)]
    assert found == [retention.BATCH, 7, 0]


def test_collector_when_its_hour_comes_then_forgets_and_says_so(file_rig, tmp_path):
    rig = file_rig
    clock, notices = HandClock(rig.now), []
    settings = Settings(tmp_path, events_kept_s=10.0)

    async def nobody(_):
        """Nothing is said."""

    schedule = Schedule(rig.db, FolderStore(tmp_path / "files"), settings, clock, nobody, notices.append)
    rig.db.write(events.note, rig.owner.main_id, "job.done", {}, now=rig.now)
    rig.db.write(events.order)

    async def turns():
        for seconds in (0.0, COLLECT_S / 2, COLLECT_S / 2):
            clock.advance(seconds)
            assert await schedule.turn()
            await schedule.collected()

    asyncio.run(turns())
    (notice,) = [one for one in notices if one.slug == "ota.forgotten"]
    none = dict.fromkeys(("lines", "links", "jobs", "verifications", "proofs", "sessions"), 0)
    assert notice.facts == none | {"events": 1}
