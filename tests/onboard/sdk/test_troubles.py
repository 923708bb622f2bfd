"""What goes wrong between a device and its platform, and what the SDK makes of it.

Source: ota-semantics 11.1, 11.6, 12; device-api 13.6.
"""

import asyncio

import pytest

from onboard.sdk.platform_peer import DS, Platform, firmware, password_is_form_1, plan, value
from onboard.sdk.sdk_bench import FACTS_V1, MAIN, PK, PS, bench, restart, start
from transcripts.board import run

PACKAGE = bytes(range(256)) * 120
EVENTS = f"""\
import Qth
seen = []
Qth.init()
Qth.setProductInfo('{PK}', '{PS}')
Qth.setEventCb({{
    'devEvent': lambda event, result: seen.append((event, result)),
    'ota': {{'otaPlan': lambda plans: seen.append(plans), 'fotaResult': lambda *a: seen.append(a)}},
}})
Qth.start()
"""


def told(story, limit_s=120, **options):
    """Run ``story(platform, board)``."""

    async def whole():
        async with Platform() as platform, bench(platform, **options) as board:
            platform.files["p"] = PACKAGE
            await story(platform, board)

    run(whole, limit_s)


def send_url(platform, *statuses, **changes):
    platform.on_status = lambda status: (
        (0x0113, firmware(platform.file_url("p"), PACKAGE, **changes)) if status in statuses else None
    )


async def seen(board):
    return eval(await board.client.ask("seen"))


async def seen_plans(board):
    """The same, once a plan has come."""
    await board.client.raw(
        "import utime\nwhile not [1 for one in seen if isinstance(one, list)]:\n    utime.sleep_ms(5)\n"
    )
    return await seen(board)


# ---- connection ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "result"), [(2, -17926), (3, -17927), (4, -17928), (5, -17929)])
def test_connack_when_refused_then_the_secret_is_gone_and_nobody_tries_again(code, result):
    async def story(platform, board):
        await start(board, EVENTS)
        await platform.online()
        await restart(board, source="")
        platform.codes = [code]
        await start(board, EVENTS)
        await platform.until(lambda: len(platform.passwords) == 2)
        await board.client.ask("import utime; utime.sleep(120)", 60)  # module seconds
        assert (2, result) in await seen(board)
        assert len(platform.passwords) == 2
        await board.client.ask("Qth.stop(); Qth.start()")
        await platform.online(2)
        assert [password[0] for password in platform.passwords] == ["0", "1", "0"]

    told(story, speed=50)


def test_connection_when_closed_instead_of_connack_then_tried_again_with_the_same_secret():
    async def story(platform, board):
        platform.codes = [0, "close", "close"]
        await start(board, EVENTS)
        await platform.online()
        platform.drop()
        await platform.online(2)
        assert [password[0] for password in platform.passwords] == ["0", "1", "1", "1"]
        assert all(password_is_form_1(password, PS, DS) for password in platform.passwords[1:])
        assert len({password.split(";")[2] for password in platform.passwords[1:]}) == 3  # a new random each time
        assert (2, 0) in await seen(board)

    told(story, speed=10)


@pytest.mark.parametrize(
    ("code", "result"),
    [(10422, -5891), (10423, -5892), (10424, -5893), (10425, -5894), (10430, -5896), (10431, -5897)],
)
def test_authentication_when_refused_then_told_and_left(code, result):
    async def story(platform, board):
        platform.complaint = code
        await start(board, EVENTS)
        await platform.until(lambda: len(platform.passwords) == 2, 60)  # after half a minute
        assert (2, result) in await seen(board)
        assert await board.client.ask("Qth.state(), Qth.otaRequest(), Qth.otaAction(1)") == "(False, False, False)\n"
        assert platform.messages(0x0034) == []

    told(story, speed=20)


def test_notice_when_limited_then_told_and_not_left():
    async def story(platform, board):
        await start(board, EVENTS)
        await platform.online()
        platform.say(0x00A3, value(1, 10428), "sys")
        platform.say(0x0031, b"\x00\x04", "sys")
        await platform.until(lambda: platform.messages(0x0032))
        assert (2, -5889) in await seen(board)
        assert list(platform.messages(0x0032)[0].values) == [4]
        assert platform.messages(0x0032)[0].packet == 3  # of the question: a secret, the notice, the question
        assert await board.client.ask("Qth.state()") == "True\n"

    told(story)


def test_request_when_asked_at_the_event_then_before_the_reports():
    async def story(platform, board):
        source = EVENTS.replace("seen.append((event, result))", "event == 2 and print('asked', Qth.otaRequest())")
        await start(board, source)
        await platform.online()
        assert [one.command for one in platform.heard[1:]] == [0x0115, 0x0034, 0x0044]
        assert platform.heard[1].values == {25: "V1"}
        assert platform.heard[1].qos == 2
        await board.client.until(b"asked True\r\n")

    told(story)


def test_idle_when_the_keep_alive_is_60_then_pings_keep_it():
    async def story(platform, board):
        await start(board, EVENTS.replace("Qth.start()", "Qth.setLifetime(60)\nQth.start()"))
        await platform.online()
        await board.client.ask("import utime; utime.sleep(100)", 60)
        assert await board.client.ask("Qth.state()") == "True\n"
        assert len(platform.passwords) == 1
        assert platform.pings >= 3

    told(story, speed=20)


def test_link_when_pings_are_not_answered_then_a_new_connection():
    async def story(platform, board):
        await start(board, EVENTS.replace("Qth.start()", "Qth.setLifetime(60)\nQth.start()"))
        await platform.online()
        platform.is_deaf = True
        await platform.until(lambda: len(platform.passwords) == 2, 60)
        assert platform.pings == 3

    told(story, speed=20)


def test_garbage_when_it_comes_then_dropped_and_the_connection_stays():
    async def story(platform, board):
        await start(board, EVENTS)
        await platform.online()
        for payload in (b"", b"\xff" * 40, plan()[:-1], plan("x" * 33), plan(target="v" * 65), plan(kind=2)):
            platform.say(0x0111, payload)
        platform.say(0x7777, b"\x00" * 9)
        platform.say(0x0111, plan())
        await platform.until(lambda: platform.statuses)
        assert [one for one in await seen_plans(board) if isinstance(one, list)] == [
            [(0, "EC600S", "V1", "V2", 30, 19656, -113)]
        ]
        assert platform.statuses == [1]

    told(story)


def test_reset_and_stop_when_called_then_a_new_secret_and_then_silence():
    async def story(platform, board):
        await start(board, EVENTS)
        await platform.online()
        assert await board.client.ask("Qth.reset()") == "True\n"
        await platform.online(2)
        assert [password[0] for password in platform.passwords] == ["0", "0"]
        assert (3, 0) in await seen(board)
        await board.client.raw("import utime\nwhile not Qth.state():\n    utime.sleep_ms(5)\n")
        assert await board.client.ask("Qth.stop(); Qth.start(); Qth.start()") == "True\nTrue\n"
        await platform.online(3)
        assert await board.client.ask("Qth.stop(); Qth.state(), Qth.otaRequest()") == "(False, False)\n"
        assert await board.client.ask("Qth.reset(), Qth.stop()") == "(False, None)\n"
        assert [password[0] for password in platform.passwords] == ["0", "0", "1"]

    told(story)


# ---- messages --------------------------------------------------------------------------------------------------------


def test_data_when_sent_both_ways_then_bytes_and_points():
    async def story(platform, board):
        await start(
            board,
            EVENTS.replace(
                "Qth.setEventCb({",
                "Qth.setEventCb({'recvTrans': print, 'recvTsl': print, "
                "'readTsl': lambda ids, p: print(ids, Qth.ackTsl(1, {1: True, 2: -7}, p)),",
            ),
        )
        await platform.online()
        assert await board.client.ask("Qth.sendTrans(1, 'hello'), Qth.sendTsl(2, {1: True, 3: 'x', 4: 2.5})") == (
            "(True, True)\n"
        )
        await platform.until(lambda: platform.messages(0x0014))
        assert platform.messages(0x0023)[0].payload == b"hello"
        assert platform.messages(0x0014)[0].values == {1: True, 3: "x", 4: 2.5}
        assert (platform.messages(0x0023)[0].qos, platform.messages(0x0014)[0].qos) == (1, 2)
        platform.say(0x0024, b"down", "bus", 2)
        await board.client.until(b"b'down'\r\n")
        platform.say(0x0013, value(5, 9), "bus", 0)
        await board.client.until(b"{5: 9}\r\n")
        platform.say(0x0011, b"\x00\x01\x00\x02", "bus")
        await board.client.until(b"[1, 2] True\r\n")
        await platform.until(lambda: platform.messages(0x0012))
        assert platform.messages(0x0012)[0].values == {1: True, 2: -7}

    told(story)


# ---- updates ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "asked"), [("gone", 6), (100, 6), ("deaf", 1)])
def test_download_when_the_server_fails_then_five_times_6_and_then_12(fault, asked):
    """A body that breaks off is gone on with; a server that knows no ranges is fine for a whole file."""

    async def story(platform, board):
        platform.faults["p"] = fault
        send_url(platform, 2, 6)
        await start(board)
        await platform.online()
        platform.say(0x0111, plan())
        await platform.until(lambda: platform.statuses[-1:] in ([12], [9]), 60)
        if fault == "deaf":
            assert platform.statuses == [1, 2, 4, 5, 8, 9]
        else:
            assert platform.statuses == [1, 2] + [4, 5, 6] * 5 + [4, 5, 12]
            await board.client.until(b"fotaResult: EC600S False\r\n")
        firsts = [int(wanted.partition("-")[0]) for _, wanted in platform.asked]
        assert firsts == ([0, 100, 200, 300, 400, 500] if fault == 100 else [0] * asked)

    told(story)


def test_download_when_the_server_says_nothing_more_then_6_after_ten_seconds_and_on_from_there():
    async def story(platform, board):
        platform.faults["p"] = "stuck"
        whole, platform.files["p"] = platform.files["p"], PACKAGE
        platform.stuck_at = 9000
        send_url(platform, 2, 6)
        await start(board)
        await platform.online()
        platform.say(0x0111, plan())
        await platform.until(lambda: 6 in platform.statuses, 60)
        platform.faults.clear()
        await platform.until(lambda: platform.statuses[-1:] == [9], 60)
        assert platform.asked == [("p", "0-30719"), ("p", "9000-30719")]
        assert platform.statuses[:3] == [1, 2, 4]
        assert platform.statuses.count(5) >= 2  # every five seconds
        async with asyncio.timeout(60):
            await board.dead.wait()
        assert board.unit.packages == [whole]

    told(story, speed=5)


def test_refusal_when_it_cannot_be_told_then_told_after_the_reconnection():
    async def story(platform, board):
        await start(board, MAIN.replace("otaAction(1)", "otaAction(0)"))
        await platform.online()
        platform.mute = "ota"
        platform.say(0x0111, plan())
        await platform.until(lambda: platform.statuses == [1, 3])
        platform.drop()
        platform.mute = ""
        await platform.online(2)
        await platform.until(lambda: platform.statuses == [1, 3, 3])

    told(story, speed=5)


def test_url_when_the_module_is_busy_then_ignored():
    async def story(platform, board):
        await start(board, EVENTS)
        await platform.online()
        platform.say(0x0111, plan())
        await platform.until(lambda: platform.statuses == [1])
        platform.say(0x0113, firmware(platform.file_url("p"), PACKAGE))  # not accepted yet
        platform.say(0x0031, b"", "sys")
        await platform.until(lambda: platform.messages(0x0032))
        assert (platform.statuses, platform.asked) == ([1], [])
        assert await board.client.ask("Qth.otaAction(2), Qth.otaAction(1), Qth.otaAction(1)") == "(False, True, True)\n"
        platform.say(0x0111, plan(target="V3"))  # ignored: accepted already
        platform.say(0x0113, firmware(platform.file_url("p"), PACKAGE))
        await platform.until(lambda: platform.statuses[-1:] == [9])
        assert platform.statuses == [1, 2, 4, 5, 8, 9]

    told(story)


MCU_SCRIPT = EVENTS.replace(
    "Qth.start()",
    "Qth.setMcuVer('mcu1', 'V1', lambda *a: print('info', a), lambda *a: print('result', a))\nQth.start()",
)


@pytest.mark.parametrize("version", ["2.0", "9.9"])
def test_mcu_when_the_script_sets_its_version_then_that_decides(version):
    async def story(platform, board):
        send_url(platform, 2, component="mcu1", target="2.0", kind=1)
        await start(board, MCU_SCRIPT)
        await platform.online()
        assert platform.messages(0x0044)[0].values[3] == "mcu1:V1"
        platform.say(0x0111, plan("mcu1", "V1", "2.0", 1))
        await platform.until(lambda: platform.statuses)
        assert await board.client.ask("Qth.otaAction(1)") == "True\n"
        said = (await board.client.until(b")\r\n")).decode()
        assert said.startswith(f"info ('mcu1', '2.0', '{platform.file_url('p')}', '")
        await platform.until(lambda: platform.statuses == [1, 2, 4, 8, 9])
        result = f"result ('mcu1', {version == '2.0'})"
        said = await board.client.ask(f"Qth.setMcuVer('mcu1', '{version}', print, lambda *a: print('result', a))")
        if result not in said:  # it comes from another thread, before the prompt or behind it
            await board.client.until(f"{result}\r\n")
        last = platform.messages(0x0114)[-1].values
        assert last == {
            13: 11 if version == "2.0" else 12,
            14: "UPDATESUCCESS" if version == "2.0" else "UPDATEERROR",
            7: 1,
            4: "mcu1",
            25: "V1",
            26: f"mcu1:{version}",
        }

    told(story)


def test_mcu_when_the_module_restarts_meanwhile_then_the_version_still_decides():
    async def story(platform, board):
        send_url(platform, 2, component="mcu1", target="2.0", kind=1)
        await start(board, MCU_SCRIPT)
        await platform.online()
        platform.say(0x0111, plan("mcu1", "V1", "2.0", 1))
        await platform.until(lambda: platform.statuses)
        await seen_plans(board)
        assert await board.client.ask("Qth.otaAction(1)") == "True\n"
        await platform.until(lambda: platform.statuses[-1] == 9)
        await restart(board, source="")
        await start(board, MCU_SCRIPT.replace("'V1'", "'2.0'"))
        await platform.until(lambda: platform.statuses[-1] == 11)

    told(story)


def test_two_components_when_the_url_of_the_second_follows_the_first_then_both():
    """One offer with id 28; the last one is named in 1 and 2."""

    async def story(platform, board):
        rows = [plan("mcu1", "V1", "2.0", 1), plan()]
        await start(board, MCU_SCRIPT)
        await platform.online()
        members = [b"\x00\x04\x00\x07" + row for row in rows]
        platform.say(0x0111, b"\x00\xe4\x00\x02" + b"".join(members))
        await platform.until(lambda: platform.statuses)
        plans = [one for one in await seen_plans(board) if isinstance(one, list)]
        assert [row[1] for row in plans[0]] == ["mcu1", "EC600S"]
        await board.client.ask("Qth.otaAction(1)")
        await platform.until(lambda: platform.statuses == [1, 2])
        assert {one.values[4] for one in platform.messages(0x0114)} == {"EC600S"}
        platform.say(0x0113, firmware(platform.file_url("p"), PACKAGE, "mcu1", "2.0", 1))
        await platform.until(lambda: platform.statuses[-1] == 9)
        await board.client.until(b")\r\n")
        await board.client.ask("Qth.setMcuVer('mcu1', '2.0', print, print)")
        await platform.until(lambda: platform.statuses[-1] == 11)
        platform.say(0x0113, firmware(platform.file_url("p"), PACKAGE))
        await platform.until(lambda: platform.statuses[-1] == 9)
        assert platform.statuses == [1, 2, 4, 8, 9, 11, 4, 5, 8, 9]

    told(story)


def test_power_when_lost_while_flashing_then_12_after_the_reconnection():
    async def story(platform, board):
        send_url(platform, 2)
        await start(board)
        await platform.online()
        platform.say(0x0111, plan())
        await platform.until(lambda: platform.statuses[-1:] == [9])
        await restart(board)
        await platform.until(lambda: platform.statuses[-1] == 12)
        assert platform.messages(0x0114)[-1].values[25] == FACTS_V1.firmware_version
        await board.client.until(b"fotaResult: EC600S False\r\n")

    told(story)


def test_power_when_lost_in_a_download_then_6_and_on_where_the_file_ends():
    async def story(platform, board):
        platform.faults["p"], platform.stuck_at = "stuck", 20000
        send_url(platform, 2, 6)
        await start(board)
        await platform.online()
        platform.say(0x0111, plan())
        await platform.until(lambda: platform.statuses[-1:] == [5] and platform.asked)
        await board.client.until(b")]\r\n")
        await board.client.ask("import uos, utime")
        await board.client.raw("while uos.stat('/usr/qth_ota.bin')[6] < 8192:\n    utime.sleep_ms(20)\n", 30)
        platform.faults.clear()
        await restart(board)
        await platform.until(lambda: platform.statuses[-1] == 9)
        after = platform.statuses[platform.statuses.index(6) :]
        assert after[:2] == [6, 4]
        first = int(platform.asked[-1][1].partition("-")[0])
        assert 8192 <= first <= 20000
        async with asyncio.timeout(60):
            await board.dead.wait()
        assert board.unit.packages == [PACKAGE]

    told(story)


PIECES = MCU_SCRIPT.replace("lambda *a: print('info', a)", "None").replace("'otaPlan'", "'sotaPiece': print, 'otaPlan'")


@pytest.mark.parametrize("is_good", [True, False])
def test_mcu_file_when_larger_than_the_flash_then_in_pieces(is_good):
    """4 and 8 for each piece; the digest is that of the whole file.  Source: ota-semantics 11.6, 13.2"""

    async def story(platform, board):
        whole = platform.files["p"] = bytes(range(255)) * 400
        changes = {} if is_good else {"md5": "0" * 32}
        url = firmware(platform.file_url("p"), whole, "mcu1", "2.0", 1, **changes)
        await board.client.raw(
            "import uos\nf = open('/usr/big', 'wb')\nwhile uos.statvfs('/usr')[3] > 24:\n    f.write(bytes(4096))\n"
            "    f.flush()\nf.close()\n",
            60,
        )
        await start(board, PIECES)
        await platform.online()
        platform.say(0x0111, plan("mcu1", "V1", "2.0", 1))
        await platform.until(lambda: platform.statuses)
        await seen_plans(board)
        assert await board.client.ask("Qth.otaAction(1)") == "True\n"
        await platform.until(lambda: platform.statuses == [1, 2])
        platform.say(0x0113, url)
        got = []
        while sum(map(len, got)) < len(whole):
            if not is_good and sum(map(len, got)) + 90000 > len(whole):
                await platform.until(lambda: platform.statuses[-2:] == [8, 6])
                return
            said = (await board.client.until(b"\r\n")).decode().split()
            first, count = int(said[1]), int(said[2])
            assert (said[0], first) == ("mcu1", sum(map(len, got)))
            for address in (first - 1, first + count, first + count + 1):
                assert await board.client.ask(f"Qth.mcuFWDataRead({address}, 5)") == ""
            got.append(eval(await board.client.ask(f"Qth.mcuFWDataRead({first}, {count + 1})", 60)))
            odd = f"[Qth.mcuFWDataRead({first} + at, 7) for at in (1, 13, 255, 1023, {count - 3})]"
            parts = [whole[first + at : first + at + 7][: count - at] for at in (1, 13, 255, 1023, count - 3)]
            assert eval(await board.client.ask(odd)) == parts
            assert await board.client.ask(f"Qth.mcuFWDataRead({first}, 0)") == ""
            is_last = first + count == len(whole)
            assert await board.client.ask(f"Qth.otaAction({2 if is_last else 3})") == "False\n"
            assert await board.client.ask(f"Qth.otaAction({3 if is_last else 2})") == "True\n"
        assert b"".join(got) == whole
        assert len(got) > 1
        await platform.until(lambda: platform.statuses[-1] == 9)
        assert platform.statuses.count(4) == platform.statuses.count(8) == len(got)
        firsts = [int(wanted.partition("-")[0]) for _, wanted in platform.asked]
        assert firsts == [sum(map(len, got[:at])) for at in range(len(got))]

    told(story)
