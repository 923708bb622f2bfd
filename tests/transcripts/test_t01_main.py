"""T01, T03: main.py runs at power-on, and what a looping one does to the REPL.  Source: seed 0; device-api 2.2 to 2.4, 14.1."""

import asyncio
import hashlib
from itertools import pairwise

import pytest

from moduline.vmodule.interpreter.plan import Quirks
from transcripts.board import Board, run, with_files
from vmodule.interpreter.test_twins import compiled

MAIN = """\
from usr import user_file  # 用户的.py文件放在usr路径下，要用 from usr 导入APP
import utime


PROJECT_NAME = 'QUEC_TEST'  # 必须要有这行代码才能合并
PROJECT_VERSION = '1.0.0'  # 必须要有这行代码才能合并


if __name__ == "__main__":  # 标准写法，从main.py开始执行
    while True:
        user_file.Qprint()
        user_file.Qlistdir()
        utime.sleep_ms(300)

"""

USER_FILE = """\
import uos


def Qprint():
    print('Hello World !')


def Qlistdir():
    print(uos.listdir('/usr'))

"""

FILES = [("apn_cfg.json", b"{}"), ("main.py", MAIN.encode()), ("user_file.py", USER_FILE.encode())]
ROUND = b"Hello World !\r\n['apn_cfg.json', 'main.py', 'user_file.py', 'system_config.json']\r\n"
NO_BACKUP = b"mount.\r\nx backup restore procedure error: '/bak/backup_restore.json not exist'\r\n"


async def _demo(board):
    await board.prompt()
    await board.client.raw(with_files(FILES))
    await board.power_cycle()


def test_t01_production_demo_when_powered_says_hello_every_300_ms():
    async def story():
        async with Board() as board:
            await _demo(board)
            assert await board.client.until(ROUND) == NO_BACKUP + ROUND
            heard = [asyncio.get_running_loop().time()]
            for _ in range(6):
                assert await board.client.until(ROUND) == ROUND
                heard.append(asyncio.get_running_loop().time())
            gaps = sorted(after - before for before, after in pairwise(heard))  # some are late on a loaded computer
            assert gaps[0] < 0.5
            assert gaps[-1] > 0.28

    run(story)


def test_t03_looping_main_when_something_is_typed_neither_echoes_nor_executes():
    """Before and after the first second; a module without Ctrl-C support goes on for ever."""

    async def story():
        async with Board(quirks=Quirks(ctrl_c_stops_main=False)) as board:
            await _demo(board)
            await board.client.until(ROUND)
            board.client.write(b"print(1)\r")
            for _ in range(4):
                assert await board.client.until(ROUND) == ROUND
            board.client.write(b"print(2)\r\x03\x03\x04\x01")
            for _ in range(3):
                assert await board.client.until(ROUND) == ROUND

    run(story)


def test_t03_looping_main_when_ctrl_c_comes_after_a_second_stops_and_the_module_boots_without_it():
    async def story():
        async with Board() as board:
            await _demo(board)
            for _ in range(5):
                await board.client.until(ROUND)
            board.client.write(b"\x03")
            said = await board.client.until(b">>> ")
            assert said.lstrip(ROUND).startswith(b"Traceback") or b"Traceback (most recent call last):\r\n" in said
            tail = said[said.index(b"Traceback") :]
            assert b'  File "/usr/main.py", line ' in tail
            assert b"\r\nKeyboardInterrupt: \r\nMPY: soft reboot\r\n" + NO_BACKUP + b"Quecpython v1.12 on " in tail
            assert await board.client.ask("1+1") == "2\n"
            board.client.write(b"\x04")  # the next reset runs main.py again
            await board.client.until(ROUND)

    run(story)


def test_t03_ctrl_c_within_the_first_second_waits_and_strikes_then():
    async def story():
        async with Board() as board:
            await _demo(board)
            board.client.write(b"\x03")  # while the module boots
            said = await board.client.until(b"KeyboardInterrupt: \r\n")
            assert said.count(b"Hello World !") >= 3
            await board.prompt()

    run(story)


def test_main_when_it_raises_prints_the_traceback_and_leaves_the_prompt():
    async def story():
        async with Board() as board:
            await board.prompt()
            await board.client.raw(with_files([("main.py", b"x = 5\ndef f():\n    return 1 / 0\nf()\n")]))
            await board.power_cycle()
            said = await board.prompt()
            assert (
                b'Traceback (most recent call last):\r\n  File "/usr/main.py", line 4, in <module>\r\n'
                b'  File "/usr/main.py", line 3, in f\r\nZeroDivisionError: divide by zero\r\nQuecpython v1.12'
            ) in said
            assert await board.client.ask("x, __name__") == "(5, '__main__')\n"

    run(story)


def test_raw_soft_reset_does_not_run_main():
    """Source: device-api 3.4."""

    async def story():
        async with Board() as board:
            await board.prompt()
            await board.client.raw(with_files([("main.py", b"print('main ran')\n")]))
            board.client.write(b"\x01")
            await board.client.until(b"raw REPL; CTRL-B to exit\r\n>")
            board.client.write(b"\x04")
            assert await board.client.until(b"to exit\r\n>") == (
                b"OK\r\nMPY: soft reboot\r\n" + NO_BACKUP + b"raw REPL; CTRL-B to exit\r\n>"
            )
            board.client.write(b"\x02")
            await board.prompt()
            board.client.write(b"\x04")
            assert b"main ran" in await board.prompt()

    run(story)


def test_first_boot_of_an_empty_flash_formats_and_makes_the_two_files():
    """Source: device-api 2.1, 2.2."""

    async def story():
        async with Board() as board:
            assert (await board.prompt()) == NO_BACKUP + (
                b'Quecpython v1.12 on 2022-05-18 ; EC600S with QUECTEL \r\n Type "help()" for more information.\r\n>>> '
            )
            assert [(n.slug, n.facts) for n in board.notices] == [
                ("virt.formatted", {"mount": "/usr"}),
                ("virt.formatted", {"mount": "/bak"}),
            ]
            assert await board.client.ask("uos.listdir('/usr')") == "['apn_cfg.json', 'system_config.json']\n"
            assert await board.client.ask("ujson.load(open('/usr/system_config.json'))") == "{'replFlag': 0}\n"
            await board.power_cycle()
            await board.prompt()
            assert len(board.notices) == 2

    run(story)


@pytest.mark.parametrize("is_encrypted", [False, True], ids=["plain", "encrypted"])
def test_t01_demo_prints_the_same_with_the_encrypt_tick_but_for_the_file_name(is_encrypted, tmp_path):
    """With the tick user_file.py becomes user_file.mpy; main.py stays.  Source: device-api 2.3, 14.1"""
    name, content = "user_file.py", USER_FILE.encode()
    if is_encrypted:
        name, content = "user_file.mpy", compiled(tmp_path, USER_FILE, "-b", "5", "-mno-unicode")
        twin = tmp_path / f"{hashlib.sha256(content).hexdigest()}.mpy"
        twin.write_bytes(compiled(tmp_path, USER_FILE))

    async def story():
        async with Board(twins_folder=tmp_path) as board:
            await board.prompt()
            await board.client.raw(with_files([*FILES[:2], (name, content)]))
            await board.power_cycle()
            wanted = ROUND.replace(b"user_file.py", name.encode())
            assert await board.client.until(wanted) == NO_BACKUP + wanted
            for _ in range(2):
                assert await board.client.until(wanted) == wanted

    run(story)


def test_t03_start_py_run_by_hand_can_be_stopped_and_the_module_boots_anew():
    """The advice of the seed: not main.py but start.py, run by ``example.exec``.  Source: device-api 2.4, 11, 14.1"""

    async def story():
        async with Board() as board:
            await board.prompt()
            files = [FILES[0], ("start.py", MAIN.encode()), FILES[2]]
            await board.client.raw(with_files(files))
            await board.power_cycle()
            await board.prompt()
            board.client.write(b"import example\r")
            await board.prompt()
            board.client.write(b"example.exec('/usr/start.py')\r")
            for _ in range(5):
                await board.client.until(b"Hello World !\r\n")
            board.client.write(b"\x03")
            said = await board.client.until(b">>> ")
            tail = said[said.index(b"Traceback") :]
            assert b'  File "/usr/start.py", line ' in tail
            assert b"\r\nKeyboardInterrupt: \r\nMPY: soft reboot\r\nmount.\r\n" in tail
            assert await board.client.ask("1 + 1") == "2\n"

    run(story)


def test_t03_missing_start_py_says_nothing_or_raises_by_profile():
    async def story(is_silent, printed):
        async with Board(quirks=Quirks(is_missing_exec_silent=is_silent)) as board:
            await board.prompt()
            said = await board.client.ask("import example; example.exec('usr/start.py')")
            assert said.splitlines()[-1:] == printed

    run(lambda: story(True, []))
    run(lambda: story(False, ["OSError: File path error or not exist: [/usr/start.py]"]))
