"""Webhooks: order, repetition, signatures, peers that are down, slow or lie, and addresses nobody may reach."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import socket

import pytest
from sqlalchemy import text

from moduline.cloud.devices import service as devices
from moduline.cloud.outbox import events, worker
from moduline.cloud.outbox import service as webhooks
from moduline.cloud.outbox.reach import Reach, peer_of
from moduline.cloud.outbox.worker import Teller
from moduline.errors import BadField

HOME = Reach.of(["127.0.0.0/8"])
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
LIMIT_S = 120


class Hand:
    def __init__(self, rig):
        self._rig = rig

    def now_s(self):
        return self._rig.now

    def tick_s(self):
        return self._rig.now


class Receiver:
    """A peer on loopback that answers as it was told; the last answer again and again."""

    def __init__(self, *answers):
        self.answers = list(answers) or [OK]
        self.heads, self.bodies, self.tasks = [], [], set()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._hear, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/ota?x=1"
        return self

    async def __aexit__(self, *_):
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    @property
    def seen(self):
        return [one["data"]["dk"] for one in self.bodies]

    async def _hear(self, reader, writer):
        self.tasks.add(asyncio.current_task())
        try:
            await self._answer(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = head.split("\r\n")
            fields = dict(line.split(": ", 1) for line in lines[1:] if line)
            body = await reader.readexactly(int(fields["Content-Length"]))
            self.heads.append((lines[0], fields, body))
            self.bodies.append(json.loads(body))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if callable(answer):
                await answer(writer)
            else:
                writer.write(answer)
                await writer.drain()


@pytest.fixture
def product(file_rig):
    return file_rig.product()


def add(rig, product, *dks):
    for dk in dks:
        rig.act(devices.add, product.id, dk)


def hook_at(rig, url, kinds=("device.created",), **more):
    return rig.act(webhooks.create, more.pop("name", "erp"), url, kinds, reach=HOME)


def teller(rig, **more):
    return Teller(rig.db, Hand(rig), reach=HOME, **more)


def state(rig, hook):
    return rig.see(webhooks.by_id, hook.id)


def run(scene):
    return asyncio.run(asyncio.wait_for(scene, LIMIT_S))


def test_webhook_when_told_then_in_order_signed_and_once(rig):
    product = rig.product()
    add(rig, product, "before")

    async def scene():
        async with Receiver() as peer:
            tells = teller(rig)
            await tells.turn()
            hook, secret = hook_at(rig, peer.url)
            add(rig, product, "a", "b", "c")
            assert await tells.turn() == 3
            assert await tells.turn() == 0
            assert peer.seen == ["a", "b", "c"]
            line, fields, body = peer.heads[0]
            assert line == "POST /ota?x=1 HTTP/1.1"
            stamp = fields["X-Moduline-Timestamp"]
            good = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
            assert fields["X-Moduline-Signature"] == f"sha256={good}"
            assert [one[1]["Idempotency-Key"] for one in peer.heads] == [str(one["id"]) for one in peer.bodies]
            assert state(rig, hook).state == "on"

    run(scene())


def test_webhook_when_down_then_tried_after_growing_pauses_and_nothing_is_lost(file_rig, product):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"

        async def down():
            hook, _ = hook_at(file_rig, url)
            add(file_rig, product, "a", "b")
            tells, pauses = teller(file_rig), []
            for _ in range(4):
                assert await tells.turn() == 0
                pauses.append(state(file_rig, hook).due - file_rig.now)
                assert await tells.turn() == 0, "not before its time"
                file_rig.now = state(file_rig, hook).due
            return hook, pauses

        hook, pauses = run(down())
    assert pauses == [1.0, 2.0, 4.0, 8.0]
    assert (state(file_rig, hook).state, state(file_rig, hook).attempts) == ("failing", 4)

    async def up():
        async with Receiver() as peer:
            file_rig.act(webhooks.change, hook.id, url=peer.url, reach=HOME)
            assert await teller(file_rig).turn() == 2
            assert peer.seen == ["a", "b"]

    run(up())


async def trickle(writer):
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(b"H")
            await writer.drain()
            await asyncio.sleep(0.05)


async def endless(writer):
    writer.write(b"HTTP/1.1 100 Continue\r\n")
    with contextlib.suppress(ConnectionError):
        while True:
            writer.write(b"X-More: " + b"x" * 4000 + b"\r\n")
            await writer.drain()


LIES = {
    "no http": b"hello\r\n\r\n",
    "nothing": b"",
    "status of five digits": b"HTTP/1.1 20000 OK\r\n\r\n",
    "another version": b"HTTP/9 200 OK\r\n\r\n",
    "a line without end": b"HTTP/1.1 200 " + b"x" * 100_000,
    "elsewhere": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n",
    "its own fault": b"HTTP/1.1 500 Oops\r\n\r\n",
    "refused": b"HTTP/1.1 404 Not Found\r\n\r\n",
    "byte by byte": trickle,
    "endless head": endless,
}


def test_webhook_when_its_peer_lies_or_is_slow_then_not_taken_and_told_again(file_rig, product):
    async def scene():
        for name, answer in LIES.items():
            async with Receiver(answer, OK) as peer:
                hook, _ = hook_at(file_rig, peer.url, name=name)
                add(file_rig, product, f"d{hook.id}")
                assert await teller(file_rig, limit_s=2.0).turn() == 0, name
                assert state(file_rig, hook).said, name
                file_rig.now += 1.0
                assert await teller(file_rig, limit_s=20.0).turn() == 1, name
                assert peer.seen == [f"d{hook.id}"] * 2
                file_rig.act(webhooks.delete, hook.id)

    run(scene())


def test_webhook_when_one_is_slow_then_the_others_are_not(file_rig, product):
    async def scene():
        async with Receiver(trickle) as slow, Receiver() as quick:
            hook_at(file_rig, slow.url, name="slow")
            hook_at(file_rig, quick.url, name="quick")
            add(file_rig, product, "a")
            tells = teller(file_rig, limit_s=600.0)
            await tells.begin()
            while quick.seen != ["a"]:
                await asyncio.sleep(0.01)
            add(file_rig, product, "b")
            while quick.seen != ["a", "b"]:
                await tells.begin()
                await asyncio.sleep(0.01)
            assert slow.seen == ["a"]
            await tells.close()

    run(scene())


@pytest.mark.parametrize(("answer", "wait"), [(b"HTTP/1.1 410 Gone\r\n\r\n", 0.0), (LIES["refused"], 3 * 86400.0)])
def test_webhook_when_gone_or_failing_for_days_then_dead_with_a_reason_until_somebody_revives_it(
    file_rig, product, answer, wait
):
    async def scene():
        async with Receiver(answer, answer, OK) if wait else Receiver(answer, OK) as peer:
            hook, _ = hook_at(file_rig, peer.url)
            add(file_rig, product, "a")
            tells = teller(file_rig)
            await tells.turn()
            if wait:
                assert state(file_rig, hook).state == "failing"
                file_rig.now += wait
                await tells.turn()
            dead = state(file_rig, hook)
            assert (dead.state, dead.said) == ("dead", "status 404" if wait else "status 410")
            file_rig.now += 86400.0
            assert await tells.turn() == 0
            assert file_rig.act(webhooks.change, hook.id, is_enabled=True, reach=HOME).state == "on"
            assert await tells.turn() == 1

    run(scene())


def test_webhook_when_events_are_not_for_it_then_passed_over_and_not_looked_at_again(file_rig, product):
    async def scene():
        async with Receiver() as peer:
            hook, _ = hook_at(file_rig, peer.url, kinds=["plan.ended"])
            add(file_rig, product, "a", "b")
            assert await teller(file_rig).turn() == 0
            assert state(file_rig, hook).last_seq == 2
            assert not peer.bodies

    run(scene())


def pass_claims(rig):
    """Let the time of claims go by: this node's in a file, the server's where there is one, which nobody can move."""
    rig.now += worker.CLAIM_S
    if rig.db.read(lambda conn: conn.dialect.name) == "postgresql":
        sooner = text(f"UPDATE webhooks SET owned_until = owned_until - {worker.CLAIM_S}")
        rig.db.write(lambda conn: conn.execute(sooner))


def test_webhook_when_its_node_was_killed_then_told_again_by_it_at_once_or_by_another_after_the_claim(rig):
    product = rig.product()

    async def scene():
        async with Receiver() as peer:
            hook_at(rig, peer.url)
            add(rig, product, "a")
            rig.db.write(events.order)
            assert len(rig.db.write(worker.claim, "killed", [], now=rig.now)) == 1
            assert await teller(rig, node="other").turn() == 0
            assert await teller(rig, node="killed").turn() == 1
            add(rig, product, "b")
            rig.db.write(events.order)
            rig.db.write(worker.claim, "killed", [], now=rig.now)
            pass_claims(rig)
            assert await teller(rig, node="other").turn() == 1
            assert peer.seen == ["a", "b"]

    run(scene())


INSIDE = [
    "http://127.0.0.1/", "http://localhost/", "http://10.0.0.8:9000/x", "http://169.254.169.254/latest/meta-data/",
    "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://0.0.0.0/", "http://100.64.0.1/", "http://[fe80::1]/",
    "http://2130706433/", "http://0x7f.1/", "http://[2002:7f00:1::]/", "http://224.0.0.1/", "https://192.168.1.1/",
]  # fmt: skip


@pytest.mark.parametrize("url", INSIDE)
def test_address_when_it_is_inside_then_never_connected_to(url):
    with pytest.raises(BadField):
        asyncio.run(Reach().resolve(peer_of(url)))


@pytest.mark.parametrize(
    "url",
    ["ftp://a.example/", "http://", "http://user@a.example/", "http://a.example/\r\nX: y", "http://a b/", "http://a:0/",
     "http://a:99999/", "file:///etc/passwd", "http://ä.example/", "http://[::1/", "http://a.example/" + "x" * 3000],
)  # fmt: skip
def test_address_when_it_is_none_then_refused(file_rig, url):
    with pytest.raises(BadField):
        file_rig.act(webhooks.create, "erp", url, reach=Reach())


def test_address_when_allowed_by_network_then_reached_and_only_that():
    reach = Reach.of(["10.1.0.0/16", "fd00::/8"])
    for url, is_good in (("http://10.1.2.3/", True), ("http://10.2.2.3/", False), ("http://[fd12::1]/", True)):
        with contextlib.nullcontext() if is_good else pytest.raises(BadField):
            reach.check(peer_of(url))
    with pytest.raises(BadField):
        Reach.of(["10.1.0.0/99"])


def test_webhook_when_it_names_unknown_events_then_refused(file_rig):
    with pytest.raises(BadField, match=r"plan\.exploded"):
        hook_at(file_rig, "http://127.0.0.1/", kinds=["plan.exploded"])
