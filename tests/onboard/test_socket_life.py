"""Sockets and everything else: Ctrl-C, threads, callbacks, resets, power cuts, descriptors, hostile children.

Source: device-api 2.4, 10.1, 12.2; micropython-runtime 6, 8, 9.
"""

import asyncio
import random
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from moduline.formats import romfs
from moduline.vmodule.interpreter.plan import RomWindow
from moduline.vmodule.interpreter.rom import compile_all
from moduline.vmodule.world.network import Network, NetworkFailure, NetworkPlan
from moduline.vmodule.world.socket_desk import SocketDesk
from transcripts.board import Board, run
from transcripts.online import Server, echo, eventually, online, silent

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="descriptors are counted in /proc")


def descriptors(pid):
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def deaf(reader, writer):
    """Take nothing."""
    reader._transport.pause_reading()
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("before", "waiting"),
    [
        ("s.connect(('127.0.0.1', {port}))", "s.recv(1)"),
        ("s.connect(('127.0.0.1', {port}))", "s.read()"),
        ("s.connect(('127.0.0.1', {port}))", "s.readline()"),
        ("b = bytes(9000); s.connect(('127.0.0.1', {port}))", "any(s.sendall(b) for _ in range(10**9))"),
        ("s.bind(('', 9000)); s.listen()", "s.accept()"),
        ("", "s.connect(('10.1.1.1', 80))"),
        ("s = usocket.socket(2, 2)", "s.recvfrom(9)"),
        ("import uselect; p = uselect.poll(); s.connect(('127.0.0.1', {port})); p.register(s, 1)", "p.poll()"),
    ],
)
def test_ctrl_c_while_a_socket_waits_interrupts_at_once(before, waiting):
    async def story(client, board, network):
        async with Server(deaf) as server:
            await client.ask("import usocket; s = usocket.socket()")
            await client.ask((before or "pass").format(port=server.port))
            client.write(waiting + "\r")
            await client.until(waiting + "\r\n")
            assert await client.quiet() == b""
            began = time.monotonic()
            client.write(b"\x03")
            assert b"KeyboardInterrupt" in await client.until(b">>> ")
            assert time.monotonic() - began < 20
            assert await client.ask("s.close(); 1 + 1") == "2\n"

    plan = NetworkPlan(allowed=("10.1.1.1",), failures=(NetworkFailure("10.1.1.1", "silent"),))
    online(story, plan)


def test_thread_blocked_in_recv_disturbs_neither_prompt_nor_threads_nor_callbacks():
    async def story(client, board, network):
        async with Server(echo) as server:
            await client.raw(
                "import usocket, _thread, utime\nfrom machine import UART\n"
                f"s = usocket.socket()\ns.connect(('127.0.0.1', {server.port}))\n"
                "got = []\ncount = [0]\ncalls = []\n"
                "def listen():\n    got.append(s.recv(9))\n"
                "def tick():\n    while True:\n        count[0] += 1\n        utime.sleep_ms(5)\n"
                "_thread.start_new_thread(listen, ())\n_thread.start_new_thread(tick, ())\n"
                "u = UART(UART.UART2, 115200, 8, 0, 1, 0)\nu.set_callback(calls.append)\n"
            )
            began = time.monotonic()
            first = int(await client.ask("count[0]"))
            board.uarts[2].write(b"x")
            await client.raw("while not calls:\n    utime.sleep_ms(1)\n")
            assert await client.ask("2 ** 10") == "1024\n"
            await client.raw(f"while count[0] < {first + 20}:\n    utime.sleep_ms(1)\n")
            assert time.monotonic() - began < 20
            assert await client.ask("got") == "[]\n"
            await client.ask("s.send('here')")
            await client.raw("while not got:\n    utime.sleep_ms(1)\n")
            assert await client.ask("got") == "[b'here']\n"

    online(story, uarts=(2,))


def test_socket_closed_under_a_waiting_thread_ends_its_wait():
    async def story(client, board, network):
        async with Server(silent) as server:
            await client.raw(
                "import usocket, _thread, utime\n"
                f"s = usocket.socket()\ns.connect(('127.0.0.1', {server.port}))\nseen = []\n"
                "def listen():\n    try:\n        s.recv(9)\n    except OSError as e:\n        seen.append(e.errno)\n"
                "_thread.start_new_thread(listen, ())\nutime.sleep_ms(100)\ns.close()\n"
                "while not seen:\n    utime.sleep_ms(1)\n"
            )
            assert await client.ask("seen") == "[9]\n"

    online(story)


def test_peers_when_the_module_is_reset_or_loses_power_see_the_end():
    async def story(client, board, network):
        for end in ("reset", "off"):
            async with Server(echo) as server:
                await client.ask(f"import usocket; s = usocket.socket(); s.connect(('127.0.0.1', {server.port}))")
                await client.ask("l = usocket.socket(); l.bind(('', 7777)); l.listen()")
                assert await client.ask("s.send('x'), s.recv(1)") == "(1, b'x')\n"
                if end == "reset":
                    client.write(b"\x04")
                    await client.until(b">>> ")
                else:
                    await board.power_off()
                async with asyncio.timeout(30):
                    await server.ended.wait()
            await eventually(lambda: not network.listening and not network.open_connections)

    online(story)


@linux_only
def test_descriptors_after_many_sockets_are_as_many_as_before():
    async def story(client, board, network):
        async with Server(echo) as server:
            warm_up = f"import usocket\ns = usocket.socket()\ns.connect(('127.0.0.1', {server.port}))\ns.close()\n"
            await client.raw(warm_up)
            await eventually(lambda: not network.open_connections)
            child, own = descriptors(board.runtime.pid), descriptors("self")
            await client.raw(
                "for n in range(60):\n"
                "    s = usocket.socket()\n"
                f"    s.connect(('127.0.0.1', {server.port}))\n"
                "    s.send('x')\n    s.recv(1)\n    s.close()\n"
                "    u = usocket.socket(2, 2)\n    u.sendto('x', ('127.0.0.1', 9))\n    u.close()\n"
                "    l = usocket.socket()\n    l.bind(('', 5000))\n    l.listen()\n    l.close()\n"
                "    try:\n        s = usocket.socket()\n        s.connect(('127.0.0.1', 1))\n"
                "    except OSError:\n        s.close()\n",
                40,
            )
            assert descriptors(board.runtime.pid) == child
            await eventually(lambda: descriptors("self") == own)
            assert (network.open_connections, network.listening, network.receiving) == (0, {}, {})

    online(story)


@linux_only
def test_descriptors_after_soft_resets_with_open_sockets_are_as_many_as_before():
    async def story(client, board, network):
        async with Server(silent) as server:

            async def open_some_and_reset():
                await client.raw(
                    "import usocket\nkept = []\nfor n in range(5):\n    s = usocket.socket()\n"
                    f"    s.connect(('127.0.0.1', {server.port}))\n    kept.append(s)\n"
                    "u = usocket.socket(2, 2)\nu.bind(('', 53))\nl = usocket.socket()\nl.bind(('', 80))\nl.listen()\n"
                )
                client.write(b"\x04")
                await client.until(b">>> ")

            await open_some_and_reset()
            await eventually(lambda: not network.open_connections)
            own = descriptors("self")
            for _ in range(5):
                await open_some_and_reset()
            await eventually(lambda: descriptors("self") == own)

    online(story)


@linux_only
def test_ctrl_c_at_any_moment_of_a_socket_loses_no_descriptor():
    chance = random.Random(20)

    async def story(client, board, network):
        async with Server(echo) as server:
            await client.raw(
                "import usocket, gc\ndef work():\n    while True:\n        s = usocket.socket()\n"
                f"        s.connect(('127.0.0.1', {server.port}))\n        s.send('x')\n        s.recv(1)\n        s.close()\n"
                "gc.collect()\n"
            )
            child = descriptors(board.runtime.pid)
            for _ in range(12):
                client.write("work()\r")
                await client.until("work()\r\n")
                await asyncio.sleep(1 + chance.uniform(0, 0.03))  # typed commands are not stopped in their first second
                client.write(b"\x03")
                assert b"KeyboardInterrupt" in await client.until(b">>> ")
            await client.ask("gc.collect()")
            await client.ask("s = None; gc.collect()")
            await eventually(lambda: not network.open_connections)
            assert descriptors(board.runtime.pid) == child
            assert board.slugs().count("virt.bad-request") == 0

    online(story)


HOSTILE = """\
import builtins, json, sys, vfs

def ask(op, data=b'', **facts):
    facts['op'] = op
    head = json.dumps(facts).encode()
    call.write(len(head).to_bytes(4, 'little') + len(data).to_bytes(4, 'little') + head + data)

def answer():
    size = int.from_bytes(call.read(4), 'little')
    body = call.read(size)
    return json.loads(body[4 : 4 + int.from_bytes(body[:4], 'little')])

def attempt(name, function):
    try:
        print(name, 'DONE', function())
    except OSError as fault:
        print(name, 'refused', fault.errno)

def run(g, facts):
    global call
    call = open(5, 'r+b')
    {code}
    print('end of attempts')
    while True:
        pass
"""


def hostile(tmp_path, code, check, peer=silent):
    """Boot a module whose whole ROM is hostile code; then ``check(board, network)``; 198.18.0.1 is ``peer``."""
    files = compile_all({"boot/start.py": HOSTILE.format(code=code.replace("\n", "\n    ")).encode()})
    path = tmp_path / "hostile.romfs"
    image = romfs.write(files)
    path.write_bytes(image)

    async def story():
        network = Network(NetworkPlan())
        async with Server(peer) as server:
            desks = (partial(SocketDesk, network),)
            async with Board(is_powered=False, desks=desks) as board:
                network.plan.aliases["peer"] = f"127.0.0.1:{server.port}"
                network.resolve_now("peer")
                await board.power_on(rom=RomWindow(path, 0, len(image)))
                await check(board, network)

    run(story)


def test_hostile_child_that_opens_without_end_gets_sixteen(tmp_path):
    async def check(board, network):
        said = await board.client.until(b"end of attempts")
        assert b"opened 16 refused 184" in said
        assert network.open_connections <= 16
        assert board.slugs() == []

    code = (
        "for n in range(200):\n    ask('sock_connect', host='198.18.0.1', port=9)\n"
        "opened = refused = 0\n"
        "for n in range(200):\n    a = answer()\n    opened += 'fd' in a\n    refused += a.get('errno') == 23\n"
        "print('opened', opened, 'refused', refused)"
    )
    hostile(tmp_path, code, check)


@pytest.mark.parametrize(
    "facts",
    [
        "'sock_connect', host=7, port=80",
        "'sock_connect', host='', port=80",
        "'sock_connect', host='x' * 300, port=80",
        "'sock_connect', host=chr(1), port=80",
        "'sock_connect', host='127.0.0.1', port=65536",
        "'sock_connect', host='127.0.0.1', port=-1",
        "'sock_connect', host='127.0.0.1', port=True",
        "'sock_accept', line='1'",
        "'udp_send', line=1, host=None, port=1",
        "'sock_limit', line=1",
        "'sock_nonsense'",
    ],
)
def test_hostile_questions_end_the_child_and_nothing_else(tmp_path, facts):
    async def check(board, network):
        await board.dead.wait()
        assert board.slugs() == ["virt.bad-request"]
        assert network.open_connections == 0

    hostile(tmp_path, f"ask({facts})\nanswer()", check)


def test_hostile_numbers_of_lines_are_answered_with_an_error(tmp_path):
    async def check(board, network):
        said = await board.client.until(b"end of attempts")
        assert b"[{'errno': 9}, {'errno': 9}, {'errno': 11}, [0, 0], 0, 0]" in said
        assert board.slugs() == []

    code = (
        "out = []\n"
        "for q in (('sock_accept', {'line': 99}), ('udp_send', {'line': -5, 'host': 'h', 'port': 1}), "
        "('udp_take', {'line': 10 ** 30}), ('sock_state', {'line': 99}), ('sock_close', {'line': 99}), "
        "('sock_limit', {'line': 99, 'ms': -10 ** 30})):\n"
        "    ask(q[0], **q[1])\n    out.append(answer())\n"
        "print(out)"
    )
    hostile(tmp_path, code, check)


@pytest.mark.parametrize("said", ["L1 99999999\\n", "L-1 5\\n", "Lx\\n", "L1 5 6\\n", "L\\n"])
def test_hostile_claims_on_the_control_socket_end_the_child(tmp_path, said):
    async def check(board, network):
        await board.dead.wait()
        assert board.slugs() == ["virt.bad-request"]

    hostile(tmp_path, f"open(7, 'r+b').write(b'{said}')", check)


def test_hostile_claim_of_a_line_nobody_lent_changes_nothing(tmp_path):
    async def check(board, network):
        assert b"[8, 'end']" in await board.client.until(b"end of attempts")
        assert board.slugs() == []

    hostile(tmp_path, "open(7, 'r+b').write(b'L1 5\\nL77 -1\\n')\nprint([8, 'end'])", check)


def test_hostile_child_that_floods_its_lines_is_slowed_down_by_its_peer(tmp_path):
    """What is under way to a peer that does not read is bounded; the supervisor goes on."""

    async def check(board, network):
        said = await board.client.until(b"end of attempts")
        written = int(said.split(b"written ")[1].split(b"\r")[0])
        assert 0 < written < 16_000_000
        assert board.slugs() == []

    code = (
        "ask('sock_connect', host='198.18.0.1', port=80)\n"
        "f = open(answer()['fd'], 'r+b')\n"
        "while f.read(1) is None:\n    pass\n"
        "block, written, misses = bytes(65536), 0, 0\n"
        "import time\n"
        "while misses < 20:\n"
        "    n = f.write(block)\n"
        "    if n:\n        written += n\n        misses = 0\n"
        "    else:\n        misses += 1\n        time.sleep_ms(10)\n"
        "print('written', written)"
    )

    hostile(tmp_path, code, check, deaf)


def test_recvmsg_is_allowed_on_the_control_socket_only():
    """Bytes of the filter: ``recvmsg`` (47) goes on to compare its first argument with 7, everything else is EPERM."""
    from moduline.vmodule.interpreter import sandbox

    program = sandbox.seccomp_program(4711)
    steps = [program[at : at + 8] for at in range(0, len(program), 8)]
    at = next(n for n, step in enumerate(steps) if step[:2] == b"\x15\x00" and step[4:] == (47).to_bytes(4, "little"))
    load, compare, allow, deny = steps[at + 1 : at + 5]
    assert load == bytes.fromhex("2000000010000000")  # the first argument
    assert compare == bytes.fromhex("1500000107000000")
    assert allow == bytes.fromhex("060000000000ff7f")
    assert deny == bytes.fromhex("0600000001000500")
