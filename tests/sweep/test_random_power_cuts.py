"""A script that never stops writing files, and power that goes away at random: no hang, no lost file.

Every life begins with what the one before left in the flash. Half of the cuts strike a flash operation, clean or torn;
the other half comes at a random moment. The script says when it has written something; what it said is there
afterwards, or something newer.

Source: issue 3, "200 power cuts at random times".
"""

import asyncio
import random
import re

import pytest

from moduline.formats import littlefs
from transcripts.board import Board, lfs1_mounts, lfs2_mounts, run, with_files

USR_BYTES, BAK_BYTES = 40 * 4096, 8 * 4096
FILES = 5
MAIN = """\
import uos
try:
    n = int(open('/usr/count').read())
except OSError:
    n = 0
while True:
    n += 1
    with open('/usr/f%d' % (n % 5), 'w') as f:
        f.write('%08d' % n * 700)
    with open('/usr/log', 'a') as f:
        f.write('%d\\n' % n)
    if uos.stat('/usr/log')[6] > 3000:
        uos.rename('/usr/log', '/usr/log.old')
    with open('/usr/new', 'w') as f:
        f.write(str(n))
    uos.rename('/usr/new', '/usr/count')
    print('done %d.' % n)
"""
KEPT = {"apn_cfg.json": b"{}", "notes.txt": b"mine\n" * 100, "main.py": MAIN.encode()}


def files_of(board):
    image = littlefs.read_image(bytes(board.cells[:USR_BYTES]), board.mounts[0].kind)
    return {path: data for path, data in image.entries if data is not None}


def check(found, said, kept):
    """What is in the flash against the last number the script said, over all lives."""
    assert {name: found.get(name) for name in kept} == kept
    for slot in range(FILES):
        expected = max(number for number in range(said + 1) if number % FILES == slot) if said >= FILES else 0
        data = found.get(f"f{slot}")
        if expected or data:
            assert data is not None, f"f{slot} is lost"
            number = int(data[:8])
            assert data == b"%08d" % number * 700
            assert expected <= number <= int(found.get("count", b"0")) + 1
            assert number % FILES == slot
    if said:
        assert int(found["count"]) >= said
    numbers = [int(line) for name in ("log.old", "log") for line in found.get(name, b"").split()]
    assert numbers == sorted(numbers)
    assert not said or numbers[-1] >= said


async def one_life(board, chance):
    """Power on, let it write, take the power away; gives the last number the script said, 0 for none."""
    cut = ""
    if chance.random() < 0.5:
        operation = chance.randrange(1, 700)
        cut = f"tear@{operation}:{operation}" if chance.random() < 0.5 else f"cut@{operation}"
    board.flash.arm(cut)
    await board.power_on()
    if cut:
        await asyncio.wait_for(board.dead.wait(), 20)  # no hang: it goes on writing until the cut
    else:
        await board.client.until(b"mount.")
        await asyncio.sleep(chance.uniform(0.0, 0.08))
    await board.power_off()
    board.flash.arm("")
    spoken = re.findall(rb"done (\d+)\.", bytes(board.client.seen))
    return int(spoken[-1]) if spoken else 0


def cut_often(kind, count, seed, limit_s):
    async def story():
        mounts = (lfs1_mounts if kind == "lfs1" else lfs2_mounts)(USR_BYTES, BAK_BYTES)
        chance = random.Random(seed)
        async with Board(mounts=mounts, is_powered=False) as board:
            await board.power_on()
            await board.prompt()
            await board.client.raw(with_files(KEPT.items()))
            await board.power_off()
            said = 0
            for number in range(count):
                said = max(said, await one_life(board, chance))
                try:
                    check(files_of(board), said, KEPT)
                except (AssertionError, KeyError, ValueError) as fault:
                    raise AssertionError(f"{kind}, seed {seed}, cut {number}, said {said}") from fault
            assert said > count // 4
            await board.power_on()
            await board.client.until(b"done ")
            assert set(board.slugs()) <= {"virt.formatted", "virt.unconfined"}
            assert board.slugs().count("virt.formatted") == 2  # the empty flash, once

    run(story, limit_s)


@pytest.mark.parametrize("kind", ["lfs1", "lfs2"])
def test_writing_script_when_the_power_goes_away_20_times_loses_no_file(kind):
    cut_often(kind, 20, 7, 60)


@pytest.mark.sweep
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("kind", ["lfs1", "lfs2"])
def test_writing_script_when_the_power_goes_away_200_times_loses_no_file(kind, seed):
    cut_often(kind, 200, seed, 1100)
