"""The store of records, on SQLite and on PostgreSQL: what goes in comes out, in order, and nothing is changed later."""

from __future__ import annotations

import os
import platform
import threading
from dataclasses import fields, replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from moduline.burn.books import schema
from moduline.burn.books.filters import RecordFilter, Remark
from moduline.burn.books.schema import event
from moduline.burn.record import BurnRecord, CheckResult
from moduline.errors import BadOption, StorageFailed

ME = os.getpid()
BEGUN = BurnRecord(
    id="a1", imei="861234567890123", imei_from="at", model="EC600U", slot="A1", place="virt-bench-1", rack="bench",
    package="x.zip", sha256="ab" * 32, package_version="V2", version_before="V1", order="A-17", operator="王芳",
    station="S1", started=1700000000.25, process=ME,
)  # fmt: skip
ENDED = replace(
    BEGUN, outcome="PASS", version_after="V2", ended=1700000012.5, bytes=1 << 33, seconds=12.25,
    steps={"burn.enter": 1.5, "burn.AP": 10.0}, nv_file="/nv/a1.bin", unit="SN-1", log="/log/a1.txt",
    checks=(CheckResult("signal", "pass", "-71", ">= -90", 0.5), CheckResult("sim", "fail", "", "READY", 1.0, "none")),
)  # fmt: skip


def records(store, **wanted):
    return [kept.record for kept in store.select(RecordFilter(**wanted))]


def test_try_when_written_then_read_back_with_every_field(opened):
    given = replace(
        ENDED, outcome="FAIL", error_code="ML-E0901", error_message="no", error_facts={"part": "AP", "n": 2}, tries=3
    )
    assert all(getattr(given, one.name) for one in fields(given)), "every field has a value that is not its default"
    opened().write(BEGUN)
    opened().write(given)
    assert records(opened()) == [given]


def test_store_when_nobody_wrote_then_empty_and_no_file_is_made(opened, address):
    assert opened().select() == []
    assert opened().orders() == []
    assert not Path(address).exists()


def test_try_when_it_goes_on_then_one_row_with_the_last_that_is_known(opened):
    store = opened()
    store.write(BEGUN)
    store.write(replace(BEGUN, imei="861111111111111"))
    assert [one.imei for one in records(store)] == ["861111111111111"]
    store.write(ENDED)
    store.write(replace(BEGUN, imei="late"))
    assert records(store) == [ENDED], "what comes after the end changes nothing"


def test_end_when_written_twice_then_the_last_counts(opened):
    """A try that was taken for dead and was not: its own end stands."""
    store = opened()
    store.write(replace(ENDED, outcome="ABORTED"))
    store.write(ENDED)
    assert records(store) == [ENDED]


HOSTILE = (
    "emoji 🧪 \U0010ffff", "quotes ' \" ` ; -- DROP TABLE event;", "%s %(x)s :name ? {0}", "\u202e\u200b\ufeff", "\r\n\t\x1b[2J",
    "测试", "back\\slash \\u0000 \\ud800", "x" * 1_000_000,
)  # fmt: skip


@pytest.mark.parametrize("words", HOSTILE, ids=lambda words: ascii(words[:12]))
def test_text_when_hostile_then_comes_back_as_it_was(opened, words):
    given = replace(
        ENDED, error_message=words, operator=words, order=words[:400], error_facts={words[:80]: words},
        checks=(CheckResult(words, "fail", words),),
    )  # fmt: skip
    opened().write(given)
    assert records(opened()) == [given]
    assert records(opened(), order=words[:400]) == [given]


def test_text_when_no_database_can_hold_it_then_its_picture_is_kept(opened):
    given = replace(ENDED, operator="a\0b", error_message="\udc80", error_facts={"k\0": "\0"}, steps={"\udcff": 1.0})
    opened().write(given)
    (found,) = records(opened())
    assert (found.operator, found.error_message) == ("a\u2400b", "\\udc80")
    assert (dict(found.error_facts), dict(found.steps)) == ({"k\u2400": "\u2400"}, {"\\udcff": 1.0})


def test_clock_when_set_back_between_then_order_is_that_of_the_starts_in_the_book(opened):
    store = opened()
    for name, started in (("one", 2000.0), ("two", 1000.0), ("three", 1500.0)):
        store.write(replace(BEGUN, id=name, started=started))
        store.write(replace(ENDED, id=name, started=started, ended=started - 3600.0))
    assert [one.id for one in records(store)] == ["one", "two", "three"]
    assert [one.ended - one.started for one in records(store)] == [-3600.0] * 3


def test_filter_when_each_field_is_asked_then_only_those(opened):
    store = opened()
    store.write(ENDED)
    other = replace(
        ENDED, id="b2", imei="869999999999999", slot="B2", place="virt-bench-2", order="", operator="李", station="S2",
        unit="SN-2", outcome="FAIL", started=1700001000.0,
    )  # fmt: skip
    store.write(other)
    for wanted in (
        {"order": "A-17"}, {"outcome": "PASS"}, {"station": "S1"}, {"slot": "A1"}, {"place": "virt-bench-1"}, {"operator": "王芳"},
        {"imei": "861234567890123"}, {"unit": "SN-1"}, {"id": "a"}, {"until_s": 1700001000.0}, {"limit": 1},
    ):  # fmt: skip
        assert [one.id for one in records(store, **wanted)] == ["a1"], wanted
    for wanted in ({"order": ""}, {"since_s": 1700001000.0}, {"limit": 1, "is_newest_first": True}, {"id": "b2"}):
        assert [one.id for one in records(store, **wanted)] == ["b2"], wanted
    assert records(store, id="%") == [], "a prefix is no pattern"
    assert store.orders() == ["A-17", ""]


def test_reader_when_it_goes_on_after_the_last_number_then_sees_each_change_once(opened):
    store = opened()
    store.write(BEGUN)
    store.write(replace(BEGUN, id="b2"))
    first = store.select(RecordFilter(by="seq"))
    assert [kept.record.id for kept in first] == ["a1", "b2"]
    store.write(ENDED)
    news = store.select(RecordFilter(by="seq", after=first[-1].seq))
    assert [(kept.record.id, kept.record.outcome) for kept in news] == [("a1", "PASS")]
    assert store.select(RecordFilter(by="seq", after=news[-1].seq)) == []


def test_remark_when_added_then_beside_the_record_and_the_outcome_stays(opened):
    store = opened()
    store.write(ENDED)
    store.add_remark("a1", Remark("label", 5.0, False, "printer 'x' is off 🖨"))
    store.add_remark("a1", Remark("label", 6.0, True, "tcp:x"))
    (kept,) = store.select()
    assert kept.record == ENDED
    assert kept.remarks == (Remark("label", 5.0, False, "printer 'x' is off 🖨"), Remark("label", 6.0, True, "tcp:x"))


@pytest.mark.parametrize("table", ["event", "remark"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET try_id = 'x'", "DELETE FROM {}", "TRUNCATE {}", "REPLACE INTO {} SELECT * FROM {}"]
)
def test_row_when_somebody_changes_it_by_sql_then_the_database_refuses(opened, table, statement):
    store = opened()
    store.write(ENDED)
    store.add_remark("a1", Remark("label", 5.0, True))
    is_sqlite = store.database.is_file
    if statement.startswith("TRUNCATE" if is_sqlite else "REPLACE"):
        with pytest.raises(StorageFailed, match="syntax"):
            store.database.write(lambda connection: connection.execute(sa.text(statement.format(table, table))))
        return
    with pytest.raises(StorageFailed, match=f"{table} is append-only"):
        store.database.write(lambda connection: connection.execute(sa.text(statement.format(table, table))))
    assert records(store) == [ENDED]
    assert len(store.select()[0].remarks) == 1


def test_writers_when_many_at_once_then_every_event_is_there_in_the_order_of_its_number(opened):
    """Two gangs of four slots, and a reader that goes on after the last number it saw."""
    stores = [opened(), opened()]
    seen, failures, is_over = [], [], threading.Event()

    def slot(store, name):
        try:
            for number in range(3):
                record = replace(BEGUN, id=f"{name}-{number}", slot=name)
                store.write(record)
                store.write(replace(record, outcome="PASS"))
        except StorageFailed as failure:
            failures.append(failure)

    def read():
        store, last = opened(), 0
        while True:
            ends_now = is_over.is_set()
            for kept in store.select(RecordFilter(by="seq", after=last)):
                seen.append((kept.record.id, kept.record.outcome))
                last = kept.seq
            if ends_now:
                return

    slots = [threading.Thread(target=slot, args=(stores[n % 2], f"s{n}")) for n in range(8)]
    reader = threading.Thread(target=read)
    for thread in [*slots, reader]:
        thread.start()
    for thread in slots:
        thread.join(60)
    is_over.set()
    reader.join(60)
    assert failures == []
    names = {f"s{n}-{number}" for n in range(8) for number in range(3)}
    assert {one.id for one in records(opened()) if one.is_pass} == names
    assert {name for name, outcome in seen if outcome == "PASS"} == names
    assert len(seen) == len(set(seen))


def test_schema_when_newer_than_ours_then_refused_in_words(opened):
    store = opened()
    store.write(ENDED)
    store.database.write(
        lambda connection: connection.exec_driver_sql(
            "PRAGMA user_version = 99" if store.database.is_file else "UPDATE line_schema SET version = 99"
        )
    )
    for work in (lambda: store.write(ENDED), store.select):
        with pytest.raises(StorageFailed, match="newer Moduline") as refused:
            work()
        assert refused.value.facts["found"] == 99


def test_schema_when_older_then_steps_lead_on_and_rows_stay(opened, monkeypatch):
    opened().write(ENDED)
    steps = {
        1: lambda one: one.exec_driver_sql("CREATE TABLE later (x integer)"),
        2: lambda one: one.exec_driver_sql("INSERT INTO later VALUES (7)"),
    }
    monkeypatch.setattr(schema, "VERSION", 3)
    monkeypatch.setattr(schema, "STEPS", steps)
    assert records(opened()) == [ENDED], "a reader brings it up to date, too"
    for _ in range(2):
        opened().write(ENDED)
    assert opened().database.read(lambda one: one.exec_driver_sql("SELECT x FROM later").scalars().all(), []) == [7]
    assert opened().database.read(schema.version_of, 0) == 3


def test_schema_when_a_step_breaks_then_everything_is_as_before(opened, monkeypatch):
    def broken(connection):
        connection.exec_driver_sql("CREATE TABLE half (x integer)")
        connection.exec_driver_sql("nonsense")

    opened().write(ENDED)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "VERSION", 2)
        patch.setattr(schema, "STEPS", {1: broken})
        with pytest.raises(StorageFailed, match="nonsense"):
            opened().write(ENDED)
    assert records(opened()) == [ENDED]
    with pytest.raises(StorageFailed, match="half"):
        opened().database.read(lambda one: one.exec_driver_sql("SELECT * FROM half").all(), [])


def test_try_of_this_computer_when_its_process_is_dead_then_aborted_and_ended_in_the_book_by_the_next_writer(opened):
    dead = replace(BEGUN, process=0)
    opened().write(dead)
    (found,) = records(opened())
    assert (found.outcome, found.imei) == ("ABORTED", dead.imei)
    assert "interrupted" in found.error_message
    assert records(opened(), outcome="ABORTED") == [found]
    assert records(opened(), outcome="RUNNING") == []
    assert opened().database.read(
        lambda one: one.execute(sa.select(event.c.kind).order_by(event.c.seq)).scalars().all(), []
    ) == ["begun"]
    opened().write(replace(BEGUN, id="next"))
    assert opened().database.read(
        lambda one: one.execute(sa.select(event.c.kind).order_by(event.c.seq)).scalars().all(), []
    ) == [
        "begun",
        "ended",
        "begun",
    ]
    assert [(one.id, one.outcome) for one in records(opened())] == [("a1", "ABORTED"), ("next", "RUNNING")]


def test_try_when_another_process_has_the_number_of_its_dead_one_then_aborted(opened):
    store = opened()
    store.write(BEGUN)
    assert records(store)[0].outcome == "RUNNING"
    changed = {"uid": "'u2'", "process_mark": "'0'", "try_id": "'b2'"}
    names = [column.name for column in event.c if column.name != "seq"]
    copy = (
        f"INSERT INTO event ({', '.join(names)}) SELECT {', '.join(changed.get(one, one) for one in names)} FROM event"
    )
    store.database.write(lambda one: one.exec_driver_sql(copy))
    assert [(one.id, one.outcome) for one in records(store)] == [("a1", "RUNNING"), ("b2", "ABORTED")]


def test_try_of_another_computer_when_not_ended_then_running_for_half_a_day_and_nobody_else_ends_it(
    opened, monkeypatch
):
    monkeypatch.setattr(platform, "node", lambda: "station-2")
    opened().write(replace(BEGUN, process=0))
    monkeypatch.setattr(platform, "node", lambda: "station-1")
    assert records(opened())[0].outcome == "RUNNING"
    assert opened().settle_interrupted() == 0
    monkeypatch.setattr(platform, "node", lambda: "station-2")
    assert opened().settle_interrupted() == 1
    assert opened().settle_interrupted() == 0


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "no such://x"])
def test_url_when_it_cannot_be_meant_then_a_bad_option(url):
    from moduline.burn.books.database import Database

    with pytest.raises(BadOption, match="--records"):
        Database(url)


def test_page_when_read_from_the_newest_down_then_each_once_and_nothing_twice(opened):
    store = opened()
    for number in range(7):
        store.write(replace(ENDED, id=f"r{number}"))
    seen, before = [], 0
    while page := store.select(RecordFilter(by="seq", is_newest_first=True, limit=3, before=before)):
        seen.append([kept.record.id for kept in page])
        before = page[-1].seq
    assert seen == [["r6", "r5", "r4"], ["r3", "r2", "r1"], ["r0"]]


def test_unit_when_part_of_its_number_is_known_then_found_and_wildcards_are_plain(opened):
    store = opened()
    store.write(replace(ENDED, id="abc1", imei="861234567890123", unit="SN_17%"))
    store.write(replace(ENDED, id="xyz2", imei="861234567894567", unit="SNx179"))
    for like, found in (
        ("0123", ["abc1"]), ("86", []), ("N_17", ["abc1"]), ("17%", ["abc1"]), ("xyz", ["xyz2"]), ("bc1", []),
    ):  # fmt: skip
        assert [record.id for record in records(store, like=like)] == found, like
