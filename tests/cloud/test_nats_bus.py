"""The bus over real NATS servers: an answer means kept, no answer is an error, news go to one node."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

import nats_server
from moduline.cloud.bus import Codec
from moduline.cloud.nats_bus import NatsBus, read_servers
from moduline.errors import BadFormat, BadOption, BusUnreachable, StorageFailed, Text

WAIT_S = 30.0
NOTHING_THERE = "nats://127.0.0.1:1"


def write(value):
    if value == "unsayable":
        raise BadOption(name="value", reason=Text("no", "否"))
    return value.encode()


def read(data):
    if data == b"strange":
        raise BadFormat(format="test", reason=Text("strange", "奇怪"), offset=0)
    return data.decode()


CODECS = dict.fromkeys(("question", "news"), Codec(write, read))


@pytest.fixture(scope="session")
def nats():
    servers = nats_server.started()
    yield servers
    servers.remove()


@pytest.fixture
def prefix(request):
    """A platform of its own for every test, on the same server."""
    return f"t{abs(hash(request.node.nodeid))}"


@asynccontextmanager
async def node(servers, prefix, name, *, answers=None, hears=None, ask_s=WAIT_S, notes=None):
    bus = NatsBus(
        servers.urls, name, CODECS, prefix=prefix, ask_s=ask_s, report=(notes if notes is not None else []).append
    )
    if answers is not None:
        bus.answer("question", answers)
    if hears is not None:
        bus.listen("news", hears)
    await bus.start()
    try:
        yield bus
    finally:
        await bus.stop()


class Worker:
    """Answers when it is let."""

    def __init__(self, fails=None):
        self.asked = []
        self.fails = fails
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.has_heard = asyncio.Event()

    async def __call__(self, value):
        self.asked.append(value)
        self.has_heard.set()
        await self.may_answer.wait()
        if self.fails is not None:
            raise self.fails


def test_ask_when_two_workers_answer_then_each_question_is_answered_by_one(nats, prefix):
    async def story():
        one, two = Worker(), Worker()
        async with (
            node(nats, prefix, "w1", answers=one),
            node(nats, prefix, "w2", answers=two),
            node(nats, prefix, "g1") as gateway,
        ):
            said = [f"q{number}" for number in range(200)]
            await asyncio.gather(*(gateway.ask("question", one) for one in said))
            assert sorted(one.asked + two.asked) == sorted(said)
            assert one.asked
            assert two.asked

    asyncio.run(story())


def test_ask_when_the_worker_has_not_kept_it_then_there_is_no_answer_yet(nats, prefix):
    async def story():
        worker = Worker()
        worker.may_answer.clear()
        async with node(nats, prefix, "w1", answers=worker), node(nats, prefix, "g1") as gateway:
            asking = asyncio.ensure_future(gateway.ask("question", "q"))
            await worker.has_heard.wait()
            for _ in range(5):  # a round trip each: an answer would have come before
                await gateway._line.flush()
            assert not asking.done()
            worker.may_answer.set()
            await asking

    asyncio.run(story())


@pytest.mark.parametrize(
    ("failure", "said"), [(StorageFailed(path="x", reason="disk"), "disk"), (RuntimeError("no"), "RuntimeError")]
)
def test_ask_when_the_worker_fails_then_the_asker_knows_at_once(nats, prefix, failure, said):
    async def story():
        async with node(nats, prefix, "w1", answers=Worker(failure)), node(nats, prefix, "g1") as gateway:
            with pytest.raises(BusUnreachable) as refused:
                await gateway.ask("question", "q")
            assert said in refused.value.message()

    asyncio.run(story())


def test_ask_when_the_question_is_of_another_version_then_it_is_refused(nats, prefix):
    async def story():
        worker = Worker()
        async with node(nats, prefix, "w1", answers=worker), node(nats, prefix, "g1") as gateway:
            with pytest.raises(BusUnreachable):
                await gateway.ask("question", "strange")
            await gateway.ask("question", "q")
        assert worker.asked == ["q"]

    asyncio.run(story())


def test_ask_when_nobody_answers_then_it_fails_in_time(nats, prefix):
    async def story():
        async with node(nats, prefix, "g1", ask_s=0.5) as gateway:
            with pytest.raises(BusUnreachable):
                await gateway.ask("question", "q")

    asyncio.run(story())


def test_ask_when_the_worker_is_silent_then_it_fails_in_time(nats, prefix):
    async def story():
        worker = Worker()
        worker.may_answer.clear()
        async with node(nats, prefix, "w1", answers=worker), node(nats, prefix, "g1", ask_s=0.5) as gateway:
            with pytest.raises(BusUnreachable):
                await gateway.ask("question", "q")
            worker.may_answer.set()

    asyncio.run(story())


def test_question_when_nobody_waits_for_it_any_more_then_the_work_at_it_is_called_off(nats, prefix):
    """It would be kept after the device has said it again elsewhere; what the writer has not begun it passes over."""

    async def story():
        called_off = asyncio.Event()

        async def slow(value):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                assert value == "q"
                called_off.set()
                raise

        async with node(nats, prefix, "w1", answers=slow, ask_s=0.2), node(nats, prefix, "g1") as gateway:
            with pytest.raises(BusUnreachable, match="too late"):
                await gateway.ask("question", "q")
            await asyncio.wait_for(called_off.wait(), WAIT_S)

    asyncio.run(story())


def test_ask_when_the_worker_comes_a_little_later_then_it_is_answered(nats, prefix):
    async def story():
        async with node(nats, prefix, "g1") as gateway:
            asking = asyncio.ensure_future(gateway.ask("question", "q"))
            async with node(nats, prefix, "w1", answers=Worker()):
                await asking

    asyncio.run(story())


def test_stop_when_questions_are_being_answered_then_they_are_answered_first(nats, prefix):
    async def story():
        worker = Worker()
        worker.may_answer.clear()
        async with node(nats, prefix, "g1") as gateway:
            async with node(nats, prefix, "w1", answers=worker):
                asking = asyncio.ensure_future(gateway.ask("question", "q"))
                await worker.has_heard.wait()
                asyncio.get_running_loop().call_soon(worker.may_answer.set)
            await asking

    asyncio.run(story())


def test_tell_when_told_to_a_node_then_only_that_node_hears(nats, prefix):
    async def story():
        heard = {"g1": asyncio.Queue(), "g2": asyncio.Queue()}
        async with (
            node(nats, prefix, "g1", hears=heard["g1"].put),
            node(nats, prefix, "g2", hears=heard["g2"].put),
            node(nats, prefix, "w1") as worker,
        ):
            for number in range(3):
                await worker.tell("news", f"for g1 {number}", "g1")
            await worker.tell("news", "for g2", "g2")
            async with asyncio.timeout(WAIT_S):
                assert [await heard["g1"].get() for _ in range(3)] == [f"for g1 {number}" for number in range(3)]
                assert await heard["g2"].get() == "for g2"
            assert heard["g1"].empty()
            assert heard["g2"].empty()

    asyncio.run(story())


def test_tell_when_one_news_cannot_be_read_then_the_next_is_heard(nats, prefix):
    async def story():
        heard, notes = asyncio.Queue(), []
        async with node(nats, prefix, "g1", hears=heard.put, notes=notes), node(nats, prefix, "w1") as worker:
            await worker.tell("news", "strange", "g1")
            await worker.tell("news", "plain", "g1")
            async with asyncio.timeout(WAIT_S):
                assert await heard.get() == "plain"
        assert [one.slug for one in notes] == ["bus.refused"]

    asyncio.run(story())


def test_tell_when_the_value_has_no_bytes_then_the_teller_knows(nats, prefix):
    async def story():
        async with node(nats, prefix, "w1") as worker:
            with pytest.raises(BadOption):
                await worker.tell("news", "unsayable", "g1")

    asyncio.run(story())


def test_start_when_no_server_is_there_then_it_says_so(monkeypatch):
    monkeypatch.setattr("moduline.cloud.nats_bus.CONNECT_S", 0.5)

    async def story():
        with pytest.raises(BusUnreachable) as refused:
            await NatsBus(NOTHING_THERE, "g1", CODECS).start()
        assert "127.0.0.1:1" in refused.value.message()

    asyncio.run(story())


@pytest.mark.parametrize("given", ["", "127.0.0.1:4222", "http://x:4222", "nats://", "nats://x:port", "nats://x:0x"])
def test_servers_when_they_cannot_be_meant_then_they_are_refused(given):
    with pytest.raises(BadOption):
        read_servers(given)


def test_servers_when_several_are_named_then_all_are_known():
    assert read_servers("nats://a:4222, tls://b") == ["nats://a:4222", "tls://b"]


def test_name_when_a_password_is_in_the_address_then_it_is_not_told(monkeypatch):
    monkeypatch.setattr("moduline.cloud.nats_bus.CONNECT_S", 0.3)

    async def story():
        with pytest.raises(BusUnreachable) as refused:
            await NatsBus("nats://me:secret@127.0.0.1:1", "g1", CODECS).start()
        assert "secret" not in refused.value.message()

    asyncio.run(story())


def test_cluster_when_the_server_of_a_gateway_dies_then_what_it_asked_fails_and_the_next_is_answered():
    servers = nats_server.started(3)
    try:
        asyncio.run(cluster_story(servers))
    finally:
        servers.remove()


async def cluster_story(servers):
    worker, mine = Worker(), servers.servers[0]
    async with (
        node(servers.servers[2], "cluster", "w1", answers=worker),
        node(mine, "cluster", "g1") as gateway,  # it learns of the others
    ):
        await gateway.ask("question", "before")
        worker.may_answer.clear()
        worker.has_heard.clear()
        asking = asyncio.ensure_future(gateway.ask("question", "lost"))
        await worker.has_heard.wait()
        mine.kill()
        with pytest.raises(BusUnreachable):  # kept perhaps, and said again by the device
            await asking
        worker.may_answer.set()
        await gateway.ask("question", "after")
        assert worker.asked == ["before", "lost", "after"]


def test_server_when_it_starts_again_then_workers_and_gateways_are_back():
    servers = nats_server.started()

    async def story():
        worker = Worker()
        async with node(servers, "again", "w1", answers=worker), node(servers, "again", "g1") as gateway:
            servers.servers[0].kill()
            asking = asyncio.ensure_future(gateway.ask("question", "meanwhile"))
            await asyncio.to_thread(servers.servers[0].start)
            await asyncio.wait({asking})  # it may have been asked before the line was known to be broken
            await gateway.ask("question", "again")
            assert worker.asked[-1] == "again"

    try:
        asyncio.run(story())
    finally:
        servers.remove()
