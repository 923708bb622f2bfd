"""The user's terminal: indents against the real interpreter's auto-indent, line ends, keys."""

from __future__ import annotations

import asyncio

import pytest

from moduline.cli import terminal
from moduline.errors import PortGone, ReplBusy
from moduline.port.pair import pair
from remote import virtual_time
from remote.fake_module import FakeModule
from remote.micropython_on_pty import micropython

SCRIPT = """\
def f(x):
    for i in range(3):
        if i == x:
            return 'found'
    else:
        return 'none'

f(1)
f(7)
class A:
    def g(self):
        return 5

A().g()
"""


def test_lines_when_indented_then_the_real_interpreter_reads_them_as_written(tmp_path):
    seen = bytearray()

    async def both():
        async with micropython(tmp_path) as stream:
            await terminal.feed_lines(stream, iter(SCRIPT.splitlines(keepends=True)), seen.extend)

    asyncio.run(both())
    assert b"Traceback" not in seen
    shown = [line.strip() for line in bytes(seen).replace(b"\r", b"\n").split(b"\n")]
    assert [line for line in shown if line in {b"'found'", b"'none'", b"5"}] == [b"'found'", b"'none'", b"5"]


@pytest.mark.parametrize(
    ("line", "indent", "typed"),
    [
        ("x = 1", 0, b"x = 1\r"),
        ("    y", 4, b"y\r"),
        ("        y", 4, b"    y\r"),
        ("else:", 4, b"\x7felse:\r"),
        ("z", 8, b"\x7f\x7fz\r"),
        ("", 8, b"\x7f\x7f\r"),
    ],
)
def test_line_when_the_module_has_indented_then_only_the_difference_is_typed(line, indent, typed):
    assert terminal.typed_at(line, indent) == typed


@pytest.mark.parametrize("size", [1, 2, 100])
def test_line_ends_when_cut_anywhere_then_lf_and_nothing_lost(size):
    shown = bytearray()
    ends = terminal.LineEnds(shown.extend)
    data = b"a\r\nb\rc\n\r\n\r\r\nend\r"
    for at in range(0, len(data), size):
        ends(data[at : at + size])
    ends.end()
    assert bytes(shown) == b"a\nb\rc\n\n\r\nend\r"


def test_pipe_when_no_prompt_comes_then_busy():
    async def both():
        host, _ = pair()
        await terminal.feed_lines(host, iter(["1\n"]), bytes)

    with pytest.raises(ReplBusy):
        virtual_time.run(both())


def test_conversation_when_the_port_vanishes_then_port_gone():
    async def keys():
        await asyncio.sleep(1000)
        yield b""

    async def both():
        host, module = pair()
        serving = asyncio.create_task(FakeModule(module).serve())
        asyncio.get_running_loop().call_later(1, module.cut)
        try:
            await terminal.converse(host, keys(), bytes)
        finally:
            await serving

    with pytest.raises(PortGone):
        virtual_time.run(both())


def test_conversation_when_ctrl_bracket_comes_then_what_stood_before_it_was_sent():
    async def keys():
        await asyncio.sleep(1)
        yield b"1\r\x1dnever"

    async def both():
        host, module = pair()
        fake = FakeModule(module)
        serving = asyncio.create_task(fake.serve())
        await terminal.converse(host, keys(), bytes)
        await serving
        return fake.received

    assert virtual_time.run(both()) == b"\x021\r"
