"""``misc`` and ``pm`` on the real interpreter, against the bench; the power of a whole script half.

Source: device-api 2.5, 3.6, 10.6; QuecPython/microPython ``misc_*.c``, ``modlpm.c``.
"""

import pytest

from moduline.vmodule.interpreter.plan import Quirks
from moduline.vmodule.world import World
from moduline.vmodule.world.bench import PwmOutput
from moduline.vmodule.world.bench_plan import BenchPlan, VoltageAt
from onboard.test_small_modules import ask_all, raises
from transcripts.board import Board, run


def test_adc_when_read_gives_the_benchs_millivolts():
    plan = BenchPlan(voltages=(VoltageAt(0, 0, 1234.4), VoltageAt(0, 3, 20)))
    ask_all(
        ("from misc import ADC; a = ADC(); a.open()", "0\n"),
        ("a.read(ADC.ADC0), a.read(ADC.ADC1), a.read(ADC.ADC3)", "(1234, 0, 20)\n"),
        ("a.read(4), a.read(-1), a.close()", "(-1, -1, 0)\n"),
        world=World(bench_plan=plan),
    )


def test_adc_when_the_test_changes_the_voltage_follows():
    async def story():
        async with Board() as board:
            await board.prompt()
            await board.client.ask("from misc import ADC; a = ADC()")
            for millivolts in (0, 3300, 17):
                board.world.bench.set_adc(2, millivolts)
                assert await board.client.ask("a.read(2)") == f"{millivolts}\n"

    run(story)


def test_pwm_when_opened_shows_its_output_on_the_bench_until_it_is_closed():
    async def story():
        async with Board() as board:
            await board.prompt()
            ask, bench = board.client.ask, board.world.bench
            await ask("from misc import PWM, PWM_V2")
            assert await ask("p = PWM(PWM.PWM1, PWM.ABOVE_MS, 1, 4); p") == "PWM(pin:1 high time:1 cycle_time:4)\n"
            assert bench.pwm == {}
            assert await ask("p.open()") == "0\n"
            assert bench.pwm == {1: PwmOutput(1000.0, 4000.0)}
            assert bench.pwm[1].duty == 0.25
            assert await ask("PWM(1, PWM.ABOVE_1US, 50, 100) is p, p.open(), p.close()") == "(True, 0, 0)\n"
            assert bench.pwm == {}
            assert [one.value for one in bench.trace("pwm", "1")] == ["1000/4000 us", "50/100 us", "off"]
            assert await ask("PWM_V2(2, 1000, 30).open()") == "0\n"
            assert bench.pwm == {2: PwmOutput(300.0, 1000.0)}

    run(story)


def test_pwm_when_its_times_are_wrong_is_refused_in_the_modules_words():
    ask_all(
        ("from misc import PWM", ""),
        ("PWM(4, 0, 1, 2)", raises("ValueError: invalid PWMn value, must be in {0~3}.")),
        ("PWM(0, 4, 1, 2)", raises("ValueError: invalid cycle_range value, must be in {0:us or 1:ms or 2:10us}")),
        ("PWM(0, 0, 0, 2)", raises("ValueError: invalid high_time value, must be in {0~65535}")),
        ("PWM(0, 0, 1, 65535)", raises("ValueError: invalid cycle_time value, must be in {0~65535}")),
        ("PWM(0, 0, 3, 2)",
         raises("ValueError: invalid high_time value, must less more cycle_time or be equal to cycle_time")),
    )  # fmt: skip


def test_power_key_when_pressed_is_heard_down_and_up():
    async def story():
        async with Board() as board:
            await board.prompt()
            client, bench = board.client, board.world.bench
            await client.ask("from misc import PowerKey; k = PowerKey()")
            bench.press_power_key(0)
            await client.ask("import utime; utime.sleep_ms(200)")  # long heard, by nobody, when somebody listens
            assert await client.ask("k.powerKeyEventRegister(lambda s: print('key', s))") == "0\n"
            bench.press_power_key(0.05)
            assert await client.until(b"key 0\r\n") == b"key 1\r\nkey 0\r\n"

    run(story)


def test_power_key_when_the_module_hears_it_on_release_only_a_long_press_counts():
    async def story():
        async with Board(quirks=Quirks(is_power_key_heard_on_release=True)) as board:
            await board.prompt()
            client, bench = board.client, board.world.bench
            await client.ask("from misc import PowerKey")
            await client.ask("PowerKey().powerKeyEventRegister(lambda s: print('key', s))")
            bench.press_power_key(0.01)
            bench.press_power_key(0.6)
            assert await client.until(b"key 0\r\n") == b"key 0\r\n"
            assert await client.quiet() == b""

    run(story)


def test_usb_when_its_supply_goes_and_comes_is_told():
    async def story():
        async with Board() as board:
            await board.prompt()
            client, bench = board.client, board.world.bench
            assert await client.ask("from misc import USB; u = USB(); u.getStatus()") == "1\n"
            assert await client.ask("u.setCallback(lambda s: print('usb', s))") == "0\n"
            bench.plug_usb(False)
            await client.until(b"usb 0\r\n")
            assert await client.ask("u.getStatus()") == "0\n"
            bench.plug_usb(True)
            await client.until(b"usb 1\r\n")

    run(story)


def test_usbnet_keeps_its_settings():
    ask_all(
        ("from misc import USBNET", ""),
        ("USBNET.Type_ECM, USBNET.Type_RNDIS, USBNET.get_worktype(), USBNET.get_status()", "(1, 3, 1, 0)\n"),
        ("USBNET.set_worktype(USBNET.Type_RNDIS), USBNET.open(), USBNET.get_worktype(), USBNET.get_status()",
         "(0, 0, 3, 1)\n"),
        ("USBNET.set_worktype(2)", raises("ValueError: USBNET type must be Type_ECM or Type_RNDIS.")),
        ("USBNET.close(), USBNET.get_status()", "(0, 0)\n"),
    )  # fmt: skip


@pytest.mark.parametrize(("call", "wish"), [("powerRestart(1)", "restart"), ("powerDown(0)", "down")])
def test_power_calls_take_the_flag_of_newer_firmware(call, wish):
    async def story():
        async with Board() as board:
            await board.prompt()
            board.client.write(f"from misc import Power; Power.{call}\r")
            await board.dead.wait()
            assert board.wishes == [wish]

    run(story)


def test_wake_locks_when_used_are_counted_and_seen_on_the_bench():
    async def story():
        async with Board() as board:
            await board.prompt()
            ask, bench = board.client.ask, board.world.bench
            await ask("import pm")
            assert await ask("a = pm.create_wakelock('a', 1); b = pm.create_wakelock('b'); a, b") == "(1, 2)\n"
            assert await ask("pm.get_wakelock_num(), pm.wakelock_lock(a), pm.autosleep(1)") == "(2, 0, 0)\n"
            assert await ask("pm.wakelock_unlock(a), pm.delete_wakelock(a), pm.delete_wakelock(a)") == "(0, 0, -1)\n"
            assert await ask("pm.get_wakelock_num(), pm.wakelock_lock(9), pm.autosleep(2)") == "(1, -1, -1)\n"
            assert [(one.what, one.name, one.value) for one in bench.trace()] == [
                ("wakelock", "1", 1), ("sleep", "auto", 1), ("wakelock", "1", 0), ("wakelock", "1", 0),
            ]  # fmt: skip
            assert await ask("[pm.create_wakelock('x') for _ in range(32)][-2:]") == "[32, -1]\n"

    run(story)


def test_psm_times_are_kept():
    ask_all(
        ("import pm; pm.get_psm_time()", "[0, 0, 0, 0, 0]\n"),
        ("pm.set_psm_time(1, 2, 1, 4), pm.get_psm_time()", "(True, [1, 1, 2, 1, 4])\n"),
        ("pm.set_psm_time(0), pm.get_psm_time()[0], pm.set_psm_time(9), pm.set_psm_time(9, 1, 1, 1)", "(True, 0, False, False)\n"),
    )  # fmt: skip
