"""A fleet against the real gateway."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace

import pytest

from fleet_rig import Upgrading, offer, place
from gateway_rig import PK, PS
from moduline.cloud.device_link.platform import CameOnline
from moduline.errors import BadFormat, BadOption, ServerUnreachable
from moduline.fleet import Fleet, FleetOptions, FleetPlan, run_fleet
from moduline.fleet.behaviour import Answer, Behaviour

QUICK = Behaviour(boot_s=(0.5, 1.0), decide_s=(0.1, 0.5))
FAST = FleetPlan(((1.0, QUICK),), seed=7, time_scale=50.0, rate=2000.0)
CLEAN = [1, 2, 4, 5, 8, 9, 11]


def plan_of(**behaviour):
    return replace(FAST, kinds=((1.0, replace(QUICK, **behaviour)),))


async def lived(plan, count, *, answer=None, platform=None, **options):
    async with place(answer, platform) as here:
        return await run_fleet(plan, here.options(count, **options)), here


async def until(fleet, is_so):
    """Runs a fleet until its tally is so."""
    stop = asyncio.Event()
    run = asyncio.create_task(fleet.run(stop))
    while not run.done() and not is_so(fleet.tally):
        await asyncio.sleep(0.02)
    stop.set()
    return await run


def test_fleet_when_two_hundred_are_offered_an_upgrade_then_all_end_with_it():
    summary, here = asyncio.run(lived(FAST, 200))
    assert summary.is_done
    assert summary.versions == {"V2": 200}
    assert summary.devices_by_outcome == {"upgraded": 200}
    assert summary.tally.connections == 400  # first contact, and after the reboot
    assert len(here.platform.heard) == 200
    assert set(map(tuple, here.platform.heard.values())) == {tuple(CLEAN)}


def test_fleet_when_users_refuse_then_says_3_and_nothing_more():
    summary, here = asyncio.run(lived(plan_of(answer=Answer.REFUSE), 5))
    assert summary.devices_by_outcome == {"refused": 5}
    assert summary.tally.reasons == {"user": 5}
    assert set(map(tuple, here.platform.heard.values())) == {(1, 3)}
    assert not here.files.requests


def test_fleet_when_the_plan_asks_for_more_battery_then_refuses():
    platform = Upgrading(say=lambda: offer(battery_percent=90))
    summary, _ = asyncio.run(lived(plan_of(battery=(10, 80)), 5, platform=platform))
    assert summary.tally.reasons == {"battery": 5}


def test_fleet_when_mcus_are_larger_than_flash_then_fetched_in_pieces_with_a_right_digest():
    platform = Upgrading(say=lambda: offer("V1", "2.0", "mcu1", 1))
    platform.firmware_facts = {"target": "2.0", "component": "mcu1", "kind": 1}
    plan = plan_of(mcus=(("mcu1", "V1"),), free_flash_bytes=12000, checks_limits=False)
    summary, here = asyncio.run(lived(plan, 3, platform=platform))
    assert summary.devices_by_outcome == {"upgraded": 3}
    assert set(map(tuple, here.platform.heard.values())) == {(1, 2, 4, 5, 8, 4, 5, 8, 4, 5, 8, 9, 11)}


def test_fleet_when_run_twice_with_one_seed_then_each_device_says_the_same_in_the_same_order():
    wild = plan_of(
        flaky=0.3,
        digest_errors=0.2,
        flash_refused=0.3,
        flash_power_loss=0.2,
        boot_loops=0.2,
        off_s=(1, 5),
        signal=(-120, -60),
    )
    (first, one), (second, other) = (asyncio.run(lived(wild, 60)) for _ in range(2))
    assert first.tally.reasons == second.tally.reasons
    assert len(first.tally.outcomes) == 3
    assert one.platform.of_keys() == other.platform.of_keys()


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        (b"HTTP/1.0 200 OK\r\nContent-Length: 30720\r\n\r\n", "refused"),
        (b"HTTP/1.1 500 Oops\r\n\r\n", "refused"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n", "refused"),
        (b"\0" * 9000, "refused"),
        (None, "broken"),  # closed without a word
    ],
)
def test_fleet_when_the_file_server_is_strange_then_six_downloads_and_12(answer, end):
    summary, here = asyncio.run(lived(plan_of(), 3, answer=lambda _: [answer]))
    assert summary.devices_by_outcome == {"failed": 3}
    assert summary.tally.downloads == {end: 18}
    codes = {tuple(code for code in heard if code in {6, 12}) for heard in here.platform.heard.values()}
    assert codes == {(6, 6, 6, 6, 6, 12)}


@pytest.mark.parametrize(
    "says",
    [
        b"\x20\x02\x00\x00" + b"\x90\x03\x00\x01\x01" + b"\x30\xff\xff\xff\x7f",
        b"\x20\x02\x00\x00" + b"\x90\x03\x00\x01\x80",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x20\x02\x00\x05",
        b"",
    ],
    ids=["huge", "no-subscription", "not-mqtt", "connack-5", "silence"],
)
def test_fleet_when_the_gateway_is_strange_then_devices_go_on_trying_and_the_run_ends_in_time(says):
    async def serve(reader, writer):
        await reader.read(4096)
        writer.write(says)
        await writer.drain()
        writer.close()

    async def lives():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        fleet = Fleet(replace(FAST, time_scale=10.0), FleetOptions("127.0.0.1", 5, PK, PS, port, limit_s=60.0))
        summary = await until(fleet, lambda tally: tally.lost + sum(tally.refusals.values()) >= 5)
        server.close()
        return summary

    summary = asyncio.run(lives())
    tally = summary.tally
    assert not summary.reach.get("up")
    assert tally.lost + sum(tally.refusals.values()) >= 5


def test_fleet_when_nobody_listens_then_counts_the_tries():
    fleet = Fleet(FAST, FleetOptions("127.0.0.1", 3, PK, PS, 1, limit_s=60.0))
    summary = asyncio.run(until(fleet, lambda tally: tally.unreached >= 6))
    assert summary.tally.unreached >= 6
    assert summary.tally.connections == 0


def test_fleet_when_the_name_is_unknown_then_says_so():
    options = FleetOptions("nobody.invalid", 3, PK, PS, limit_s=5.0)
    with pytest.raises(ServerUnreachable):
        asyncio.run(run_fleet(FAST, options))


def test_fleet_when_stopped_and_run_again_with_its_state_then_goes_on_with_secrets_and_versions(tmp_path):
    state = tmp_path / "fleet.state"

    async def lives():
        async with place() as here:
            first = await run_fleet(FAST, here.options(4), state=state)
            again = await run_fleet(FAST, here.options(4, limit_s=1.0, is_until_done=False), state=state)
            return first, again, here.platform

    first, again, platform = asyncio.run(lives())
    assert first.is_done
    assert again.versions == {"V2": 4}
    assert sum(event.is_first_contact for event in platform.events if isinstance(event, CameOnline)) == 4
    assert state.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"moduline_fleet": 1, "product": "other"}',
        '{"moduline_fleet": 1, "product": "p000aa"}\n{"dk": "1"}',
    ],
)
def test_state_when_it_is_none_then_refused(tmp_path, text):
    state = tmp_path / "fleet.state"
    state.write_text(text, encoding="utf-8")
    with pytest.raises(BadFormat):
        asyncio.run(run_fleet(FAST, FleetOptions("127.0.0.1", 1, PK, PS), state=state))


@pytest.mark.parametrize("facts", [{"count": 0}, {"count": 10**15}, {"secret": "short"}])
def test_fleet_when_it_cannot_be_then_refused(facts):
    options = replace(FleetOptions("127.0.0.1", 1, PK, PS), **facts)
    with pytest.raises(BadOption):
        asyncio.run(run_fleet(FAST, options))


def test_fleet_when_there_are_several_gateways_then_devices_are_spread_and_leave_those_that_do_not_answer():
    async def story():
        async with place() as one, place() as two:
            free = socket.create_server(("127.0.0.1", 0))
            nobody = free.getsockname()[1]
            free.close()
            others = (("127.0.0.1", two.port), ("127.0.0.1", nobody))
            summary = await run_fleet(FAST, one.options(60, others=others))
            return summary, len(one.platform.heard), len(two.platform.heard)

    summary, first, second = asyncio.run(story())
    assert summary.devices_by_outcome == {"upgraded": 60}
    assert (first, second) == (40, 20)  # a third each; who found nobody went on to the first
    assert summary.tally.unreached >= 20
