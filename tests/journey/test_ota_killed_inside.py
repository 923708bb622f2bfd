"""``kill -9`` at chosen moments inside one act: migrations, an activation, an upload, the collector.

The platform kills itself right before a statement, a rename or a removal (see ``dying.py``); after the restart the
act has happened or has not, and nothing of it is left half done or for ever.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, insert

from cloud_rig import NOW, Rig
from moduline.cloud import tables
from moduline.cloud.artifacts.collecting import collect_files
from moduline.cloud.blob import FolderStore
from moduline.cloud.db import Database
from moduline.cloud.devices import contact
from ota_process import OtaProcess
from ota_rows import assert_whole

DYING = Path(__file__).parents[1] / "dying.py"
WAIT_S = 90.0
DAY_S = 24 * 3600.0
FIRMWARE = b"new firmware" * 1000
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a matter of Unix")


def fate(event, has, number=0):
    return json.dumps({"event": event, "has": has, "number": number})


FORKS = """
import json, os, sys
sys.path[:0] = [{tests!r}]
import dying
{imports}
for args, fate in json.loads(sys.stdin.read()):
    pid = os.fork()
    if not pid:
        dying.arm(fate)
        {act}(*args)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


def acted(imports, act, *lives):
    """Exit codes of processes that do something and die meanwhile, or do not.

    Args:
        imports: what is done once for all of them.
        act: name of what each calls.
        lives: arguments and ``DIE_AT`` and the like of each.
    """
    script = FORKS.format(tests=str(DYING.parent), imports=imports, act=act)
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(lives),
        text=True,
        capture_output=True,
        timeout=WAIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    codes = [int(line) for line in done.stdout.split()]
    assert set(codes) <= {0, -signal.SIGKILL}, done.stderr
    return codes


def gone(server):
    """Waits until the platform has killed itself."""
    assert server.wait() == -signal.SIGKILL


# ---- migrations -----------------------------------------------------------------------------------------------------

OPEN = """
from moduline.cloud.db import Database
def opened(file):
    database = Database(file)
    database.open()
    database.close()
"""


def shape(file):
    with sqlite3.connect(file) as db:
        made = db.execute("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2")
        return made.fetchall()


def version(file):
    with sqlite3.connect(file) as db:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
            return None
        return db.execute("SELECT version_num FROM alembic_version").fetchone()[0]


def old_database(file):
    """A database as the first release made it, with a row that later ones must keep."""
    config = Config()
    config.set_main_option("script_location", "moduline.cloud:migrations")
    config.set_main_option("path_separator", "os")
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as conn:
        config.attributes["connection"] = conn
        command.upgrade(config, "0001")
        conn.exec_driver_sql("INSERT INTO settings VALUES ('kept', '{}')")
    engine.dispose()


def killed_while_opened(folder, begin, points):
    """Open a database again and again, killed before so many of its statements; all of it is made or nothing."""
    folder.mkdir()
    whole, counted = folder / "whole.db", folder / "counted"
    begin(whole)
    before = version(whole), shape(whole)
    assert acted(OPEN, "opened", ([str(whole)], {"DIE_AT": fate("sql", ""), "COUNT_IN": str(counted)})) == [0]
    after = version(whole), shape(whole)
    count = len(counted.read_text().splitlines())
    assert count > 20
    files = [folder / f"{point}.db" for point in range(points)]
    for file in files:
        begin(file)
    ats = [5 + point * (count - 6) // (points - 1) for point in range(points)]
    lives = [([str(file)], {"DIE_AT": fate("sql", "", at)}) for file, at in zip(files, ats, strict=True)]
    assert acted(OPEN, "opened", *lives) == [-signal.SIGKILL] * points
    for file in files:
        with sqlite3.connect(file) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert (version(file), shape(file)) in (before, after)
        database = Database(file)
        database.open()
        database.close()
        assert (version(file), shape(file)) == after
        if before[0]:
            with sqlite3.connect(file) as db:
                assert db.execute("SELECT name FROM settings").fetchall() == [("kept",)]


BEGINNINGS = [("nothing", sqlite3.connect), ("the first release", old_database)]


def test_tables_when_killed_while_they_change_then_all_or_nothing(tmp_path):
    killed_while_opened(tmp_path / "db", old_database, 4)


@pytest.mark.sweep
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("what", "begin"), BEGINNINGS)
def test_tables_when_killed_before_forty_statements_then_all_or_nothing(tmp_path, what, begin):
    killed_while_opened(tmp_path / "db", begin, 40)


# ---- an activation --------------------------------------------------------------------------------------------------


def many_devices(folder, count):
    """A folder of a platform that knows so many devices, and a draft for all of them; its number."""
    folder.mkdir()
    rig = Rig(folder / "ota.db")
    rig.files = FolderStore(folder / "files")
    product = rig.product()

    def fill(conn):
        rows = [contact.new_row(product.id, f"86{at:013}", origin="line", now=NOW) for at in range(count)]
        conn.execute(insert(tables.devices), rows)

    rig.db.write(fill)
    draft = rig.draft(product, rig.artifact(), start_local="2020-01-01T00:00", end_local="2090-01-01T00:00")
    (folder / "admin.token").write_text(rig.token)
    rig.close()
    return draft.id


def activated(server, plan):
    with server.web() as web:
        return web.post(f"/v1/plans/{plan}/activate").json()


def rows_of(folder):
    with sqlite3.connect(folder / "ota.db") as db:
        (state,) = db.execute("SELECT state FROM plans").fetchone()
        (count,) = db.execute("SELECT count(*) FROM upgrades").fetchone()
        (audited,) = db.execute("SELECT count(*) FROM audit WHERE verb = 'plan.activate'").fetchone()
        (told,) = db.execute("SELECT count(*) FROM outbox WHERE kind LIKE 'plan.%'").fetchone()
    return state, count, audited, told > 0


MOMENTS = ["INSERT INTO upgrades", "plan_counters", "INSERT INTO audit", "INSERT INTO outbox"]


@pytest.mark.parametrize("moments", [MOMENTS[1:2], pytest.param(MOMENTS, marks=pytest.mark.sweep)])
def test_activation_when_killed_inside_then_nothing_of_it_and_again_all_of_it(tmp_path, moments):
    """20,000 devices; the kill comes before a statement in the middle of the transaction, or before its end."""
    count = 20_000
    plan = many_devices(tmp_path / "first", count)
    for number, has in enumerate(moments):
        folder = tmp_path / f"killed{number}"
        shutil.copytree(tmp_path / "first", folder)
        server = OtaProcess(folder, (sys.executable, str(DYING)), DIE_AT=fate("sql", has, 1))
        try:
            with pytest.raises(httpx.TransportError):
                activated(server, plan)
            gone(server)
            assert rows_of(folder) == ("draft", 0, 0, False), has
            assert_whole(folder / "ota.db")
            server.environment = {"DIE_AT": fate("none", "")}
            server.start()
            assert activated(server, plan)["state"] == "running"
        finally:
            server.end()
        assert rows_of(folder) == ("running", count, 1, True)
        assert_whole(folder / "ota.db")


# ---- an upload, the collector ---------------------------------------------------------------------------------------


def sent(server):
    with server.web() as web:
        return web.put("/v1/artifacts/files/v2.bin", content=FIRMWARE).json()


def files_of(folder):
    """Whole files, and what was begun."""
    store = FolderStore(folder / "files")
    return {one.key for one in store.stored()}, {path.name for path in (folder / "files" / "new").glob("*")}


UPLOADS = [
    ("os.rename", 0, 1),
    pytest.param("open", 0, 0, marks=pytest.mark.sweep),
    pytest.param("os.remove", 1, 0, marks=pytest.mark.sweep),
]


@pytest.mark.parametrize(("event", "whole", "begun"), UPLOADS)
def test_upload_when_killed_inside_then_no_half_file_and_no_litter_for_ever(tmp_path, event, whole, begun):
    """Before the file is begun, before it gets its name, after that and before the answer."""
    folder = tmp_path / "ota"
    server = OtaProcess(folder, (sys.executable, str(DYING)), DIE_AT=fate(event, "/files/new/", 1))
    try:
        with pytest.raises(httpx.TransportError):
            sent(server)
        gone(server)
        found = files_of(folder)
        assert (len(found[0]), len(found[1])) == (whole, begun)
        server.environment = {"DIE_AT": fate("none", "")}
        server.start()
        stored = sent(server)
        assert files_of(folder)[0] == {stored["sha256"]}
    finally:
        assert server.end() == 0
    rig = Rig(folder / "ota.db")
    later = time.time() + 2 * DAY_S
    asyncio.run(collect_files(rig.db, FolderStore(folder / "files"), now=later, grace_s=DAY_S))
    rig.close()
    assert files_of(folder) == (set(), set())


COLLECT = """
import asyncio
from pathlib import Path
from cloud_rig import Rig
from moduline.cloud.artifacts.collecting import collect_files
from moduline.cloud.blob import FolderStore
def collected(folder, later):
    rig = Rig(folder + "/ota.db")
    asyncio.run(collect_files(rig.db, FolderStore(Path(folder) / "files"), now=later, grace_s=86400.0))
    rig.close()
"""


def test_collector_when_killed_inside_then_what_is_used_stays_and_the_rest_goes(tmp_path):
    """Four files that nothing names and one that an artifact names; killed before a removal, again and again."""
    rig = Rig(tmp_path / "ota.db")
    store = rig.files = FolderStore(tmp_path / "files")
    used = rig.artifact().artifact.files[0].digests.sha256
    for at in range(4):
        store.put([b"nobody names me", bytes([at])])
    rig.close()
    later = time.time() + 2 * DAY_S
    lives = [([str(tmp_path), later], {"DIE_AT": fate("os.remove", "/files/", number)}) for number in (1, 2, 2, 0)]
    assert acted(COLLECT, "collected", *lives) == [-signal.SIGKILL] * 3 + [0]
    assert files_of(tmp_path) == ({used}, set())


def test_collector_when_killed_with_a_fresh_file_in_its_hand_then_the_file_is_back_after_the_start(tmp_path):
    """The file was put again while the collector removed it: somebody is about to name it."""
    store = FolderStore(tmp_path)
    key = store.put([FIRMWARE])
    script = "from pathlib import Path\nfrom moduline.cloud.blob import FolderStore\n"
    script += "def removed(folder, key):\n    FolderStore(Path(folder)).remove(key, 0.0)\n"
    back = f".aside {tmp_path}/{key[:2]}"
    assert acted(script, "removed", ([str(tmp_path), key], {"DIE_AT": fate("os.rename", back, 1)})) == [-signal.SIGKILL]
    assert list(store.stored()) == []
    store.check()
    assert [one.key for one in store.stored()] == [key]
    assert list(tmp_path.glob("new/*")) == []
