"""T15, T16: threads at the prompt, threads with a UART.  Source: seed 1; device-api 10.1, 14.2."""

import asyncio

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


def _script(count, pause):
    return THREAD_FILE.replace("count = 10", f"count = {count}").replace("utime.sleep(1)", f"utime.sleep_ms({pause})")


def test_t16_thread_script_when_the_harness_answers_logs_the_message_and_goes_on_writing():
    """The seed's script; its ten seconds are shortened to ten steps of 200 ms."""

    async def story():
        async with Board(uarts=(2,)) as board:
            await board.prompt()
            client, uart = board.client, board.uarts[2]
            await client.raw(f"f = open('/usr/thread_file.py', 'w')\nf.write({_script(10, 200)!r})\nf.close()")
            client.write(b"import example\r")
            await client.until(b">>> ")
            client.write(b"example.exec('usr/thread_file.py')\r")
            await client.until(b"INFO:Thread:write msg :Quectel count=8\r\n")
            asked = asyncio.get_running_loop().time()
            uart.write(b"Quecpython")
            said = await client.until(b"INFO:Thread:uartread msg: Quecpython\r\n")
            assert b"count=7" not in said
            assert asyncio.get_running_loop().time() - asked < 0.15
            await client.until(b">>> ")  # the main loop has ended, the writer goes on
            rest = await client.until(b"INFO:Thread:uartWrite end!\r\n")
            assert [line for line in rest.decode().split("\r\n") if line][:-1] == [
                f"INFO:Thread:write msg :Quectel count={n}" for n in range(7, 0, -1)
            ]
            sent = await uart.until(b"count=1", 1)
            sent += await uart.quiet(0.05)
            assert sent == b"".join(b"Quectel count=%d" % n for n in range(10, 0, -1))

    run(story)


def test_t16_reader_thread_when_the_input_is_no_utf8_dies_with_a_traceback_and_the_rest_lives():
    async def story():
        async with Board(uarts=(2,)) as board:
            await board.prompt()
            client = board.client
            source = _script(30, 100).replace("if state:", "if state and count > 20:")
            await client.raw(f"f = open('/usr/thread_file.py', 'w')\nf.write({source!r})\nf.close()")
            client.write(b"import example; example.exec('usr/thread_file.py')\r")
            await client.until(b"count=29\r\n")
            board.uarts[2].write(b"\xff\xfe")
            said = await client.until(b"UnicodeError: \r\n")
            assert b"Unhandled exception in thread started by <function uartread at 0x" in said
            await client.until(b">>> ")
            await client.until(b"count=15\r\n")

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
