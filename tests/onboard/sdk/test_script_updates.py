"""Script updates with the real window codec: packed, served, fetched, restarted, run; and with the power away anywhere.

A clean run counts the flash operations of the helper's work; then the power is cut before, or torn within, each of
them. What a failure prints (``cut@17``) replays it. By default a spread is tried; the sweep target tries all.

Source: docs/design/script-updates.md; device-api 8; style H32.
"""

import asyncio
import contextlib
import json
from functools import partial
from pathlib import Path

import pytest

from delta.test_window import script
from moduline.delta.scripts import DECODER, SMALL_WINDOW, pack_scripts, window_for
from moduline.formats import littlefs, script_patch
from moduline.vmodule.world.network import Network, NetworkPlan
from moduline.vmodule.world.socket_desk import SocketDesk
from onboard.test_app_fota import file_server
from transcripts.board import Board, lfs1_mounts, lfs2_mounts, run, with_files

SDK = Path(__file__).resolve().parents[3] / "onboard" / "sdk"
HELPERS = {name: (SDK / name).read_bytes() for name in ("script_patch.py", DECODER)}
USR_BYTES, BAK_BYTES = 40 * 4096, 8 * 4096
TEXT = script(4, 60).replace(b"    ", b"# ").replace(b"def ", b"# ")
OLD = {
    "main.py": b"from usr import meter\nprint('runs', meter.VERSION, meter.read(20))\n",
    "meter.py": b"VERSION = '1.0'\n" + TEXT + b"\ndef read(raw):\n    return raw * 2\n",
    "table.py": script(5, 40).replace(b"    ", b"# ").replace(b"def ", b"# "),
    "same.py": b"same = 1\n",
}
NEW = {
    **OLD,
    "meter.py": OLD["meter.py"].replace(b"'1.0'", b"'1.1'").replace(b"raw * 2", b"raw * 2 + offset()")
    + b"\n\ndef offset():\n    return 7\n",
    "table.py": OLD["table.py"] + b"# one row more\n" + OLD["table.py"][:500],
    "lib/fresh.py": b"fresh = 1\n",
}
PACKED = pack_scripts({**HELPERS, **OLD}, {**HELPERS, **NEW}, SMALL_WINDOW)
SERVED = {f"v2/{path}": data for path, data in PACKED.files.items()}
BASE = "http://files.example.com/v2/"
START = f"""
import app_fota, ujson
from usr import script_patch
fota, base = app_fota.new(), {BASE!r}
rows = ujson.loads({json.dumps([dict(row) for row in PACKED.rows])!r})
"""


@contextlib.asynccontextmanager
async def module_with(server, kind="lfs1"):
    """A powered-on module with the old scripts and both helpers, and a way to the server."""
    plan = NetworkPlan(aliases={"files.example.com": f"127.0.0.1:{server.server_address[1]}"})
    mounts = (lfs1_mounts if kind == "lfs1" else lfs2_mounts)(USR_BYTES, BAK_BYTES)
    async with Board(mounts=mounts, desks=(partial(SocketDesk, Network(plan)),)) as board:
        await board.prompt()
        files = {"apn_cfg.json": b"{}", **HELPERS, **OLD}
        await board.client.raw(with_files(list(files.items())))
        await board.power_cycle()
        assert b"runs 1.0 40\r\n" in await board.prompt()
        yield board


def scripts_in(board):
    """The scripts of /usr as our own reader finds them in the flash."""
    image = littlefs.read_image(bytes(board.cells[:USR_BYTES]), board.mounts[0].kind)
    found = {path: data for path, data in image.entries if data is not None and not path.startswith(".updater")}
    return {path: data for path, data in found.items() if path in NEW}


def test_patches_when_packed_for_the_decoder_then_read_the_old_file_and_are_a_fraction():
    for name in ("meter.py", "table.py"):
        patch = script_patch.read(PACKED.files[f"usr/{name}.mdl"])
        assert patch.codec == script_patch.WINDOW
        assert len(patch.data) < len(NEW[name]) // 20
    assert (window_for(OLD), window_for({**HELPERS, **OLD})) == (None, SMALL_WINDOW)
    assert window_for({"script_window.mpy": b"M\x05"}) == SMALL_WINDOW


@pytest.mark.parametrize("kind", ["lfs1", "lfs2"])
def test_update_when_fetched_and_restarted_then_the_new_scripts_run(kind):
    async def story():
        with file_server(SERVED) as server:
            async with module_with(server, kind) as board:
                await board.client.raw(START)
                assert await board.client.ask("script_patch.fetch(fota, base, rows)", 30) == ""
                asked = [name for name, _, _ in server.seen]
                assert asked == ["v2/usr/lib/fresh.py", "v2/usr/meter.py.mdl", "v2/usr/table.py.mdl"]
                assert scripts_in(board) == OLD
                await board.client.ask("fota.set_update_flag()")
                await board.power_cycle()
                assert b"runs 1.1 47\r\n" in await board.prompt()
                assert scripts_in(board) == NEW

    run(story)


def test_patches_when_downloaded_in_bulk_then_unpacked_by_name_and_the_new_scripts_run():
    """``bulk_download`` as any project calls it, with the patches' names; then each is unpacked."""
    wanted = [{"url": f"{BASE}usr/{name}.mdl", "file_name": f"/usr/{name}.mdl"} for name in ("meter.py", "table.py")]

    async def story():
        with file_server(SERVED) as server:
            async with module_with(server) as board:
                await board.client.raw(START)
                assert await board.client.ask(f"fota.bulk_download({wanted!r})") == ""
                assert await board.client.ask("script_patch.unpack('/usr/meter.py')", 30) == "True\n"
                assert await board.client.ask("script_patch.unpack('/usr/table.py')", 30) == "True\n"
                await board.client.ask("fota.set_update_flag()")
                await board.power_cycle()
                assert b"runs 1.1 47\r\n" in await board.prompt()
                assert scripts_in(board) == {name: data for name, data in NEW.items() if name != "lib/fresh.py"}

    run(story)


def test_patch_when_damaged_on_its_way_then_the_whole_file_comes():
    files = dict(SERVED)
    for name in ("meter.py", "table.py"):
        patch = bytearray(files[f"v2/usr/{name}.mdl"])
        patch[-9] ^= 4
        files[f"v2/usr/{name}.mdl"] = bytes(patch)

    async def story():
        with file_server(files) as server:
            async with module_with(server) as board:
                await board.client.raw(START)
                await board.client.ask("script_patch.fetch(fota, base, rows)", 30)
                asked = [name.removeprefix("v2/usr/") for name, _, _ in server.seen]
                assert asked == ["lib/fresh.py", "meter.py.mdl", "meter.py", "table.py.mdl", "table.py"]
                await board.client.ask("fota.set_update_flag()")
                await board.power_cycle()
                assert b"runs 1.1 47\r\n" in await board.prompt()
                assert scripts_in(board) == NEW

    run(story)


def test_patch_when_it_claims_more_than_a_script_has_then_nothing_is_unpacked():
    """A copy "to the end" fits every length: the flash would be full before it is found wrong."""
    patch = bytearray(PACKED.files["usr/meter.py.mdl"])
    patch[48:52] = (3 << 20).to_bytes(4, "little")

    async def story():
        with file_server({**SERVED, "v2/usr/meter.py.mdl": bytes(patch)}) as server:
            async with module_with(server) as board:
                await board.client.raw(START)
                await board.client.ask("fota.download(base + 'usr/meter.py.mdl', '/usr/meter.py.mdl')")
                assert await board.client.ask("script_patch.unpack('/usr/meter.py')", 60) == "False\n"
                assert await board.client.ask("import uos; uos.listdir('/usr/.updater/usr')") == "['meter.py.mdl']\n"

    run(story)


# ---- the power goes away ---------------------------------------------------------------------------------------------

WORK = "print('staged', script_patch.fetch(fota, base, rows), fota.set_update_flag())"


async def worked(board):
    """Fetch and flag, up to the end or to the cut that is armed; whether it ended."""
    await board.client.raw(START)
    board.client.write(WORK.encode() + b"\r")
    said = asyncio.ensure_future(board.client.until(b"staged None None\r\n", 60))
    dead = asyncio.ensure_future(board.dead.wait())
    done, _ = await asyncio.wait((said, dead), return_when=asyncio.FIRST_COMPLETED)
    for end in (said, dead):
        end.cancel()
    return said in done


async def cut_and_gone_on(board, cells, cut, *, in_boot):
    """Power away in the helper's work, or in the boot behind it; then what a project does: look, and fetch again."""
    board.cells[:] = cells
    await board.power_on()
    await board.prompt()
    if in_boot:
        assert await worked(board), cut
        await board.power_off()
        board.flash.arm(cut)
        await board.power_on()
        await until_cut_or_prompt(board)
    else:
        board.flash.arm(cut)
        await worked(board)
    await board.power_off()
    board.flash.arm("")
    if not in_boot:
        assert scripts_in(board) == OLD, cut
    await board.power_on()
    said = await board.prompt()
    if b"runs 1.1 47\r\n" not in said:
        assert b"runs 1.0 40\r\n" in said, (cut, said)
        assert scripts_in(board) == OLD, cut
        assert await worked(board), cut
        await board.power_cycle()
        assert b"runs 1.1 47\r\n" in await board.prompt(), cut
    await board.power_off()
    assert scripts_in(board) == NEW, cut


async def until_cut_or_prompt(board):
    ends = [asyncio.ensure_future(end) for end in (board.dead.wait(), board.runtime.wait_prompt())]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for end in ends:
        end.cancel()


async def operations(board, cells):
    """Flash operations of the helper's work, and of the boot behind it."""
    board.cells[:] = cells
    await board.power_on()
    await board.prompt()
    board.flash.arm("")
    assert await worked(board)
    work = board.flash.operation
    await board.power_cycle()
    await board.prompt()
    boot = board.flash.operation
    await board.power_off()
    return work, boot


async def cut_everywhere(kind, spread, when=(False, True)):
    with file_server(SERVED) as server:
        async with module_with(server, kind) as board:
            await board.power_off()
            cells = board.cells[:]
            counts = await operations(board, cells)
            for in_boot in when:
                count = counts[in_boot]
                assert count > 20
                for operation in range(0, count, max(1, count // spread)):
                    for cut in (f"cut@{operation}", f"tear@{operation}:{operation}"):
                        await cut_and_gone_on(board, cells, cut, in_boot=in_boot)


@pytest.mark.parametrize("kind", ["lfs1", "lfs2"])
def test_update_when_the_power_is_cut_anywhere_then_old_or_new_and_never_half(kind):
    run(partial(cut_everywhere, kind, 5), 300)


@pytest.mark.sweep
@pytest.mark.timeout(3500)
@pytest.mark.parametrize("in_boot", [False, True], ids=["work", "boot"])
@pytest.mark.parametrize("kind", ["lfs1", "lfs2"])
def test_update_when_the_power_is_cut_at_every_operation_then_old_or_new_and_never_half(kind, in_boot):
    run(partial(cut_everywhere, kind, 1 << 20, (in_boot,)), 3400)
