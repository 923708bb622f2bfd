"""The on-board modules of the virtual module, on the real interpreter: one boot, many questions.

Source: device-api 1, 3.6, 3.7, 5.2, 5.4, 8.4, 10, 11.
"""

import hashlib
import time
import zlib

import pytest

from moduline.vmodule.interpreter.plan import ModuleFacts, Quirks
from moduline.vmodule.world import World
from moduline.vmodule.world.clock import ClockPlan, ModuleClock
from transcripts.board import Board, run


def ask_all(*rows, **board):
    """Type each line, compare what is printed."""

    async def story():
        async with Board(**board) as module:
            await module.prompt()
            for line, printed in rows:
                said = await module.client.ask(line)
                if isinstance(printed, str):
                    assert said == printed, line
                else:
                    assert printed(said), (line, said)

    run(story)


def raises(text):
    return lambda said: said.startswith("Traceback") and said.endswith(f"\n{text}\n")


def test_utime_has_the_modules_epoch_zone_and_ticks():
    ask_all(
        ("import utime", ""),
        ("utime.mktime((2020, 9, 29, 8, 54, 42, 1, 273))", "1601340882\n"),
        ("utime.localtime(646898736)", "(1990, 7, 2, 14, 5, 36, 0, 183)\n"),
        ("utime.mktime(utime.localtime(1709164800)) == 1709164800", "True\n"),
        ("utime.getTimeZone(), utime.setTimeZone(0), utime.localtime(0)", "(8, 0, (1970, 1, 1, 0, 0, 0, 3, 1))\n"),
        ("utime.setTimeZone(13)", raises("ValueError: invalid time zone, the value should in range [-12,12]")),
        ("utime.ticks_diff(5, 0x3FFFFFFE), utime.ticks_add(0x3FFFFFFF, 2)", "(7, 1)\n"),
        ("0 < utime.ticks_ms() < 20000", "True\n"),
        ("type(utime.time())", "<class 'int'>\n"),
        ("t = utime.ticks_ms(); utime.sleep_us(10); utime.ticks_diff(utime.ticks_ms(), t) >= 1", "True\n"),
    )


def test_utime_follows_the_offset_of_the_modules_clock():
    ask_all(
        ("import utime; utime.time()", lambda said: abs(int(said) - (time.time() - 1e6)) < 60),
        world=World(clock=ModuleClock(ClockPlan(rtc_error_s=-1e6))),
    )


def test_log_writes_levels_names_and_messages():
    ask_all(
        ("import log, usys", ""),
        ("l = log.getLogger('A'); l is log.getLogger('A')", "True\n"),
        ("l.info('x %d', 3); l.debug('no')", "INFO:A:x 3\n"),
        ("log.basicConfig(level=log.DEBUG)", ""),
        ("l.debug('d'); l.warning('w'); l.error('e'); l.critical('c'); l.log(25, 'o')",
         "DEBUG:A:d\nWARN:A:w\nERROR:A:e\nCRIT:A:c\nLVL25:A:o\n"),
        ("log.basicConfig(filename='f', format='g')",
         "logging.basicConfig: filename arg is not supported\nlogging.basicConfig: format arg is not supported\n"),
        ("log.set_output(5)", raises("Exception: output must be a UART, usys.stdout or usys.stderr")),
        ("log.set_output(usys.stdout); l.info('out')", "INFO:A:out\n"),
    )  # fmt: skip


def test_log_when_its_output_is_a_uart_goes_there_and_back():
    """Source: device-api 10.4."""

    async def story():
        async with Board(uarts=(2,)) as board:
            await board.prompt()
            ask = board.client.ask
            await ask("import log, usys; from machine import UART; u = UART(UART.UART2, 115200, 8, 0, 1, 0)")
            await ask("l = log.getLogger('Port')")
            assert await ask("log.set_output(u); l.info('over there')") == ""
            assert await board.uarts[2].until(b"over there\n") == b"INFO:Port:over there\n"
            assert await ask("log.set_output(usys.stderr); l.info('here')") == "INFO:Port:here\n"

    run(story)


def test_language_and_environment_say_what_the_module_says():
    facts = ModuleFacts("EC600U", "1" * 15, "SN", "FW1", variant="EC600U-CNLB", build_date="2021-11-11")
    ask_all(
        ("import sys, usys, gc; sys is usys, sys.path, sys.argv", "(True, [''], [])\n"),
        ("sys.version, sys.implementation.version", "('3.4.0', (1, 13, 0))\n"),
        ("uos.uname()", ("('sysname=EC600U-CNLB', 'nodename=EC600U', 'release=1.13.0', 'version=v1.12 on 2021-11-11', "
         "'machine=EC600U with QUECTEL', 'qpyver=V0002')\n")),
        ("uos.uname2().machine, uos.uname2()[2]", "('EC600U with QUECTEL', '1.13.0')\n"),
        ("len(uos.urandom(4))", "4\n"),
        ("nothing", raises("NameError: name 'nothing' isn't defined")),
        ("import nothing", raises("ImportError: no module named 'nothing'")),
        ("_ = gc.collect(); 300000 < gc.mem_free() < 524288", "True\n"),
        ("b = bytearray(1200000)", lambda said: "MemoryError" in said),
        ("import ujson, ure, ustruct, ubinascii, ucollections, urandom, uerrno, uselect, uasyncio", ""),
        ("import uhashlib; uhashlib.sha256(b'abc').hexdigest()", f"'{hashlib.sha256(b'abc').hexdigest()}'\n"),
        ("import utils; utils.crc32().update(0xffffffff, b'123456789')", lambda said: said.strip().isdigit()),
        ("uos, ujson", "(<module 'uos'>, <module 'json'>)\n"),
        facts=facts,
    )  # fmt: skip


def test_names_of_the_boot_script_are_there_without_an_import():
    ask_all(
        ("sorted(dir())", ("['__name__', 'app_fota', 'backup_restore', 'bdev', 'dataCall', 'datacall_flag', 'dial', "
         "'fota', 'gc', 'misc', 'udev', 'ujson', 'uos']\n")),
        ("datacall_flag", "1\n"),
        ("dial, dataCall, misc", "(<module 'dial'>, <module 'dataCall'>, <module 'misc'>)\n"),
        ("import fota; fota", "<class 'fota'>\n"),
        ("f = fota(); f is fota(reset_disable=1)", "True\n"),
        ("import audio", raises("ImportError: 'audio' is not modelled by this virtual module yet")),
        ("import machine; machine.LCD",
         raises("NotImplementedError: machine.LCD is not modelled by this virtual module yet")),
    )  # fmt: skip


def test_ql_fs_does_what_its_pages_say():
    ask_all(
        ("import ql_fs", ""),
        ("ql_fs.path_exists('/usr'), ql_fs.path_exists(''), ql_fs.path_exists('/usr/none')", "(True, False, False)\n"),
        ("ql_fs.path_dirname('/usr/bin'), ql_fs.path_dirname('/usr'), ql_fs.path_dirname('x')", "('/usr', '/', '')\n"),
        ("ql_fs.mkdirs('usr/a/b/c')", ""),
        ("ql_fs.touch('/usr/a/b/new/config.json', {'k': 1})", "0\n"),
        ("ql_fs.read_json('/usr/a/b/new/config.json')", "{'k': 1}\n"),
        ("ql_fs.read_json('/usr/none') is None", "True\n"),
        ("ql_fs.touch('/bak/x', {})", "-1\n"),
        ("ql_fs.path_getsize('/usr/a/b/new/config.json')", "8\n"),
        ("ql_fs.path_getsize('/usr/none')", lambda said: said.endswith("FileNotFoundError: can not find: '/usr/none'\n")),
        ("ql_fs.file_copy('/usr/copy', '/usr/a/b/new/config.json'), ql_fs.file_copy('/usr/c', '/usr/none')", "(True, False)\n"),
        ("ql_fs.rmdirs('/usr/a'); uos.listdir('/usr')", "['apn_cfg.json', 'system_config.json', 'copy']\n"),
    )  # fmt: skip


def test_file_checks_compute_and_change_nothing():
    data = b"some text\n"
    ask_all(
        (f"f = open('/usr/t', 'wb'); f.write({data!r}); f.close()", "10\n"),
        ("open('/usr/e', 'w').close()", ""),
        ("import file_crc32, file_sha256", ""),
        ("file_sha256.calc('/usr/t')", f"'{hashlib.sha256(data).hexdigest()}'\n"),
        ("file_crc32.calc('/usr/t')", f"'{hex(zlib.crc32(data, 0xFFFFFFFF))}'\n"),
        ("file_crc32.calc('/usr/e'), file_sha256.calc('/usr/none')", "(None, None)\n"),
    )


def test_help_without_and_with_a_subject():
    ask_all(
        ("help()", lambda said: said.startswith("Welcome to QuecPython!\n") and "CTRL-E" in said),
        ("help('modules')", lambda said: "modem" in said and "boot" not in said and said.endswith("filesystem\n")),
        ("import checksum; help(checksum)",
         lambda said: said.startswith("object <module 'checksum'> is of type module\n  __name__ -- checksum\n")
         and "  update -- <function>\n" in said),
        ("help(5)", lambda said: said.startswith("object 5 is of type int\n")),
    )  # fmt: skip


def test_power_reasons_and_battery_come_from_outside():
    ask_all(
        ("from misc import Power", ""),
        ("Power.powerOnReason(), Power.powerDownReason(), Power.getVbatt()", "(2, 3, 3590)\n"),
        (
            "import misc; misc.Temperature",
            raises("NotImplementedError: misc.Temperature is not modelled by this virtual module yet"),
        ),
        quirks=Quirks(has_power_down_reason=True),
        power_on_reason=2,
        power_down_reason=3,
    )
    ask_all(("from misc import Power; hasattr(Power, 'powerDownReason')", "False\n"))


@pytest.mark.parametrize(("call", "wish"), [("powerRestart", "restart"), ("powerDown", "down")])
def test_power_call_does_not_return_and_tells_the_owner(call, wish):
    async def story():
        async with Board() as board:
            await board.prompt()
            board.client.write(f"from misc import Power; Power.{call}(); print('came back')\r")
            await board.dead.wait()
            assert board.wishes == [wish]
            assert b"came back\r\n" not in (await board.client.quiet(0.1)).split(b"print", 1)[-1].partition(b"\n")[2]

    run(story)


def test_example_exec_runs_in_the_prompts_name_space_and_prints_what_is_raised():
    ask_all(
        ("f = open('/usr/x.py', 'w'); f.write('y = __name__\\n1/0\\n'); f.close()", "17\n"),
        ("import example; print(example.exec('usr/x.py'))",
         ('Traceback (most recent call last):\n'
         '  File "/usr/x.py", line 2, in <module>\nZeroDivisionError: divide by zero\nNone\n')),
        ("y", "'__main__'\n"),
        ("example.exec('/usr/none.py')", ""),
        ("f = open('/usr/z.py', 'w'); f.write('5\\n'); f.close()", "2\n"),
        ("example.exec('/usr/z.py')", ""),
    )  # fmt: skip


def test_repl_protection_by_script_and_by_configuration_refuses_the_prompt():
    async def story():
        async with Board() as board:
            await board.prompt()
            board.client.write(b"import system; system.replSetEnable(1)\r")
            await board.client.until(b">>> ")
            board.client.write(b"1\r")
            assert await board.client.until(b">>> ") == b"1\r\nREPL refuse\r\n>>> "
            await board.power_cycle()
            await board.prompt()
            board.client.write(b"1\r")
            assert await board.client.until(b">>> ") == b"1\r\nREPL refuse\r\n>>> "

    run(story)


def test_app_fota_when_files_are_staged_takes_them_at_the_next_boot():
    """Source: device-api 8.4."""

    async def story():
        async with Board() as board:
            await board.prompt()
            await board.client.raw(
                "import ql_fs, app_fota\n"
                "ql_fs.touch('/usr/app.py', 'old', file_type='text')\n"
                "ql_fs.touch('/usr/.updater/usr/app.py', 'new', file_type='text')\n"
                "ql_fs.touch('/usr/.updater/download.stat', [{'url': 'u', 'name': '/usr/app.py', 'total_size': 3}])\n"
                "app_fota.new().set_update_flag()\n"
            )
            assert await board.client.ask("open('/usr/app.py').read()") == "'old'\n"
            board.client.write(b"\x04")
            await board.prompt()
            assert await board.client.ask("open('/usr/app.py').read()") == "'new'\n"
            assert await board.client.ask("'.updater' in uos.listdir('/usr')") == "False\n"

    run(story)


def test_real_time_clock_for_host_tools_can_be_set():
    ask_all(
        ("from machine import RTC; RTC().datetime((2021, 3, 4, 3, 5, 6, 7, 0))", "0\n"),
        ("RTC().datetime()[:6]", "(2021, 3, 4, 4, 5, 6)\n"),
        ("import utime; utime.localtime()[:5]", "(2021, 3, 4, 5, 6)\n"),
    )
