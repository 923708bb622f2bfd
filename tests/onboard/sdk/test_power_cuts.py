"""The supply goes between any two messages, and at any operation of the flash while the SDK's own file is written.

Source: ota-semantics 7.2 (codes may be skipped, repeated, and come again), 12 (traps 8 and 10), 15 (invariant 6).
"""

import ast
import asyncio

import pytest

from onboard.sdk.copied import copy_to
from onboard.sdk.platform_peer import Platform, firmware, plan
from onboard.sdk.sdk_bench import bench, restart, start
from transcripts.board import Board, run

PACKAGE = bytes(range(256)) * 120
CLEAN_RUN = 9  # CONNECT, 0034, 0044, 1, 2, 4, 5, 8, 9


class Steady(Platform):
    """A platform with one plan, that leads a device to its end whatever happens on the way."""

    def __init__(self):
        super().__init__()
        self.files["p"] = PACKAGE
        self.on_status = self._follow
        self.is_over = False

    def _follow(self, status):
        if status in (11, 12):
            self.is_over = True
        return (0x0113, firmware(self.file_url("p"), PACKAGE)) if status in (2, 6) else None

    def _publish(self, qos, body):
        is_over = super()._publish(qos, body)
        said = self.heard[-1]
        if not is_over and said.command == 0x0044 and said.values[2] == "V1" and not self.is_over:
            self.say(0x0111, plan())
        return is_over


@pytest.mark.parametrize("count", range(1, CLEAN_RUN + 1))
def test_supply_when_cut_after_any_message_then_the_update_still_ends(count):
    """The platform never acknowledges the last message before the cut; afterwards all goes on by itself."""

    async def story():
        async with Steady() as platform, bench(platform) as board:
            platform.cut_after = count - 1 if count > 1 else None
            platform.codes = ["close"] if count == 1 else []
            await start(board)
            await platform.until(lambda: len(platform.heard) >= count, 60)
            platform.cut_after, before = None, len(platform.heard)
            await restart(board)
            for _ in range(4):
                await platform.until(lambda: platform.is_over or 9 in platform.statuses[-1:], 60)
                if platform.is_over:
                    break
                await _flashed(board, platform)
                if platform.is_over:
                    break
                await restart(board, "V2" if board.unit.packages else None)
            assert platform.is_over, platform.statuses
            last = next(one.values for one in platform.messages(0x0114) if one.values[13] in (11, 12))
            # Cut right after 9, nothing was flashed: 12, and the platform's retry rule follows. Everywhere else: 11; only
            # right before 9 the module may have noted it already, or not.
            failed, upgraded = (12, "V1", 0), (11, "V2", 1)
            allowed = {CLEAN_RUN: {failed}, CLEAN_RUN - 1: {failed, upgraded}}.get(count, {upgraded})
            assert (last[13], last[25], len(board.unit.packages)) in allowed, platform.statuses
            assert all(package == PACKAGE for package in board.unit.packages)
            assert len(platform.heard) > before
            await board.client.until(b"fotaResult: EC600S ")

    run(story, 300)


PIECE_SCRIPT = """\
import Qth
def piece(component, first, count):
    got.append((first, Qth.mcuFWDataRead(first, count) == WHOLE[first : first + count]))
    if first + count < len(WHOLE):
        Qth.otaAction(2)
    else:
        Qth.otaAction(3)
        Qth.setMcuVer('mcu1', '2.0', None, lambda *a: results.append(a))
WHOLE, got, results = bytes(range(255)) * 300, [], []
Qth.init()
Qth.setProductInfo('p111xt', 'V2VUei9ZVWt2SnpL')
Qth.setEventCb({'ota': {'otaPlan': lambda plans: Qth.otaAction(1), 'sotaPiece': piece}})
Qth.setMcuVer('mcu1', '1.0', None, lambda *a: results.append(a))
Qth.start()
"""
WHOLE = bytes(range(255)) * 300
FULL = """\
import uos
f = open('/usr/big', 'wb')
while uos.statvfs('/usr')[3] > 20:
    f.write(bytes(4096))
    f.flush()
f.close()
"""
PIECES_RUN = 13  # CONNECT, 0034, 0044, 1, 2, then 4, 5, 8 for each of two pieces, 9, 11


class Pieces(Steady):
    """The same with an MCU file that is larger than what is free."""

    def __init__(self):
        super().__init__()
        self.files["p"] = WHOLE

    def _follow(self, status):
        super()._follow(status)
        url = firmware(self.file_url("p"), WHOLE, "mcu1", "2.0", 1)
        return (0x0113, url) if status in (2, 6) else None

    def _publish(self, qos, body):
        is_over = Platform._publish(self, qos, body)
        said = self.heard[-1]
        if not is_over and said.command == 0x0044 and said.values[3] == "mcu1:1.0" and not self.is_over:
            self.say(0x0111, plan("mcu1", "1.0", "2.0", 1))
        return is_over


@pytest.mark.parametrize(
    "count", [pytest.param(n, marks=() if n in (8, 9, 10) else pytest.mark.sweep) for n in range(1, PIECES_RUN + 1)]
)
def test_supply_when_cut_between_the_pieces_of_an_mcu_file_then_every_piece_is_right(count):
    """After the cut it begins with the first piece again: the MCU may have forgotten what it had."""

    async def story():
        async with Pieces() as platform, bench(platform, 5.0) as board:
            await board.client.raw(FULL, 60)
            platform.cut_after = count - 1 if count > 1 else None
            platform.codes = ["close"] if count == 1 else []
            await start(board, PIECE_SCRIPT)
            await platform.until(lambda: len(platform.heard) >= count, 60)
            platform.cut_after = None
            await restart(board, source=PIECE_SCRIPT)
            await platform.until(lambda: platform.is_over, 90)
            last = next(one.values for one in platform.messages(0x0114) if one.values[13] in (11, 12))
            pieces = ast.literal_eval(await board.client.ask("got"))
            assert all(is_right for _, is_right in pieces)
            # Behind the last 8 the script may have said 3 already; it says the old version after the restart, which is 12.
            assert last[13] in ({11, 12} if count in (PIECES_RUN - 1, PIECES_RUN - 2) else {11}), platform.statuses
            assert last[26] == ("mcu1:2.0" if last[13] == 11 else "mcu1:1.0")
            assert len(pieces) == 2 or 9 in platform.statuses[:12]

    run(story, 300)


async def _flashed(board, platform):
    """Until the module wants to restart, or has given up."""
    dead = asyncio.create_task(board.dead.wait())
    over = asyncio.create_task(platform.until(lambda: platform.is_over, 60))
    await asyncio.wait((dead, over), timeout=60, return_when=asyncio.FIRST_COMPLETED)
    for task in (dead, over):
        task.cancel()
    await asyncio.gather(dead, over, return_exceptions=True)
    assert dead.done() or over.done(), (platform.statuses, board.unit.packages)


@pytest.mark.parametrize("result", [11, 12])
def test_supply_when_cut_before_the_result_is_acknowledged_then_told_again_and_only_until_it_is(result):
    async def story():
        async with Steady() as platform, bench(platform) as board:
            await start(board)
            await platform.until(lambda: platform.statuses[-1:] == [9], 60)
            if result == 11:
                await _flashed(board, platform)
            platform.mute, platform.is_over = "ota", True  # nothing more is offered
            version = "V2" if result == 11 else None
            await restart(board, version)
            await platform.until(lambda: platform.statuses.count(result) == 1)
            await restart(board)
            await platform.until(lambda: platform.statuses.count(result) == 2)
            platform.mute = ""
            await restart(board)
            await platform.until(lambda: platform.statuses.count(result) == 3)
            await board.client.until(b"fotaResult: EC600S ")
            await restart(board)
            await platform.online(5)
            platform.say(0x0031, b"", "sys")
            await platform.until(lambda: platform.messages(0x0032))
            assert platform.statuses.count(result) == 3

    run(story, 200)


WRITE = """\
from usr.Qth.store import Store
s = Store()
s.record = {'ds': 'x' * 32, 'ota': [%d, 'EC600S', 0, 'V2', 0]}
s.write()
print('written')
"""
READ = "from usr.Qth.store import Store\nprint(Store().record)\n"


def test_store_when_cut_at_each_operation_then_the_old_record_or_the_new_one():
    async def story():
        async with Board() as board:
            await board.prompt()
            await copy_to(board)
            assert await board.client.raw(WRITE % 0) == "written\r\n"
            outcomes = []
            for operation in range(1, 60):
                spec = f"cut@{operation}" if operation % 2 else f"tear@{operation}:{operation * 7 % 256}"
                board.flash.arm(spec)
                board.dead.clear()
                client = board.client
                client.write(b"\x01")
                await client.until(b"raw REPL; CTRL-B to exit\r\n>")
                await client.send((WRITE % operation).encode() + b"\x04")
                await _written_or_dead(board)
                is_cut = "cut" in board.wishes
                board.wishes.clear()
                board.flash.arm("")
                await board.power_cycle()
                await board.prompt()
                record = ast.literal_eval(await board.client.raw(READ))
                assert record["ds"] == "x" * 32
                outcomes.append(record["ota"][0])
                previous = outcomes[-2] if len(outcomes) > 1 else 0
                assert outcomes[-1] in (operation, previous)
                if not is_cut:
                    assert outcomes[-1] == operation
                    break
            else:
                raise AssertionError("the write never ended")
            assert operation > 4  # there was something to cut

    run(story, 200)


async def _written_or_dead(board):
    dead = asyncio.create_task(board.dead.wait())
    said = asyncio.create_task(board.client.until(b"\x04>"))
    await asyncio.wait((dead, said), timeout=60, return_when=asyncio.FIRST_COMPLETED)
    for task in (dead, said):
        task.cancel()
    await asyncio.gather(dead, said, return_exceptions=True)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1, 2]\n0000\n", b"\xff" * 200, b"[9e99, {}]\n"])
def test_store_when_both_files_are_damaged_then_empty_and_it_can_be_written(content):
    async def story():
        async with Board() as board:
            await board.prompt()
            await copy_to(board, ("qth_a.json", content), ("qth_b.json", content))
            assert await board.client.raw(READ) == "{}\r\n"
            assert await board.client.raw(WRITE % 7) == "written\r\n"
            assert ast.literal_eval(await board.client.raw(READ))["ota"][0] == 7

    run(story)


def test_store_when_the_flash_is_full_then_said_and_the_update_goes_on():
    async def story():
        async with Steady() as platform, bench(platform) as board:
            platform.files["p"] = b""
            await start(board)
            await platform.until(lambda: 1 in platform.statuses)
            await board.client.until(b")]\r\n")
            await board.client.raw(
                "try:\n    f = open('/usr/big', 'wb')\n    while 1:\n        f.write(bytes(4096))\n        f.flush()\n"
                "except OSError as e:\n    print(e)\n",
                60,
            )
            await platform.until(lambda: platform.is_over, 60)  # nothing of a package fits
            assert platform.statuses[-1] == 12

    run(story, 120)


@pytest.mark.sweep
@pytest.mark.parametrize("operation", [*range(1, 40, 3), *range(40, 120, 10)])
def test_supply_when_cut_at_a_flash_operation_of_an_update_then_it_still_ends(operation):
    """Operations of the store and of the package, as they come."""

    async def story():
        async with Steady() as platform, bench(platform) as board:
            board.flash.arm(f"tear@{operation}:{operation}")
            await start(board)
            for _ in range(6):
                if "cut" in board.wishes:
                    await restart(board)
                elif board.unit.packages:
                    await restart(board, "V2")
                board.wishes.clear()
                await _stopped(board, platform)
                if platform.is_over:
                    break
            results = [one.values for one in platform.messages(0x0114) if one.values[13] in (11, 12)]
            assert results, platform.statuses
            assert results[0][13] == 11 or 9 in platform.statuses
            assert all(package == PACKAGE for package in board.unit.packages)

    run(story, 300)


async def _stopped(board, platform):
    """Until the supply is gone, the module wants to restart, or the platform has heard a result."""
    dead = asyncio.create_task(board.dead.wait())
    over = asyncio.create_task(platform.until(lambda: platform.is_over, 60))
    await asyncio.wait((dead, over), timeout=60, return_when=asyncio.FIRST_COMPLETED)
    for task in (dead, over):
        task.cancel()
    await asyncio.gather(dead, over, return_exceptions=True)
