"""How fast are files on the virtual module? MicroPython's littlefs on the mapped flash, erases and programs by request.

    python bench/file_system.py

Prints, for littlefs 1 and 2: megabytes per second written and read in 1 KiB pieces, milliseconds to create a small
file, to list a folder of 50, and to import a module of 16 KiB; and the flash operations that writing took.
"""

import asyncio
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from transcripts.board import Board, lfs1_mounts, lfs2_mounts

WORK = """\
import utime, uos
def since(t): return max(1, utime.ticks_diff(utime.ticks_us(), t))
piece = bytes(range(256)) * 4
t = utime.ticks_us()
with open('/usr/big', 'wb') as f:
    for _ in range(512): f.write(piece)
print('write_mb_s', 524288 / since(t))
t = utime.ticks_us()
with open('/usr/big', 'rb') as f:
    while f.read(1024): pass
print('read_mb_s', 524288 / since(t))
uos.mkdir('/usr/d')
t = utime.ticks_us()
for n in range(50):
    with open('/usr/d/f%d' % n, 'w') as f: f.write('x')
print('create_ms', since(t) / 50000)
t = utime.ticks_us()
for _ in range(10): uos.listdir('/usr/d')
print('list_ms', since(t) / 10000)
with open('/usr/m.py', 'w') as f:
    for n in range(400): f.write('def function_%03d(a): return a + %d  \\n' % (n, n))
t = utime.ticks_us()
import usr.m
print('import_ms', since(t) / 1000)
"""


async def measure():
    for name, mounts in (("lfs1", lfs1_mounts(2 << 20)), ("lfs2", lfs2_mounts(2 << 20))):
        async with Board(mounts=mounts) as board:
            await board.prompt()
            counts = board.flash.flash.counts
            before = counts.erases, counts.programs
            out = await board.client.raw(WORK, 120)
            values = {key: float(value) for key, value in re.findall(r"(\w+) ([\d.]+)\r\n", out)}
            row = ", ".join(f"{key} {value:.2f}" for key, value in values.items())
            print(f"{name}: {row}; {counts.erases - before[0]} erases, {counts.programs - before[1]} page programs")


if __name__ == "__main__":
    asyncio.run(measure())
