"""Jobs in processes of their own: limits, cancelling, a worker that is killed, a full disk."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import text

import job_tasks
from cloud_job_rig import Shop
from moduline.cloud.jobs import child, confined, queue
from moduline.cloud.jobs.confined import Limits
from moduline.cloud.jobs.worker import MOST_TRIES, Trade
from moduline.errors import DatabaseFull, JobBroken, StateForbids, StorageFailed

TESTS = Path(job_tasks.__file__).parent
LIMIT_S = 120


@pytest.fixture(autouse=True)
def tasks_can_be_found(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(TESTS))


def trade(task, seconds=60, memory=1 << 30, keep=None):
    return Trade(
        task, f"job_tasks:{task}", lambda request: request.get("inputs", {}),
        keep or (lambda store, job, facts, folder: facts), lambda conn, store, job, kept, now: kept,
        Limits(memory, seconds),
    )  # fmt: skip


def asked(shop, task, **request):
    return shop.rig.db.write(queue.put, task, f"key {task}", request, shop.rig.owner, shop.rig.now)


def test_job_when_done_then_its_result_is_kept_and_told(file_rig, tmp_path):
    shop = Shop(file_rig, tmp_path, [trade("double")])
    job = shop.done(asked(shop, "double", number=21))
    assert (job.state, job.result, job.tries) == ("done", {"number": 42}, 1)
    assert not shop.turn()


def test_job_when_asked_for_while_it_waits_then_the_same(rig, tmp_path):
    shop = Shop(rig, tmp_path, [trade("double")])
    assert asked(shop, "double").id == asked(shop, "double").id


def test_job_when_it_says_how_far_it_is_then_kept_with_it(file_rig, tmp_path):
    shop = Shop(file_rig, tmp_path, [trade("tell")])
    job = shop.done(asked(shop, "tell"))
    assert (job.state, job.progress) == ("done", {"done": 3, "total": 5})


@pytest.mark.parametrize(
    "says", ["", "[3]", "null", '{"done": -1, "total": 5}', '{"done": 1}', '{"done": 1e400, "total": 5}', "[" * 2000]
)
def test_progress_when_it_is_no_progress_then_none(tmp_path, says):
    (tmp_path / child.PROGRESS).write_text(says)
    assert confined.progress_of(tmp_path) is None


def test_progress_when_more_is_done_than_there_is_then_all(tmp_path):
    assert confined.progress_of(tmp_path) is None
    child.tell_progress(tmp_path, 9, 5)
    assert confined.progress_of(tmp_path) == {"done": 5, "total": 5}


@pytest.mark.parametrize(
    ("task", "word"),
    [("fall_over", "ZeroDivisionError"), ("eat", "memory"), ("die", "by itself"), ("spin", "by itself|longer")],
)
def test_job_when_its_process_fails_then_failed_with_a_reason_and_the_worker_lives(file_rig, tmp_path, task, word):
    shop = Shop(file_rig, tmp_path, [trade(task, seconds=2 if task == "spin" else 60), trade("double")])
    job = shop.done(asked(shop, task))
    assert (job.state, job.reason["code"]) == ("failed", JobBroken.code)
    assert re.search(word, job.reason["en"])
    assert shop.done(asked(shop, "double", number=1)).state == "done"


def test_job_when_the_disk_is_full_then_failed_with_that_code(file_rig, tmp_path):
    def full(store, job, facts, folder):
        raise OSError(28, "No space left on device")

    shop = Shop(file_rig, tmp_path, [trade("double", keep=full)])
    assert shop.done(asked(shop, "double", number=1)).reason["code"] == DatabaseFull.code
    assert shop.notices == []


def test_job_when_a_stored_file_is_damaged_then_failed_before_it_is_read(file_rig, tmp_path):
    shop = Shop(file_rig, tmp_path, [trade("double")])
    key = shop.store.put([b"as it was"])
    shop.store.path(key).write_bytes(b"as it is ")
    job = shop.done(asked(shop, "double", number=1, inputs={"old": key}))
    assert (job.state, job.reason["code"]) == ("failed", StorageFailed.code)


def test_job_when_cancelled_while_it_waits_then_never_begun(file_rig, tmp_path):
    shop = Shop(file_rig, tmp_path, [trade("double")])
    job = asked(shop, "double")
    assert shop.rig.act(queue.cancel, job.id).state == "cancelled"
    assert not shop.turn()
    with pytest.raises(StateForbids):
        shop.rig.act(queue.cancel, job.id)


def test_job_when_cancelled_while_it_runs_then_its_process_is_gone(file_rig, tmp_path):
    shop = Shop(file_rig, tmp_path, [trade("wait")])
    mark = tmp_path / "pid"
    job = asked(shop, "wait", mark=str(mark))

    async def scene():
        turn = asyncio.ensure_future(shop.worker.turn())
        while not mark.exists():
            await asyncio.sleep(0.05)
        await asyncio.to_thread(file_rig.act, queue.cancel, job.id)
        assert await turn

    asyncio.run(asyncio.wait_for(scene(), LIMIT_S))
    assert shop.job(job.id).state == "cancelled"
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_job_when_the_worker_is_shut_down_then_put_back(file_rig, tmp_path):
    shop = Shop(file_rig, tmp_path, [trade("wait")])
    mark = tmp_path / "pid"
    job = asked(shop, "wait", mark=str(mark))

    async def scene():
        turn = asyncio.ensure_future(shop.worker.run())
        while not mark.exists():
            await asyncio.sleep(0.05)
        turn.cancel()
        await asyncio.gather(turn, return_exceptions=True)

    asyncio.run(asyncio.wait_for(scene(), LIMIT_S))
    assert (shop.job(job.id).state, shop.job(job.id).tries) == ("queued", 0)


def gone(pid):
    """Whether a process has ended, also when nobody has asked it how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the child in /proc")
def test_job_when_the_worker_is_killed_in_the_middle_then_its_child_ends_and_the_next_worker_takes_it_up(
    file_rig, tmp_path
):
    shop = Shop(file_rig, tmp_path, [trade("once")])
    mark = tmp_path / "pid"
    job = asked(shop, "once", mark=str(mark))
    command = [sys.executable, str(TESTS / "job_tasks.py"), file_rig.db.name, str(tmp_path)]
    worker = subprocess.Popen(command)
    try:
        end = time.monotonic() + LIMIT_S
        while not mark.exists() and time.monotonic() < end:
            time.sleep(0.05)
        assert shop.job(job.id).state == "running"
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    pid = int(mark.read_text())
    while not gone(pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert gone(pid)
    other = shop.another(node="other")
    assert not asyncio.run(other.turn()), "it is still the killed one's"
    job = shop.done(job)  # the same node comes back
    assert (job.state, job.tries, job.result) == ("done", 2, {"finished": True})


def test_job_when_its_node_never_comes_back_then_another_takes_it_after_the_claim(rig, tmp_path):
    shop = Shop(rig, tmp_path, [trade("double")], node="other")
    job = asked(shop, "double", number=1)
    assert rig.db.write(queue.claim, "gone", now=rig.now).id == job.id
    assert not shop.turn()
    rig.now += queue.CLAIM_S
    if rig.db.read(lambda conn: conn.dialect.name) == "postgresql":  # goes by its own clock, which nobody can move
        sooner = text(f"UPDATE jobs SET owned_until = owned_until - {queue.CLAIM_S}")
        rig.db.write(lambda conn: conn.execute(sooner))
    assert shop.done(job).tries == 2


def test_job_when_it_killed_its_worker_again_and_again_then_given_up(file_rig, tmp_path):
    shop = Shop(file_rig, tmp_path, [trade("double")])
    job = asked(shop, "double", number=1)
    for _ in range(MOST_TRIES):
        file_rig.db.write(queue.claim, "one", now=file_rig.now)
    job = shop.done(job)
    assert (job.state, job.reason["code"]) == ("failed", JobBroken.code)
