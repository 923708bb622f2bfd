"""Calls of one verb run at once: the same answers, failures stay apart; answers find their event loop."""

from __future__ import annotations

import asyncio
import threading

import pytest
from sqlalchemy import insert, select, text

from moduline.cloud import tables
from moduline.cloud.group_commit import together

WAIT_S = 60.0
TAKEN = []
"""Sizes of the sets that were run at once."""


def note(conn, name):
    """A verb with a form for many."""
    if name.startswith("bad"):
        raise ValueError(name)
    conn.execute(insert(tables.settings), {"name": name, "value": {}})
    return name.upper()


def note_all(conn, calls):
    TAKEN.append(len(calls))
    return [note(conn, *args, **kwargs) for args, kwargs in calls]


together(note, note_all)


def names(rig):
    query = select(tables.settings.c.name).where(tables.settings.c.name.like("%-%")).order_by(tables.settings.c.name)
    return rig.db.read(lambda conn: list(conn.execute(query).scalars()))


def held(rig):
    """Hold the writer until the event that is given back is set."""
    gate, is_held = threading.Event(), threading.Event()

    def hold(_conn):
        is_held.set()
        assert gate.wait(WAIT_S)

    rig.db.submit(hold)
    assert is_held.wait(WAIT_S)
    return gate


def test_calls_when_they_wait_together_then_few_sets_and_answers_in_order(rig):
    TAKEN.clear()
    gate = held(rig)
    wanted = [f"a-{number:03}" for number in range(100)]
    answers = [rig.db.submit(note, name) for name in wanted]
    gate.set()
    assert [one.result(WAIT_S) for one in answers] == [name.upper() for name in wanted]
    assert TAKEN
    assert len(TAKEN) <= 25, "a commit takes at least four"
    assert names(rig) == wanted


@pytest.mark.parametrize("bad", [(0,), (63,), (17, 18), (0, 31, 62)])
def test_calls_when_some_fail_then_only_those(rig, bad):
    gate = held(rig)
    wanted = [f"{'bad' if number in bad else 'good'}-{number:03}" for number in range(64)]
    answers = [rig.db.submit(note, name) for name in wanted]
    gate.set()
    for name, answer in zip(wanted, answers, strict=True):
        if name.startswith("bad"):
            assert isinstance(answer.exception(WAIT_S), ValueError)
        else:
            assert answer.result(WAIT_S) == name.upper()
    assert names(rig) == [name for name in wanted if name.startswith("good")]


def test_calls_when_another_verb_is_between_them_then_in_their_order(rig):
    """What stands between two calls sees what the first one wrote and nothing of the second."""
    gate = held(rig)
    count = text("SELECT count(*) FROM settings WHERE name LIKE '%-%'")
    seen = []
    for number in range(4):
        rig.db.submit(note, f"a-{number}")
        seen.append(rig.db.submit(lambda conn: conn.execute(count).scalar_one()))
    gate.set()
    assert [one.result(WAIT_S) for one in seen] == [1, 2, 3, 4]


def test_answers_when_a_loop_waits_then_each_gets_its_own(rig):
    async def ask():
        gate = held(rig)
        asked = [asyncio.ensure_future(rig.db.write_soon(note, name)) for name in ("a-1", "bad-2", "a-3", "a-4")]
        await asyncio.sleep(0)
        asked[2].cancel()
        await asyncio.sleep(0)
        gate.set()
        return await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), WAIT_S)

    first, second, third, fourth = asyncio.run(ask())
    assert (first, fourth) == ("A-1", "A-4")
    assert isinstance(second, ValueError)
    assert isinstance(third, asyncio.CancelledError)
    assert names(rig) == ["a-1", "a-4"], "nobody waited for the third any more"


def test_answers_when_their_loop_is_gone_then_the_writer_goes_on(rig):
    async def leave():
        task = asyncio.ensure_future(rig.db.write_soon(note, "a-1"))
        await asyncio.sleep(0)
        task.cancel()

    gate = held(rig)
    asyncio.run(leave())
    gate.set()
    assert rig.db.write(note, "a-2") == "A-2"
