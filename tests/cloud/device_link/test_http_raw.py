"""Raw HTTP at the devices' port: two readings of one request, bombs, drips, odd ranges; and what a storm leaves behind."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import tracemalloc

import pytest

from device_http_rig import Site, run
from moduline.cloud.device_link.http_limits import HttpLimits

FIRMWARE = bytes(range(256)) * 400


@pytest.fixture
def notices():
    return []


@pytest.fixture
def site(file_rig, tmp_path, notices, caplog):
    caplog.set_level(logging.WARNING)
    yield Site(file_rig, tmp_path / "files", report=notices.append)
    assert notices == [], "nothing failed inside"
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []


async def everything(site, *pieces, pause=0.0, is_ended=True):
    """All that a peer gets for these bytes, until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    got = b""
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
        if is_ended:
            writer.write_eof()
        got = await asyncio.wait_for(reader.read(), 60)
    except (ConnectionError, RuntimeError):
        got = b""
    finally:
        writer.close()
    return got


def statuses(answer):
    """Of every answer; none of a body looks like a status line."""
    return [int(part[1:4]) for part in answer.split(b"HTTP/1.1")[1:]]


async def served(site, client):
    """A good client is served."""
    assert (await client.call("GET"))[0] == 200


SECOND = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
TWO_READINGS = [
    b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"Content-Length: 2\r\nContent-Length: 60\r\n\r\n{}",
    b"Content-Length: +2\r\n\r\n{}",
    b"Content-Length: -1\r\n\r\n{}",
    b"Content-Length : 2\r\n\r\n{}",
    b"Content-Length: 2,2\r\n\r\n{}",
    b"Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}",
    b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
    b"A\0B: 1\r\n\r\n",
    b"X: a\rb\r\n\r\n",
]


@pytest.mark.parametrize("more", TWO_READINGS)
def test_request_when_two_readings_are_possible_then_refused_and_nothing_behind_it_is_answered(site, more):
    async def story():
        async with site:
            client = site.client(site.rig.product())
            await client.poll()
            path = client.base.split("/", 3)[3]
            head = (
                f"PUT /{path}/configData HTTP/1.1\r\nHost: x\r\nAuthorization: {client.headers['Authorization']}\r\n"
                "Content-Type: application/json\r\n"
            ).encode()
            found = statuses(await everything(site, head + more + SECOND))
            assert all(400 <= status < 500 for status in found), found
            assert 404 not in found, "the second one was not read as a request"
            await served(site, client)

    run(story())


BOMBS = [
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % at for at in range(20_000)) + b"\r\n",
    b"GET / HTTP/1.1\r\nX: " + b"y" * 300_000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nAuthorization: GatewayToken " + b"y" * 4000 + b"\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\0" * 5000,
    b"GET http://other/f/x HTTP/1.1\r\nHost: x\r\n\r\n",
    b"CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET //f//x HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
]


def test_heads_when_bombs_or_no_http_then_refused_and_everybody_else_is_served(site):
    async def story():
        async with site:
            client = site.client(site.rig.product())
            await client.poll()
            for raw in BOMBS:
                found = statuses(await everything(site, raw))
                assert all(400 <= status < 500 for status in found), (raw[:60], found)
            await served(site, client)

    run(story())


def test_peers_when_they_drip_then_cut_off_and_counted_out(file_rig, tmp_path):
    """A head, a second head, a body, an answer that nobody takes."""
    limits = HttpLimits(header_s=0.4, idle_s=0.4, body_s=0.4)
    site = Site(file_rig, tmp_path / "files", limits=limits)

    async def story():
        async with site:
            client = site.client(site.rig.product())
            await client.poll()
            path = client.base.split("/", 3)[3]
            auth = f"Host: x\r\nAuthorization: {client.headers['Authorization']}\r\n"
            poll = f"GET /{path} HTTP/1.1\r\n{auth}\r\n".encode()
            body = f"PUT /{path}/configData HTTP/1.1\r\n{auth}Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{{"
            stories = [
                everything(site, b"GET / HTT", is_ended=False),
                everything(site, poll, b"GET /", is_ended=False),
                everything(site, body.encode(), is_ended=False),
            ]
            first, second, third = await asyncio.gather(*stories)
            assert (statuses(first), statuses(second)) == ([], [200])
            assert statuses(third) in ([408], [])
            await served(site, client)
            await site.session.close()
            door = site.http._door
            async with asyncio.timeout(30):
                while door.inside:
                    await asyncio.sleep(0.05)
            assert dict(door.of_address) == {}

    run(story())


RANGES = [
    "bytes=" + "0-1," * 900,
    "bytes=" + "9" * 5000 + "-",
    "bytes=--1",
    "bytes=0-0-0",
    "bytes=\u0660-",
    "BYTES=0-",
    "bytes=1e3-",
    "bytes=,",
    "bytes=-",
]


def test_ranges_when_odd_then_all_of_the_file_or_a_refusal_with_a_length(site):
    async def story():
        async with site:
            product = site.rig.product()
            client = site.client(product)
            await client.poll()
            await client.tell(sw_version="V1")
            site.rig.activated(product, site.upload(FIRMWARE))
            _, deployment = await client.action()
            href = deployment["chunks"][0]["artifacts"][0]["_links"]["download"]["href"]
            path = href.split("/", 3)[3]
            head = f"HEAD /{path} HTTP/1.1\r\nHost: x\r\nAuthorization: {client.headers['Authorization']}\r\nRange: "
            for one in RANGES:
                got = await everything(site, (head + one + "\r\n\r\n").encode())
                assert statuses(got) in ([200], [206], [400], [416], []), one[:40]
            assert (await client.call("GET", href))[1] == FIRMWARE

    run(story())


def test_memory_when_a_storm_of_bad_requests_is_over_then_not_grown(site):
    lot = random.Random(9)

    async def storm(count):
        for _ in range(count):
            token = "".join(lot.choices("abcdef", k=20))
            path = "".join(lot.choices("abc/%.", k=lot.randrange(300)))
            raw = f"{lot.choice(['GET', 'PUT', 'BREW'])} /T/controller/v1/{path} HTTP/1.1\r\nHost: x\r\nAuthorization: TargetToken {token}\r\n"
            raw += lot.choice(["\r\n", "Content-Length: 9000\r\n\r\nxx", "Transfer-Encoding: chunked\r\n\r\nzz\r\n"])
            found = statuses(await everything(site, raw.encode()))
            assert all(400 <= status < 500 for status in found), (raw, found)

    async def story():
        async with site:
            client = site.client(site.rig.product())
            await client.poll()
            await storm(40)
            gc.collect()
            tracemalloc.start()
            before = tracemalloc.get_traced_memory()[0]
            await storm(150)
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before
            tracemalloc.stop()
            assert grown < 1_000_000
            await served(site, client)

    run(story())
