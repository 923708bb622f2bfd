"""Ctrl-C, callbacks and threads strike anywhere; nothing loses its place, nothing is corrupted."""

import asyncio
import random

from moduline.formats import littlefs
from transcripts.board import Board, lfs2_mounts, run

LOOP = """\
import uos
n = 0
try:
    while True:
        with open('/usr/data', 'wb') as f:
            f.write(b'%d ' % n * 300)
        with open('/usr/data', 'rb') as f:
            assert f.read() == b'%d ' % n * 300, n
        uos.listdir('/usr')
        uos.stat('/usr/data')
        n += 1
except KeyboardInterrupt:
    print('interrupted', n > 0)
"""


def test_ctrl_c_when_it_strikes_file_work_many_times_leaves_a_sound_file_system():
    async def story():
        chance = random.Random(7)
        for mounts in (None, lfs2_mounts()):
            async with Board(mounts=mounts) as board:
                await board.prompt()
                client = board.client
                client.write(b"\x01")
                await client.until(b">")
                for _ in range(60):
                    client.write(LOOP.encode() + b"\x04")
                    await client.until(b"OK")
                    await asyncio.sleep(0.005 + chance.random() * 0.02)
                    client.write(b"\x03")
                    said = await client.until(b"\x04>")
                    assert said.startswith(b"interrupted"), said
                client.write(b"\x02")
                await client.until(b">>> ")
                whole = "b'%d ' % n * 300 == open('/usr/data', 'rb').read() or b'%d ' % (n - 1) * 300"
                assert await client.ask(f"bool({whole})") == "True\n"
                await board.power_cycle()
                await board.prompt()
                names = await board.client.ask("sorted(uos.listdir('/usr'))")
                assert names == "['apn_cfg.json', 'data', 'system_config.json']\n"
                image = littlefs.read_image(bytes(board.cells[: board.mounts[0].size_bytes]), board.mounts[0].kind)
                assert sorted(path for path, _ in image.entries) == ["apn_cfg.json", "data", "system_config.json"]
                assert "virt.formatted" not in board.slugs()[2:]

    run(story)


def test_ctrl_c_in_allocating_sleeping_reading_and_waiting_code_stops_each_of_them():
    """The cases in which the interpreter's own signal handling breaks it.  Source: micropython-runtime 5, 6"""
    cases = [
        "a = []\nwhile True:\n    a = [bytearray(50) for _ in range(100)]\n",
        "import utime\nutime.sleep(60)\n",
        "import utime\nwhile 1: utime.sleep_ms(1)\n",
        "input()\n",
        "import usys\nusys.stdin.read(5)\n",
        "import _thread\nl = _thread.allocate_lock()\nl.acquire()\nl.acquire()\n",
        "while True: print('x' * 50)\n",
        "from machine import UART\nu = UART(2, 9600, 8, 0, 1, 0)\nwhile not u.any(): pass\n",
        "while True:\n    try:\n        while True: pass\n    except ValueError: pass\n",
    ]

    async def story():
        async with Board(uarts=(2,)) as board:
            await board.prompt()
            client = board.client
            client.write(b"\x01")
            await client.until(b">")
            for source in cases * 3:
                client.write(source.encode() + b"\x04")
                await client.until(b"OK")
                await asyncio.sleep(0.03)
                client.write(b"\x03")
                said = await client.until(b"\x04>")
                assert b"KeyboardInterrupt: \r\n" in said, (source, said[-200:])
            client.write(b"print('still here')\x04")
            assert await client.until(b"\x04>") == b"OKstill here\r\n\x04\x04>"

    run(story)


def test_ctrl_c_when_pressed_many_times_at_once_ends_one_command_and_the_prompt_lives():
    async def story():
        async with Board() as board:
            await board.prompt()
            client = board.client
            client.write(b"\x01")
            await client.until(b">")
            for _ in range(20):
                client.write(b"while True: pass\x04")
                await client.until(b"OK")
                client.write(b"\x03" * 10)
                await client.until(b"\x04>")
            client.write(b"\x02")
            await client.until(b">>> ")
            await client.quiet(0.8)  # interrupts that were too many have been delivered, to nobody
            client.write(b"\x03")
            await client.until(b">>> ")
            assert await client.ask("1+1") == "2\n"

    run(story)


def test_script_that_catches_the_interrupt_gets_its_input_again():
    async def story():
        async with Board() as board:
            await board.prompt()
            client = board.client
            source = "while True:\n    try:\n        print('got', input())\n        break\n    except KeyboardInterrupt: print('caught')\n"
            client.write(b"\x01" + source.encode() + b"\x04")
            await client.until(b"OK")
            await asyncio.sleep(0.05)
            client.write(b"\x03hello\r\n")
            await client.until(b"caught")
            assert b"got hello" in await client.until(b"\x04\x04>")

    run(story)


def test_threads_when_they_share_the_file_system_keep_every_file_whole():
    source = """\
import _thread, utime
done = []
def work(n):
    for i in range(25):
        with open('/usr/t%d' % n, 'w') as f:
            f.write(('%d:%d ' % (n, i)) * 100)
        with open('/usr/t%d' % n) as f:
            if f.read() != ('%d:%d ' % (n, i)) * 100:
                done.append('torn %d %d' % (n, i))
                return
    done.append('ok')
for n in range(4): _thread.start_new_thread(work, (n,))
while len(done) < 4: utime.sleep_ms(5)
print(sorted(done))
"""

    async def story():
        async with Board() as board:
            await board.prompt()
            assert await board.client.raw(source, 60) == "['ok', 'ok', 'ok', 'ok']\r\n"

    run(story)


def test_callbacks_when_a_burst_comes_during_file_work_are_all_run_and_may_use_files():
    source = """\
from machine import UART
import utime
heard = []
u = UART(2, 115200, 8, 0, 1, 0)
def on_data(news):
    got = u.read(news[2])
    heard.append(len(got))
    with open('/usr/heard', 'a') as f: f.write('+')
u.set_callback(on_data)
print('listening')
while sum(heard) < 500:
    with open('/usr/busy', 'w') as f: f.write('x' * 200)
with open('/usr/heard') as f: print(sum(heard), len(f.read()) == len(heard))
"""

    async def story():
        async with Board(uarts=(2,)) as board:
            await board.prompt()
            client = board.client
            client.write(b"\x01" + source.encode() + b"\x04")
            await client.until(b"listening\r\n")
            for _ in range(50):
                board.uarts[2].write(b"0123456789")
                await asyncio.sleep(0.002)
            assert await client.until(b"\x04\x04>") == b"500 True\r\n\x04\x04>"

    run(story)


def test_thread_limit_and_bad_arguments_are_refused_in_the_modules_words():
    """Source: device-api 10.1"""

    async def story():
        async with Board() as board:
            await board.prompt()
            out = await board.client.raw(
                "import _thread, utime\n"
                "stop = False\n"
                "def wait():\n    while not stop: utime.sleep_ms(5)\n"
                "try:\n    for n in range(20): _thread.start_new_thread(wait, ())\n"
                "except OSError as e: print(n, e)\n"
                "stop = True\n"
                "try: _thread.start_new_thread(wait, [])\nexcept TypeError: print('tuple')\n"
                "print(_thread.stack_size(), _thread.stack_size(100), _thread.stack_size(16384), _thread.stack_size())\n"
                "try: _thread.stop_thread(0)\nexcept ValueError as e: print(e)\n"
                "try: _thread.allocate_lock().release()\nexcept RuntimeError: print('not held')\n"
                "s = _thread.allocate_semphore(2); print(s.acquire(), s.getCnt(), s.release(), s.getCnt())\n"
                "with _thread.allocate_lock() as l: print(l.locked(), l.acquire(0))\n"
            )
            assert out.split("\r\n") == [
                "16 can't create thread",
                "tuple",
                "8448 -1 0 16384",
                "Deleting the main thread is not allowed!",
                "not held",
                "True (2, 1) None (2, 2)",
                "True False",
                "",
            ]

    run(story)
