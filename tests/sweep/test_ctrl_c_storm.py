"""Ctrl-C at random times into sleeping, computing, locking, file writing and UART waiting code, with timers and threads.

Each time: a prompt, and the file system intact. The quick form runs a hundred in the normal suite, ``make sweep`` a
thousand; a failure names the seed and the number of the strike, which replay it.

Source: issue 3 (1,000 Ctrl-C at random times); device-api 2.4; micropython-runtime 5, 6.
"""

import asyncio
import contextlib
import os
import random
import subprocess
import sys

import pytest

from moduline.formats import littlefs
from transcripts.board import Board, run

SETUP = """\
import _thread, osTimer, utime, uos, sys_bus
from machine import UART, Timer
from queue import Queue
q, l, s, u = Queue(), _thread.allocate_lock(), _thread.allocate_semphore(1), UART(2, 115200, 8, 0, 1, 0)
beats = [0, 0]
def beat(t): beats[0] += 1
t = Timer(0)
t.start(period=7, mode=t.PERIODIC, callback=beat)
o = osTimer()
o.start(13, 1, beat)
u.set_callback(lambda news: u.read())
def work():
    while True:
        with l: beats[1] += 1
        utime.sleep_ms(3)
w = _thread.start_new_thread(work, ())
def write(name):
    n = 0
    while True:
        with open('/usr/' + name, 'w') as f:
            for i in range(20): f.write('%d ' % n * 50)
        n += 1
"""

MIX = {
    "sleeping": "utime.sleep(100)",
    "sleeping shortly": "while True: utime.sleep_ms(1)",
    "computing": "while True: x = [i * i for i in range(200)]",
    "computing with big numbers": "n = 3\nwhile True: n = n * n % 10**60",
    "locking": "while True:\n    with l: beats[1] += 1",
    "waiting for a lock": "k = _thread.allocate_lock()\nk.acquire()\nk.acquire()",
    "waiting for a queue": "q.get()",
    "waiting for a semaphore": "s.acquire()\ntry: s.acquire()\nfinally: s.release()",
    "writing files": "write('a.txt')",
    "writing and removing files": "while True:\n    open('/usr/b.txt', 'w').close()\n    uos.remove('/usr/b.txt')",
    "listing": "while True: uos.listdir('/usr'), uos.stat('/usr/main.txt')",
    "waiting for a UART": "while not u.any() or True: u.read(1)",
    "writing to a UART": "while True: u.write('x' * 100)",
    "printing": "while True: print('x' * 60)",
    "starting threads": "while True:\n    try: _thread.start_new_thread(beat, (0,))\n    except OSError: pass",
    "publishing": "while True:\n    try: sys_bus.publish('x', 1)\n    except OSError: pass",
    "catching": "while True:\n    try: utime.sleep_ms(2)\n    except ValueError: pass",
    "with finally": "while True:\n    try: utime.sleep_ms(1)\n    finally: beats[1] += 1",
    "in a callback": "import gc\nwhile True: gc.collect()",
}


async def strike(board, chance, name, source):
    """Run a source, interrupt it at a random time, come back to the prompt."""
    client = board.client
    client.write(b"\x01")
    await client.until(b"raw REPL; CTRL-B to exit\r\n>", 10)
    await client.send(source.encode() + b"\x04")
    await client.until(b"OK", 10)
    if chance.random() < 0.3:
        board.uarts[2].write(b"news")
    await asyncio.sleep(chance.choice((0, 0.0005, 0.002, 0.01, 0.03)) * chance.random())
    client.write(b"\x03" * chance.choice((1, 1, 1, 2, 5)))
    try:
        said = await client.until(b"\x04>", 15)
    except AssertionError as hang:
        raise AssertionError(f"no prompt after {name}") from hang
    assert b"KeyboardInterrupt" in said, (name, said[-300:])
    await board.uarts[2].quiet(0) if name == "writing to a UART" else None
    client.write(b"\x02")
    await client.until(b">>> ", 10)


def storm(strikes, seed):
    chance = random.Random(seed)

    async def story():
        async with Board(uarts=(2,)) as board:
            await board.prompt()
            await board.client.raw(SETUP + "f = open('/usr/main.txt', 'w')\nf.write('kept' * 300)\nf.close()")
            names = list(MIX)
            with others_on_the_core_of(board.runtime.pid):
                for number in range(strikes):
                    name = chance.choice(names)
                    try:
                        await strike(board, chance, name, MIX[name])
                    except AssertionError as wrong:
                        raise AssertionError(f"seed {seed}, strike {number}, {board.slugs()}") from wrong
                    board.uarts[2].seen = b""
            client = board.client
            before = eval(await client.ask("beats"))
            await asyncio.sleep(0.1)
            after = eval(await client.ask("beats"))
            assert after[0] > before[0], "the timers have died"
            assert after[1] > before[1], "the thread has died, or its lock is held"
            assert await client.ask("open('/usr/main.txt').read() == 'kept' * 300") == "True\n"
            assert not {"virt.crashed", "virt.bad-request"} & set(board.slugs())
            assert board.wishes == []
            await board.power_cycle()
            await board.prompt()
            names = set(eval(await board.client.ask("uos.listdir('/usr')")))
            assert {"main.txt", "apn_cfg.json", "system_config.json"} <= names <= {
                "main.txt", "apn_cfg.json", "system_config.json", "a.txt", "b.txt",
            }  # fmt: skip
            assert await board.client.ask("open('/usr/main.txt').read() == 'kept' * 300") == "True\n"
            assert board.slugs().count("virt.formatted") == 2, "only the first boot formats"
            image = littlefs.read_image(bytes(board.cells[: board.mounts[0].size_bytes]), board.mounts[0].kind)
            assert {path for path, _ in image.entries} == names

    run(story, 60 + strikes)


def test_ctrl_c_when_it_strikes_a_hundred_times_always_gives_a_prompt_and_no_file_is_lost():
    storm(100, 20)


@pytest.mark.sweep
@pytest.mark.timeout(1800)
def test_ctrl_c_when_it_strikes_a_thousand_times_always_gives_a_prompt_and_no_file_is_lost():
    storm(1000, 21)


def test_ctrl_c_when_callbacks_leave_the_script_no_time_strikes_the_script_all_the_same():
    """A timer of a millisecond whose callback takes longer: every interrupt would strike a callback."""

    async def story():
        async with Board() as board:
            await board.prompt()
            client = board.client
            await client.raw(
                "import osTimer, utime\nt = osTimer()\n"
                "def slow(_):\n    n = utime.ticks_ms()\n    while utime.ticks_diff(utime.ticks_ms(), n) < 8: pass\n"
                "t.start(1, 1, slow)"
            )
            for _ in range(5):
                client.write(b"\x01while True: pass\x04")
                await client.until(b"OK")
                await asyncio.sleep(0.05)
                client.write(b"\x03")
                assert b"KeyboardInterrupt" in await client.until(b"\x04>", 5)
                client.write(b"\x02")
                await client.until(b">>> ")
            assert await client.ask("t.stop()") == "0\n"

    run(story)


@contextlib.contextmanager
def others_on_the_core_of(pid):
    """Programs that want the same processor: threads of the module come late to everything."""
    core = os.sched_getaffinity(pid) if hasattr(os, "sched_getaffinity") else None
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3)]
    for process in busy if core else ():
        os.sched_setaffinity(process.pid, core)
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()
