"""The helper script of script updates, on the real interpreter with a real server: patches, fallbacks, stale staging.

Source: docs/design/script-updates.md; device-api 8.
"""

import json
from pathlib import Path

import pytest

from delta.test_scripts import ENDS, NEW, OLD
from moduline.delta.scripts import make_script, pack_scripts
from onboard.test_app_fota import with_module

HELPER = (Path(__file__).resolve().parents[2] / "onboard" / "sdk" / "script_patch.py").read_bytes()
# A decoder of the stand-in codec of tests/delta/test_scripts.py, as script_window.py is one of the real codec.
DECODER = b"""\
def unpack(window, patch, new_bytes, file):
    ends = patch.read(8)
    head, tail = (ends[at] | ends[at + 1] << 8 for at in (0, 4))
    file.write(window.read(head))
    file.write(patch.read(new_bytes - head - tail))
    window.seek(-tail, 2)
    file.write(window.read(tail))
    file.seek(0)
    if file.read(4) != b"def ":  # what was given can be read back
        raise ValueError("w+b")
    file.seek(0, 2)
"""
RENAMED = OLD.replace(b"function_70(", b"function_seventy(")
BASE = "http://files.example.com/v2/"


def served(packed, folder="v2/"):
    return {folder + path: data for path, data in packed.files.items()}


def with_update(story, files, *, usr=(), rows=()):
    """A module with the helper, the old files and a list of what to fetch in ``rows``."""

    async def whole(board, ask, server):
        await ask("import ujson; from usr import script_patch")
        await board.client.raw(f"rows = ujson.loads({json.dumps(list(rows))!r})\nbase = {BASE!r}\n")
        await story(board, ask, server)

    with_module(whole, files, usr=[("script_patch.py", HELPER), *usr])


async def rebooted(board, ask):
    await ask("fota.set_update_flag()")
    await board.power_cycle()
    await board.prompt()
    return board.client.ask


async def has(ask, name, content):
    return await ask(f"open('/usr/{name}', 'rb').read() == {content!r}") == "True\n"


def test_fetch_when_the_module_has_the_old_files_then_patches_only_and_new_after_the_boot():
    packed = pack_scripts({"app.py": OLD, "same.py": b"same"}, {"app.py": NEW, "same.py": b"same", "lib/b.py": OLD})

    async def story(board, ask, server):
        assert await ask("script_patch.fetch(fota, base, rows)") == ""
        assert [name for name, _, _ in server.seen] == ["v2/usr/app.py.mdl", "v2/usr/lib/b.py.mdl"]
        assert sorted(eval(await ask("uos.listdir('/usr/.updater/usr')"))) == ["app.py", "lib"]
        assert await has(ask, "app.py", OLD)
        ask = await rebooted(board, ask)
        assert await has(ask, "app.py", NEW)
        assert await has(ask, "lib/b.py", OLD)
        assert ".updater" not in eval(await ask("uos.listdir('/usr')"))
        await ask("import app_fota; fota = app_fota.new(); from usr import script_patch")
        await board.client.raw(f"import ujson\nrows = ujson.loads({json.dumps(list(packed.rows))!r})\n")
        assert await ask(f"script_patch.fetch(fota, {BASE!r}, rows)") == ""  # everything is there: nobody is asked
        assert len(server.seen) == 2

    with_update(story, served(packed), usr=[("app.py", OLD), ("same.py", b"same")], rows=packed.rows)


def test_fetch_when_a_patch_reads_the_old_file_then_the_decoder_gets_it():
    packed = pack_scripts({"app.py": OLD}, {"app.py": RENAMED}, ENDS)

    async def story(board, ask, server):
        assert await ask("script_patch.fetch(fota, base, rows)") == ""
        assert [name for name, _, _ in server.seen] == ["v2/usr/app.py.mdl"]
        assert await has(await rebooted(board, ask), "app.py", RENAMED)

    with_update(story, served(packed), usr=[("app.py", OLD), ("script_window.py", DECODER)], rows=packed.rows)


def test_fetch_when_there_is_no_decoder_then_the_whole_file():
    packed = pack_scripts({"app.py": OLD}, {"app.py": RENAMED}, ENDS)

    async def story(board, ask, server):
        assert "script_patch: /usr/app.py" in await ask("script_patch.fetch(fota, base, rows)")
        assert [name for name, _, _ in server.seen] == ["v2/usr/app.py.mdl", "v2/usr/app.py"]
        assert await has(await rebooted(board, ask), "app.py", RENAMED)

    with_update(story, served(packed), usr=[("app.py", OLD)], rows=packed.rows)


def test_fetch_when_the_module_has_another_old_file_then_the_whole_one():
    packed = pack_scripts({"app.py": OLD}, {"app.py": NEW})

    async def story(board, ask, server):
        assert await ask("script_patch.fetch(fota, base, rows)") == ""
        assert [name for name, _, _ in server.seen] == ["v2/usr/app.py"]
        assert await has(await rebooted(board, ask), "app.py", NEW)

    with_update(story, served(packed), usr=[("app.py", OLD + b"# mine\n")], rows=packed.rows)


@pytest.mark.parametrize("damage", ["flipped", "cut", "head", "other-codec", "other-old", "missing", "empty"])
def test_fetch_when_the_patch_is_damaged_then_the_whole_file(damage):
    packed = pack_scripts({"app.py": OLD}, {"app.py": NEW})
    files, name = served(packed), "v2/usr/app.py.mdl"
    good = files[name]
    files[name] = {
        "flipped": good[:200] + bytes([good[200] ^ 1]) + good[201:],
        "cut": good[:-7],
        "head": good[:50],
        "other-codec": good[:10] + b"\x07" + good[11:],
        "other-old": make_script(OLD + b"x", NEW),
        "missing": None,
        "empty": b"",
    }[damage]

    async def story(board, ask, server):
        said = await ask("script_patch.fetch(fota, base, rows)")
        assert said == "" or (said.startswith("script_patch: /usr/app.py ") and said.count("\n") == 1)
        assert [one for one, _, _ in server.seen] == [name, "v2/usr/app.py"]
        assert eval(await ask("uos.listdir('/usr/.updater/usr')")) == ["app.py"]
        assert await has(await rebooted(board, ask), "app.py", NEW)

    with_update(story, files, usr=[("app.py", OLD)], rows=packed.rows)


def test_fetch_when_the_connection_drops_then_not_taken_for_complete():
    """``app_fota`` itself does not look at the length.  Source: device-api 8.3"""
    packed = pack_scripts({}, {"tiny.py": b"print(1)\n"})

    async def story(board, ask, server):
        server.cut["v2/usr/tiny.py"] = 4  # once
        assert await ask("script_patch.fetch(fota, base, rows)") == ""
        assert [name for name, _, _ in server.seen] == ["v2/usr/tiny.py"] * 2
        assert await has(await rebooted(board, ask), "tiny.py", b"print(1)\n")

    with_update(story, served(packed), rows=packed.rows)


def test_fetch_when_a_file_cannot_be_had_then_it_is_named_and_nothing_of_it_is_staged():
    packed = pack_scripts({"app.py": OLD}, {"app.py": NEW, "gone.py": b"print(2)\n", "false.py": b"print(3)\n"})
    files = {**served(packed), "v2/usr/gone.py": None, "v2/usr/false.py": b"print(4)\n"}

    async def story(board, ask, server):
        assert await ask("script_patch.fetch(fota, base, rows)") == "['/usr/false.py', '/usr/gone.py']\n"
        stat = json.loads(await ask("print(open('/usr/.updater/download.stat').read())"))
        assert [one["name"] for one in stat] == ["/usr/app.py"]
        assert await ask("uos.listdir('/usr/.updater/usr')") == "['app.py']\n"
        said = await ask("script_patch.fetch(fota, 'http://nowhere.example.net/', rows)")
        assert said.endswith("['/usr/false.py', '/usr/gone.py']\n")  # what is staged needs no server

    with_update(story, files, usr=[("app.py", OLD)], rows=packed.rows)


def test_fetch_when_an_earlier_release_was_staged_then_it_is_not_taken_for_this_one():
    first = pack_scripts({"app.py": OLD}, {"app.py": NEW + b"# never installed\n", "b.py": b"first\n"})
    second = pack_scripts({"app.py": OLD}, {"app.py": NEW, "b.py": b"second\n"})

    async def story(board, ask, server):
        await board.client.raw(f"first = ujson.loads({json.dumps(list(first.rows))!r})\n")
        assert await ask("script_patch.fetch(fota, 'http://files.example.com/v1/', first)") == ""
        assert await ask("script_patch.fetch(fota, base, rows)") == ""
        ask = await rebooted(board, ask)
        assert await has(ask, "app.py", NEW)
        assert await has(ask, "b.py", b"second\n")

    with_update(story, {**served(first, "v1/"), **served(second)}, usr=[("app.py", OLD)], rows=second.rows)


def test_fetch_when_the_new_file_is_installed_then_what_is_staged_for_it_goes():
    packed = pack_scripts({}, {"app.py": NEW})

    async def story(board, ask, server):
        await board.client.raw("fota.download('http://files.example.com/old.py', '/usr/app.py')\n")
        assert await ask("script_patch.fetch(fota, base, rows)") == ""
        assert await ask("uos.listdir('/usr/.updater/usr')") == "[]\n"
        assert await has(await rebooted(board, ask), "app.py", NEW)

    with_update(story, {"old.py": b"older"}, usr=[("app.py", NEW)], rows=packed.rows)
