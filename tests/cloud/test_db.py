"""The database: many askers and one commit, failures of one and of all, readers, clear errors, kill -9, full disk."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest
from sqlalchemy import Engine, insert, select, text
from sqlalchemy import event as signals

from cloud_rig import Rig
from moduline.cloud import tables
from moduline.cloud.db import Database
from moduline.cloud.group_commit import BATCH
from moduline.errors import (
    BadField,
    BadOption,
    DatabaseBusy,
    DatabaseFull,
    DatabaseReadOnly,
    DatabaseUnreachable,
    ModulineError,
    StorageFailed,
)

WRITER = """
import os, sys, threading
from sqlalchemy import insert
from moduline.cloud import tables
from moduline.cloud.db import Database
database = Database(sys.argv[1])
database.open()
def put(conn, name):
    conn.execute(insert(tables.leases), {"name": name + " a", "owner": "x" * 500, "until": 1.0})
    conn.execute(insert(tables.leases), {"name": name + " b", "owner": "x" * 500, "until": 1.0})
    return name
def go(who):
    for number in range(100000):
        kept = database.write(put, f"{os.getpid()}.{who}.{number}")
        os.write(1, (kept + "\\n").encode())
for who in range(4):
    threading.Thread(target=go, args=(who,)).start()
"""


def put(conn, name, owner="x"):
    conn.execute(insert(tables.leases), {"name": name, "owner": owner, "until": 1.0})
    return name


def names(conn):
    return set(conn.execute(select(tables.leases.c.name)).scalars())


def owners(conn):
    return {row.name: row.owner for row in conn.execute(select(tables.leases))}


class OddError(Exception):
    """A bug in a verb."""


def fails(conn, name, cause):
    put(conn, name)
    raise cause


def test_write_when_many_ask_at_once_then_each_has_its_own_answer(rig):
    """Eight threads; every seventh verb raises, and only what it did is undone."""
    answers, gate = {}, threading.Barrier(8)

    def ask(who):
        gate.wait(60)
        for number in range(40):
            name = f"{who}.{number}"
            try:
                answers[name] = (
                    rig.db.write(fails, name, OddError(name)) if number % 7 == 0 else rig.db.write(put, name)
                )
            except OddError as odd:
                answers[name] = str(odd)

    threads = [threading.Thread(target=ask, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 320
    assert all(name == answer for name, answer in answers.items())
    assert rig.db.read(names) == {f"{who}.{number}" for who in range(8) for number in range(40) if number % 7}


def test_write_when_many_wait_then_far_fewer_commits(file_rig):
    gate, commits = threading.Event(), []
    file_rig.db.submit(lambda _: gate.wait(60))
    waiting = [file_rig.db.submit(put, str(number)) for number in range(BATCH * 2)]
    note = commits.append
    signals.listen(Engine, "commit", note)
    gate.set()
    for one in waiting:
        one.result(60)
    signals.remove(Engine, "commit", note)
    assert 1 <= len(commits) <= 4


def test_write_when_its_asker_has_gone_then_it_is_not_done(rig):
    gate = threading.Event()
    rig.db.submit(lambda _: gate.wait(60))
    gone = rig.db.submit(put, "gone")
    assert gone.cancel()
    gate.set()
    rig.db.write(put, "here")
    assert rig.db.read(names) == {"here"}


def test_write_soon_when_awaited_then_the_loop_goes_on(file_rig):
    async def many():
        return await asyncio.gather(*(file_rig.db.write_soon(put, str(number)) for number in range(50)))

    assert asyncio.run(many()) == [str(number) for number in range(50)]
    assert asyncio.run(file_rig.db.read_soon(names)) == {str(number) for number in range(50)}


def test_read_when_it_tries_to_write_then_refused(rig):
    with pytest.raises(DatabaseReadOnly):
        rig.db.read(put, "a")
    assert rig.db.read(names) == set()


def test_write_when_a_key_is_there_then_clear_error_and_the_rest_of_the_batch_stays(rig):
    rig.db.write(put, "a")
    gate = threading.Event()
    rig.db.submit(lambda _: gate.wait(60))
    asked = [rig.db.submit(put, name) for name in ("b", "a", "c")]
    gate.set()
    assert asked[0].result(60) == "b"
    with pytest.raises(DatabaseBusy):
        asked[1].result(60)
    assert asked[2].result(60) == "c"
    assert rig.db.read(names) == {"a", "b", "c"}


def test_write_when_a_value_fits_no_database_then_bad_field(rig):
    with pytest.raises(BadField):
        rig.db.write(put, "a\ud800")
    rig.db.write(put, "b")
    assert rig.db.read(names) == {"b"}


def test_close_when_verbs_wait_then_they_are_kept_and_later_ones_open_it_again(rig):
    asked = [rig.db.submit(put, str(number)) for number in range(300)]
    rig.db.close()
    assert [one.result(60) for one in asked] == [str(number) for number in range(300)]
    assert len(rig.db.read(names)) == 300


@pytest.mark.parametrize(
    "url", ["mysql://x/y", "sqlite://", "sqlite:///:memory:", "postgresql+asyncpg://x/y", "://", "sqlite+nothing:///x"]
)
def test_url_when_it_cannot_be_meant_then_bad_option(url):
    with pytest.raises(BadOption):
        Database(url)


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/x", "postgresql://x@/y?host=/nonexistent-moduline"])
def test_server_when_nobody_listens_then_unreachable(url):
    pytest.importorskip("psycopg", reason="the driver of PostgreSQL is not installed")
    with pytest.raises(DatabaseUnreachable):
        Database(url).open()


def test_error_when_a_url_holds_a_password_then_it_is_not_shown():
    pytest.importorskip("psycopg", reason="the driver of PostgreSQL is not installed")
    with pytest.raises(DatabaseUnreachable) as failed:
        Database("postgresql://me:geheim@127.0.0.1:1/x").open()
    assert "geheim" not in str(failed.value.facts)


@pytest.mark.parametrize("content", [b"{}\n" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
def test_file_when_it_is_no_database_then_storage_failed_and_it_stays_as_it_is(tmp_path, content):
    path = tmp_path / "ota.db"
    path.write_bytes(content)
    with pytest.raises(StorageFailed):
        Database(path).open()
    assert path.read_bytes() == content


def test_folder_when_it_cannot_be_made_then_a_coded_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises((StorageFailed, DatabaseReadOnly)):
        Database(tmp_path / "file" / "ota.db").open()


def test_file_when_another_program_holds_it_then_the_writer_waits_for_it(file_rig, quick_folder):
    other = sqlite3.connect(quick_folder / "ota.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    asked = file_rig.db.submit(put, "a")
    assert not asked.done()
    other.execute("COMMIT")
    other.close()
    assert asked.result(60) == "a"


def killed_after(address, lines):
    program = subprocess.Popen([sys.executable, "-c", WRITER, str(address)], stdout=subprocess.PIPE, text=True)
    said = [program.stdout.readline().strip() for _ in range(lines)]
    program.send_signal(signal.SIGKILL)
    said += [line.strip() for line in program.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    program.stdout.close()
    assert program.wait(60) == -signal.SIGKILL
    return said


@pytest.mark.parametrize("lines", [1, 30])
def test_process_when_killed_in_the_middle_of_writes_then_the_database_is_whole(address, lines):
    """kill -9: what was answered is there, and of no verb there is only a part."""
    said = set(killed_after(address, lines))
    database = Database(address)
    found = database.read(names)
    database.write(put, "next")
    database.close()
    done = {name.removesuffix(" a") for name in found if name.endswith(" a")}
    assert done == {name.removesuffix(" b") for name in found if name.endswith(" b")}
    assert said <= done


@pytest.fixture
def small_disk(tmp_path):
    """A file system of four megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    try:
        subprocess.run(words, check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("mounting a small file system needs privileges that this user or container does not have")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True, timeout=60)


def test_disk_when_it_gets_full_then_clear_error_nothing_half_written_and_it_goes_on_with_space(small_disk):
    rig = Rig(small_disk / "ota.db")
    rig.db.write(put, "a")
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 4096):
            continue
    with pytest.raises(DatabaseFull):
        rig.db.write(put, "b", "x" * 900_000)
    ballast.unlink()
    assert rig.db.read(names) == {"a"}
    rig.db.write(put, "b", "x" * 900_000)
    rig.close()
    with sqlite3.connect(small_disk / "ota.db") as other:
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    other.close()


def test_file_when_it_may_not_grow_then_coded_error_and_what_was_there_stays(tmp_path):
    """The same without privileges: the limit of the process on the size of a file, reached in the middle of a write."""
    rig = Rig(tmp_path / "ota.db")
    rig.db.write(put, "a")
    rig.close()
    size = (tmp_path / "ota.db").stat().st_size
    program = (
        "import sys; from sqlalchemy import insert; from moduline.cloud import tables; from moduline.cloud.db import Database\n"
        "from moduline.errors import ModulineError\n"
        "def put(conn): conn.execute(insert(tables.leases), {'name': 'b', 'owner': 'x' * 3000000, 'until': 1.0})\n"
        "try: Database(sys.argv[1]).write(put)\n"
        "except ModulineError as failed: print(type(failed).__name__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "ota.db")], capture_output=True, text=True, check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size + 65536, size + 65536)),
    )  # fmt: skip
    assert done.stdout in {"DatabaseFull\n", "StorageFailed\n"}
    database = Database(tmp_path / "ota.db")
    assert database.read(names) == {"a"}
    database.write(put, "c")
    database.close()


@pytest.mark.sweep
@pytest.mark.xdist_group("postgres")
def test_server_when_it_crashes_and_comes_back_then_the_writer_goes_on(postgres):
    database = Database(postgres.url())
    database.write(put, "a")
    postgres.stop()
    with pytest.raises(ModulineError) as failed:
        database.write(put, "b")
    assert isinstance(failed.value, DatabaseUnreachable)
    postgres.start()
    database.write(put, "c")
    assert database.read(names) == {"a", "c"}
    database.close()


@pytest.mark.xdist_group("postgres")
def test_server_when_it_ends_a_connection_then_the_verb_is_run_again(postgres):
    database = Database(postgres.url())
    database.write(put, "a")
    with postgres.connect() as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'moduline-ota'")
    assert database.write(put, "b") == "b"
    assert database.read(names) == {"a", "b"}
    database.close()


@pytest.mark.xdist_group("postgres")
def test_nodes_when_they_lock_rows_in_opposite_order_then_both_are_done(postgres):
    """A deadlock between two nodes: one is rolled back and run again."""
    url = postgres.url()
    nodes = [Database(url, slot=number) for number in range(2)]
    for name in ("x", "y"):
        nodes[0].write(put, name)
    gates = [threading.Event(), threading.Event()]

    def cross(conn, mine, other, gate, theirs):
        conn.execute(text("UPDATE leases SET owner = owner || :who WHERE name = :name"), {"who": mine, "name": mine})
        gate.set()
        theirs.wait(20)
        conn.execute(text("UPDATE leases SET owner = owner || :who WHERE name = :name"), {"who": mine, "name": other})

    nodes[1].open()
    asked = [nodes[0].submit(cross, "x", "y", *gates), nodes[1].submit(cross, "y", "x", *reversed(gates))]
    for one in asked:
        one.result(60)
    found = nodes[0].read(owners)
    assert {name: sorted(owner) for name, owner in found.items()} == {"x": ["x", "x", "y"], "y": ["x", "x", "y"]}
    for node in nodes:
        node.close()


def test_batch_when_one_change_was_crossed_then_the_others_are_not_committed_one_by_one(file_rig):
    """As a row that another node has just made: the second look finds it."""
    runs, gate, has_begun = [], threading.Event(), threading.Event()

    def hold(conn):
        has_begun.set()
        assert gate.wait(20)

    def tidy(conn, number):
        runs.append(number)
        put(conn, f"n{number}")

    def crossed(conn):
        runs.append("crossed")
        if runs.count("crossed") == 1:
            put(conn, "held")
            put(conn, "held")
        return "kept"

    commits = []
    noted = commits.append
    signals.listen(Engine, "commit", noted)
    try:
        answers = [file_rig.db.submit(hold)]
        assert has_begun.wait(20)
        answers += [file_rig.db.submit(tidy, number) for number in range(50)]
        last = file_rig.db.submit(crossed)
        gate.set()
        assert last.result(30) == "kept"
        for one in answers:
            one.result(30)
    finally:
        signals.remove(Engine, "commit", noted)
    assert len(commits) == 3, "what held the writer, and each half"
    assert file_rig.db.read(names) == {f"n{number}" for number in range(50)}
