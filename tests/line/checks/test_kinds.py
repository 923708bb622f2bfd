"""Every kind of check on a virtual module: good, and not good for the reason it says."""

from __future__ import annotations

import pytest

from line.checks.module_in_process import checked, needs_module, recipe_of, verdicts
from moduline.line.checks import Facts
from moduline.vmodule.world.bench_plan import BenchPlan, LevelAt, Reply, UartPeer

pytestmark = [needs_module, pytest.mark.timeout(120)]

ALL_GOOD = """
[[check]]
kind = "imei"
[[check]]
name = "imei at the prompt"
kind = "imei"
via = "repl"
[[check]]
kind = "version"
[[check]]
kind = "model"
equals = "EC600U"
[[check]]
kind = "sim"
pattern = "^8986"
[[check]]
kind = "registration"
needs = ["sim"]
[[check]]
kind = "signal"
min = 12
max = 31
[[check]]
name = "signal in dBm"
kind = "signal"
unit = "dbm"
min = -90
[[check]]
kind = "voltage"
min = 3400
max = 4200
[[check]]
name = "voltage at the prompt"
kind = "voltage"
via = "repl"
min = 3400
[[check]]
kind = "at"
command = "AT+CFUN?"
pattern = '\\+CFUN: (\\d)'
equals = 1
[[check]]
kind = "repl"
setup = "import net"
expression = "net.csqQueryPoll()"
min = 1
max = 31
repeat = 3
[[check]]
name = "own data"
kind = "repl"
expression = "'SN' + '7'"
equals = "${serial}"
[[check]]
kind = "script"
file = "adc.py"
limits.vbat = { min = 3000, max = 4300 }
limits.serial = { equals = "${serial}" }
[[check]]
kind = "free_space"
min = 1000
[[check]]
kind = "uart"
port = 2
text = "loop 0123"
limit_s = 5
[[check]]
name = "jig pin"
kind = "gpio"
pin = "GPIO3"
level = 1
[[check]]
name = "pin drives itself"
kind = "gpio"
pin = "GPIO5"
drive = "GPIO5"
"""
ADC = """
import ujson
from misc import Power
print('measuring')
print(ujson.dumps({'ok': True, 'vbat': Power.getVbatt(), 'serial': UNIT['serial']}))
"""
BENCH = BenchPlan(
    levels=(LevelAt(0.0, 3, 1),),
    uarts=(UartPeer(2, "script", replies=(Reply(b"loop 0123", b"loop 0123"),)),),
)


def test_recipe_when_the_module_is_good_then_every_check_passes_with_its_value(tmp_path):
    facts = Facts(version="EC600UCNLB", row={"serial": "SN7", "名称": "表"})
    results = checked(tmp_path, recipe_of(ALL_GOOD, adc_py=ADC), facts, bench_plan=BENCH)
    assert set(verdicts(results).values()) == {"pass"}, results
    assert results["signal"].value == "24"
    assert results["signal"].limits == "12..31"
    assert results["signal in dBm"].value == "-65"
    assert results["voltage"].value == "3590"
    assert results["registration"].value == "home"
    assert results["uart"].value == "loop 0123"
    assert results["pin drives itself"].value == "0101"
    assert results["script"].value == '{"vbat": 3590, "serial": "SN7"}'
    assert all(one.seconds >= 0 for one in results.values())
