"""T40 to T44: the seed's cloud sample against a scripted platform.  Source: seed 3; device-api 13.1 to 13.3, 14.4."""

import asyncio
from dataclasses import replace

import pytest

from moduline.vmodule.world.clock import ModuleClock
from moduline.vmodule.world.cloud import Cloud, Received
from moduline.vmodule.world.cloud_plan import CloudPlan, Downlink, OtaItem, OtaOffer
from transcripts.board import FACTS, Board, run

# As the seed prints it, from the first definition to the last line.
SAMPLE = """\
def App_otaPlanCb(plans):
    print('otaPlan:', plans)
    Qth.otaAction(1)

def App_fotaResultCb(comp_no, result):
    print('fotaResult:', comp_no, result)

if __name__ == '__main__':
    Qth.init()
    Qth.setProductInfo('p111xt','V2VUei9ZVWt2SnpL')
    eventOtaCb={
            'otaPlan':App_otaPlanCb,
            'fotaResult':App_fotaResultCb
            }
    eventCb={
        'ota':eventOtaCb
        }
    Qth.setEventCb(eventCb)
    Qth.start()
"""
ONLINE = (
    "    import utime\n    while not Qth.state():\n        utime.sleep_ms(10)\n    print('online', Qth.otaRequest())\n"
)
OFFER = OtaOffer((OtaItem(component="EC600", source="V1", target="V2", url="http://ota.example/v2.bin"),))
FACTS_V1 = replace(FACTS, firmware_version="V1")


def platform(*offers, is_good=True, board=None, **plan):
    """A platform that knows the seed's product; its packages install at once and restart the module."""

    async def install(url, progress):
        assert url == "http://ota.example/v2.bin"
        for percent in (0, 50, 100):
            progress(percent)
        if is_good and board is not None:
            board[0].wishes.append("restart")
        return is_good

    plan = CloudPlan("p111xt", "V2VUei9ZVWt2SnpL", connect_s=0.05, offers=offers, **plan)
    return Cloud(plan, ModuleClock(), lambda: True, install)


def words(cloud):
    return [reported.code for reported in cloud.log]


def script(import_line="import Qth", sample=SAMPLE, rest=ONLINE):
    return f"{import_line}\n{sample}{rest}"


async def start(board, source):
    """Run the sample in the shared name space, as main.py is; all that is printed stays to be read."""
    client = board.client
    client.write(b"\x01")
    await client.until(b"raw REPL; CTRL-B to exit\r\n>")
    await client.send(source.encode() + b"\x04")
    await client.until(b"OK")
    out = (await client.until(b"\x04"))[:-1]
    assert (await client.until(b"\x04>"))[:-2] == b""
    client.write(b"\x02")
    said = await client.until(b">>> ")
    client.seen = out + said[: said.index(b"\r\nQuecpython")] + client.seen


def test_t40_demo_when_literal_misses_its_import():
    async def story():
        async with Board() as board:
            await board.prompt()
            assert (await board.client.ask("Qth.init()")).endswith("\nNameError: name 'Qth' isn't defined\n")
            _, trace = await board.client.raw_both(SAMPLE)
            assert trace.replace("\r\n", "\n").endswith("NameError: name 'Qth' isn't defined\n")

    run(story)


@pytest.mark.parametrize("line", ["import Qth", "from usr import Qth"])
def test_t41_happy_path_prints_the_plan_restarts_and_reports_success(line):
    boards = []
    cloud = platform(OFFER, board=boards)

    async def story():
        async with Board(facts=FACTS_V1, desks=(cloud.desk,)) as board:
            boards.append(board)
            await board.prompt()
            await start(board, script(line))
            await board.client.until(b"online True\r\n")
            await board.client.until(b"otaPlan: [(0, 'EC600', 'V1', 'V2', 0, 0, 0)]\r\n")
            async with asyncio.timeout(30):
                while "restart" not in board.wishes or words(cloud)[-1] != 9:
                    await asyncio.sleep(0.01)
            await board.power_off()
            board.facts = replace(FACTS_V1, firmware_version="V2")
            await board.power_on()
            await board.prompt()
            await start(board, script(line, rest=""))
            await board.client.until(b"fotaResult: EC600 True\r\n")
        assert words(cloud) == [1, 2, 4, 5, 5, 8, 9, 11]  # received plan, downloading, updated
        assert {reported.component for reported in cloud.log} == {"EC600"}

    run(story)


def test_t41_without_asking_the_platform_pushes_the_plan():
    cloud = platform(replace(OFFER, push_s=0.1), is_good=False)

    async def story():
        async with Board(facts=FACTS_V1, desks=(cloud.desk,)) as board:
            await board.prompt()
            await start(board, script(rest=""))
            await board.client.until(b"otaPlan: [(0, 'EC600', 'V1', 'V2', 0, 0, 0)]\r\n")
            await board.client.until(b"fotaResult: EC600 False\r\n")
        assert words(cloud) == [1, 2, 4, 5, 5, 6, 12]

    run(story)


def test_t42_reject_downloads_nothing_and_the_platform_sees_the_refusal():
    cloud = platform(OFFER)

    async def story():
        async with Board(facts=FACTS_V1, desks=(cloud.desk,)) as board:
            await board.prompt()
            await start(board, script(sample=SAMPLE.replace("otaAction(1)", "otaAction(0)")))
            await board.client.until(b"otaPlan: ")
            async with asyncio.timeout(30):
                while words(cloud) != [1, 3]:
                    await asyncio.sleep(0.01)
            await board.client.quiet()
            assert await board.client.ask("Qth.otaAction(1)") == "False\n"  # nothing waits any more
            assert await board.client.ask("Qth.otaRequest()") == "True\n"
            assert b"otaPlan" not in await board.client.quiet()
        assert words(cloud) == [1, 3]

    run(story)


def test_t43_wrong_version_after_flashing_is_a_failure():
    boards = []
    cloud = platform(OFFER, board=boards)

    async def story():
        async with Board(facts=FACTS_V1, desks=(cloud.desk,)) as board:
            boards.append(board)
            await board.prompt()
            await start(board, script())
            async with asyncio.timeout(30):
                while not words(cloud) or words(cloud)[-1] != 9:
                    await asyncio.sleep(0.01)
            await board.power_off()
            board.facts = replace(FACTS_V1, firmware_version="V1.9")
            await board.power_on()
            await board.prompt()
            await start(board, script(rest=""))
            await board.client.until(b"fotaResult: EC600 False\r\n")
        assert words(cloud)[-1] == 12

    run(story)


@pytest.mark.parametrize(
    ("source", "target", "is_offered"),
    [("V0", "V2", False), ("", "V2", True), ("V1", "V1", False)],
    ids=["wrong-source", "whole-package", "already-there"],
)
def test_t44_plan_that_is_not_for_this_device_never_calls_back(source, target, is_offered):
    cloud = platform(OtaOffer((OtaItem(component="EC600", source=source, target=target),)))

    async def story():
        async with Board(facts=FACTS_V1, desks=(cloud.desk,)) as board:
            await board.prompt()
            await start(board, script())
            await board.client.until(b"online True\r\n")
            if is_offered:
                await board.client.until(b"otaPlan: ")
                async with asyncio.timeout(30):
                    while words(cloud) != [1, 2]:
                        await asyncio.sleep(0.01)
            else:
                assert b"otaPlan: " not in await board.client.quiet(0.3)
        assert words(cloud) == ([1, 2] if is_offered else [])

    run(story)


MCU = """\
import Qth, utime
def info(comp, version, url, md5, crc):
    print('info', comp, version, url, md5, crc)
    Qth.setMcuVer('MCU1', 'M2', info, result)
def result(comp, ok):
    print('result', comp, ok)
def plan(plans):
    print(plans)
    Qth.otaAction(1)
Qth.init()
Qth.setProductInfo('p111xt','V2VUei9ZVWt2SnpL')
Qth.setEventCb({'ota': {'otaPlan': plan}})
Qth.setMcuVer('MCU1', 'M1', info, result)
Qth.start()
while not Qth.state(): utime.sleep_ms(10)
Qth.otaRequest()
"""


def test_mcu_component_succeeds_when_the_script_sets_the_target_version():
    item = OtaItem("MCU1", 1, "M1", "M2", 30, 19656, -113, "http://ota.example/m2", 9, "0" * 32, "8c3c29f8")
    cloud = platform(OtaOffer((item,)))

    async def story():
        async with Board(facts=FACTS_V1, desks=(cloud.desk,)) as board:
            await board.prompt()
            await start(board, MCU)
            await board.client.until(b"[(1, 'MCU1', 'M1', 'M2', 30, 19656, -113)]\r\n")
            await board.client.until(b"info MCU1 M2 http://ota.example/m2 " + b"0" * 32 + b" 8c3c29f8\r\n")
            await board.client.until(b"result MCU1 True\r\n")
        assert words(cloud) == [1, 2, 4, 8, 9, 11]

    run(story)


def test_events_and_messages_reach_the_script_and_what_it_sends_reaches_the_platform():
    messages = (
        Downlink(0.01, "trans", text="hello"),
        Downlink(0.02, "tsl", values=((1, "on"), (2, "21.5"))),
        Downlink(0.03, "read", ids=(3, 4)),
    )
    cloud = platform(messages=messages)
    source = """\
import Qth
print(Qth.start(), Qth.init(), Qth.start(), Qth.setLifetime(20), Qth.setLifetime(600), Qth.setServer('ftp://x'))
Qth.setProductInfo('p111xt','V2VUei9ZVWt2SnpL')
Qth.setEventCb({'devEvent': lambda *a: print('dev', a), 'recvTrans': lambda v: print('trans', v),
    'recvTsl': lambda v: print('tsl', sorted(v.items())), 'readTsl': lambda ids, p: print('read', ids, p)})
print(Qth.sendTrans(1, 'too early'), Qth.start(), Qth.state())
"""

    async def story():
        async with Board(desks=(cloud.desk,)) as board:
            await board.prompt()
            await start(board, source)
            await board.client.until(b"False True False False True False\r\nFalse True False\r\n")
            for said in ("dev (1, 0)", "dev (2, 0)", "trans hello", "tsl [(1, 'on'), (2, '21.5')]", "read [3, 4] 1"):
                await board.client.until(said + "\r\n")
            await board.client.quiet()
            assert await board.client.ask("Qth.sendTrans(1, b'\\x01up')") == "True\n"
            assert await board.client.ask("Qth.sendTsl(2, {1: 'off'})") == "True\n"
            assert await board.client.ask("Qth.sendTsl(3, {1: 'off'})") == "False\n"
            await board.client.ask("Qth.stop()")
            assert await board.client.ask("Qth.state()") == "False\n"
        assert cloud.received == [Received("sendTrans", 1, "\x01up"), Received("sendTsl", 2, "{1: 'off'}")]

    run(story)


@pytest.mark.parametrize(
    ("plan", "event"),
    [({"platform_result": -5890}, "(2, -5890)"), ({"network_result": -17921}, "(1, -17921)")],
    ids=["platform", "network"],
)
def test_refused_module_hears_the_code_and_stays_offline(plan, event):
    cloud = platform(**plan)
    source = """\
import Qth
Qth.init()
Qth.setProductInfo('p111xt','V2VUei9ZVWt2SnpL')
Qth.setEventCb({'devEvent': lambda *a: print('dev', a)})
Qth.start()
"""

    async def story():
        async with Board(desks=(cloud.desk,)) as board:
            await board.prompt()
            await start(board, source)
            await board.client.until(f"dev {event}\r\n")
            await board.client.quiet()
            assert await board.client.ask("Qth.state()") == "False\n"

    run(story)
