"""What the module's window decoder costs on the virtual interpreter: time a literal, a copy, a byte learnt; its heap.

    python bench/script_window.py [--times 5]

Time is told in passes of an empty ``for`` loop in the same interpreter, so that it can be carried over to a module
whose pace is known; the fastest of some runs counts. Heap is in the module's measure (``gc`` of the virtual module
halves what objects of 64 bits take). Files lie in the module's flash.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
from pathlib import Path

sys.path.remove(str(Path(__file__).resolve().parent))  # it has a delta.py too
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from delta.small_window import SOURCE, plain
from delta.test_window import script
from moduline.delta import window
from transcripts.board import Board, run, with_files

OLD = script(1, 400)
PASSES = 3_000_000
LEARN = b"\x13\x08\x00\x80\x20" + bytes(3)
"""A head that has 4,096 bytes learnt, and nothing of use behind it: code 0, a copy to the end."""
SAME = b"\x11\x08" + bytes(3)
ASK = """
import gc, utime
gc.collect(); free = gc.mem_free(); gc.disable()
from usr import script_window
print('heap_to_import', free - gc.mem_free()); gc.enable()
gc.collect(); print('heap_of_code', free - gc.mem_free())
def timed(old, patch, new_bytes, times):
    least = 1 << 29
    for _ in range(times):
        gc.collect(); start = utime.ticks_ms()
        with open(old, 'rb') as window:
            with open(patch, 'rb') as stream:
                with open('/usr/new', 'w+b') as new:
                    script_window.unpack(window, stream, new_bytes, new)
        least = min(least, utime.ticks_diff(utime.ticks_ms(), start))
    return least
def looped(count):
    start = utime.ticks_ms()
    for _ in range(count):
        pass
    return utime.ticks_diff(utime.ticks_ms(), start)
"""


def flipped() -> bytes:
    """Each ninth byte of old another: literals and short copies in turn."""
    chance, new = random.Random(1), bytearray(OLD[:8000])
    for at in range(0, len(new), 9):
        new[at] = chance.randrange(97, 123)
    return bytes(new)


def tokens(stream: bytes, new_bytes: int) -> int:
    """Literals and copies of a stream."""
    count = 0
    following = plain._Tokens.next

    def counted(self: object) -> None:
        nonlocal count
        count += 1
        following(self)

    plain._Tokens.next = counted
    plain.unpack(io.BytesIO(OLD), io.BytesIO(stream), new_bytes, io.BytesIO())
    plain._Tokens.next = following
    return count


async def measure(times: int) -> None:
    new = flipped()
    stream = window.make(OLD, new, profile="small")
    files = [
        ("script_window.py", SOURCE.read_bytes()),
        ("old", OLD),
        ("patch", stream),
        ("learn", LEARN),
        ("same", SAME),
    ]
    async with Board() as module:
        await module.prompt()
        await module.client.raw(with_files(files))
        await module.power_cycle()
        await module.prompt()
        print(await module.client.raw(ASK, 60), end="")

        async def ms(what: str) -> int:
            return int(await module.client.raw(f"print({what})", 300))

        loop = min([await ms(f"looped({PASSES})") for _ in range(times)])
        tables = await ms(f"timed('/usr/old', '/usr/same', {len(OLD)}, {times})")
        learnt = await ms(f"timed('/usr/old', '/usr/learn', {len(OLD)}, {times})") - tables
        told = await ms(f"timed('/usr/old', '/usr/patch', {len(new)}, {times})") - tables
    count = tokens(stream, len(new))
    a_ms = PASSES / loop
    print(f"passes_a_ms {a_ms:.0f}")
    print(f"tables_and_files ms {tables} passes {tables * a_ms:.0f}")
    print(f"learning ms_for_4096 {learnt} passes_a_byte {learnt * a_ms / 4096:.0f}")
    print(f"tokens {count} ms {told} passes_each {told * a_ms / count:.0f}")


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--times", type=int, default=5)
    times = asked.parse_args().times
    run(lambda: measure(times), 600)


if __name__ == "__main__":
    main()
