"""MQTT and downloads over TLS, with and without a list of authorities on the module.  Source: ota-semantics 11.1, 11.6"""

import ssl

import pytest

from onboard.sdk.platform_peer import Platform, firmware, plan
from onboard.sdk.sdk_bench import MAIN, bench, start
from onboard.sdk.test_troubles import EVENTS, seen
from transcripts.board import run

trustme = pytest.importorskip("trustme", reason="certificates of these tests are made by trustme")
PACKAGE = bytes(range(256)) * 40


def secured(story, *, trusted="own", name="localhost", speed=5.0):
    """Run ``story(platform, board)``; the module trusts its "own" authority, "another" one, or has no list (None)."""
    authorities = {kind: trustme.CA(key_type=trustme.KeyType.ECDSA) for kind in ("own", "another")}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authorities["own"].issue_cert(name).configure_cert(context)

    async def whole():
        async with Platform(context) as platform, bench(platform, speed) as board:
            if trusted:
                text = authorities[trusted].cert_pem.bytes().decode() if trusted in authorities else trusted
                await board.client.raw(f"with open('/usr/qth_ca.pem', 'w') as file:\n    file.write({text!r})\n")
            platform.files["p"] = PACKAGE
            await story(platform, board)

    run(whole, 120)


@pytest.mark.parametrize("trusted", [None, "own"])
def test_update_when_everything_is_tls_then_as_without(trusted):
    async def story(platform, board):
        platform.on_status = lambda status: (0x0113, firmware(platform.file_url("p"), PACKAGE)) if status == 2 else None
        await start(board)
        await platform.online()
        platform.say(0x0111, plan())
        await platform.until(lambda: platform.statuses[-1:] == [9])
        assert platform.statuses == [1, 2, 4, 5, 8, 9]
        await board.dead.wait()
        assert board.unit.packages == [PACKAGE]

    secured(story, trusted=trusted)


@pytest.mark.parametrize(
    ("trusted", "name"), [("another", "localhost"), ("own", "elsewhere.example"), ("nonsense", "localhost")]
)
def test_platform_when_it_is_somebody_else_then_it_hears_nothing(trusted, name):
    """Another authority, another name, and a list that is none: the secret of the product stays here."""

    async def story(platform, board):
        await start(board, EVENTS)
        await board.client.raw("import utime\nwhile len(seen) < 2:\n    utime.sleep_ms(20)\n", 60)
        assert set(await seen(board)) == {(1, -17921)}
        assert platform.heard == []
        assert await board.client.ask("Qth.state()") == "False\n"

    secured(story, trusted=trusted, name=name, speed=20)


def test_download_when_its_server_is_somebody_else_then_6_and_nothing_asked():
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA(key_type=trustme.KeyType.ECDSA).issue_cert("localhost").configure_cert(context)

    async def story():
        async with Platform() as platform, Platform(context) as thief, bench(platform, 5.0) as board:
            text = authority.cert_pem.bytes().decode()
            await board.client.raw(f"with open('/usr/qth_ca.pem', 'w') as file:\n    file.write({text!r})\n")
            thief.files["p"] = PACKAGE
            url = thief.file_url("p")
            platform.on_status = lambda status: (0x0113, firmware(url, PACKAGE)) if status in (2, 6) else None
            await start(board, MAIN)
            await platform.online()
            platform.say(0x0111, plan())
            await platform.until(lambda: platform.statuses[-1:] == [12], 60)
            assert platform.statuses == [1, 2] + [4, 6] * 5 + [4, 12]
            assert thief.asked == []
            assert board.unit.packages == []

    run(story, 120)


def test_list_when_it_is_taken_away_then_nobody_is_checked_any_more():
    """Removing the file is a decision of whoever can write to the module."""

    async def story(platform, board):
        await start(board, EVENTS)
        await board.client.raw("import utime\nwhile len(seen) < 1:\n    utime.sleep_ms(20)\n", 60)
        await board.client.ask("import uos; uos.remove('/usr/qth_ca.pem')")
        await platform.online()
        assert platform.passwords[0].startswith("0;")

    secured(story, trusted="another", speed=20)
