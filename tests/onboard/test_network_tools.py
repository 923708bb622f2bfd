"""``ntptime`` and ``uping`` over the module's network.

Source: device-api 10.7, 12; RFC 4330 section 4 (the packet).
"""

import asyncio
import struct
from functools import partial

from moduline.vmodule.world.network import Network, NetworkFailure, NetworkPlan
from moduline.vmodule.world.socket_desk import SocketDesk
from moduline.vmodule.world.world import World
from transcripts.board import Board, run
from transcripts.online import Server, echo, online


class TimeServer(asyncio.DatagramProtocol):
    """Answers SNTP requests with one fixed moment."""

    def __init__(self, seconds_since_1900):
        self.seconds = seconds_since_1900
        self.asked = 0

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        assert len(data) == 48
        assert data[0] & 0x07 == 3  # a client asks
        self.asked += 1
        self.transport.sendto(bytes([0x1C, 1]) + bytes(38) + struct.pack("!II", self.seconds, 0), addr)


async def time_server(seconds):
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(lambda: TimeServer(seconds), local_addr=("127.0.0.1", 0))
    return transport, server, transport.get_extra_info("sockname")[1]


# 2024-02-29 12:34:56 UTC: 1709210096 s of the Unix epoch, 2208988800 s after 1900 began
LEAP_DAY = 1709210096 + 2208988800


def test_settime_sets_the_clock_of_the_module():
    async def story():
        transport, server, port = await time_server(LEAP_DAY)
        world = World()
        world.network.has_data = lambda: True
        world.network.plan.aliases["ntp.aliyun.com:123"] = f"127.0.0.1:{port}"
        async with Board(desks=world.desks()) as board:
            await board.prompt()
            await board.client.ask("import ntptime, utime")
            assert await board.client.ask("ntptime.host") == "'ntp.aliyun.com'\n"
            assert await board.client.ask("ntptime.settime()") == "0\n"
            assert await board.client.ask("utime.time() - 1709210096 in range(20)") == "True\n"
            assert server.asked == 1
            assert await board.client.ask("ntptime.time()") == "1709210096\n"
        world.close()
        transport.close()

    run(story)


def test_whole_world_lets_scripts_out_while_the_data_call_stands():
    """The radio dials by itself; losing the data call loses the connections, and it comes back."""

    async def story():
        world = World()
        async with Server(echo) as server, Board(desks=world.desks()) as board:
            await board.prompt()
            client = board.client
            await client.ask("import usocket, checkNet")
            assert await client.ask("checkNet.wait_network_connected(30)", 40) == "(3, 1)\n"
            await client.ask(f"s = usocket.socket(); s.connect(('127.0.0.1', {server.port})); s.send('x')")
            assert await client.ask("s.recv(1)") == "b'x'\n"
            world.radio.drop_data()
            async with asyncio.timeout(30):
                await server.ended.wait()
            assert "ECONNABORTED" in await client.ask("s.recv(1)")
        world.close()

    run(story)


def test_settime_when_the_host_is_gone_asks_the_spare_ones_and_fails_without():
    async def story(client, board, network):
        transport, server, port = await time_server(LEAP_DAY)
        network.plan.aliases["cn.pool.ntp.org:123"] = f"127.0.0.1:{port}"
        await client.ask("import ntptime")
        assert await client.ask("ntptime.sethost('time.example.com'), ntptime.sethost()") == "(0, -1)\n"
        assert await client.ask("ntptime.time(1, 1)") == "1709210096\n"
        assert await client.ask("ntptime.settime(0, 0, 1)") == "-1\n"
        assert server.asked == 1
        transport.close()

    online(story, NetworkPlan(aliases={}))


def test_ping_prints_an_answer_per_echo_and_the_sum():
    async def story(client, board, network):
        await client.ask("import uping")
        said = await client.ask("uping.Ping('www.example.com', COUNT=2, INTERVAL=10).start()")
        lines = said.splitlines()
        assert lines[0] == "PING www.example.com (127.0.0.1): 64 data bytes"
        assert lines[1].startswith("64 bytes from 127.0.0.1: icmp_seq=0 ttl=64 time=")
        assert float(lines[1].rpartition("=")[2].removesuffix(" ms")) >= 40
        assert lines[3] == "2 packets transmitted, 2 packets received, 0 packet loss"
        assert await client.ask("uping.Ping('127.0.0.1', COUNT=1, quiet=True).start()[:3]") == "(1, 1, 0)\n"
        assert (await client.ask("uping.Ping('nobody.example.com').start()")).endswith("OSError: -2\n")

    online(story, NetworkPlan(dns={"www.example.com": "127.0.0.1"}, delay_ms=20))


def test_ping_of_a_host_that_is_silent_counts_losses():
    async def story(client, board, network):
        await client.ask("import uping")
        said = await client.ask("uping.Ping('10.1.1.1', COUNT=2, INTERVAL=10, TIMEOUT=50, quiet=True).start()")
        assert said == "(2, 0, 100, 0, 0, 0)\n"

    online(story, NetworkPlan(allowed=("10.1.1.1",), failures=(NetworkFailure("10.1.1.1", "silent"),)))


def test_datagrams_when_the_network_loses_all_of_them_never_arrive():
    async def story():
        network = Network(NetworkPlan(loss=1.0))
        transport, server, port = await time_server(LEAP_DAY)
        async with Board(desks=(partial(SocketDesk, network),)) as board:
            await board.prompt()
            await board.client.ask("import usocket; u = usocket.socket(2, 2); u.settimeout(0.2)")
            await board.client.ask(f"u.sendto(bytes(48), ('127.0.0.1', {port}))")
            assert "ETIMEDOUT" in await board.client.ask("u.recv(48)")
            assert server.asked == 0
            assert network.traffic.lost_datagrams == 1
        transport.close()

    run(story)
