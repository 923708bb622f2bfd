"""Queues, the topic bus, locks and semaphores between threads; ``uzlib``.

Source: device-api 10.1, 10.2, 10.7; micropython-runtime 6, 7.
"""

import asyncio
import zlib

from moduline.vmodule.world import World
from moduline.vmodule.world.bench_plan import BenchPlan
from onboard.test_small_modules import ask_all, raises
from transcripts.board import Board, run


def test_queue_when_filled_takes_one_more_than_its_size_and_gives_first_what_came_first():
    """The source compares with ``>``.  Source: QuecPython/microPython ``queue.py``"""
    ask_all(
        ("from queue import Queue; q = Queue(2)", ""),
        ("q.empty(), q.size(), [q.put(n) for n in range(4)]", "(True, 0, [True, True, True, False])\n"),
        ("q.size(), q.get(), q.get(), q.get(), q.empty()", "(3, 0, 1, 2, True)\n"),
        ("q.put(), q.get()", "(True, None)\n"),
        ("Queue().maxsize", "100\n"),
    )


def test_queue_between_threads_when_many_put_and_take_loses_and_doubles_nothing():
    source = """\
import _thread, utime
from queue import Queue
q, seen, over = Queue(1000), [], []
def put(n):
    for i in range(100):
        while not q.put(n * 100 + i): utime.sleep_ms(1)
    over.append(n)
def take():
    while True:
        item = q.get()
        if item is None: break
        seen.append(item)
    over.append('t')
for n in range(5): _thread.start_new_thread(put, (n,))
for n in range(4): _thread.start_new_thread(take, ())
while len([o for o in over if o != 't']) < 5: utime.sleep_ms(2)
for n in range(4): q.put(None)
while len(over) < 9: utime.sleep_ms(2)
print(len(seen), sorted(seen) == list(range(500)), q.empty())
"""

    async def story():
        async with Board() as board:
            await board.prompt()
            assert await board.client.raw(source, 30) == "500 True True\r\n"

    run(story)


def test_waiting_when_a_callback_comes_lets_it_run_and_lets_the_callback_end_it():
    """A callback puts what the main thread waits for: neither queue nor lock nor semaphore is deaf."""
    cases = {
        "q.get()": "from queue import Queue\nq = Queue()\ndef go(_): q.put(1)\n",
        "l.acquire()": "import _thread\nl = _thread.allocate_lock()\nl.acquire()\ndef go(_): l.release()\n",
        "s.acquire()": "import _thread\ns = _thread.allocate_semphore(1)\ns.acquire()\ndef go(_): s.release()\n",
    }

    async def story():
        async with Board(world=World(bench_plan=BenchPlan())) as board:
            await board.prompt()
            client = board.client
            for wait, source in cases.items():
                await client.raw(source + "from misc import USB\nu = USB()\nu.setCallback(go)")
                client.write(wait.encode() + b"\r")
                assert await client.until(wait + "\r\n") == wait.encode() + b"\r\n"
                assert await client.quiet(0.1) == b"", "it waits"
                board.world.bench.plug_usb(not board.world.bench.is_usb_plugged)
                assert (await client.until(b">>> "))[-5:] == b"\n>>> "

    run(story)


def test_waiting_when_ctrl_c_is_pressed_ends_and_leaves_the_thing_usable():
    async def story():
        async with Board() as board:
            await board.prompt()
            client = board.client
            await client.raw(
                "import _thread\nfrom queue import Queue\nq = Queue()\nl = _thread.allocate_lock()\nl.acquire()\n"
                "s = _thread.allocate_semphore(1)\ns.acquire()"
            )
            for wait in ("q.get()", "l.acquire()", "s.acquire()"):
                client.write(b"\x01" + wait.encode() + b"\x04")
                await client.until(b"OK")
                await asyncio.sleep(0.05)
                client.write(b"\x03")
                assert b"KeyboardInterrupt" in await client.until(b"\x04>")
                client.write(b"\x02")
                await client.until(b">>> ")
            said = await client.ask("l.release(); s.release(); q.put(5); l.acquire(), s.acquire(), q.get(), s.getCnt()")
            assert said == "True\n(True, True, 5, (1, 0))\n"

    run(story)


def test_bus_when_a_topic_is_published_calls_every_subscriber_in_a_thread_of_its_own():
    source = """\
import sys_bus, _thread, utime
heard = []
main = _thread.get_ident()
def a(topic, msg): heard.append(('a', topic, msg, _thread.get_ident() != main))
def b(topic, msg): heard.append(('b', topic, msg, _thread.get_ident() != main))
sys_bus.subscribe('news', a)
sys_bus.subscribe('news', b)
sys_bus.subscribe(7, a)
sys_bus.publish('news', {'n': 1})
sys_bus.publish('nobody', 0)
while len(heard) < 2: utime.sleep_ms(1)
print(sorted(heard, key=lambda h: h[0]))
print(sys_bus.unsubscribe('news', a), sys_bus.unsubscribe('news', a), sys_bus.unsubscribe('none'))
print(sys_bus.sub_table('news') == [b], sorted(map(str, sys_bus.sub_table())))
print(sys_bus.unsubscribe(7), list(sys_bus.sub_table()))
"""

    async def story():
        async with Board() as board:
            await board.prompt()
            assert (await board.client.raw(source)).split("\r\n") == [
                "[('a', 'news', {'n': 1}, True), ('b', 'news', {'n': 1}, True)]",
                "True False False",
                "True ['7', 'news']",
                "True ['news']",
                "",
            ]

    run(story)


def test_bus_when_a_subscriber_raises_tells_it_and_the_others_are_called():
    async def story():
        async with Board() as board:
            await board.prompt()
            client = board.client
            await client.raw(
                "import sys_bus\ndef bad(t, m): 1/0\nsys_bus.subscribe('x', bad)\n"
                "sys_bus.subscribe('x', lambda t, m: print('fine', m))"
            )
            client.write(b"sys_bus.publish('x', 5)\r")
            said = await client.until(b"ZeroDivisionError: divide by zero\r\n")
            assert b"Unhandled exception in thread started by <function bad at 0x" in said
            if b"fine 5\r\n" not in said:
                await client.until(b"fine 5\r\n")

    run(story)


def test_uzlib_unpacks_what_was_packed_elsewhere_and_refuses_the_rest():
    text = b"the quick brown fox " * 20
    packed = zlib.compress(text)
    gzipped = zlib.compressobj(9, zlib.DEFLATED, 31)
    gzipped = gzipped.compress(text) + gzipped.flush()
    raw = zlib.compressobj(9, zlib.DEFLATED, -15)
    raw = raw.compress(text) + raw.flush()
    ask_all(
        (f"import uzlib, uio; uzlib.decompress({packed!r}) == {text!r}", "True\n"),
        (f"uzlib.decompress({raw!r}, -15) == {text!r}", "True\n"),
        (f"uzlib.DecompIO(uio.BytesIO({gzipped!r}), 31).read(9)", "b'the quick'\n"),
        ("uzlib.decompress(b'garbage and more')", raises("ValueError: -3")),
        (f"uzlib.decompress({packed[:20]!r})", raises("ValueError: -3")),
    )
