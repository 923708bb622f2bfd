"""Power away at every flash operation of what the module's own storage modules do: whole files, readable lists.

One story is a main.py and the files it finds. A clean run counts the flash operations of a power-on, main.py included;
then the power is cut before, or torn within, each of them, and the module is powered on again until it has come to
rest. What a failure prints (``update: cut@17``) replays it. By default a few operations of every story are tried; the
sweep target tries all of them, and cuts the recovery once more.

Source: style H32; device-api 6, 8.
"""

import asyncio
import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from moduline.delta.scripts import pack_scripts
from moduline.formats import littlefs
from moduline.vmodule.world.network import Network, NetworkPlan
from moduline.vmodule.world.socket_desk import SocketDesk
from onboard.test_app_fota import file_server
from transcripts.board import Board, lfs1_mounts, lfs2_mounts, run, with_files

USR_BYTES, BAK_BYTES = 32 * 4096, 24 * 4096
OLD, NEW = b"version = 1\n" * 20, b"version = 2\n" * 500
CONFIG = b'{"replFlag": 0}'
KEPT = {"apn_cfg.json": b"{}", "notes.txt": b"mine\n", "data/log.txt": b"1,2,3\n" * 200, "system_config.json": CONFIG}
ENABLED = ("backup_restore.json", b'{"enable": 1}')


def digest(data):
    return hashlib.sha256(data).hexdigest()


def listing(files):
    return json.dumps([{"name": f"/usr/{name}", "sha256": digest(data)} for name, data in files.items()]).encode()


def listed(found):
    """Name to hash of the list in a file system; a list that cannot be read fails the test."""
    return {entry["name"].removeprefix("/usr/"): entry["sha256"] for entry in json.loads(found["checksum.json"])}


@dataclass(frozen=True)
class Story:
    """What happens at a power-on, what may be seen at any time, and what must be there at the end.

    Attributes:
        name: for the test's output.
        usr: files it begins with, beside KEPT.
        bak: files of the backup it begins with.
        main: main.py; empty for none.
        holds: asserts what holds whenever the power goes away, of (/usr, /bak).
        rests: asserts what holds at the end, of the same.
        boots: power-ons it takes to come to rest.
    """

    name: str
    usr: dict[str, bytes]
    bak: dict[str, bytes]
    main: str
    holds: Callable
    rests: Callable
    boots: int = 1
    is_online: bool = field(default=False)


# ---- checksum.update of a changed file -------------------------------------------------------------------------------

UPDATE_MAIN = """\
import checksum, uos
if uos.stat('/usr/app.py')[6] == 240:
    with open('/usr/app.py', 'w') as f:
        f.write('version = 2\\n' * 500)
checksum.update('/usr/app.py')
"""
PROTECTED = {"app.py": OLD, "lib.py": b"lib = 1\n" * 30}


def update_holds(usr, bak):
    assert usr["app.py"] in {OLD, NEW}
    assert usr["lib.py"] == PROTECTED["lib.py"]
    assert listed(usr)["app.py"] in {digest(OLD), digest(NEW)}
    assert {**listed(usr), "app.py": ""} == {**listed(bak), "app.py": ""}


def update_rests(usr, bak):
    assert usr["app.py"] == NEW
    assert listed(usr)["app.py"] == digest(NEW)
    assert bak["usr/app.py"] == OLD


# ---- bak_update of a new file ----------------------------------------------------------------------------------------

BAK_MAIN = """\
import backup_restore
backup_restore.bak_update('/usr/conf/own.json', {'k': 'v' * 6000})
"""
OWN = b'{"k": "' + b"v" * 6000 + b'"}'


def bak_holds(usr, bak):
    assert usr.get("conf/own.json") in {None, b"", OWN}
    assert bak.get("usr/conf/own.json") in {None, b"", OWN}
    if usr.get("checksum.json"):
        assert listed(usr)["lib.py"] == digest(PROTECTED["lib.py"])
        assert listed(usr).get("conf/own.json") in {None, digest(OWN)}
    if "conf/own.json" in listed(bak):
        assert bak["usr/conf/own.json"] == OWN


def bak_rests(usr, bak):
    assert usr["conf/own.json"] == bak["usr/conf/own.json"] == OWN
    assert listed(usr) == listed(bak) == {**{n: digest(d) for n, d in PROTECTED.items()}, "conf/own.json": digest(OWN)}


# ---- a boot that finds a staged update -------------------------------------------------------------------------------


def staged():
    files = {".updater/usr/app.py": NEW, ".updater/usr/fresh.py": NEW, ".updater/usr/lib.py": b"lib = 2\n"}
    stat = [
        {"url": "u", "name": name, "total_size": len(files[".updater" + name])}
        for name in ("/usr/app.py", "/usr/fresh.py", "/usr/lib.py")
    ]
    return {**files, ".updater/download.stat": json.dumps(stat).encode(), ".updater/update.flag": b""}


def apply_holds(usr, _):
    assert usr["app.py"] in {OLD, NEW}
    assert usr["lib.py"] in {PROTECTED["lib.py"], b"lib = 2\n"}
    assert usr.get("fresh.py") in {None, b"", NEW}
    assert listed(usr)["app.py"] in {digest(OLD), digest(NEW)}
    if usr["app.py"] == NEW and listed(usr)["app.py"] == digest(OLD):
        assert usr[".updater/usr/app.py"] == NEW  # the next boot restores the old one, then has the new one again


def apply_rests(usr, _):
    assert (usr["app.py"], usr["lib.py"], usr["fresh.py"]) == (NEW, b"lib = 2\n", NEW)
    assert listed(usr) == {"app.py": digest(NEW), "lib.py": digest(b"lib = 2\n")}
    assert not [name for name in usr if name.startswith(".updater/usr")]


# ---- a download, then the boot that applies it -----------------------------------------------------------------------

DOWNLOAD_MAIN = """\
import app_fota, uos
if uos.stat('/usr/app.py')[6] == 240:
    fota = app_fota.new()
    if fota.download('http://files.example.com/app.py', '/usr/app.py') == 0:
        fota.set_update_flag()
"""


def download_holds(usr, _):
    assert usr["app.py"] in {OLD, NEW}
    assert usr.get(".updater/usr/app.py", b"") in {b"", NEW}
    if ".updater/update.flag" in usr and json.loads(usr.get(".updater/download.stat", b"[]")):
        assert usr[".updater/usr/app.py"] == NEW


def download_rests(usr, _):
    assert usr["app.py"] == NEW
    assert not [name for name in usr if name.startswith(".updater/usr")]


BULK_MAIN = """\
import app_fota, uos
if uos.stat('/usr/app.py')[6] == 240:
    fota = app_fota.new()
    items = [{'url': 'http://files.example.com/' + name, 'file_name': '/usr/' + name} for name in ('app.py', 'lib/b.py')]
    if fota.bulk_download(items) is None:
        fota.set_update_flag()
"""


def bulk_holds(usr, _):
    assert usr["app.py"] in {OLD, NEW}
    assert usr.get("lib/b.py") in {None, b"", NEW}
    if ".updater/update.flag" in usr:
        for entry in json.loads(usr.get(".updater/download.stat", b"[]")):
            assert usr[".updater" + entry["name"]] == NEW


def bulk_rests(usr, _):
    download_rests(usr, _)
    assert usr["lib/b.py"] == NEW


# ---- by what changed: the helper script unpacks a patch, then the boot applies it ------------------------------------

PATCHED = pack_scripts({"app.py": OLD}, {"app.py": NEW, "lib/b.py": NEW})
HELPER = (Path(__file__).resolve().parents[2] / "onboard" / "sdk" / "script_patch.py").read_bytes()
PATCH_MAIN = f"""\
import app_fota, uos, ujson
from usr import script_patch
if uos.stat('/usr/app.py')[6] == 240:
    fota = app_fota.new()
    rows = ujson.loads({json.dumps(PATCHED.rows)!r})
    if script_patch.fetch(fota, 'http://files.example.com/', rows) is None:
        fota.set_update_flag()
"""


BACKUP = {**dict([ENABLED]), "checksum.json": listing(PROTECTED), **{f"usr/{n}": d for n, d in PROTECTED.items()}}
STORIES = {
    story.name: story
    for story in (
        Story(
            "update",
            {**PROTECTED, "checksum.json": listing(PROTECTED)},
            BACKUP,
            UPDATE_MAIN,
            update_holds,
            update_rests,
        ),
        Story("bak_update", PROTECTED, BACKUP, BAK_MAIN, bak_holds, bak_rests),
        Story(
            "apply",
            {**PROTECTED, "checksum.json": listing(PROTECTED), **staged()},
            BACKUP,
            "",
            apply_holds,
            apply_rests,
        ),
        Story("download", {"app.py": OLD}, {}, DOWNLOAD_MAIN, download_holds, download_rests, 2, is_online=True),
        Story("bulk", {"app.py": OLD}, {}, BULK_MAIN, bulk_holds, bulk_rests, 2, is_online=True),
        Story(
            "patched",
            {"app.py": OLD, "script_patch.py": HELPER},
            {},
            PATCH_MAIN,
            bulk_holds,
            bulk_rests,
            2,
            is_online=True,
        ),
    )
}


class Sweeper:
    """A board, its cells at the beginning of a story, and how many operations each power-on takes."""

    def __init__(self, board, story):
        self.board, self.story = board, story

    async def prepare(self):
        await self.board.power_on()
        await self.board.prompt()
        usr = {**KEPT, **self.story.usr}
        if self.story.main:
            usr["main.py"] = self.story.main.encode()
        await self.board.client.raw(with_files(usr.items(), self.story.bak.items()), 30)
        await self.board.power_off()
        self.cells = self.board.cells[:]
        self.counts = []
        for _ in range(self.story.boots):
            await self.life()
            self.counts.append(self.operations)
        self.check_rest("clean")

    async def life(self, cut=""):
        """One power-on, until main.py has ended or the power is away; tells whether it was cut."""
        self.board.flash.arm(cut)
        await self.board.power_on()
        ends = [asyncio.ensure_future(end) for end in (self.board.dead.wait(), self.board.runtime.wait_prompt())]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        was_cut = self.board.dead.is_set()
        for end in ends:
            end.cancel()
        await self.board.power_off()
        self.operations = self.board.flash.operation
        self.board.flash.arm("")
        return was_cut

    def files(self):
        """(files of /usr, files of /bak) as our own reader finds them in the flash."""
        halves = (self.board.cells[:USR_BYTES], self.board.cells[USR_BYTES:])
        images = [littlefs.read_image(bytes(half), self.board.mounts[0].kind) for half in halves]
        return tuple({path: data for path, data in image.entries if data is not None} for image in images)

    def check(self, asserts, cuts):
        usr, bak = self.files()
        try:
            assert {name: usr.get(name) for name in KEPT} == KEPT
            asserts(usr, bak)
        except (AssertionError, KeyError, ValueError) as fault:
            raise AssertionError(f"{self.story.name}: {cuts}") from fault

    def check_rest(self, cuts):
        self.check(self.story.rests, cuts)

    async def try_cuts(self, boot, *cuts):
        """The story anew, with the cuts from power-on ``boot`` on; each ends one power-on."""
        self.board.cells[:] = self.cells
        for _ in range(boot):
            await self.life()
        for number, cut in enumerate(cuts):
            was_cut = await self.life(cut)
            assert was_cut or number, (self.story.name, cuts)  # a recovery may be over before its cut
            self.check(self.story.holds, (boot, *cuts))
        for _ in range(self.story.boots + 1):
            await self.life()
            self.check(self.story.holds, (boot, *cuts))
        self.check_rest((boot, *cuts))
        assert not {"virt.crashed", "virt.bad-request"} & set(self.board.slugs())


def sweep(story, kind, work, limit_s=90):
    """Run ``work(sweeper)`` for a story on a board whose file systems are of that kind."""

    async def whole():
        mounts = (lfs1_mounts if kind == "lfs1" else lfs2_mounts)(USR_BYTES, BAK_BYTES)
        with file_server({"app.py": NEW, "lib/b.py": NEW, **PATCHED.files}) as server:
            plan = NetworkPlan(aliases={"files.example.com": f"127.0.0.1:{server.server_address[1]}"})
            desks = (partial(SocketDesk, Network(plan)),) if STORIES[story].is_online else ()
            async with Board(mounts=mounts, is_powered=False, desks=desks) as board:
                sweeper = Sweeper(board, STORIES[story])
                await sweeper.prepare()
                assert sum(sweeper.counts) > 10
                await work(sweeper)

    run(whole, limit_s)


ONCE = {"bulk": "lfs1", "patched": "lfs2"}  # stories that go the way of "download": on one file system are enough here
SOME = [(story, kind) for story in STORIES for kind in ("lfs1", "lfs2") if ONCE.get(story, kind) == kind]


@pytest.mark.parametrize(("story", "kind"), SOME)
def test_storage_when_the_power_is_cut_somewhere_loses_no_file(story, kind):
    async def some(sweeper):
        for boot, count in enumerate(sweeper.counts):
            for operation in range(0, count, max(1, count // 3)):
                await sweeper.try_cuts(boot, f"cut@{operation}")
                await sweeper.try_cuts(boot, f"tear@{operation}:{operation}")

    sweep(story, kind, some)


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["lfs1", "lfs2"])
@pytest.mark.parametrize("story", list(STORIES))
def test_storage_when_the_power_is_cut_at_every_operation_loses_no_file(story, kind):
    async def every(sweeper):
        for boot, count in enumerate(sweeper.counts):
            for operation in range(count):
                await sweeper.try_cuts(boot, f"cut@{operation}")
                await sweeper.try_cuts(boot, f"tear@{operation}:{operation}")

    sweep(story, kind, every, 3500)


@pytest.mark.sweep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["lfs1", "lfs2"])
@pytest.mark.parametrize("story", list(STORIES))
def test_storage_when_the_recovery_is_cut_again_loses_no_file(story, kind):
    chance = random.Random(20261121)

    async def twice(sweeper):
        for _ in range(100):
            boot = chance.randrange(len(sweeper.counts))
            count = sweeper.counts[boot]
            first, second = chance.randrange(count), chance.randrange(count)
            await sweeper.try_cuts(boot, f"tear@{first}:{first}", f"tear@{second}:{first}")

    sweep(story, kind, twice, 3500)


@pytest.mark.parametrize("cuts", [("tear@80:80", "tear@7:80")])
def test_staging_folder_when_its_removal_is_cut_twice_leaves_nothing_staged(cuts):
    """Found by the sweep: the flag went before the folders, and an orphan stayed."""

    async def once(sweeper):
        await sweeper.try_cuts(1, *cuts)

    sweep("download", "lfs1", once)
