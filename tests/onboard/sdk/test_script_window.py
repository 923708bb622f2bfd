"""The decoder of the window stream on the real interpreter: the same files, in a module's memory, from its flash.

That it agrees with the native decoder is tried at length in ``tests/delta/test_small_window.py``; here it is tried
that MicroPython does the same with it, old and new.  Source: docs/spec/window-stream.md; docs/design/script-updates.md
"""

import hashlib

import pytest

from delta.small_window import SOURCE, decode
from delta.test_small_window import RETURN, blocks_moved, mutated
from delta.test_window import edited, script
from moduline.delta import window
from moduline.release.compile import compile_scripts
from transcripts.board import Board, lfs1_mounts, lfs2_mounts, run, with_files

DECODER = SOURCE.read_bytes()
OLD = script(1, 400)
NEW = edited(OLD, 1)
ASK = """
import gc, uhashlib, ubinascii
from usr import script_window
def made(old, patch, new_bytes):
    with open('/usr/new', 'w+b') as new:
        with open(old, 'rb') as window:
            with open(patch, 'rb') as stream:
                try:
                    script_window.unpack(window, stream, new_bytes, new)
                except ValueError as wrong:
                    return 'refused'
    with open('/usr/new', 'rb') as new:
        return ubinascii.hexlify(uhashlib.sha256(new.read()).digest()).decode()
def put(name, data):
    with open(name, 'wb') as file:
        file.write(data)
"""


def small(old, new):
    return window.make(old, new, profile="small")


def with_decoder(story, files=(), **board):
    """A module with the decoder in /usr; ``story(client)``."""

    async def whole():
        async with Board(**board) as module:
            await module.prompt()
            await module.client.raw(with_files([("script_window.py", DECODER), *files]))
            await module.power_cycle()
            await module.prompt()
            await module.client.raw(ASK)
            await story(module.client)

    run(whole)


def digest(new):
    return "refused" if new is None else hashlib.sha256(new).hexdigest()


def test_decoder_when_compiled_for_the_oldest_modules_then_is_their_language():
    assert compile_scripts({"script_window.py": DECODER}, "5")["script_window.py"]


@pytest.mark.parametrize("mounts", [lfs1_mounts(), lfs2_mounts()], ids=["lfs1", "lfs2"])
def test_script_when_unpacked_on_the_module_then_is_the_new_one(mounts):
    grown = NEW + script(2, 150) + NEW[:6000] + script(3, 20)  # copies of what was written already
    blocks = blocks_moved(12)
    pairs = [(OLD, NEW), (OLD, grown), (b"", OLD[:3000]), (RETURN, RETURN + b"\xff" * 9000 + RETURN), blocks]

    async def story(client):
        for old, new in pairs:
            await client.raw(f"put('/usr/old', {old!r})\nput('/usr/patch', {small(old, new)!r})")
            assert await client.raw(f"print(made('/usr/old', '/usr/patch', {len(new)}))") == digest(new) + "\r\n"

    with_decoder(story, mounts=mounts)


@pytest.mark.parametrize(
    ("old", "new", "stream"),
    [
        (b"abcabd", b"abcabd", "110132"),
        (b"", b"a", "1101d1"),
        (RETURN, RETURN.replace(b"1", b"2") + b"f(2)\n", "1301000a3c358f50962f548f80"),
    ],
)
def test_example_when_decoded_on_the_module_then_is_that_of_the_specification(old, new, stream):
    async def story(client):
        assert await client.raw(f"print(made('/usr/old', '/usr/patch', {len(new)}))") == digest(new) + "\r\n"

    with_decoder(story, [("old", old), ("patch", bytes.fromhex(stream))])


def test_streams_when_damaged_then_the_module_says_what_this_computer_says():
    cases = list(mutated(60, 7))

    async def story(client):
        await client.raw("script_window.MOST_SLOT_KIB = 56")
        said = set()
        for old, stream, new_bytes in cases:
            await client.raw(f"put('/usr/old', {old!r})\nput('/usr/patch', {stream!r})")
            answer = await client.raw(f"print(made('/usr/old', '/usr/patch', {new_bytes}))", 60)
            assert answer == digest(decode(old, stream, new_bytes)) + "\r\n"
            said.add(answer == "refused\r\n")
        assert said == {True, False}

    with_decoder(story)


def test_heap_when_too_small_then_refused_else_given_back():
    async def story(client):
        source = f"""
gc.collect(); before = gc.mem_free()
said = made('/usr/old', '/usr/patch', {len(NEW)})
gc.collect(); print(said, before - gc.mem_free() < 4096)
ballast = []
try:
    while True:
        ballast.append(bytearray(2048))
except MemoryError:
    del ballast[-16:]
print(made('/usr/old', '/usr/patch', {len(NEW)}))
ballast = None
print(made('/usr/old', '/usr/patch', {len(NEW)}))
"""
        said = await client.raw(source, 60)
        assert said.split("\r\n")[:3] == [f"{digest(NEW)} True", "refused", digest(NEW)]

    with_decoder(story, [("old", OLD), ("patch", small(OLD, NEW))])
