"""Power away at every flash operation of a boot that restores files: re-powered, every file is whole.

A clean run counts the operations; then the power is cut before, or torn within, each of them, and the module is powered
on again. What a failure prints (``cut@17``, ``tear@17:3``) replays it. By default a spread of operations is tried; the
sweep target tries all, and cuts the recovery once more.

Source: style H32; device-api 6.3, 14.1 (T04).
"""

import asyncio
import hashlib
import json
import random

import pytest

from moduline.formats import littlefs
from transcripts.board import Board, lfs1_mounts, lfs2_mounts, run, with_files

USR_BYTES, BAK_BYTES = 24 * 4096, 16 * 4096
FILES = {"main.py": b"print('main ran')\n", "user_file.py": b"x = 1\n" * 300}
KEPT = {"apn_cfg.json": b"{}", "notes.txt": b"not listed\n"}
CONFIG = b'{"replFlag": 0}'


def _list():
    entries = [{"name": f"/usr/{n}", "sha256": hashlib.sha256(d).hexdigest()} for n, d in FILES.items()]
    return json.dumps(entries).encode()


async def prepare(board):
    """A module whose two listed files are damaged and gone; gives the cells."""
    await board.power_on()
    await board.prompt()
    backup = [("checksum.json", _list()), ("backup_restore.json", b'{"enable": 1}')]
    backup += [(f"usr/{name}", data) for name, data in FILES.items()]
    damaged = [*KEPT.items(), ("main.py", b"damaged"), ("system_config.json", CONFIG), ("checksum.json", _list())]
    await board.client.raw(with_files(damaged, backup))
    await board.power_off()
    return board.cells[:]


def user_files(board):
    """The files of /usr as our own reader finds them in the flash."""
    image = littlefs.read_image(bytes(board.cells[:USR_BYTES]), board.mounts[0].kind)
    return {path: data for path, data in image.entries if data is not None}


async def cut_and_recover(board, cells, cuts):
    """Power on with the cuts in place, each ending one power-on; then once more without."""
    board.cells[:] = cells
    for cut in cuts:
        board.flash.arm(cut)
        await board.power_on()
        ends = [asyncio.ensure_future(end) for end in (board.dead.wait(), board.runtime.wait_prompt())]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)  # a recovery may be over before its cut
        assert board.dead.is_set() or cut is not cuts[0]
        for end in ends:
            end.cancel()
        await board.power_off()
        board.flash.arm("")
        found = user_files(board)
        assert found["main.py"] in {FILES["main.py"], b"damaged"}, cut
        assert found.get("user_file.py") in {FILES["user_file.py"], b"", None}, cut  # created, not yet written
        for name, data in KEPT.items():
            assert found.get(name) == data, (cut, name)
    await board.power_on()
    said = await board.prompt()
    await board.power_off()
    assert b"main ran" in said, (cuts, said)
    found = user_files(board)
    assert found == {**KEPT, **FILES, "system_config.json": CONFIG, "checksum.json": found["checksum.json"]}, cuts
    listed = {entry["name"]: entry["sha256"] for entry in json.loads(found["checksum.json"])}
    assert listed == {f"/usr/{name}": hashlib.sha256(data).hexdigest() for name, data in FILES.items()}, cuts


def _board(kind):
    mounts = (lfs1_mounts if kind == "lfs1" else lfs2_mounts)(USR_BYTES, BAK_BYTES)
    return Board(mounts=mounts, is_powered=False)


async def _operations(board, cells):
    """Number of flash operations of the restoring boot."""
    board.cells[:] = cells
    await board.power_on()
    await board.prompt()
    await board.power_off()
    return board.flash.operation


@pytest.mark.parametrize("kind", ["lfs1", "lfs2"])
def test_restoring_boot_when_the_power_is_cut_anywhere_loses_no_file(kind):
    async def story():
        async with _board(kind) as board:
            cells = await prepare(board)
            count = await _operations(board, cells)
            assert count > 10
            for operation in range(0, count, max(1, count // 16)):
                await cut_and_recover(board, cells, [f"cut@{operation}"])
                await cut_and_recover(board, cells, [f"tear@{operation}:{operation}"])

    run(story)


@pytest.mark.sweep
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["lfs1", "lfs2"])
def test_restoring_boot_when_the_power_is_cut_at_every_operation_loses_no_file(kind):
    async def story():
        async with _board(kind) as board:
            cells = await prepare(board)
            for operation in range(await _operations(board, cells)):
                await cut_and_recover(board, cells, [f"cut@{operation}"])
                await cut_and_recover(board, cells, [f"tear@{operation}:{operation}"])

    run(story, 1700)


@pytest.mark.sweep
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["lfs1", "lfs2"])
def test_recovery_when_it_is_cut_again_loses_no_file(kind):
    async def story():
        async with _board(kind) as board:
            cells = await prepare(board)
            count = await _operations(board, cells)
            chance = random.Random(20261)
            for _ in range(200):
                first = chance.randrange(count)
                second = chance.randrange(1, max(2, count // 3))
                await cut_and_recover(board, cells, [f"tear@{first}:{first}", f"cut@{second}"])

    run(story, 1700)
