"""T15, T16: threads at the prompt, threads with a UART.  Source: seed 1; device-api 10.1, 14.2."""

import asyncio
import itertools
import re

from moduline.vmodule.world import World
from moduline.vmodule.world.bench_plan import BenchPlan, Reply, UartPeer
from moduline.vmodule.world.clock import ClockPlan, ModuleClock
from transcripts.board import Board, run

THREAD_FILE = """\
import _thread
import utime
import log
from machine import UART

# 设置日志输出级别
log.basicConfig(level=log.INFO)
uart_log = log.getLogger("Thread")

state = 1
msglen = 0
count = 10
uart = UART(UART.UART2, 115200, 8, 0, 1, 0)

def uartwrite():
    global count
    while count:
        write_msg = "Quectel count={}".format(count)  # 发送数据
        uart.write(write_msg)
        uart_log.info("write msg :{}".format(write_msg))
        utime.sleep(1)
        count -= 1
        if count == 0:
            break
    uart_log.info("uartWrite end!")

def uartread():
    global state
    global msglen
    while 1:
        utime.sleep_ms(10)
        msgLen = uart.any()   # 返回是否有可读取的数据长度
        if msgLen:
            msg = uart.read(msgLen)  # 当有数据时进行读取
            utf8_msg = msg.decode()  # 初始数据是字节类型（bytes）,将字节类型数据转STR
            uart_log.info("uartread msg: {}".format(utf8_msg))
            state = 0
            break
        else:
            continue

def run():
    _thread.start_new_thread(uartread, ())  # 创建一个线程来监听接收uart消息
    _thread.start_new_thread(uartwrite, ())


if __name__ == "__main__":
    run()
    while 1:
        if state:
            pass
        else:
            break
"""


def test_t15_threads_at_the_prompt_answer_as_in_the_seed():
    async def story():
        async with Board() as board:
            await board.prompt()
            ask = board.client.ask
            assert await ask("import _thread") == ""
            assert 0 < int(await ask("_thread.get_ident()")) < 2**31
            assert await ask("_thread.get_heap_size()") == "748032\n"
            assert await ask("lock = _thread.allocate_lock()") == ""
            assert await ask("lock.acquire()") == "True\n"
            assert await ask("lock.locked()") == "True\n"
            assert await ask("lock.release()") == ""
            assert await ask("lock.locked()") == "False\n"

    run(story)


FAST = 10  # the module's clock runs ten times as fast: its second is a tenth of ours


def fast(**bench):
    return World(clock=ModuleClock(ClockPlan(speed=FAST)), bench_plan=BenchPlan(**bench))


async def put(client, source, name="thread_file.py"):
    await client.raw(f"f = open('/usr/{name}', 'w')\nf.write({source!r})\nf.close()")


def lines_of(said):
    return [line for line in said.decode().split("\r\n") if line and not line.startswith(">>>")]


def test_t16_thread_script_when_the_harness_answers_logs_the_message_and_goes_on_writing():
    """The seed's script as it stands; the harness owns the other end of UART2."""

    async def story():
        async with Board(uarts=(2,), world=fast()) as board:
            await board.prompt()
            client, uart, clock = board.client, board.uarts[2], asyncio.get_running_loop().time
            await put(client, THREAD_FILE)
            await client.ask("import example")
            client.write(b"example.exec('usr/thread_file.py')\r")
            sent = [(clock(), await uart.until(b"count=10"))]
            assert sent[0][1] == b"Quectel count=10", "no separator, nothing in front"
            for n in range(9, 6, -1):
                sent.append((clock(), await uart.until(b"Quectel count=%d" % n)))
            await client.until(b"INFO:Thread:write msg :Quectel count=7\r\n")
            uart.write(b"Quecpython")
            asked = clock()
            said = await client.until(b"INFO:Thread:uartread msg: Quecpython\r\n")
            assert clock() - asked < 0.15
            assert b"count" not in said, "between the fourth and the fifth write"
            assert await client.until(b">>> ") == b">>> ", "the script has returned"
            assert await client.ask("state, msglen, count >= 1") == "(0, 0, True)\n", "msgLen was a local name"
            for n in range(6, 0, -1):
                sent.append((clock(), await uart.until(b"Quectel count=%d" % n)))
            rest = lines_of(await client.until(b"INFO:Thread:uartWrite end!\r\n"))
            ended = clock()
            assert rest == [f"INFO:Thread:write msg :Quectel count={n}" for n in range(6, 0, -1)] + [
                "INFO:Thread:uartWrite end!"
            ]
            assert b"".join(text for _, text in sent) == b"".join(b"Quectel count=%d" % n for n in range(10, 0, -1))
            gaps = [(after - before) * FAST for (before, _), (after, _) in itertools.pairwise(sent)]
            assert 4.5 <= sum(gaps) <= 30, "about one a second; later on a busy machine, never much sooner"
            assert ended > sent[-1][0]
            assert await uart.quiet(0.05) == b""

    run(story)


def test_t16_thread_script_without_any_input_never_ends_its_main_loop_and_its_writer_is_not_starved():
    async def story():
        async with Board(uarts=(2,), world=fast()) as board:
            await board.prompt()
            client, uart = board.client, board.uarts[2]
            await put(client, THREAD_FILE)
            client.write(b"import example; example.exec('usr/thread_file.py')\r")
            await client.until(b"INFO:Thread:uartWrite end!\r\n")
            assert (await uart.until(b"count=1")) == b"Quectel count=1"
            client.write(b"1+1\r")
            assert await client.quiet(0.3) == b"", "no prompt, no echo: the busy loop goes on"
            client.write(b"\x03")
            assert b"KeyboardInterrupt" in await client.until(b">>> ")

    run(story)


def test_t16_thread_script_as_main_py_when_stopped_by_ctrl_c_loses_its_threads_in_the_soft_reset():
    """Source: device-api 2.4, 10.1 (all threads end)."""

    async def story():
        async with Board(uarts=(2,), world=fast()) as board:
            await board.prompt()
            client = board.client
            await put(client, THREAD_FILE.replace("count = 10", "count = 1000"), "main.py")
            client.write(b"\x04")
            await client.until(b"count=980\r\n")
            client.write(b"\x03")
            said = await board.prompt()
            assert b"KeyboardInterrupt" in said
            assert b"MPY: soft reboot" in said
            assert await client.quiet(0.3) == b""

    run(story)


def test_t16_reader_thread_when_the_input_is_no_utf8_dies_with_a_traceback_and_the_rest_lives():
    async def story():
        async with Board(uarts=(2,), world=fast()) as board:
            await board.prompt()
            client = board.client
            await put(client, THREAD_FILE)
            client.write(b"import example; example.exec('usr/thread_file.py')\r")
            await client.until(b"count=9\r\n")
            board.uarts[2].write(b"\xff\xfe")
            said = await client.until(b"UnicodeError: \r\n")
            head, *trace = lines_of(said)
            assert re.fullmatch(r"Unhandled exception in thread started by <function uartread at 0x[0-9a-f]+>", head)
            assert trace[0] == "Traceback (most recent call last):"
            assert trace[1].startswith('  File "/usr/thread_file.py", line ')
            await client.until(b"INFO:Thread:uartWrite end!\r\n")
            board.uarts[2].write(b"Quecpython")
            assert await client.quiet(0.3) == b"", "the reader is gone, the main loop waits for ever"
            client.write(b"\x03")
            await client.until(b">>> ")

    run(story)


def test_t16_thread_script_when_a_scripted_peer_answers_runs_the_same_without_a_harness():
    """The bench of a scenario in the harness's place: 'Quecpython' when count=8 has been heard."""

    async def story():
        peer = UartPeer(2, "script", replies=(Reply(b"count=8", b"Quecpython", 0.5),))
        world = fast(uarts=(peer,))
        async with Board(world=world) as board:
            await board.prompt()
            await put(board.client, THREAD_FILE)
            board.client.write(b"import example; example.exec('usr/thread_file.py')\r")
            said = lines_of(await board.client.until(b"INFO:Thread:uartWrite end!\r\n"))
            logged = [line for line in said if line.startswith("INFO")]
            assert logged.index("INFO:Thread:uartread msg: Quecpython") == 3, logged
            assert world.bench.uart(2).received == b"".join(b"Quectel count=%d" % n for n in range(10, 0, -1))

    run(story)


# ---- the rest of _thread -------------------------------------------------------------------------------------------


def test_t15_thread_when_another_one_stops_it_is_gone_and_its_place_is_free():
    """Source: device-api 10.1."""
    source = """\
import _thread, utime
steps = []
def work(name):
    while True:
        steps.append(name)
        utime.sleep_ms(5)
one = _thread.start_new_thread(work, ('one',))
two = _thread.start_new_thread(work, ('two',))
utime.sleep_ms(50)
print(_thread.threadIsRunning(one), _thread.stop_thread(one), _thread.threadIsRunning(one))
utime.sleep_ms(20)
mark = len(steps)
utime.sleep_ms(50)
print(set(steps[mark:]), _thread.threadIsRunning(two))
for wrong in (one, 12345):
    try: _thread.stop_thread(wrong)
    except ValueError as e: print(e, e.args[0] == 'No thread with thread id %d was found!' % wrong)
try: _thread.stop_thread(_thread.get_ident())
except ValueError as e: print(e)
_thread.stop_thread(two)
more = []
for n in range(16): more.append(_thread.start_new_thread(work, (n,)))
print(len(set(more)), [_thread.stop_thread(i) for i in more] == [0] * 16)
"""

    async def story():
        async with Board() as board:
            await board.prompt()
            said = (await board.client.raw(source)).split("\r\n")
            assert said[0] == "True 0 False"
            assert said[1] == "{'two'} True"
            assert [line.rpartition(" ")[2] for line in said[2:4]] == ["True", "True"]
            assert said[4:] == ["Deleting the main thread is not allowed!", "16 True", ""]

    run(story)


def test_t15_thread_when_stopped_while_it_waits_or_asks_ends_wherever_it_is():
    """On a lock, a queue, a semaphore, in a long sleep, polling a UART: its last act is not done."""
    source = """\
import _thread, utime
from machine import UART
from queue import Queue
q, l, s, u = Queue(), _thread.allocate_lock(), _thread.allocate_semphore(1), UART(2, 9600, 8, 0, 1, 0)
l.acquire(), s.acquire()
done = []
def poll():
    while not u.any(): pass
waits = (q.get, l.acquire, s.acquire, lambda: utime.sleep(2), poll)
def work(wait):
    wait()
    done.append(wait)
ids = [_thread.start_new_thread(work, (w,)) for w in waits]
utime.sleep_ms(50)
print([_thread.stop_thread(i) for i in ids])
q.put(1); l.release(); s.release()
utime.sleep_ms(2500)
print(done, q.size(), l.locked(), s.getCnt())
"""

    async def story():
        async with Board(uarts=(2,)) as board:
            await board.prompt()
            said = (await board.client.raw(source)).split("\r\n")
            assert said == ["[0, 0, 0, 0, 0]", "[] 1 False (1, 1)", ""]

    run(story)


def test_t15_semaphore_when_more_want_in_than_may_lets_them_in_one_after_another():
    source = """\
import _thread, utime
s = _thread.allocate_semphore(2)
inside, most, over = [0], [0], []
l = _thread.allocate_lock()
def work(n):
    s.acquire()
    with l:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
    utime.sleep_ms(10)
    with l: inside[0] -= 1
    s.release()
    over.append(n)
for n in range(8): _thread.start_new_thread(work, (n,))
while len(over) < 8: utime.sleep_ms(2)
s.release()
print(most[0], s.getCnt(), s.acquire(0), s.acquire(0), s.acquire(0))
"""

    async def story():
        async with Board() as board:
            await board.prompt()
            assert await board.client.raw(source) == "2 (2, 2) True True False\r\n"
            for wrong, text in (("delete_semphore(5)", "TypeError"), ("delete_lock(5)", "TypeError")):
                assert text in await board.client.ask(f"_thread.{wrong}")
            assert await board.client.ask("_thread.delete_semphore(s), _thread.delete_lock(l)") == "(None, None)\n"

    run(story)


def test_t15_threads_when_started_from_callbacks_and_threads_at_once_are_all_counted():
    """A callback that starts a thread may come while the main thread is starting one."""
    source = """\
import _thread, utime, osTimer
ran, timers = [], []
def work(n): ran.append(n)
def start(n):
    while True:
        try: return _thread.start_new_thread(work, (n,))
        except OSError: utime.sleep_ms(1)
for n in range(4):
    t = osTimer()
    t.start(1 + n, 1, lambda _: start(-1))
    timers.append(t)
for n in range(200): start(n)
for t in timers: t.stop()
while len([r for r in ran if r >= 0]) < 200: utime.sleep_ms(1)
print(sorted(r for r in ran if r >= 0) == list(range(200)), -1 in ran)
"""

    async def story():
        async with Board() as board:
            await board.prompt()
            assert await board.client.raw(source, 30) == "True True\r\n"

    run(story)


def test_t15_thread_when_it_ends_by_exit_or_system_exit_says_nothing():
    async def story():
        async with Board() as board:
            await board.prompt()
            client = board.client
            await client.raw(
                "import _thread\ndef a():\n    _thread.exit()\ndef b():\n    raise SystemExit\n"
                "def c(x, y=0): print('c', x, y)\n"
                "def d():\n    _thread.stop_thread(0)"
            )
            for start in ("a, ()", "b, ()", "d, ()"):
                assert await client.ask(f"_ = _thread.start_new_thread({start})") == ""
            client.write(b"_ = _thread.start_new_thread(c, (1,), {'y': 2})\r")
            await client.until(b"c 1 2\r\n")
            assert b"exception" not in await client.quiet(0.1)

    run(story)


def test_uart_callback_when_bytes_arrive_is_called_with_a_list_between_two_steps_of_the_script():
    """Source: device-api 10.2, 10.5."""

    async def story():
        async with Board(uarts=(1, 2)) as board:
            await board.prompt()
            client = board.client
            await client.ask("from machine import UART")
            await client.ask("u = UART(UART.UART2, 115200, 8, 0, 1, 0)")
            assert await client.ask("u is UART(2, 115200, 8, 0, 1, 0)") == "True\n"
            assert await client.ask("u") == "UART(2, baudrate=115200, bits=8, parity=None, stop=1, flow=0)\n"
            assert await client.ask("u.set_callback(lambda news: print('news', news, u.read(news[2])))") == "0\n"
            board.uarts[2].write(b"abc")
            assert await client.until(b"\n") == b"news [0, 2, 3] b'abc'\r\n"
            assert await client.ask("u.write('xy'), u.any(), u.read(10)") == "(2, 0, b'')\n"
            assert await board.uarts[2].until(b"xy") == b"xy"
            assert await client.ask("u.close()") == "0\n"

    run(story)


def test_uart_with_a_bad_setting_is_refused_in_the_modules_words():
    async def story():
        async with Board() as board:
            await board.prompt()
            await board.client.ask("from machine import UART")
            for arguments, word in (
                ("2, 1234, 8, 0, 1, 0", "invalid baudrate"),
                ("2, 9600, 7, 0, 1, 0", "invalid data bits, Unisoc platform only support 8 data bit."),
                ("2, 9600, 8, 3, 1, 0", "invalid parity bits"),
                ("2, 9600, 8, 0, 3, 0", "invalid stop bits"),
                ("2, 9600, 8, 0, 1, 2", "invalid flow bits"),
                ("9, 9600, 8, 0, 1, 0", "UART(9) does not exist"),
            ):
                said = await board.client.ask(f"UART({arguments})")
                assert said.endswith(f"ValueError: {word}\n")

    run(story)
