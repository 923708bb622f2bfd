"""What happens to records when the program is killed, the disk is full, the file is no database, the server goes away."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from moduline.burn.books.database import Database
from moduline.burn.books.filters import RecordFilter
from moduline.burn.books.store import RecordStore
from moduline.burn.record import BurnRecord
from moduline.errors import StorageFailed

WRITER = """
import os, sys, threading
from moduline.burn.books.database import Database
from moduline.burn.books.store import RecordStore
from moduline.burn.record import BurnRecord
from dataclasses import replace
store = RecordStore(Database(sys.argv[1]))
lock = threading.Lock()
def say(*words):
    with lock:
        os.write(1, (" ".join(words) + "\\n").encode())
def slot(name):
    for number in range(10000):
        record = BurnRecord(id=f"{os.getpid()}-{name}-{number}", slot=name, process=os.getpid(), started=1.0)
        store.write(record)
        say("begun", record.id)
        store.write(replace(record, imei="1"))
        store.write(replace(record, outcome="PASS", ended=2.0))
        say("ended", record.id)
for name in "ab":
    threading.Thread(target=slot, args=(name,)).start()
"""
DICE = random.Random(20261121)


def select(address, **wanted):
    return [kept.record for kept in RecordStore(Database(address)).select(RecordFilter(**wanted))]


def killed_after(address, lines):
    """What a program of two slots had said when it was killed while it wrote on."""
    program = subprocess.Popen([sys.executable, "-c", WRITER, address], stdout=subprocess.PIPE, text=True)
    said = [program.stdout.readline().split() for _ in range(lines)]
    program.send_signal(signal.SIGKILL)
    said += [line.split() for line in program.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    program.stdout.close()
    assert program.wait(60) == -signal.SIGKILL
    return said


def test_program_when_killed_at_any_moment_then_every_try_it_spoke_of_is_there(address):
    """kill -9, three times in the same book: what was begun is there, what was ended has its verdict, the rest ABORTED."""
    begun, ended = set(), set()
    for _ in range(3):
        said = killed_after(address, DICE.randrange(1, 12))
        begun |= {name for word, name in said if word == "begun"}
        ended |= {name for word, name in said if word == "ended"}
        found = {record.id: record.outcome for record in select(address)}
        assert begun <= set(found)
        assert all(found[name] == "PASS" for name in ended)
        assert set(found.values()) <= {"PASS", "ABORTED"}
    RecordStore(Database(address)).write(BurnRecord(id="next", process=os.getpid()))
    assert all(record.ended or record.id == "next" for record in select(address)), (
        "the next writer ends what was interrupted"
    )


@pytest.fixture
def small_disk(tmp_path):
    """A file system of two megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    try:
        subprocess.run(words, check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("mounting a small file system needs privileges that this user or container does not have")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True, timeout=60)


def fill(path):
    """Takes what is left of a file system."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 4096):
            continue


def test_try_when_the_disk_is_all_but_full_then_not_begun_and_nothing_is_made(small_disk):
    """Less room than a try may need to be ended: the stop comes before anything is burnt."""
    address = str(small_disk / "records" / "line.db")
    with pytest.raises(StorageFailed, match="no space left") as stopped:
        RecordStore(Database(address)).write(BurnRecord(id="a", process=os.getpid()))
    assert stopped.value.facts["free"] <= 2 << 20
    assert list(small_disk.iterdir()) == []


def test_disk_when_it_gets_full_then_clear_error_nothing_half_written_and_it_works_on_with_space(small_disk):
    address = str(small_disk / "line.db")
    store = RecordStore(Database(address))
    ballast = small_disk / "ballast"
    first = BurnRecord(id="a", outcome="PASS")
    store.write(first)
    fill(ballast)
    long = replace(first, id="b", error_message="x" * 300_000)
    with pytest.raises(StorageFailed) as stopped:
        store.write(long)
    assert stopped.value.facts["path"] == address
    ballast.unlink()
    assert select(address) == [first]
    store.write(long)
    assert select(address) == [first, long]
    with sqlite3.connect(address) as book:
        assert book.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    book.close()


def test_file_when_it_may_not_grow_then_storage_failed_and_what_was_there_stays(tmp_path):
    """The same without privileges: the limit of the process on the size of a file, reached in the middle of a write."""
    address = str(tmp_path / "line.db")
    RecordStore(Database(address)).write(BurnRecord(id="a", outcome="PASS"))
    size = Path(address).stat().st_size
    program = (
        "import sys; from moduline.burn.books.database import Database; from moduline.burn.books.store import RecordStore\n"
        "from moduline.burn.record import BurnRecord; from moduline.errors import StorageFailed\n"
        "try: RecordStore(Database(sys.argv[1])).write(BurnRecord(id='b', outcome='PASS', error_message='x' * 1000000))\n"
        "except StorageFailed as failed: print(failed.code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, address], capture_output=True, text=True, check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size + 65536, size + 65536)),
    )  # fmt: skip
    assert done.stdout == "ML-E0102\n"
    assert [record.id for record in select(address)] == ["a"]
    RecordStore(Database(address)).write(BurnRecord(id="c", outcome="PASS"))
    assert [record.id for record in select(address)] == ["a", "c"]


@pytest.mark.parametrize("content", [b"{}\n" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_file_when_no_database_then_storage_failed_and_it_stays_as_it_is(tmp_path, content):
    path = tmp_path / "line.db"
    path.write_bytes(content)
    store = RecordStore(Database(path))
    for work in (store.select, lambda: store.write(BurnRecord(id="a", outcome="PASS"))):
        with pytest.raises(StorageFailed):
            work()
    assert path.read_bytes() == content


def test_folder_when_it_cannot_be_made_then_storage_failed(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageFailed):
        RecordStore(Database(tmp_path / "file" / "line.db")).write(BurnRecord(id="a", outcome="PASS"))


def test_file_when_empty_as_a_creator_that_was_killed_leaves_it_then_nothing_and_it_works(tmp_path):
    (tmp_path / "line.db").write_bytes(b"")
    assert select(tmp_path / "line.db") == []
    RecordStore(Database(tmp_path / "line.db")).write(BurnRecord(id="a", outcome="PASS"))
    assert len(select(tmp_path / "line.db")) == 1


def test_creators_when_many_at_once_then_one_makes_the_tables_and_all_write(address):
    failures, barrier = [], threading.Barrier(8)

    def create(number):
        store = RecordStore(Database(address))
        barrier.wait(60)
        try:
            store.write(BurnRecord(id=f"t{number}", outcome="PASS"))
        except StorageFailed as failure:
            failures.append(failure)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert {record.id for record in select(address)} == {f"t{number}" for number in range(8)}


@pytest.mark.xdist_group("postgres")
def test_server_when_it_crashes_and_comes_back_then_what_was_kept_is_there_and_writing_goes_on(postgres):
    store = RecordStore(Database(postgres.url()))
    store.write(BurnRecord(id="a", outcome="PASS"))
    postgres.stop()
    try:
        with pytest.raises(StorageFailed):
            store.write(BurnRecord(id="b", outcome="PASS"))
    finally:
        postgres.start()
    store.write(BurnRecord(id="c", outcome="PASS"))
    assert [kept.record.id for kept in store.select()] == ["a", "c"]


@pytest.mark.xdist_group("postgres")
def test_server_when_it_ends_a_connection_under_us_then_the_write_is_kept_once(postgres):
    import sqlalchemy as sa

    store = RecordStore(Database(postgres.url()))
    store.write(BurnRecord(id="a", outcome="PASS"))
    calls = []

    def work(connection):
        calls.append(connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one())
        if len(calls) == 1:
            with postgres.connect() as other:
                other.execute("SELECT pg_terminate_backend(%s)", [calls[0]])
        return connection.execute(sa.text("SELECT count(*) FROM event")).scalar_one()

    assert store.database.write(work) == 1
    assert len(set(calls)) == 2


@pytest.mark.xdist_group("postgres")
def test_database_when_it_holds_no_unicode_then_refused_before_anything_is_burnt(postgres):
    with pytest.raises(StorageFailed, match="SQL_ASCII"):
        RecordStore(Database(postgres.url_of_ascii())).write(BurnRecord(id="a", process=os.getpid()))


@pytest.mark.xdist_group("postgres")
def test_password_when_the_server_is_not_there_then_not_in_the_error():
    with pytest.raises(StorageFailed) as failed:
        RecordStore(Database("postgresql://line:geheim@127.0.0.1:1/line")).write(BurnRecord(id="a", outcome="PASS"))
    assert "geheim" not in str(failed.value)
    assert "geheim" not in str(failed.value.facts)
