"""``machine`` on the real interpreter, against the bench.

Source: device-api 3.1, 10.2, 10.5, 10.6; QuecPython/microPython ``machine_*.c``.
"""

import asyncio

from moduline.vmodule.interpreter.plan import Quirks
from moduline.vmodule.world import World
from moduline.vmodule.world.bench_plan import BenchPlan, BusPeer, Exchange, Register
from onboard.test_small_modules import ask_all, raises
from transcripts.board import Board, run


def bench(**plan):
    return World(bench_plan=BenchPlan(**plan))


def mismatches(board):
    return [notice.facts for notice in board.notices if notice.slug == "virt.peer-mismatch"]


# ---- pins ----------------------------------------------------------------------------------------------------------


def test_pin_when_written_and_read_agrees_with_the_bench():
    async def story():
        async with Board() as board:
            await board.prompt()
            ask, world = board.client.ask, board.world
            await ask("from machine import Pin")
            assert await ask("p = Pin(Pin.GPIO5, Pin.OUT, Pin.PULL_DISABLE, 0); p") == "<Pin(5)>\n" * 0 + "<Pin(5)>\n"
            assert await ask("p.write(1), p.read(), p.get_dir(), p.value()") == "(0, 1, 1, 1)\n"
            assert world.bench.pin_level(5) == 1
            await ask("p.off()")
            await ask("p(1); p.value(0); p.on()")
            trace = [(one.value, one.by) for one in world.bench.trace("pin", "5")]
            assert trace == [(1, "script"), (0, "script"), (1, "script"), (0, "script"), (1, "script")]
            assert await ask("p.set_dir(Pin.IN), p.read(), p.write(2)") == "(0, 0, -1)\n"
            world.bench.set_pin(5, 1)
            assert await ask("p.read()") == "1\n"
            assert await ask("Pin(Pin.GPIO6, Pin.IN, Pin.PULL_PU, 0).read()") == "1\n"

    run(story)


def test_pin_when_its_arguments_are_wrong_is_refused_in_the_modules_words():
    ask_all(
        ("from machine import Pin", ""),
        ("Pin(99)", raises("ValueError: invalid pin")),
        ("Pin(1, 2)", raises("ValueError: invalid pin dir, range{0:dir in, 1:dir out}")),
        (
            "Pin(1, 0, 3)",
            raises("ValueError: invalid pin pull, range{0:PIN_PULL_DISABLE, 1:PIN_PULL_PU, 2:PIN_PULL_PD}"),
        ),
        ("Pin(1, 0, 0, 5)", raises("ValueError: invalid pin value, range{0:PIN_LEVEL_LOW, 1:PIN_LEVEL_HIGH}")),
        ("Pin.IN, Pin.OUT, Pin.PULL_DISABLE, Pin.PULL_PU, Pin.PULL_PD, Pin.GPIO44", "(0, 1, 0, 1, 2, 44)\n"),
    )


def test_external_interrupt_when_enabled_calls_back_with_line_and_edge_and_counts():
    async def story():
        async with Board() as board:
            await board.prompt()
            ask, world = board.client.ask, board.world
            await ask("from machine import ExtInt")
            await ask("e = ExtInt(ExtInt.GPIO2, ExtInt.IRQ_RISING_FALLING, ExtInt.PULL_DISABLE, print)")
            world.bench.set_pin(2, 1)
            assert await ask("e.line(), e.read_level(), e.read_count(0)") == "(2, 1, [0, 0])\n"
            assert await ask("e.enable()") == "0\n"
            world.bench.set_pin(2, 0)
            await board.client.until(b"[2, 1]\r\n")
            world.bench.set_pin(2, 1)
            await board.client.until(b"[2, 0]\r\n")
            assert await ask("e.read_count(1), e.read_count(0)") == "([1, 1], [0, 0])\n"
            assert await ask("e.disable()") == "0\n"
            world.bench.set_pin(2, 0)
            assert await ask("e.read_count(0), e.count_reset(), e") == "([0, 0], 0, <ExtInt line=2>)\n"

    run(story)


def test_external_interrupt_when_only_one_edge_is_wanted_hears_only_that():
    async def story():
        async with Board() as board:
            await board.prompt()
            ask, world = board.client.ask, board.world
            await ask("from machine import ExtInt; heard = []")
            await ask("r = ExtInt(1, ExtInt.IRQ_RISING, 0, heard.append); r.enable()")
            await ask("f = ExtInt(2, ExtInt.IRQ_FALLING, ExtInt.PULL_PU, heard.append); f.enable()")
            for _ in range(2):
                for line in (1, 2):
                    world.bench.set_pin(line, 1)
                    world.bench.set_pin(line, 0)
            assert await ask("heard") == "[[1, 0], [2, 1], [1, 0], [2, 1]]\n"
            for wrong, text in (
                ("99, 0, 0, print", "invalid pin value"),
                ("1, 3, 0, print", "invalid mode value"),
                ("1, 0, 3, print", "invalid pull value"),
                ("1, 0, 0, None", "callback is none"),
            ):
                assert (await ask(f"ExtInt({wrong})")).endswith(f"ValueError: {text}\n")

    run(story)


# ---- UARTs ---------------------------------------------------------------------------------------------------------


def test_uart_when_opened_twice_is_the_same_object_and_prints_its_settings():
    ask_all(
        ("from machine import UART", ""),
        ("u = UART(UART.UART2, 115200, 8, 0, 1, 0); u", "UART(2, baudrate=115200, bits=8, parity=None, stop=1, flow=0)\n"),
        ("UART(2, 9600, 8, 1, 2, 1) is u, u", "(True, UART(2, baudrate=9600, bits=8, parity=1, stop=2, flow=1))\n"),
        ("u.init(300, 8, 2, 1, 0); u", "UART(2, baudrate=300, bits=8, parity=0, stop=1, flow=0)\n"),
        ("UART(2)", raises("ValueError: invalid baudrate")),
        ("UART(2, 9600)", raises("ValueError: invalid data bits, Unisoc platform only support 8 data bit.")),
        ("UART(2, 9600, 8)", raises("ValueError: invalid parity bits")),
        ("UART(2, 9600, 8, 0)", raises("ValueError: invalid stop bits")),
        ("UART(2, 9600, 8, 0, 1)", raises("ValueError: invalid flow bits")),
        ("UART(5, 9600, 8, 0, 1, 0)", raises("ValueError: UART(5) does not exist")),
    )  # fmt: skip


def test_uart_when_the_module_takes_other_data_bits_accepts_five_to_eight():
    ask_all(
        (
            "from machine import UART; UART(1, 9600, 5, 0, 1, 0)",
            "UART(1, baudrate=9600, bits=5, parity=None, stop=1, flow=0)\n",
        ),
        ("UART(1, 9600, 4, 0, 1, 0)", raises("ValueError: invalid data bits")),
        quirks=Quirks(is_uart_8_bits_only=False),
    )


def test_uart_when_read_in_every_way_gives_what_is_there_and_never_waits():
    async def story():
        async with Board(uarts=(2,)) as board:
            await board.prompt()
            ask, uart = board.client.ask, board.uarts[2]
            await ask("from machine import UART; u = UART(2, 115200, 8, 0, 1, 0)")
            assert await ask("u.any(), u.read(), u.read(5), u.readline()") == "(0, b'', b'', b'')\n"
            uart.write(b"one\ntwo\nthree")
            await ask("while u.any() < 13: pass\r")
            assert await ask("u.any(), u.readline(), u.read(2), u.readline()") == "(13, b'one\\n', b'tw', b'o\\n')\n"
            assert await ask("b = bytearray(3); u.readinto(b), b, u.any()") == "(3, bytearray(b'thr'), 2)\n"
            uart.write(b"x\ny\n")
            await ask("while u.any() < 6: pass\r")
            assert await ask("list(u)") == "[b'eex\\n', b'y\\n']\n"
            assert await ask("u.write('\\u65e5\\u672c'), u.write(b'\\x00'), u.write(bytearray(b'!'))") == "(6, 1, 1)\n"
            assert await uart.until(b"!") == "日本\0!".encode()
            assert await ask("print('to the UART', file=u)") == ""
            assert await uart.until(b"\n") == b"to the UART\n"

    run(story)


def test_uart_when_many_bytes_pass_at_once_loses_none():
    async def story():
        data = bytes(range(256)) * 160
        async with Board(uarts=(1,)) as board:
            await board.prompt()
            await board.client.raw("from machine import UART\nu = UART(1, 115200, 8, 0, 1, 0)")
            board.client.write(b"u.write(bytes(range(256)) * 160)\r")
            assert await board.uarts[1].until(data) == data
            await board.client.until(b"40960\r\n>>> ")
            await board.uarts[1].send(data)
            out = await board.client.raw(
                "while u.any() < 40960: pass\nprint(u.read() == bytes(range(256)) * 160, u.any())"
            )
            assert out == "True 0\r\n"

    run(story)


def test_uart_when_closed_refuses_bytes_and_can_be_opened_again():
    async def story():
        async with Board(uarts=(2,)) as board:
            await board.prompt()
            ask = board.client.ask
            await ask("from machine import UART; u = UART(2, 115200, 8, 0, 1, 0)")
            assert (
                await ask("u.close(), u.any(), u.read(1), u.write('x'), u.readline()") == "(0, 0, None, None, None)\n"
            )
            assert await ask("UART(2, 9600, 8, 0, 1, 0) is u, u.write('again')") == "(True, 5)\n"
            assert await board.uarts[2].until(b"again") == b"again"

    run(story)


def test_uart_when_polled_is_ready_only_while_bytes_wait():
    async def story():
        async with Board(uarts=(2,)) as board:
            await board.prompt()
            ask = board.client.ask
            await ask("from machine import UART; u = UART(2, 115200, 8, 0, 1, 0)")
            await ask("import uselect; p = uselect.poll(); p.register(u, uselect.POLLIN)")
            assert await ask("p.poll(0)") == "[]\n"
            board.uarts[2].write(b"x")
            await ask("while not u.any(): pass\r")
            assert await ask("len(p.poll(0)), u.read()") == "(1, b'x')\n"

    run(story)


def test_uart_callbacks_when_the_script_is_deaf_are_at_most_as_many_as_the_modules_queue_holds():
    """Source: device-api 10.2 (depth 64)."""

    async def story():
        async with Board(uarts=(2,)) as board:
            await board.prompt()
            ask = board.client.ask
            await ask("from machine import UART; import utime; u = UART(2, 115200, 8, 0, 1, 0); heard = []")
            await ask("u.set_callback(heard.append)")
            await ask("n = 'a' * 150000 + 'b'; h = 'a' * 300000")
            board.client.write(b"h.find(n)\r")  # one long step of the interpreter: callbacks have to wait
            await board.client.until(b"h.find(n)\r\n")
            for _ in range(200):
                board.uarts[2].write(b"x")
                await asyncio.sleep(0.0005)
            assert await board.client.until(b">>> ", 30) == b"-1\r\n>>> "
            assert 1 <= int(await ask("len(heard)")) < 150, "64, and those that came when it was no longer deaf"
            assert await ask("all(one[0] == 0 and one[1] == 2 for one in heard), u.any()") == "(True, 200)\n"

    run(story)


def test_rs485_when_a_uart_sends_turns_the_direction_pin_for_as_long_as_the_bytes_take():
    async def story():
        async with Board(uarts=(2,)) as board:
            await board.prompt()
            ask, world = board.client.ask, board.world
            await ask("from machine import UART; u = UART(2, 1200, 8, 0, 1, 0)")
            assert (
                await ask("u.control_485(UART.UART0, 2), u.control_485('x', 1), u.control_485(28, 1)")
                == "(-1, -1, 0)\n"
            )
            assert world.bench.pin_level(28) == 0
            await ask("u.write('0123456789')")
            await board.uarts[2].until(b"9")
            async with asyncio.timeout(30):
                while len(world.bench.trace("pin", "28")) < 2:
                    await asyncio.sleep(0.01)
            up, down = world.bench.trace("pin", "28")
            assert (up.value, down.value) == (1, 0)
            assert 0.0833 <= down.at_s - up.at_s < 0.5, "ten bytes of ten bits at 1200 baud"

    run(story)


def test_uart3_when_a_script_opens_it_takes_the_port_from_the_repl_and_close_gives_it_back():
    """Source: device-api 3.1, 10.5."""

    async def story():
        async with Board() as board:
            await board.prompt()
            client = board.client
            script = (
                "from machine import UART\n"
                "print('before')\n"
                "u = UART(UART.UART3, 115200, 8, 0, 1, 0)\n"
                "print('nobody sees this')\n"
                "u.write('send 5\\n')\n"
                "while u.any() < 5: pass\n"
                "got = u.read()\n"
                "u.write(b'got ' + got)\n"
                "u.close()\n"
                "print('after')\n"
            )
            await client.raw(f"f = open('/usr/t.py', 'w')\nf.write({script!r})\nf.close()")
            client.write(b"import example; example.exec('/usr/t.py')\r")
            assert b"nobody" not in (said := await client.until(b"send 5\n"))
            assert said.endswith(b"before\r\nsend 5\n")
            client.write(b"a\x03b\rc")
            assert await client.until(b"after\r\n") == b"got a\x03b\rcafter\r\n"
            await client.until(b">>> ")
            assert await client.ask("got") == "b'a\\x03b\\rc'\n"

    run(story)


def test_uart3_when_the_module_restarts_belongs_to_the_repl_again():
    async def story():
        async with Board() as board:
            await board.prompt()
            board.client.write(b"from machine import UART, soft_reset; u = UART(3, 9600, 8, 0, 1, 0); soft_reset()\r")
            await board.client.until(b"mount.")
            await board.prompt()
            assert await board.client.ask("1+1") == "2\n"

    run(story)


# ---- buses ---------------------------------------------------------------------------------------------------------


def test_i2c_when_a_device_is_wired_writes_and_reads_its_registers():
    peers = (BusPeer("i2c1", 0x38, registers=(Register(0x71, b"\x18\x2a"),)),)
    ask_all(
        ("from machine import I2C; i = I2C(I2C.I2C1, I2C.STANDARD_MODE); i", "I2C1\n"),
        ("b = bytearray(2); i.read(0x38, b'\\x71', 1, b, 2, 20), b", "(0, bytearray(b'\\x18*'))\n"),
        ("i.write(0x38, b'\\x10', 1, b'ab', 2)", "0\n"),
        ("i.read(0x38, b'\\x10', 1, b, 5, 0), b", "(0, bytearray(b'ab'))\n"),
        ("i.read(0x39, b'\\x10', 1, b, 2, 0), b", "(-1, bytearray(b'ab'))\n"),
        ("i.write(0x39, b'', 0, b'', 0)", "-1\n"),
        ("I2C(4, 0)", raises("ValueError: bus id must be (0~3)")),
        world=bench(peers=peers),
    )


def test_i2c_when_the_driver_of_a_humidity_sensor_runs_it_gets_what_the_bench_says():
    """A measurement as the AHT10's data sheet has it: trigger, wait, six bytes."""
    exchanges = (
        Exchange(b"\xe1\x08\x00", b""),
        Exchange(b"\xac\x33\x00", b""),
        Exchange(b"", bytes.fromhex("1c 80 00 05 80 00")),
    )
    script = (
        "from machine import I2C\n"
        "import utime\n"
        "i = I2C(I2C.I2C0, I2C.FAST_MODE)\n"
        "i.write(0x38, b'', 0, b'\\xe1\\x08\\x00', 3)\n"
        "i.write(0x38, b'\\xac', 1, b'\\x33\\x00', 2)\n"
        "utime.sleep_ms(80)\n"
        "b = bytearray(6)\n"
        "i.read(0x38, b'', 0, b, 6, 0)\n"
        "print(round((b[1] << 12 | b[2] << 4 | b[3] >> 4) / 0x100000 * 100, 1))\n"
        "print(round(((b[3] & 15) << 16 | b[4] << 8 | b[5]) / 0x100000 * 200 - 50, 1))\n"
    )

    async def story():
        async with Board(world=bench(peers=(BusPeer("i2c0", 0x38, exchanges=exchanges),))) as board:
            await board.prompt()
            assert await board.client.raw(script) == "50.0\r\n18.8\r\n"
            assert mismatches(board) == []
            assert await board.client.raw("print(i.write(0x38, b'\\xac', 1, b'\\x33\\x01', 2))") == "-1\r\n"
            assert mismatches(board) == [{"bus": "i2c0", "address": 0x38, "expected": "-", "got": "ac 33 01"}]

    run(story)


def test_i2c_on_gpios_when_a_device_is_wired_to_them_reaches_it():
    peers = (BusPeer("gpio15+16", 0x20, registers=(Register(1, b"\x05"),)),)
    ask_all(
        ("from machine import I2C_simulation as S; i = S(S.GPIO15, S.GPIO16, 300); i",
         "I2C scl_gpio:15, sda_gpio:16, freq:300Hz\n\n"),
        ("b = bytearray(1); i.read(0x20, b'\\x01', 1, b, 1, 0), b", "(0, bytearray(b'\\x05'))\n"),
        ("S(15, 17, 300).read(0x20, b'\\x01', 1, b, 1, 0)", "-1\n"),
        ("S(15, 16, 0)", raises("ValueError: Parameter setting error, please check")),
        world=bench(peers=peers),
    )  # fmt: skip


def test_spi_when_written_and_read_exchanges_what_the_bench_says():
    flash = BusPeer("spi1", exchanges=(Exchange(b"\x9f\x00\x00\x00", b"\xff\xef\x40\x18"), Exchange(b"\x06", b"")))
    ask_all(
        ("from machine import SPI; s = SPI(1, 0, 1); s", "spi1\n"),
        ("b = bytearray(4); s.write_read(b, b'\\x9f\\x00\\x00\\x00', 4), b", "(0, bytearray(b'\\xff\\xef@\\x18'))\n"),
        ("s.write(b'\\x06\\x07', 1)", "0\n"),
        ("l = SPI(0, 3, 6); l.write_read(b, b'abcd', 4), b", "(0, bytearray(b'abcd'))\n"),
        ("l.read(b, 2), b", "(0, bytearray(b'\\xff\\xffcd'))\n"),
        ("SPI(2, 0, 0).read(b, 9), b", "(0, bytearray(b'\\xff\\xff\\xff\\xff'))\n"),
        ("SPI(9, 0, 0)", raises("ValueError: port must be (0~3)")),
        ("SPI(0, 4, 0)", raises("ValueError: mode must be (0~3)")),
        ("SPI(0, 0, 10)", raises("ValueError: clk must be (0~6)")),
        world=bench(peers=(flash, BusPeer("spi0", is_loop=True))),
    )


# ---- keys and what is absent ---------------------------------------------------------------------------------------


def test_keypad_when_keys_of_its_matrix_are_pressed_calls_back_down_and_up():
    async def story():
        async with Board() as board:
            await board.prompt()
            ask, world = board.client.ask, board.world
            await ask("from machine import KeyPad; k = KeyPad(2, 3)")
            world.bench.press_key(0, 0, 0)
            assert await ask("KeyPad() is k, k.set_callback(print)") == "(True, 0)\n"
            await ask("k = KeyPad(2, 3); k.init()")
            world.bench.press_key(2, 0, 0)
            world.bench.press_key(1, 2, 0)
            assert await board.client.until(b"[0, 1, 2]\r\n") == b"[1, 1, 2]\r\n[0, 1, 2]\r\n"
            assert await ask("k.deinit()") == "0\n"
            world.bench.press_key(1, 2, 0)
            assert await ask("1") == "1\n"

    run(story)


def test_machine_when_asked_for_what_is_not_modelled_says_so():
    ask_all(
        ("import machine", ""),
        *(
            (
                f"machine.{name}",
                raises(f"NotImplementedError: machine.{name} is not modelled by this virtual module yet"),
            )
            for name in ("LCD", "NandFlash", "NetLed")
        ),
        ("machine.Nothing", raises("AttributeError: 'module' object has no attribute 'Nothing'")),
        ("import camera", raises("ImportError: 'camera' is not modelled by this virtual module yet")),
    )


def test_script_when_it_asks_the_bench_for_nonsense_is_ended_and_the_module_restarts():
    """What no shim would send: the supervisor trusts nothing."""
    attacks = (
        "l.calls.ask('pin_read', line=10**30)",
        "l.calls.ask('pin_setup', line=-1, is_output=True, pull=0, level=0)",
        "l.calls.ask('pwm', channel=5000, is_on=True, high_us=1.0, period_us=1.0)",
        "l.calls.ask('bench_note', what='pin', name='x', value=1)",
        "l.calls.ask('timer_start', number=1, period_ms=0, is_periodic=True)",
        "l.calls.ask('i2c_read', bus=5, address=1, address_size=0, size=1)",
        "l.calls.ask('rtc_set', unix_s='now')",
        "l.calls.ask('pin_half_duplex', line=1, level=1, bits=10**300, baudrate='x')",
    )

    async def story():
        for attack in attacks:
            async with Board() as board:
                await board.prompt()
                # the shims' own channel, dug out of a function's globals as a hostile script would
                await board.client.ask("import machine; l = machine.unique_id.__globals__['_life']")
                board.client.write(attack.encode() + b"\r")
                async with asyncio.timeout(30):
                    await board.dead.wait()
                assert board.slugs()[-1] == "virt.bad-request", attack

    run(story)


def test_script_when_its_numbers_are_huge_gets_an_answer():
    ask_all(
        ("from machine import I2C, SPI, Timer", ""),
        ("I2C(0, 0).read(10**12, b'', -5, bytearray(1), 10**15, 0)", "-1\n"),
        ("I2C(0, 0).write(-1, b'x', 10**9, b'y', 10**9)", "-1\n"),
        ("SPI(0, 0, 0).write(b'x' * 9000, 9000)", "0\n"),
        ("Timer(1).start(period=0, callback=print)", "-1\n"),
    )


def test_script_when_it_floods_the_bench_is_served_within_limits():
    """Transfers of a tenth of a megabyte, thousands of reports to itself, thousands of timers of a microsecond's length."""
    source = """\
import machine, osTimer
l = machine.unique_id.__globals__['_life']
big = bytes(100000)
print(l.calls.ask_bytes('i2c_write', big, bus='i2c0', address=1, address_size=0)[0])
print(l.calls.ask_bytes('spi', big, bus='spi0', size=1)[0])
print(l.calls.ask('pin_half_duplex', line=1, level=1, bits=10**300, baudrate=1))
l.events.drain(0)
for n in range(6000): l.calls.ask('timer_again')
t = osTimer()
for n in range(3000):
    t.start(1, 1, lambda _: None)
    t.stop()
print('alive')
"""

    async def story():
        async with Board(world=bench(peers=(BusPeer("i2c0", 1), BusPeer("spi0", is_loop=True)))) as board:
            await board.prompt()
            said = await board.client.raw(source, 60)
            assert said.split("\r\n") == ["-1", "-1", "0", "alive", ""]
            assert "virt.crashed" not in board.slugs()

    run(story)
