"""The platform moves a device: another server, another product, a new secret.  Source: ota-semantics 11.4"""

from onboard.sdk.platform_peer import DS, Platform, password_is_form_1, value
from onboard.sdk.sdk_bench import PK, PS, bench, restart, start
from onboard.sdk.test_troubles import EVENTS, seen
from transcripts.board import run

NEW_DS = "ffeeddccbbaa99887766554433221100"


def two(story, speed=5.0):
    """Run ``story(home, away, board)``: the script knows home only."""

    async def whole():
        async with Platform() as home, Platform() as away, bench(home, speed) as board:
            await start(board, EVENTS)
            await home.online()
            await story(home, away, board)

    run(whole, 120)


def server(platform, name=2):
    return value(1, [value(name, "127.0.0.1"), value(4, platform.port)])


async def heard_at(platform, times=1):
    await platform.until(lambda: len(platform.messages(0x0044)) >= times, 60)


def test_server_when_told_then_the_device_goes_there_and_stays_after_a_restart():
    async def story(home, away, board):
        home.say(0x00B4, server(away), "sys")
        await heard_at(away)
        assert password_is_form_1(away.passwords[0], PS, DS)
        await restart(board, source=EVENTS)
        await heard_at(away, 2)
        assert len(home.passwords) == 1
        away.say(0x00B4, value(1, [value(2, ""), value(3, ""), value(4, 0)]), "sys")  # back to where the script says
        await heard_at(home, 2)
        assert len(away.passwords) == 2

    two(story)


def test_server_when_it_knows_no_secret_of_the_device_then_it_authenticates_there():
    async def story(home, away, board):
        away.codes = [5]
        home.say(0x00B4, server(away, 3), "sys")
        await heard_at(away)
        assert [password[0] for password in away.passwords] == ["1", "0"]

    two(story)


def test_server_when_it_lets_nobody_in_then_three_tries_and_back_with_the_old_secret():
    async def story(home, away, board):
        away.codes = ["close", 5, 3]
        home.say(0x00B4, server(away), "sys")
        await heard_at(home, 2)
        assert len(away.passwords) == 3
        assert password_is_form_1(home.passwords[-1], PS, DS)
        await restart(board, source=EVENTS)
        await heard_at(home, 3)
        assert len(away.passwords) == 3

    two(story)


def test_product_when_told_then_authenticated_as_one_of_it():
    async def story(home, away, board):
        home.say(0x00B4, value(7, "p222yy") + value(8, "fedcba9876543210"), "sys")
        await heard_at(home, 2)
        client_id, password = [one for one in home.heard if isinstance(one, tuple)][1]
        assert client_id.startswith("qdp222yy")
        assert password.startswith("0;0000;p222yy;")
        home.say(0x00B4, value(7, "") + value(8, ""), "sys")
        await heard_at(home, 3)
        client_id, password = [one for one in home.heard if isinstance(one, tuple)][2]
        assert client_id.startswith("qd" + PK)

    two(story)


def test_secret_when_a_new_one_is_told_then_used_next_time_and_9_asks_for_another():
    async def story(home, away, board):
        home.say(0x00B4, value(10, NEW_DS), "sys")
        home.say(0x0031, b"", "sys")
        await home.until(lambda: home.messages(0x0032))
        home.drop()
        await heard_at(home, 2)
        assert password_is_form_1(home.passwords[1], PS, NEW_DS)
        home.say(0x00B4, value(9, True), "sys")
        await heard_at(home, 3)
        assert [password[0] for password in home.passwords] == ["0", "1", "0"]
        assert (2, 0) in await seen(board)

    two(story)


def test_nonsense_when_told_then_nothing_changes():
    async def story(home, away, board):
        for payload in (
            value(1, [value(2, "bad host\r\n"), value(4, 1883)]),
            value(1, [value(2, "host"), value(4, 99999)]),
            value(1, [value(4, 1883)]),
            value(1, "text"),
            value(7, "p222yy"),
            value(7, "p222yy") + value(8, ""),
            value(7, "p" * 33) + value(8, "x"),
            value(10, "s" * 33),
            value(9, False),
        ):
            home.say(0x00B4, payload, "sys")
        home.say(0x0031, b"", "sys")
        await home.until(lambda: home.messages(0x0032))
        assert len(home.passwords) == 1
        await restart(board, source=EVENTS)
        await heard_at(home, 2)
        assert password_is_form_1(home.passwords[1], PS, DS)

    two(story)
