"""Every kind of check on a virtual module: good, and not good for the reason it says."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from line.checks.module_in_process import (
    checked,
    needs_module,
    ports_of_module,
    recipe_of,
    running_module,
    verdicts,
)
from moduline.line.checks import Facts, UnderTest, run_recipe
from moduline.vmodule.world.bench_plan import BenchPlan, LevelAt, Reply, UartPeer
from moduline.vmodule.world.radio_plan import CellPlan, Point, RadioPlan, SimPlan

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


ALL_BAD = """
[[check]]
kind = "imei"
[[check]]
name = "imei pattern"
kind = "imei"
pattern = "^35"
same_as_record = false
[[check]]
name = "imei listed"
kind = "imei"
same_as_record = false
listed = true
[[check]]
kind = "version"
[[check]]
kind = "model"
pattern = "^EC800"
[[check]]
kind = "sim"
[[check]]
kind = "registration"
settle_s = 0.5
[[check]]
kind = "signal"
min = 12
settle_s = 0.5
[[check]]
kind = "voltage"
min = 3400
[[check]]
kind = "temperature"
max = 60
[[check]]
kind = "at"
command = "AT+CFUN?"
pattern = '\\+CFUN: (\\d)'
min = 4
[[check]]
name = "unknown command"
kind = "at"
command = "AT+NOSUCH"
[[check]]
kind = "repl"
expression = "1/0"
equals = 1
[[check]]
name = "no column"
kind = "repl"
expression = "'x'"
equals = "${serial}"
[[check]]
kind = "script"
file = "bad.py"
limits.vbat = { min = 3500 }
limits.extra = { equals = true }
[[check]]
name = "own word"
kind = "script"
file = "no.py"
[[check]]
name = "mute"
kind = "script"
file = "mute.py"
[[check]]
kind = "free_space"
min = 100_000_000
[[check]]
kind = "uart"
port = 2
limit_s = 2
[[check]]
kind = "gpio"
pin = "GPIO3"
level = 1
[[check]]
name = "no jumper"
kind = "gpio"
pin = "GPIO3"
drive = "GPIO5"
[[check]]
name = "no such pin"
kind = "gpio"
pin = "GPIO63"
level = 1
[[check]]
kind = "files"
file = [{ path = "/usr/none.py" }, { path = "/usr/system_config.json", size = 1 }]
"""


def test_recipe_when_the_module_is_bad_then_each_check_says_what_it_found(tmp_path):
    radio = RadioPlan(
        sim=SimPlan(state="pin"),
        cell=CellPlan(signal=(Point(0.0, -107.0),)),
        battery=(Point(0.0, 3100.0),),
    )
    scripts = {
        "bad_py": "print('{\"vbat\": 3100}')",
        "no_py": 'print(\'{"ok": false, "detail": "no sensor"}\')',
        "mute_py": "print('hello')",
    }
    facts = Facts(imei="868540050393723", version="EC800MCNLA", row_imei="868540050393723")
    results = checked(tmp_path, recipe_of(ALL_BAD, **scripts), facts, radio, has_data=False)
    assert set(verdicts(results).values()) == {"fail"}, verdicts(results)
    found = {name: (one.value, one.limits) for name, one in results.items()}
    details = {name: one.detail for name, one in results.items()}
    assert "the record has 868540050393723" in details["imei"]
    assert details["imei pattern"] == "it does not look like an IMEI"
    assert "the unit's own data has 868540050393723" in details["imei listed"]
    assert found["sim"] == ("SIM PIN", "READY")
    assert found["registration"] == ("idle", "home|roaming")
    assert found["voltage"] == ("3100", "3400..")
    assert found["at"] == ("1", "/\\+CFUN: (\\d)/ 4..")
    assert found["unknown command"][0] == "ERROR"
    assert details["temperature"].startswith("ML-E1003")
    assert details["repl"].startswith("ML-E1001")
    assert "ZeroDivisionError" in details["repl"]
    assert details["no column"].startswith("ML-E0603")
    assert details["script"] == "vbat is 3100; extra is missing"
    assert details["own word"] == "the script says false; no sensor"
    assert (found["mute"][0], details["mute"]) == ("hello", "it printed no verdict")
    assert details["uart"] == "nothing came back"
    assert found["gpio"] == ("0", "1")
    assert found["no jumper"] == ("0000", "0101")
    assert details["no such pin"].startswith("ML-E1001")
    assert found["files"] == ("0 of 2 files", "all")
    assert details["files"].startswith("/usr/none.py missing, /usr/system_config.json ")


def test_files_when_some_differ_from_what_was_burnt_then_named_and_ignored_ones_are_not(tmp_path):
    story = """
[[check]]
kind = "script"
file = "write.py"
[[check]]
kind = "files"
[[check]]
name = "but for logs"
kind = "files"
ignore = ["*.log", "/usr/gone.py"]
[[check]]
name = "by hash"
kind = "files"
file = [{ path = "/usr/a.py", size = 5, sha256 = "SHA" }]
""".replace("SHA", hashlib.sha256(b"a = 1").hexdigest())
    write = "for n, t in (('a.py', 'a = 1'), ('b.log', 'new')):\n f = open('/usr/' + n, 'w')\n f.write(t)\n f.close()\nprint('{}')"
    files = {"/usr/a.py": b"a = 1", "/usr/b.log": b"old", "/usr/gone.py": b"", "/usr/checksum.json": b"rewritten"}
    results = checked(tmp_path, recipe_of(story, write_py=write), Facts(files=files))
    assert verdicts(results) == {"script": "pass", "files": "fail", "but for logs": "pass", "by hash": "pass"}
    assert results["files"].value == "1 of 3 files"
    assert results["files"].detail == "/usr/b.log differs, /usr/gone.py missing"
    unknown = checked(tmp_path / "2", recipe_of("[[check]]\nkind = 'files'"), Facts())
    assert "nobody knows what was burnt" in unknown["files"].detail


HOSTILE = """
[[check]]
name = "endless"
kind = "script"
file = "endless.py"
limit_s = 1
[[check]]
name = "flood"
kind = "script"
file = "flood.py"
limit_s = 60
[[check]]
name = "deep"
kind = "script"
file = "deep.py"
[[check]]
name = "nan"
kind = "script"
file = "nan.py"
limits.v = { min = 0 }
[[check]]
name = "control"
kind = "repl"
expression = "'a\\\\x04\\\\x1b[2Jb'"
pattern = "^a.*b$"
[[check]]
name = "after all that"
kind = "repl"
expression = "6 * 7"
equals = 42
"""


def test_scripts_when_hostile_then_ended_coded_and_the_next_check_works(tmp_path):
    scripts = {
        "endless_py": "while True:\n    pass",
        "flood_py": "while True:\n    print('x' * 1000)",
        "deep_py": "print('{\"a\":' * 2000)",
        "nan_py": "print('{\"v\": NaN}')",
    }
    results = checked(tmp_path, recipe_of(HOSTILE, **scripts))
    assert verdicts(results) == {
        "endless": "fail", "flood": "fail", "deep": "fail", "nan": "fail", "control": "pass", "after all that": "pass",
    }  # fmt: skip
    assert results["endless"].detail.startswith("ML-E1240")
    assert results["flood"].detail.startswith("ML-E0603")
    assert results["flood"].seconds < 30
    assert results["deep"].detail == "it printed no verdict"
    assert results["nan"].detail == "v is nan"
    assert results["control"].value.isprintable()


def test_cable_when_pulled_while_a_script_runs_then_coded_and_the_rest_is_skipped(tmp_path):
    text = """
[[check]]
kind = "script"
file = "long.py"
limit_s = 60
[[check]]
kind = "sim"
[[check]]
kind = "free_space"
min = 1
"""

    async def story():
        async with running_module(tmp_path) as module:
            pulls = []

            def report(event):
                if event.name == "check.script" and event.state == "begin":
                    pulls.append(asyncio.get_running_loop().call_later(0.5, module.fault, "unplug"))

            unit = UnderTest(ports_of_module(module))
            recipe = recipe_of(text, long_py="import utime\nutime.sleep(50)")
            return {one.name: one for one in await run_recipe(recipe, unit, report)}

    results = asyncio.run(story())
    assert verdicts(results) == {"script": "fail", "sim": "skip", "free_space": "skip"}
    assert results["script"].detail.startswith("ML-E0601")
