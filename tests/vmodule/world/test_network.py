"""The module's internet: names, routes, faults, shaping and its plan; peers are plain asyncio servers.

Source: device-api 12; micropython-runtime 9.
"""

import asyncio
import errno
import random
import ssl

import pytest

from manual_clock import ManualClock
from moduline.errors import BadRecipe
from moduline.profiles.schema import Table
from moduline.vmodule.world.clock import ClockPlan, ModuleClock
from moduline.vmodule.world.network import HostNotAllowedError, Network, NetworkFailure, NetworkPlan, read_network
from transcripts.online import Server, echo, eventually, silent


def during(story):
    """Run a coroutine with a limit."""

    async def limited():
        async with asyncio.timeout(30):
            await story

    asyncio.run(limited())


def number_of(fault):
    return fault.value.errno


PLAN = b"""
allowed = ["*.example.org", "192.0.2.*"]
delay_ms = 120
loss = 0.25
bytes_per_s = 40000
aliases = { "www.example.com" = "127.0.0.1:8080", "mqtt.example.com:1883" = "127.0.0.1:2883" }
dns = { "www.example.com" = "93.184.216.34" }
ports = { 8080 = 18080, 53 = 0 }

[[failures]]
host = "www.example.com"
kind = "drop"
after_bytes = 20000
count = 1
"""


def test_plan_is_read_from_its_table():
    assert read_network(Table.parse(PLAN, "rack.toml")) == NetworkPlan(
        allowed=("*.example.org", "192.0.2.*"),
        aliases={"www.example.com": "127.0.0.1:8080", "mqtt.example.com:1883": "127.0.0.1:2883"},
        dns={"www.example.com": "93.184.216.34"},
        ports={8080: 18080, 53: 0},
        delay_ms=120,
        loss=0.25,
        bytes_per_s=40000,
        failures=(NetworkFailure("www.example.com", "drop", 20000, 1),),
    )
    assert read_network(Table.parse(b"", "rack.toml")) == NetworkPlan()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (b"delay = 3", "delay"),
        (b"delay_ms = -1", "delay_ms"),
        (b"loss = 1.5", "loss"),
        (b'dns = { "a" = "b" }', "dns"),
        (b'aliases = { "a" = "b:70000" }', "aliases"),
        (b'aliases = { "a" = ":80" }', "aliases"),
        (b'aliases = { "a:x" = "b" }', "aliases"),
        (b"aliases = { a = 3 }", "aliases.a"),
        (b"ports = { http = 80 }", "ports.http"),
        (b"ports = { 80 = 65536 }", "ports.80"),
        (b"ports = { 0 = 1 }", "ports.0"),
        (b"failures = [{ kind = 'slow' }]", "failures[0].kind"),
        (b"failures = [{ kind = 'dns', hosts = 'x' }]", "failures[0].hosts"),
        (b"allowed = [3]", "allowed"),
    ],
)
def test_plan_with_a_mistake_names_it(text, key):
    with pytest.raises(BadRecipe) as refused:
        read_network(Table.parse(text, "rack.toml"))
    assert refused.value.facts["key"] == key


def test_names_are_those_of_the_plan_and_strange_ones_have_no_address():
    async def story():
        network = Network(read_network(Table.parse(PLAN.replace(b"delay_ms = 120", b"delay_ms = 0"), "rack.toml")))
        assert await network.resolve("www.example.com") == "93.184.216.34"
        assert await network.resolve("10.0.0.1") == "10.0.0.1"
        assert await network.resolve("localhost") == "127.0.0.1"
        first = await network.resolve("mqtt.example.com")
        assert first.startswith("198.18.")
        assert await network.resolve("mqtt.example.com") == first
        for name in ("example.com", "www.example.net", "1.2.3", "256.1.1.1"):
            with pytest.raises(OSError) as refused:
                await network.resolve(name)
            assert number_of(refused) == -2

    during(story())


def test_routes_when_isolated_then_aliases_only_and_not_this_computer_either():
    plan = NetworkPlan(allowed=("*.example.org",), aliases={"updates.rehearsal": "127.0.0.1"}, is_isolated=True)
    network = Network(plan)
    assert network.route("updates.rehearsal", 8080) == ("127.0.0.1", 8080)
    for host in ("127.0.0.1", "127.0.0.2", "localhost", network.address, "www.example.org", "192.0.2.7"):
        assert not network.reaches(host, 80), host


def test_routes_lead_to_this_computer_aliases_and_allowed_hosts_only():
    async def story():
        network = Network(read_network(Table.parse(PLAN.replace(b"delay_ms = 120", b"delay_ms = 0"), "rack.toml")))
        assert network.route("93.184.216.34", 80) == ("127.0.0.1", 8080)
        assert network.route("www.example.com", 443) == ("127.0.0.1", 8080)
        mqtt = await network.resolve("mqtt.example.com")
        assert network.route(mqtt, 1883) == ("127.0.0.1", 2883)
        assert network.route("127.0.0.1", 5) == ("127.0.0.1", 5)
        assert network.route("127.1.2.3", 5) == ("127.1.2.3", 5)
        assert network.route("192.0.2.7", 5) == ("192.0.2.7", 5)
        assert network.route("a.example.org", 5) == ("a.example.org", 5)
        for host, port in ((mqtt, 8883), ("8.8.8.8", 53), ("example.org", 80), ("192.168.1.1", 80)):
            with pytest.raises(HostNotAllowedError) as refused:
                network.route(host, port)
            assert number_of(refused) == errno.EHOSTUNREACH

    during(story())


def test_connect_when_the_peer_is_there_gives_streams_and_counts_bytes():
    async def story():
        async with Server(echo) as server:
            network = Network(NetworkPlan(aliases={"files.example.com": f"127.0.0.1:{server.port}"}))
            reader, writer = await network.connect("files.example.com", 80)
            writer.write(b"x" * 1000)
            assert await reader.readexactly(1000) == b"x" * 1000
            assert (network.traffic.sent_bytes, network.traffic.received_bytes) == (1000, 1000)
            assert (network.traffic.connections, network.open_connections) == (1, 1)
            writer.close()
            await writer.wait_closed()
            async with asyncio.timeout(30):
                await server.ended.wait()
            await eventually(lambda: network.open_connections == 0)

    during(story())


def test_connect_when_it_fails_has_the_right_number():
    async def story():
        is_on_line = [True]
        network = Network(
            NetworkPlan(
                dns={"a.example.com": "127.0.0.1"},
                failures=(
                    NetworkFailure("a.example.com", "dns", count=1),
                    NetworkFailure("127.0.0.9", "refused"),
                    NetworkFailure("127.0.0.8", "silent"),
                ),
            ),
            ModuleClock(ClockPlan(speed=3600)),
            lambda: is_on_line[0],
        )
        for host, port, wanted in (
            ("a.example.com", 1, -2),
            ("a.example.com", 1, errno.ECONNREFUSED),
            ("127.0.0.9", 80, errno.ECONNREFUSED),
            ("127.0.0.8", 80, errno.ETIMEDOUT),
            ("nobody.example.com", 80, -2),
            ("10.9.9.9", 80, errno.EHOSTUNREACH),
        ):
            with pytest.raises(OSError) as refused:
                await network.connect(host, port)
            assert (host, number_of(refused)) == (host, wanted)
        is_on_line[0] = False
        with pytest.raises(OSError) as refused:
            await network.connect("127.0.0.1", 80)
        assert number_of(refused) == errno.EHOSTUNREACH
        with pytest.raises(OSError) as refused:
            await network.connect("a.example.com", 80)
        assert number_of(refused) == -2
        assert network.traffic.refused == 5  # names that do not resolve are no connections

    during(story())


def test_connect_with_tls_checks_the_name_the_caller_gave():
    trustme = pytest.importorskip("trustme", reason="certificates of these tests are made by trustme")
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    context, trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("files.example.com").configure_cert(context)
    authority.configure_trust(trust)

    async def story():
        async with Server(echo, ssl=context) as server:
            target = f"127.0.0.1:{server.port}"
            network = Network(NetworkPlan(aliases={"files.example.com": target, "other.example.com": target}))
            reader, writer = await network.connect("files.example.com", 443, tls=trust)
            writer.write(b"secret")
            assert await reader.readexactly(6) == b"secret"
            writer.close()
            await writer.wait_closed()
            with pytest.raises(ssl.SSLCertVerificationError):
                await network.connect("other.example.com", 443, tls=trust)
            await eventually(lambda: network.open_connections == 0)

    during(story())


def test_drop_cuts_after_exactly_so_many_bytes_and_only_so_often():
    async def talk(reader, writer):
        writer.write(b"z" * 100_000)

    async def story():
        async with Server(talk) as server:
            failure = NetworkFailure("127.0.0.1", "drop", after_bytes=54_321, count=2)
            network = Network(NetworkPlan(failures=(failure,)))
            for wanted in (54_321, 54_321):
                reader, writer = await network.connect("127.0.0.1", server.port)
                assert len(await reader.read(-1)) == wanted
                writer.close()
            reader, writer = await network.connect("127.0.0.1", server.port)
            assert len(await reader.readexactly(100_000)) == 100_000
            writer.close()
            await eventually(lambda: network.open_connections == 0)

    during(story())


def test_delay_and_limit_are_kept_in_module_time():
    """2 x 100 ms to connect, 100 ms to the first byte, 20,000 bytes at 10,000 a second: at least 2.3 s of the module."""

    async def talk(reader, writer):
        writer.write(b"z" * 20_000)

    async def story():
        clock = ModuleClock(ClockPlan(speed=20))
        async with Server(talk) as server:
            network = Network(NetworkPlan(delay_ms=100, bytes_per_s=10_000), clock)
            began = clock.tick_s()
            reader, writer = await network.connect("127.0.0.1", server.port)
            assert clock.tick_s() - began >= 0.2
            assert len(await reader.readexactly(20_000)) == 20_000
            assert 2.3 <= clock.tick_s() - began < 10
            writer.close()
            await eventually(lambda: network.open_connections == 0)

    during(story())


def test_slow_reader_holds_the_sender_back():
    """What is under way is bounded: a sender without end is stopped when nobody reads."""
    sent = [0]

    async def talk(reader, writer):
        while sent[0] < 64_000_000:
            writer.write(bytes(65536))
            sent[0] += 65536
            await writer.drain()

    async def story():
        async with Server(talk) as server:
            network = Network()
            _, writer = await network.connect("127.0.0.1", server.port)
            writer.transport.pause_reading()
            count = -1
            while count != sent[0]:
                count = sent[0]
                await asyncio.sleep(0.2)
            assert sent[0] < 32_000_000
            writer.transport.abort()
            await eventually(lambda: network.open_connections == 0)

    during(story())


def test_losing_the_data_call_ends_connections_at_both_ends():
    async def story():
        async with Server(silent) as server:
            network = Network()
            reader, writer = await network.connect("127.0.0.1", server.port)
            network.data_lost()
            assert await reader.read() == b""
            async with asyncio.timeout(30):
                await server.ended.wait()
            writer.close()
            assert network.open_connections == 0

    during(story())


def test_losses_are_the_same_for_the_same_seed_and_about_as_many_as_planned():
    def lost(seed):
        network = Network(NetworkPlan(loss=0.25), ModuleClock(host=ManualClock()), chance=random.Random(seed))
        rows = [network.loses_datagram() for _ in range(4000)]
        assert network.traffic.lost_datagrams == sum(rows)
        return rows

    assert lost(7) == lost(7)
    assert lost(7) != lost(8)
    assert 850 < sum(lost(7)) < 1150  # 1000 expected, five standard deviations


def test_faults_are_added_and_healed_while_it_runs():
    async def story():
        async with Server(echo) as server:
            network = Network()
            network.fail(NetworkFailure("*", "refused"))
            with pytest.raises(ConnectionRefusedError):
                await network.connect("127.0.0.1", server.port)
            network.heal()
            _, writer = await network.connect("127.0.0.1", server.port)
            writer.close()
            await eventually(lambda: network.open_connections == 0)

    during(story())
