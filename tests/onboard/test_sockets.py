"""``usocket``: streams, datagrams, servers, time-outs, names; every peer is a plain server of the standard library.

Source: device-api 12.2.
"""

import asyncio
import socket
import time

from moduline.vmodule.world.network import NetworkFailure, NetworkPlan
from transcripts.online import Server, echo, eventually, online, silent

OPEN = "import usocket; s = usocket.socket(); s.connect(('127.0.0.1', %d))"


def errno_of(said):
    """The number in the last line of a traceback."""
    last = said.rstrip().rpartition("\n")[2]
    assert last.startswith("OSError"), said
    return int("".join(c for c in last.partition("]")[0] if c.isdigit()))


def test_stream_when_echoed_gives_back_what_each_way_of_writing_sent():
    async def story(client, board, network):
        async with Server(echo) as server:
            await client.ask(OPEN % server.port)
            assert await client.ask("s.send('abc')") == "3\n"
            assert await client.ask("s.recv(10)") == "b'abc'\n"
            assert await client.ask("s.sendall(b'one\\r\\ntwo')") == ""
            assert await client.ask("s.readline()") == "b'one\\r\\n'\n"
            assert await client.ask("s.read(3)") == "b'two'\n"
            assert await client.ask("s.write(bytearray(b'defgh'), 3)") == "3\n"
            assert await client.ask("b = bytearray(5); s.readinto(b, 3), b") == "(3, bytearray(b'def\\x00\\x00'))\n"
            assert await client.ask("f = s.makefile('rwb'); f.write('x\\n'), f.readline()") == "(2, b'x\\n')\n"
            await client.ask("s.close()")
            async with asyncio.timeout(30):
                await server.ended.wait()

    online(story)


def test_read_when_no_size_is_given_takes_all_until_the_end():
    async def talk(reader, writer):
        for _ in range(100):
            writer.write(b"x" * 1000)
        writer.write_eof()

    async def story(client, board, network):
        async with Server(talk) as server:
            await client.ask(OPEN % server.port)
            assert await client.ask("len(s.read())") == "100000\n"
            assert await client.ask("s.read(), s.recv(5), s.readline()") == "(b'', b'', b'')\n"

    online(story)


def test_getsocketsta_follows_the_connection():
    async def story(client, board, network):
        go = asyncio.Event()

        async def talk(reader, writer):
            await go.wait()
            writer.write_eof()

        async with Server(talk) as server:
            await client.ask("import usocket; s = usocket.socket()")
            assert await client.ask("s.getsocketsta()") == "0\n"
            await client.ask(f"s.connect(('127.0.0.1', {server.port}))")
            assert await client.ask("s.getsocketsta()") == "4\n"
            go.set()
            assert await client.ask("s.recv(1)") == "b''\n"
            assert await client.ask("s.getsocketsta()") == "7\n"
            await client.ask("s.close()")
            assert await client.ask("s.getsocketsta()") == "-1\n"
            await client.ask("t = usocket.socket(); t.bind(('', 7000)); t.listen(1)")
            assert await client.ask("t.getsocketsta()") == "1\n"

    online(story)


def test_getaddrinfo_gives_one_row_with_the_address_last_and_nothing_for_unknown_names():
    async def story(client, board, network):
        await client.ask("import usocket")
        row = "[(2, 1, 0, 'www.example.com', ('93.184.216.34', 80))]\n"
        assert await client.ask("usocket.getaddrinfo('www.example.com', 80)") == row
        assert await client.ask("usocket.getaddrinfo('127.0.0.1', '80')[0][-1]") == "('127.0.0.1', 80)\n"
        assert await client.ask("usocket.getaddrinfo('www.example.org', 80)") == "[]\n"
        network.has_data = lambda: False
        assert await client.ask("usocket.getaddrinfo('www.example.com', 80)") == "[]\n"

    online(story, NetworkPlan(dns={"www.example.com": "93.184.216.34"}))


def test_names_when_the_network_is_slow_still_resolve():
    async def story(client, board, network):
        await client.ask("import usocket, utime; t = utime.ticks_ms()")
        assert await client.ask("usocket.getaddrinfo('www.example.com', 1)[0][-1]") == "('93.184.216.34', 1)\n"
        assert int(await client.ask("utime.ticks_diff(utime.ticks_ms(), t)")) >= 200

    online(story, NetworkPlan(dns={"www.example.com": "93.184.216.34"}, delay_ms=100))


def test_errors_carry_the_numbers_of_the_device():
    async def story(client, board, network):
        await client.ask("import usocket; s = usocket.socket()")
        assert errno_of(await client.ask("s.recv(1)")) == 107
        assert errno_of(await client.ask("s.connect(('127.0.0.1', 1))")) == 111
        assert errno_of(await client.ask("s.connect(('10.0.0.1', 80))")) == 113
        assert ("virt.network-refused", {"host": "10.0.0.1", "port": 80}) in [(n.slug, n.facts) for n in board.notices]
        async with Server(echo) as server:
            await client.ask(f"s.connect(('127.0.0.1', {server.port}))")
            assert errno_of(await client.ask(f"s.connect(('127.0.0.1', {server.port}))")) == 106
        await client.ask("s.close()")
        assert errno_of(await client.ask("s.send('x')")) == 9
        assert "NotImplementedError" in await client.ask("usocket.socket(usocket.AF_INET6)")

    online(story)


def test_settimeout_when_nothing_comes_raises_after_that_time_and_the_socket_lives_on():
    async def story(client, board, network):
        async with Server(echo) as server:
            await client.ask(OPEN % server.port)
            await client.ask("s.settimeout(0.3)")
            began = time.monotonic()
            assert errno_of(await client.ask("s.recv(1)")) == 110
            assert 0.3 <= time.monotonic() - began < 20
            await client.ask("s.send('later')")
            assert await client.ask("s.recv(9)") == "b'later'\n"

    online(story)


def test_connect_when_nobody_answers_times_out():
    async def story(client, board, network):
        await client.ask("import usocket; s = usocket.socket(); s.settimeout(0.2)")
        assert errno_of(await client.ask("s.connect(('127.0.0.1', 9))")) == 110
        network.heal()
        async with Server(echo) as server:
            await client.ask(f"s.connect(('127.0.0.1', {server.port}))")
            assert await client.ask("s.send('x')") == "1\n"

    online(story, NetworkPlan(failures=(NetworkFailure("127.0.0.1", "silent"),)))


def test_nonblocking_socket_never_waits():
    async def story(client, board, network):
        async with Server(echo) as server:
            await client.ask("import usocket; s = usocket.socket(); s.setblocking(False)")
            assert errno_of(await client.ask(f"s.connect(('127.0.0.1', {server.port}))")) == 115
            await client.ask("import uselect; p = uselect.poll(); p.register(s, uselect.POLLOUT)")
            assert await client.ask("p.poll(5000)[0][1]") == "4\n"
            assert errno_of(await client.ask("s.recv(1)")) == 11
            assert await client.ask("s.read(1), s.readline()") == "(None, None)\n"
            await client.ask("s.send('ab'); p.modify(s, uselect.POLLIN)")
            assert await client.ask("p.poll(5000)[0][1]") == "1\n"
            assert await client.ask("s.read(9)") == "b'ab'\n"

    online(story)


def test_nonblocking_connect_when_refused_tells_so_by_poll_and_at_the_next_use():
    async def story(client, board, network):
        await client.ask("import usocket, uselect; s = usocket.socket(); s.setblocking(False)")
        assert errno_of(await client.ask("s.connect(('127.0.0.1', 1))")) == 115
        await client.ask("p = uselect.poll(); p.register(s, uselect.POLLOUT)")
        assert int(await client.ask("p.poll(5000)[0][1]")) & 8
        assert errno_of(await client.ask("s.send('x')")) == 111

    online(story)


def test_select_with_several_sockets_names_the_one_that_has_something():
    async def story(client, board, network):
        async with Server(echo) as server:
            await client.ask(OPEN % server.port)
            await client.ask(f"t = usocket.socket(); t.connect(('127.0.0.1', {server.port})); import uselect")
            await client.ask("t.send('x')")
            assert await client.ask("r = uselect.select([s, t], [], [], 5); r[0] == [t], r[1:]") == "(True, ([], []))\n"
            assert await client.ask("uselect.select([s], [], [], 0.05)") == "([], [], [])\n"

    online(story)


class UdpPeer(asyncio.DatagramProtocol):
    """Sends back what comes, with a mark; keeps it."""

    def __init__(self):
        self.seen = []

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.seen.append((data, addr))
        self.transport.sendto(b"<" + data + b">", addr)


async def udp_peer():
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(UdpPeer, local_addr=("127.0.0.1", 0))
    return transport, transport.get_extra_info("sockname")[1]


def test_datagrams_keep_their_borders_and_tell_where_they_come_from():
    async def story(client, board, network):
        transport, port = await udp_peer()
        await client.ask("import usocket; u = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)")
        assert await client.ask(f"u.sendto(b'one', ('127.0.0.1', {port})), u.sendto('two', ('127.0.0.1', {port}))") == (
            "(3, 3)\n"
        )
        assert await client.ask("u.recvfrom(100)") == f"(b'<one>', ('127.0.0.1', {port}))\n"
        assert await client.ask("u.recv(3)") == "b'<tw'\n"
        await client.ask("u.setblocking(False)")
        assert errno_of(await client.ask("u.recvfrom(9)")) == 11
        assert errno_of(await client.ask(f"u.sendto(bytes(1473), ('127.0.0.1', {port}))")) == 90
        await client.ask(f"u.setblocking(True); u.connect(('127.0.0.1', {port})); u.send('three')")
        assert await client.ask("u.recv(30)") == "b'<three>'\n"
        transport.close()

    online(story)


def test_datagrams_to_an_alias_come_back_from_the_address_the_script_knows():
    async def story(client, board, network):
        transport, port = await udp_peer()
        network.plan.aliases["time.example.com:123"] = f"127.0.0.1:{port}"
        await client.ask("import usocket; u = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)")
        await client.ask("a = usocket.getaddrinfo('time.example.com', 123)[0][-1]; u.sendto('x', a)")
        assert await client.ask("u.recvfrom(9)[1] == a") == "True\n"
        transport.close()

    online(story, NetworkPlan(aliases={}))


def test_udp_port_when_bound_is_reached_from_the_bench():
    async def story(client, board, network):
        await client.ask("import usocket; u = usocket.socket(usocket.AF_INET, usocket.SOCK_DGRAM)")
        await client.ask("u.bind(('0.0.0.0', 5683))")
        (found,) = [n.facts for n in board.notices if n.slug == "virt.listening"]
        assert (found["protocol"], found["port"]) == ("udp", 5683)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bench:
            bench.bind(("127.0.0.1", 0))
            bench.sendto(b"hello", ("127.0.0.1", found["host_port"]))
            assert await client.ask("d, a = u.recvfrom(99); d") == "b'hello'\n"
            await client.ask("u.sendto('back', a)")
            bench.settimeout(5)
            assert bench.recvfrom(99) == (b"back", ("127.0.0.1", found["host_port"]))

    online(story)


def test_server_on_the_module_talks_with_clients_of_the_bench():
    async def story(client, board, network):
        await client.ask(
            "import usocket; l = usocket.socket(); l.setsockopt(usocket.SOL_SOCKET, usocket.SO_REUSEADDR, 1)"
        )
        await client.ask("l.bind(('0.0.0.0', 8080)); l.listen(2)")
        (found,) = [n.facts for n in board.notices if n.slug == "virt.listening"]
        assert (found["protocol"], found["port"]) == ("tcp", 8080)
        assert network.listening == {8080: found["host_port"]}
        reader, writer = await asyncio.open_connection("127.0.0.1", found["host_port"])
        mine = writer.get_extra_info("sockname")[1]
        assert await client.ask("c, a = l.accept(); a") == f"('127.0.0.1', {mine})\n"
        writer.write(b"ping\n")
        assert await client.ask("c.readline()") == "b'ping\\n'\n"
        await client.ask("c.send('pong\\n')")
        assert await reader.readline() == b"pong\n"
        await client.ask("c.close()")
        assert await reader.read() == b""
        writer.close()
        await client.ask("l.close()")
        await eventually(lambda: not network.listening)

    online(story)


def test_server_on_a_configured_port_is_where_the_plan_says():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = probe.getsockname()[1]

    async def story(client, board, network):
        await client.ask("import usocket; l = usocket.socket(); l.bind(('', 80)); l.listen()")
        assert network.listening == {80: free}
        assert errno_of(await client.ask("m = usocket.socket(); m.bind(('', 80)); m.listen()")) == 98
        # the module reaches its own server, under its own address too
        await client.ask("s = usocket.socket(); s.connect(('10.91.44.177', 80)); c, _ = l.accept(); s.send('self')")
        assert await client.ask("c.recv(9)") == "b'self'\n"

    online(story, NetworkPlan(ports={80: free}))


def test_connection_when_the_scenario_drops_it_passes_exactly_so_many_bytes():
    async def talk(reader, writer):
        writer.write(b"z" * 5000)

    async def story(client, board, network):
        async with Server(talk) as server:
            await client.ask(OPEN % server.port)
            out, error = await client.raw_both(
                "got = 0\ntry:\n    while True:\n        d = s.recv(700)\n        if not d:\n            break\n"
                "        got += len(d)\nexcept OSError as e:\n    print(got, e.errno)\n"
            )
            assert (out, error) == ("1234 104\r\n", "")
            assert await client.ask("s.getsocketsta()") == "0\n"

    online(story, NetworkPlan(failures=(NetworkFailure("*", "drop", after_bytes=1234, count=1),)))


def test_connections_when_the_data_call_ends_are_lost():
    async def story(client, board, network):
        async with Server(echo) as server:
            await client.ask(OPEN % server.port)
            network.has_data = lambda: False
            network.data_lost()
            assert errno_of(await client.ask("s.recv(1)")) == 103
            await client.ask("s.close(); s = usocket.socket()")
            assert errno_of(await client.ask(f"s.connect(('127.0.0.1', {server.port}))")) == 113
            async with asyncio.timeout(30):
                await server.ended.wait()

    online(story)


def test_seventeenth_socket_is_refused_and_forgotten_ones_make_room():
    async def story(client, board, network):
        async with Server(silent) as server:
            await client.ask("import usocket")
            out, error = await client.raw_both(
                f"sockets = []\ntry:\n    while True:\n        s = usocket.socket()\n        s.connect(('127.0.0.1', {server.port}))\n"
                "        sockets.append(s)\nexcept OSError as e:\n    print(len(sockets), e.errno)\n"
            )
            assert (out, error) == ("16 23\r\n", "")
            assert network.open_connections == 16
            await client.ask("s = sockets = None")
            out, error = await client.raw_both(
                f"for _ in range(40):\n    s = usocket.socket()\n    s.connect(('127.0.0.1', {server.port}))\nprint('fine')\n"
            )
            assert (out, error) == ("fine\r\n", "")

    online(story)


def test_bulk_when_sent_both_ways_at_once_arrives_whole():
    size = 4_000_000

    async def story(client, board, network):
        received = bytearray()

        async def talk(reader, writer):
            async def send():
                writer.write(b"0123456789" * (size // 10))
                await writer.drain()

            sending = asyncio.ensure_future(send())
            while len(received) < size:
                received.extend(await reader.read(65536))
            await sending

        async with Server(talk) as server:
            await client.ask(OPEN % server.port)
            out = await client.raw(
                "import _thread\n"
                "def put():\n"
                f"    for _ in range({size // 10000}):\n        s.sendall(b'abcdefghij' * 1000)\n"
                "_thread.start_new_thread(put, ())\n"
                "got = 0\nok = True\n"
                f"while got < {size}:\n"
                "    d = s.recv(8192)\n"
                "    ok = ok and d[:1] == b'0123456789'[got % 10:][:1]\n"
                "    got += len(d)\nprint(got, ok)\n",
                40,
            )
            assert out == f"{size} True\r\n"
            await eventually(lambda: len(received) == size)
            assert received == b"abcdefghij" * (size // 10)
            assert (network.traffic.sent_bytes, network.traffic.received_bytes) == (size, size)

    online(story)


def test_uasyncio_streams_work_over_the_sockets():
    async def story(client, board, network):
        async with Server(echo) as server:
            out = await client.raw(
                "import uasyncio\n"
                "async def one(n):\n"
                f"    r, w = await uasyncio.open_connection('127.0.0.1', {server.port})\n"
                "    w.write(b'line %d\\n' % n)\n"
                "    await w.drain()\n"
                "    line = await r.readline()\n"
                "    w.close()\n"
                "    await w.wait_closed()\n"
                "    return line\n"
                "async def main():\n"
                "    return await uasyncio.gather(*(one(n) for n in range(3)))\n"
                "print(uasyncio.run(main()))\n"
            )
            assert out == "[b'line 0\\n', b'line 1\\n', b'line 2\\n']\r\n"
            assert server.met == 3

    online(story)


def test_uasyncio_server_serves_a_client_of_the_bench():
    async def story(client, board, network):
        client.write(b"\x01")
        await client.until(b">")
        await client.send(
            b"import uasyncio\n"
            b"async def serve(r, w):\n"
            b"    w.write((await r.readline()).upper())\n"
            b"    await w.drain()\n"
            b"    w.close()\n"
            b"    done.set()\n"
            b"async def main():\n"
            b"    global done\n"
            b"    done = uasyncio.Event()\n"
            b"    await uasyncio.start_server(serve, '0.0.0.0', 8000)\n"
            b"    await done.wait()\n"
            b"    print('served')\n"
            b"uasyncio.run(main())\n\x04"
        )
        await eventually(lambda: network.listening.get(8000))
        reader, writer = await asyncio.open_connection("127.0.0.1", network.listening[8000])
        writer.write(b"hello\n")
        assert await reader.readline() == b"HELLO\n"
        writer.close()
        await client.until(b"served")

    online(story)
