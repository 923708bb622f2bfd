"""Servers that are broken or mean: the SDK never hangs, never dies, and never flashes what has another digest.

Source: ota-semantics 11.2, 11.3, 11.6, 12; device-api 13.5.
"""

import asyncio
import random

import pytest

from onboard.sdk.platform_peer import Platform, firmware, plan, value
from onboard.sdk.sdk_bench import bench, start
from onboard.sdk.test_troubles import EVENTS
from transcripts.board import run

PACKAGE = bytes(range(256)) * 20
SIZE = len(PACKAGE)
ACCEPTS = EVENTS.replace("'otaPlan': lambda plans: seen.append(plans)", "'otaPlan': lambda plans: Qth.otaAction(1)")
FAILED = [1, 2] + [4, 5, 6] * 5 + [4, 5, 12]


def downloads_from(talk, story, *, speed=1.0, again=True, limit_s=120):
    """The package comes from ``talk(reader, writer, range)``; ``story(platform, board)`` after the plan."""

    async def whole():
        async with Platform() as platform, bench(platform, speed) as board:
            platform.talks["p"] = talk
            url, told = platform.file_url("p"), (2, 6) if again else (2,)
            platform.on_status = lambda status: (0x0113, firmware(url, PACKAGE)) if status in told else None
            await start(board, ACCEPTS)
            await platform.online()
            platform.say(0x0111, plan())
            await story(platform, board)
            assert await board.client.ask("Qth.state()") == "True\n"

    run(whole, limit_s)


async def failed(platform, board):
    await platform.until(lambda: platform.statuses[-1:] in ([12], [9]), 90)
    assert [status for status in platform.statuses if status != 5] == [status for status in FAILED if status != 5]
    assert board.unit.packages == []


def answers(head, body=PACKAGE):
    async def talk(_, writer, __):
        writer.write(head.encode() + body)
        await writer.drain()

    return talk


OK = "HTTP/1.1 206 Partial Content\r\n"
RANGE = f"Content-Range: bytes 0-{SIZE - 1}/{SIZE}\r\n"
HEADS = {
    "no HTTP": "hello\r\n\r\n",
    "another protocol": "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    "redirect": "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/x\r\nContent-Length: 0\r\n\r\n",
    "no status": "HTTP/1.1\r\n\r\n",
    "chunks": OK + "Transfer-Encoding: chunked\r\n\r\n",
    "too long": OK + RANGE + f"Content-Length: {SIZE + 1}\r\n\r\n",
    "too short": OK + RANGE + f"Content-Length: {SIZE - 1}\r\n\r\n",
    "negative": OK + RANGE + "Content-Length: -1\r\n\r\n",
    "no number": OK + RANGE + "Content-Length: many\r\n\r\n",
    "from another place": OK + f"Content-Range: bytes 1-{SIZE}/{SIZE + 1}\r\n\r\n",
    "to another place": OK + f"Content-Range: bytes 0-{SIZE - 2}/{SIZE}\r\n\r\n",
    "no such range": f"HTTP/1.1 416 No\r\nContent-Range: bytes */{SIZE}\r\nContent-Length: 0\r\n\r\n",
    "server fault": "HTTP/1.1 500 Sorry\r\nContent-Length: 3\r\n\r\n",
    "endless head": OK + "X: y\r\n" * 2000,
    "one endless line": OK + "X" * 20000,
}


def test_answer_when_it_is_wrong_then_6_five_times_and_12():
    downloads_from(answers(HEADS["redirect"]), failed, speed=5)


def test_answer_when_it_is_wrong_in_any_way_then_a_failed_try_and_nothing_is_kept():
    """One module meets all of them, one after the other: the sixth failure is 12, and then it counts anew."""
    kinds = iter(HEADS.values())

    async def talk(_, writer, __):
        writer.write(next(kinds).encode() + PACKAGE)
        await writer.drain()

    async def story(platform, board):
        for turn, kind in enumerate(HEADS, 1):
            await platform.until(lambda turn=turn: sum(one in (6, 9, 12) for one in platform.statuses) >= turn, 60)
            assert platform.statuses[-1] in (6, 12), kind
            if turn < len(HEADS):
                platform.say(0x0113, firmware(platform.file_url("p"), PACKAGE))
        assert [wanted for _, wanted in platform.asked] == [f"0-{SIZE - 1}"] * len(HEADS)
        assert board.unit.packages == []

    downloads_from(talk, story, speed=5, again=False)


def test_body_when_it_is_longer_than_it_should_be_then_not_taken():
    downloads_from(answers(OK + RANGE + "\r\n", PACKAGE + b"more"), failed, speed=5)


def test_body_when_it_is_another_one_of_that_length_then_never_flashed():
    async def story(platform, board):
        await platform.until(lambda: platform.statuses[-1:] in ([12], [9]), 60)
        assert platform.statuses[-2:] == [8, 12]
        assert board.unit.packages == []

    downloads_from(answers(OK + RANGE + "\r\n", bytes(SIZE)), story, speed=5)


@pytest.mark.parametrize("head", ["", OK + RANGE + "\r\n"])
def test_bytes_when_they_drip_then_the_try_ends(head):
    """Less than the ten seconds apart, for ever: in the head, and in the body."""

    async def talk(_, writer, __):
        writer.write(head.encode())
        while not writer.transport.is_closing():
            writer.write(b"H")
            await asyncio.sleep(0.02)  # two seconds of the module

    async def story(platform, board):
        await platform.until(lambda: 6 in platform.statuses, 60)
        assert platform.statuses[:3] == [1, 2, 4]
        assert board.unit.packages == []

    downloads_from(talk, story, speed=100)


URLS = [
    "", "nonsense", "ftp://127.0.0.1/p", "http://", "http:///p", "http://127.0.0.1:0/p", "http://127.0.0.1:65536/p",
    "http://127.0.0.1:x/p", "http://127.0.0.1/p HTTP/1.1\r\nX: y", "http://127.0.0.1:1/p", "http://no.such.host/p",
    "http://[::1]/p", "mqtt://127.0.0.1/p",
]  # fmt: skip


def test_url_when_it_cannot_be_fetched_then_a_failed_try_without_a_crash():
    async def story():
        async with Platform() as platform, bench(platform, 20.0) as board:
            await start(board, ACCEPTS)
            await platform.online()
            for turn, url in enumerate(URLS, 1):
                platform.say(0x0113, firmware(url, PACKAGE))
                await platform.until(lambda turn=turn: sum(one in (6, 12) for one in platform.statuses) >= turn, 60)
            assert set(platform.statuses) == {4, 6, 12}
            assert (platform.asked, board.unit.packages) == ([], [])
            assert await board.client.ask("Qth.state()") == "True\n"

    run(story, 120)


def test_answers_of_noise_when_they_come_then_always_an_end():
    rng = random.Random(11)

    async def talk(_, writer, __):
        head = bytearray((OK + RANGE + f"Content-Length: {SIZE}\r\n\r\n").encode())
        for _ in range(rng.randrange(1, 4)):
            head[rng.randrange(len(head))] = rng.randrange(256)
        writer.write(bytes(head[: rng.randrange(20, len(head) + 1)]) + PACKAGE[: rng.randrange(SIZE)])

    async def story(platform, board):
        for turn in range(1, 5):
            await platform.until(lambda turn=turn: sum(s in (9, 12) for s in platform.statuses) >= turn, 90)
            assert board.unit.packages in ([], [PACKAGE])
            if 9 in platform.statuses:
                return
            platform.say(0x0113, firmware(platform.file_url("p"), PACKAGE))

    downloads_from(talk, story, speed=20)


# ---- the platform ----------------------------------------------------------------------------------------------------

GREETINGS = {
    "no MQTT": b"\x00\x00",
    "a CONNECT": b"\x10\x02\x00\x00",
    "a length without end": b"\x30\xff\xff\xff\xff\xff",
    "a huge packet": b"\x30\xff\xff\xff\x7f" + bytes(2000),
    "no topic": b"\x30\x01\x00",
    "a topic longer than the packet": b"\x30\x04\xff\xff\x00\x00",
    "quality 3": b"\x36\x06\x00\x01t\x00\x01x",
    "an empty SUBACK": b"\x90\x00",
    "a refused subscription": b"\x90\x03\x00\x01\x80",
    "messages of quality 2 without end": b"".join(b"\x34\x05\x00\x01t" + n.to_bytes(2, "big") for n in range(1, 90)),
}


def test_platform_when_it_speaks_no_mqtt_then_left_and_tried_again():
    async def story():
        async with Platform() as platform, bench(platform, 20.0) as board:
            await start(board, EVENTS)
            await platform.online()
            for turn, greeting in enumerate(GREETINGS.values(), 1):
                platform.greeting, before = greeting, len(platform.passwords)
                platform.drop()
                await platform.until(lambda before=before: len(platform.passwords) > before, 60)
                platform.greeting = b""
                await platform.online(turn + 1)

    run(story, 120)


def test_platform_when_it_says_half_a_packet_and_nothing_more_then_left_after_a_while():
    async def story():
        async with Platform() as platform, bench(platform, 20.0) as board:
            await start(board, EVENTS.replace("Qth.start()", "Qth.setLifetime(30)\nQth.start()"))
            await platform.online()
            platform._writer.write(b"\x30\x7f\x00")
            platform.is_deaf = True
            await platform.until(lambda: len(platform.passwords) == 2, 60)

    run(story, 120)


def test_messages_when_there_is_no_end_of_them_then_the_rest_still_has_its_turn():
    """A flood in one go; a plan behind it is met, and what the script asks in between is answered."""

    async def story():
        async with Platform() as platform, bench(platform) as board:
            await start(board, EVENTS)
            await platform.online()
            for _ in range(3000):
                platform.say(0x7777, bytes(40), "sys", 0)
            assert await board.client.ask("Qth.state()") == "True\n"
            platform.say(0x0111, plan())
            await platform.until(lambda: platform.statuses == [1])

    run(story, 120)


def test_payloads_when_they_are_mutated_then_the_script_and_the_connection_live():
    """Offers, URLs, configurations, questions and data points with bytes that are not theirs."""
    rng = random.Random(12)

    async def story():
        async with Platform() as platform, bench(platform, 20.0) as board:
            await start(
                board,
                EVENTS.replace(
                    "'devEvent'", "'recvTsl': seen.append, 'readTsl': lambda *a: seen.append(a), 'devEvent'"
                ),
            )
            await platform.online()
            goods = [
                (0x0111, plan()),
                (0x0111, value(28, [value(0, [plan()])])),
                (0x0113, firmware("http://127.0.0.1:1/p", PACKAGE)),
                (0x0031, b"\x00\x01\x00\x04"),
                (0x0041, b"\x00\x01"),
                (0x0013, value(5, 9) + value(6, "text")),
                (0x0011, b"\x00\x01"),
                (0x00A3, value(1, 10428)),
            ]
            for _ in range(250):
                command, payload = rng.choice(goods)
                data = bytearray(payload)
                for _ in range(rng.randrange(1, 4)):
                    data[rng.randrange(len(data))] = rng.randrange(256)
                if command != 0x00A3:
                    platform.say(command, bytes(data[: rng.randrange(len(data) + 1)]), "sys")
            platform.say(0x0031, b"\x00\x04", "sys")
            await platform.until(lambda: any(list(one.values) == [4] for one in platform.messages(0x0032)), 60)
            assert len(platform.passwords) == 1
            assert "Traceback" not in await board.client.ask("Qth.state()")
            assert board.unit.packages == []

    run(story, 120)
