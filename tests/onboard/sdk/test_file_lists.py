"""Packages of several files, and SHA-256 where it is asked for.  Source: ota-semantics 11.4, 11.5"""

import hashlib

import pytest

from moduline.vmodule.interpreter.plan import Quirks
from onboard.sdk.copied import copy_to
from onboard.sdk.platform_peer import Platform, file_list, firmware, plan, value
from onboard.sdk.sdk_bench import MAIN, bench, restart, start
from transcripts.board import run

PARTS = [bytes([number]) * (3000 + 1000 * number) for number in range(1, 6)]


def told(story, limit_s=120, **options):
    """Run ``story(platform, board)`` with the files a to e."""

    async def whole():
        async with Platform() as platform, bench(platform, **options) as board:
            for name, data in zip("abcde", PARTS, strict=True):
                platform.files[name] = data
            await story(platform, board)

    run(whole, limit_s)


def rows(platform, order="abcde"):
    return [("abcde".index(name) + 1, platform.file_url(name), platform.files[name]) for name in order]


async def offered(platform, board, answer, statuses=(2, 6)):
    platform.on_status = lambda status: (0x0113, answer) if status in statuses else None
    await start(board)
    await platform.online()
    platform.say(0x0111, plan())


@pytest.mark.parametrize("order", ["a", "ecadb"])
def test_list_when_it_comes_in_any_order_then_fetched_by_index_and_handed_over_as_one(order):
    async def story(platform, board):
        await offered(platform, board, file_list(rows(platform, order)))
        await platform.until(lambda: platform.statuses[-1:] == [9])
        assert [name for name, _ in platform.asked] == sorted(order)
        assert (platform.statuses.count(4), platform.statuses.count(8)) == (1, 1)
        await board.dead.wait()
        assert board.unit.packages == [b"".join(platform.files[name] for name in sorted(order))]
        await restart(board, "V2")
        await platform.until(lambda: platform.statuses[-1] == 11)
        await board.client.until(b"fotaResult: EC600S True\r\n")
        left = await board.client.ask("[name for name in __import__('uos').listdir('/usr') if 'ota' in name]")
        assert left == "[]\n"

    told(story, speed=5)


def test_list_when_one_digest_is_wrong_then_never_flashed_and_the_good_files_are_kept():
    async def story(platform, board):
        files = rows(platform)
        files[2] = (*files[2], "0" * 32)
        await offered(platform, board, file_list(files))
        await platform.until(lambda: platform.statuses[-1:] == [12], 60)
        names = [name for name, _ in platform.asked]
        assert (names.count("a"), names.count("b"), names.count("c")) == (1, 1, 6)
        assert not {"d", "e"} & set(names)
        assert platform.statuses[-2:] == [8, 12]
        assert board.unit.packages == []

    told(story)


def test_list_when_the_module_restarts_meanwhile_then_whole_files_are_not_fetched_again():
    async def story(platform, board):
        platform.faults["c"], platform.stuck_at = "stuck", 100
        await offered(platform, board, file_list(rows(platform)))
        await platform.until(lambda: platform.asked[-1:] == [("c", "0-5999")])
        platform.faults.clear()
        await restart(board)
        await platform.until(lambda: platform.statuses[-1] == 9)
        names = [name for name, _ in platform.asked]
        assert [names.count(name) for name in "abcde"] == [1, 1, 2, 1, 1]
        assert 6 in platform.statuses

    told(story)


def bad_lists(platform):
    files = rows(platform)
    one = [value(30, 1), value(1, files[0][1]), value(2, 4000), value(3, "0" * 32)]
    head = value(4, "EC600S") + value(6, "V2") + value(7, 0)
    return {
        "six": file_list([*files, (6, files[0][1], b"x")]),
        "none": head + value(20, []),
        "no struct": head + value(20, "text"),
        "members that are none": head + value(20, [value(0, 5)]),
        "twice the same index": file_list([files[0], files[0]]),
        "no index": head + value(20, [value(0, one[1:])]),
        "no digest": head + value(20, [value(0, one[:-1])]),
        "a URL beside it": file_list(files, more=value(1, files[0][1])),
        "a CRC beside it": file_list(files, more=value(15, "ffffffff")),
    }


def test_list_when_it_is_not_fit_then_12_at_once():
    async def story(platform, board):
        await start(board)
        await platform.online()
        for turn, (name, payload) in enumerate(bad_lists(platform).items(), 1):
            platform.say(0x0113, payload)  # the next component of a plan begins so, in idle
            await platform.until(lambda turn=turn: platform.statuses == [12] * turn)
            assert platform.asked == [], name
        platform.say(0x0113, file_list(rows(platform, "ab"), "mcu1", "2.0", 1))
        await platform.until(lambda: platform.statuses == [12] * (turn + 1))
        assert platform.asked == []

    told(story)


@pytest.mark.parametrize(("order", "is_taken"), [("ab", True), ("abc", False)])
def test_list_when_the_firmware_downloads_itself_then_two_stages_or_none(order, is_taken):
    async def story(platform, board):
        await offered(platform, board, file_list(rows(platform, order)))
        if not is_taken:
            await platform.until(lambda: platform.statuses[-1:] == [12])
            assert (platform.statuses, platform.asked) == ([1, 2, 12], [])
            return
        await platform.until(lambda: len(platform.asked) == 2)
        await board.client.until(b")]\r\n")
        while not board.unit.packages:
            await board.client.ask("1")
        assert [name for name, _ in platform.asked] == ["a", "b"]
        assert board.unit.packages
        await restart(board, "V2")
        await platform.until(lambda: platform.statuses[-1] == 11)

    told(story, quirks=Quirks(has_fota_steps=False, is_fota_blocking=True, has_fota_mini=True))


@pytest.mark.parametrize(
    ("sha256", "statuses"),
    [
        (hashlib.sha256(PARTS[0]).hexdigest(), [1, 2, 4, 5, 8, 9]),
        ("0" * 64, [1, 2] + [4, 5, 8, 6] * 5 + [4, 5, 8, 12]),
        (None, [1, 2, 12]),
    ],
)
def test_sha256_when_it_is_wanted_then_asked_for_and_compared(sha256, statuses):
    async def story(platform, board):
        await copy_to(board)
        source = MAIN.replace("import Qth\n", f"Qth.setServer('{platform.url}')\nQth.device.SHA256_WANTED = True\n")
        platform.on_status = lambda status: (
            (0x0113, firmware(platform.file_url("a"), PARTS[0], sha256=sha256)) if status in (2, 6) else None
        )
        await start(board, "from usr import Qth\n" + source)
        await platform.online()
        platform.say(0x0111, plan())
        await platform.until(lambda: len(platform.statuses) >= len(statuses), 60)
        assert platform.statuses == statuses
        wants = [one.values.get(19) for one in platform.messages(0x0114)]
        assert [sign for sign in wants if sign] == ["sha256"]
        assert wants[1] == "sha256"  # of status 2

    told(story)
