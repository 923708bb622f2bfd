"""What the vendor's client said in recorded situations, and what the SDK says in the same ones: byte for byte.

Compared are the messages on ``/ota``, packet numbers included, and the order of everything. The addresses and digests
of packages are those of our own server: the recorded package itself is not published. Scenarios in which the vendor's
client itself downloads for an MCU are left out: with ``Qth`` the script does that.

Source: quecthing-recordings.jsonl; ota-semantics 11.1, 12.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from onboard.sdk.platform_peer import Platform, firmware, plan
from onboard.sdk.sdk_bench import FACTS_V1, bench, restart, start
from transcripts.board import run

PLACE = Path(__file__).resolve().parents[4] / "shared" / "reference" / "quecthing-recordings.jsonl"
PACKAGE = bytes(30000)
FACTS = replace(FACTS_V1, imei="860000000000001", model="SIM1")
SCRIPT = """\
import Qth
def plans(rows):
    Qth.otaAction(%d)
Qth.init()
Qth.setProductInfo('p000aa', '0123456789abcdef')
Qth.setLifetime(60)
Qth.setEventCb({'ota': {'otaPlan': plans}})
Qth.start()
"""


def recorded(scenario):
    """(command or "CONNECT" or "SUBSCRIBE", hex) of what went up, by connection."""
    if not PLACE.is_file():
        pytest.skip("the recordings of the vendor's client are not here")
    connections = []
    for line in PLACE.read_text().splitlines():
        row = json.loads(line)
        if row["scenario"] != scenario or row["dir"] != "up" or "http" in row:
            continue
        if row["mqtt"] == "CONNECT":
            connections.append([])
        elif row["mqtt"] == "PUBLISH":
            connections[-1].append(row["hex"])
    return connections


def on_ota(hexes):
    return [one for one in hexes if one.find("0114", 12, 20) > 0]


def said(platform):
    return [one.raw.hex() for one in platform.messages(0x0114)]


async def until_said(platform, hexes, limit_s=60):
    await platform.until(lambda: len(platform.messages(0x0114)) >= len(hexes), limit_s)
    assert said(platform) == hexes


def replay(scenario, told, *, action=1, speed=1.0, refuses=False, prepare=None):
    """Run the script against the platform; ``told(platform)`` is the payload of 0x0113."""
    expected = recorded(scenario)

    async def story():
        async with Platform() as platform, bench(platform, speed, FACTS) as board:
            platform.files["p"] = PACKAGE
            board.unit.refuses = refuses
            if prepare is not None:
                await prepare(board)
            platform.on_status = lambda status: (0x0113, told(platform)) if status in (2, 6) and told else None
            await start(board, SCRIPT % action)
            await platform.online()
            platform.say(0x0111, plan("mod"))
            await until_said(platform, on_ota(expected[0]))
            assert [one.command for one in platform.heard[1:3]] == [0x0034, 0x0044]
            assert {one.qos for one in platform.messages(0x0114)} == {2}
            if len(expected) > 1:
                platform.heard.clear()
                await restart(board, "V2", SCRIPT % action)
                await until_said(platform, on_ota(expected[1]))

    run(story, 200)


def url_of(platform, **changes):
    return firmware(platform.file_url("p"), PACKAGE, "mod", **changes)


def test_module_success_when_replayed_then_the_same_messages():
    replay("module-success", url_of)


def test_refuse_when_replayed_then_the_same_messages():
    replay("refuse", None, action=0)


def test_url_never_sent_when_replayed_then_12_after_30_seconds():
    replay("url-never-sent", None, speed=20)


def test_crc_missing_when_replayed_then_12_at_once():
    replay("crc-missing", lambda platform: url_of(platform, crc=None))


def test_digest_wrong_when_replayed_then_the_sixth_is_the_last():
    """Capitals count as wrong: the device compares text."""
    replay("digest-wrong", lambda platform: url_of(platform, md5="0" * 32))


def test_flash_refused_when_replayed_then_12_on_the_same_connection():
    replay("flash-refused", url_of, refuses=True)


def test_no_space_when_replayed_then_12_at_once():
    async def fill(board):
        await board.client.raw(
            "import uos\nf = open('/usr/big', 'wb')\nwhile uos.statvfs('/usr')[3] > 7:\n    f.write(bytes(4096))\n"
            "    f.flush()\nf.close()\n",
            60,
        )

    replay("no-space", url_of, prepare=fill)


def test_information_when_reported_then_ids_and_texts_as_recorded():
    """Differs: the version of the SDK and the SIM card are the module's own."""
    hexes = recorded("module-success")[0]

    async def story():
        async with Platform() as platform, bench(platform, 1.0, FACTS) as board:
            await start(board, SCRIPT % 1)
            await platform.online()
            payload = platform.messages(0x0044)[0].payload
            theirs = bytes.fromhex(hexes[1])[9:]
            assert payload[:18] == theirs[:18]  # model, version, no MCU
            assert payload[payload.index(b"\x00\x63") :] == theirs[theirs.index(b"\x00\x63") :]
            assert list(platform.messages(0x0034)[0].values) == [1, 2, 3, 4]

    run(story)
