"""The SDK's way through an update on the real wire, against a platform of our own.  Source: ota-semantics 11 to 13."""

import asyncio

import pytest

from moduline.vmodule.interpreter.plan import Quirks
from onboard.sdk.copied import copy_to
from onboard.sdk.platform_peer import DS, Platform, firmware, password_is_form_1, plan
from onboard.sdk.sdk_bench import PK, PS, bench, restart, start
from transcripts.board import FACTS, run

PACKAGE = bytes(range(256)) * 120
ID = "qd" + PK + FACTS.imei


def offer(platform, url, data=PACKAGE, **changes):
    """Answer the acceptance of a plan with a URL."""
    platform.on_status = lambda status: (0x0113, firmware(url, data, **changes)) if status == 2 else None


def test_seed_script_when_the_platform_is_real_then_from_authentication_to_the_new_version():
    async def story():
        async with Platform() as platform, bench(platform) as board:
            platform.files["v2.bin"] = PACKAGE
            await start(board)
            await platform.online()
            client_id, password = platform.heard[0]
            assert client_id == ID
            assert password.startswith(f"0;0000;{PK};")
            assert [one.command for one in platform.heard[1:]] == [0x0034, 0x0044]
            assert platform.heard[2].values[2] == "V1"
            offer(platform, platform.file_url("v2.bin"))
            platform.say(0x0111, plan())
            await board.client.until(b"otaPlan: [(0, 'EC600S', 'V1', 'V2', 30, 19656, -113)]\r\n")
            await platform.until(lambda: 9 in platform.statuses)
            async with asyncio.timeout(60):
                await board.dead.wait()
            assert platform.statuses == [1, 2, 4, 5, 8, 9]
            assert board.unit.packages == [PACKAGE]
            assert platform.asked == [("v2.bin", f"0-{len(PACKAGE) - 1}")]
            platform.heard.clear()
            await restart(board, "V2")
            await platform.until(lambda: platform.statuses == [11])
            assert password_is_form_1(platform.passwords[0], PS, DS)
            assert [one.command for one in platform.heard[1:]] == [0x0034, 0x0044, 0x0114]
            assert platform.heard[2].values[2] == platform.heard[3].values[25] == "V2"
            await board.client.until(b"fotaResult: EC600S True\r\n")

    run(story, 200)


@pytest.mark.parametrize("is_blocking", [True, False])
def test_update_when_the_firmware_takes_no_bytes_then_it_downloads_itself(is_blocking):
    async def story():
        quirks = Quirks(has_fota_steps=False, is_fota_blocking=is_blocking)
        async with Platform() as platform, bench(platform, quirks=quirks) as board:
            platform.files["v2.bin"] = PACKAGE
            await start(board)
            await platform.online()
            offer(platform, platform.file_url("v2.bin"))
            platform.say(0x0111, plan())
            await platform.until(lambda: platform.statuses[-1:] == [9])
            assert platform.statuses[:4] == [1, 2, 4, 5]
            assert set(platform.statuses[4:-2]) <= {5}
            assert platform.statuses[-2:] == [8, 9]
            assert board.unit.packages == [PACKAGE]
            assert platform.asked[0][1] == ""  # the firmware asks for the whole file
            platform.heard.clear()
            await restart(board, "V2")
            await platform.until(lambda: platform.statuses == [11])

    run(story, 200)


def test_update_when_the_firmware_cannot_download_then_6_and_at_last_12():
    async def story():
        quirks = Quirks(has_fota_steps=False, is_fota_blocking=True)
        async with Platform() as platform, bench(platform, quirks=quirks) as board:
            platform.files["v2.bin"], platform.faults["v2.bin"] = PACKAGE, "gone"
            platform.on_status = lambda status: (
                (0x0113, firmware(platform.file_url("v2.bin"), PACKAGE)) if status in (2, 6) else None
            )
            await start(board)
            await platform.online()
            platform.say(0x0111, plan())
            await platform.until(lambda: platform.statuses[-1:] == [12])
            assert platform.statuses == [1, 2] + [4, 5, 6] * 5 + [4, 5, 12]

    run(story, 200)


def test_session_when_asked_for_then_both_directions_are_encrypted():
    """The key comes in clear with each connection; what is in clear already is taken all the same."""
    key = bytes(range(16))
    source = f"""\
from usr.Qth import _client
from usr import Qth
_client.with_session = True
Qth.init()
Qth.setProductInfo('{PK}', '{PS}')
Qth.setServer('%s')
Qth.start()
"""

    async def story():
        async with Platform() as platform, bench(platform) as board:
            platform.key = key
            await copy_to(board)
            await start(board, source % platform.url)
            await platform.until(lambda: len(platform.closed) == 2)
            assert platform.passwords[0].startswith("0;0001;")
            opened = await board.client.raw(
                "from usr.Qth import cipher\nfrom ubinascii import hexlify\n"
                f"s = cipher.Session({key!r})\nprint([hexlify(s.open(d)) for d in {platform.closed!r}])\n"
            )
            first, second = eval(opened)
            assert (first[14:18], second[14:18]) == (b"0034", b"0044")

    run(story, 200)
