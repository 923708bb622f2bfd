"""Jobs: they run beside everything, end in one of five ways, and are known again after the process is gone."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading

import pytest

from moduline.errors import NoSuchObject, StateForbids, Text
from moduline.errors.cloud import BadField
from moduline.events import Notice, Progress, Step
from moduline.web.work import Jobs, JobState

TITLE = Text("try", "尝试")
LIMIT_S = 60


@pytest.fixture
def jobs(tmp_path):
    made = Jobs(tmp_path / "jobs")
    yield made
    made.stop()


def test_job_when_it_ends_well_then_done_with_its_facts_and_events(jobs):
    async def work(job):
        job.report(Step("one", "begin"))
        job.report(Progress("one", 5, 10))
        job.report(Progress("one", 10, 10))
        job.report(Notice("found", facts={"count": 3}))
        return {"file": "a.bin"}

    number = jobs.start("build", TITLE, work, owner="li", key="a")
    view = jobs.wait(number, LIMIT_S)
    assert (view.state, view.result, view.owner, view.key) == (JobState.DONE, {"file": "a.bin"}, "li", "a")
    assert (view.done_bytes, view.total_bytes, view.step) == (10, 10, "one")
    lines = [line.event for line in jobs.lines(number)]
    assert [one["event"] for one in lines] == ["step", "progress", "notice"]  # progress of the same is one line
    assert lines[1]["done_bytes"] == 10
    assert jobs.latest("build", "a").id == number
    assert jobs.latest("build", "b") is None


def test_job_when_it_raises_then_failed_in_both_languages_and_a_bug_is_no_end_of_the_server(jobs):
    async def wrong(_job):
        raise BadField(field="name", reason=Text("too long", "过长"))

    async def broken(_job):
        raise ZeroDivisionError

    refused = jobs.wait(jobs.start("a", TITLE, wrong), LIMIT_S)
    assert (refused.state, refused.error["code"]) == (JobState.FAILED, "ML-E0208")
    assert refused.error["message"] == {"en": "name: too long", "zh": "name：过长"}
    bug = jobs.wait(jobs.start("a", TITLE, broken), LIMIT_S)
    assert bug.state is JobState.FAILED
    assert bug.error["message"]["en"] == "internal fault"


def test_job_when_cancelled_then_over_whether_it_waits_or_works(jobs):
    begun, is_over = threading.Event(), []

    async def waits(_job):
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            is_over.append(True)

    async def toils(job):
        while True:
            job.report(Progress("toil", 1, 2))

    first = jobs.start("a", TITLE, waits)
    assert begun.wait(LIMIT_S)
    jobs.cancel(first)
    assert jobs.wait(first, LIMIT_S).state is JobState.CANCELLED
    assert is_over == [True]
    second = jobs.start("a", TITLE, toils)
    jobs.cancel(second)
    assert jobs.wait(second, LIMIT_S).state is JobState.CANCELLED
    jobs.cancel(second)
    assert jobs.running() == 0


def test_job_when_one_works_at_the_same_then_refused(jobs):
    gate = threading.Event()

    async def waits(_job):
        await asyncio.to_thread(gate.wait, LIMIT_S)

    first = jobs.start("burn", TITLE, waits, key="m1", alone=True)
    with pytest.raises(StateForbids):
        jobs.start("burn", TITLE, waits, key="m1", alone=True)
    other = jobs.start("burn", TITLE, waits, key="m2", alone=True)
    gate.set()
    assert {jobs.wait(one, LIMIT_S).state for one in (first, other)} == {JobState.DONE}
    jobs.wait(jobs.start("burn", TITLE, waits, key="m1", alone=True), LIMIT_S)


def test_job_when_unknown_then_said(jobs):
    with pytest.raises(NoSuchObject):
        jobs.view("../../etc/passwd")
    with pytest.raises(NoSuchObject):
        jobs.cancel("nothing")


KILLED = """
import asyncio, os, sys
from pathlib import Path
from moduline.errors import Text
from moduline.events import Step
from moduline.web.work import Jobs
jobs = Jobs(Path(sys.argv[1]))
async def fine(job):
    return {"n": 1}
async def long(job):
    job.report(Step("deep", "begin"))
    await asyncio.to_thread(print, "deep", flush=True)
    await asyncio.Event().wait()
jobs.wait(jobs.start("a", Text("fine", "好"), fine), 60)
jobs.start("b", Text("long", "长"), long, owner="li")
import time
time.sleep(600)
"""


def test_jobs_when_the_process_is_killed_then_what_ran_is_interrupted_and_what_was_done_is_done(tmp_path):
    folder = tmp_path / "jobs"
    with subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "deep\n"
        process.kill()
    torn = folder / "20200101-000000-abcdef.json"
    torn.write_text('{"id": "2020')
    again = Jobs(folder)
    by_kind = {view.kind: view for view in again.views()}
    assert (by_kind["a"].state, by_kind["a"].result) == (JobState.DONE, {"n": 1})
    assert (by_kind["b"].state, by_kind["b"].owner, by_kind["b"].title.zh) == (JobState.INTERRUPTED, "li", "长")
    assert [one.kind for one in again.interrupted] == ["b"]
    assert torn.read_text() == '{"id": "2020'
    third = Jobs(folder)
    assert third.interrupted == ()
    assert len(third.views()) == 2


def test_job_lines_when_the_file_ends_in_the_middle_of_one_then_the_whole_ones(tmp_path):
    jobs = Jobs(tmp_path)

    async def work(job):
        job.report(Step("one", "begin"))

    number = jobs.start("a", TITLE, work)
    jobs.wait(number, LIMIT_S)
    path = jobs.log_path(number)
    path.write_bytes(path.read_bytes() + b'{"at": 1, "ev')
    assert [line.event["name"] for line in Jobs(tmp_path).lines(number)] == ["one"]
    assert json.loads(path.read_bytes().splitlines()[0])["name"] == "one"
