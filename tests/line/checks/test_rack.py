"""A rack of eight virtual modules, burnt and tested at once: everybody's own file, the bad ones found out, all in the records."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from moduline import burn
from moduline.burn.plan import PlanOptions
from moduline.cli import main, virt_scenario
from moduline.line import GangOptions, run_gang
from moduline.line.assignment import with_tests
from moduline.line.checks import CheckOrder, check_module, check_rack, read_recipe_file
from moduline.port import registry
from moduline.release.firmware import stock_package
from moduline.release.produce import produce
from moduline.remote import reach
from moduline.vmodule import rack_client

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals"),
    pytest.mark.timeout(240),
]
RACK = "tested"
EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "quec_test"
SCENARIO = """
[[modules]]
name = "u"
count = 8
module = "ec600u"
slot = "J"
[modules.only.u3]
radio = { cell = { signal = [{ at_s = 0, rssi = 4 }] } }
"""
RECIPE = """
[[check]]
kind = "imei"
[[check]]
kind = "version"
[[check]]
kind = "sim"
[[check]]
kind = "registration"
needs = ["sim"]
[[check]]
kind = "signal"
min = 10
max = 31
settle_s = 1
[[check]]
kind = "files"
[[check]]
name = "board"
kind = "script"
file = "board.py"
limits.serial = { equals = "${serial}" }
"""
BOARD = """
import ujson
f = open('/usr/unit.json')
unit = ujson.load(f)
f.close()
if unit['serial'] == 'SN5':
    raise ValueError('no sensor')
print(ujson.dumps({'ok': True, 'serial': unit['serial']}))
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with a difficult name: scenario, recipe with its script, units, and the rack up."""
    here = tmp_path / "测试 目录 (1)"
    here.mkdir()
    (here / "s.toml").write_text(SCENARIO, encoding="utf-8")
    (here / "r.toml").write_text(RECIPE, encoding="utf-8")
    (here / "board.py").write_text(BOARD, encoding="utf-8")
    lines = "".join(f"SN{number},key {number}\n" for number in range(1, 10))
    (here / "units.csv").write_text(f"serial,key\n{lines}", encoding="utf-8")
    (here / "p.pac").write_bytes(produce(EXAMPLE, stock_package("ec600u")).data)
    virt_scenario.bring_up(here / "s.toml", RACK, is_off=False, is_kept=False)
    yield here
    rack_client.take_down(RACK)


def burn_rack(folder, order):
    data = (folder / "p.pac").read_bytes()
    limits = {"ask_limit_s": 10.0, "window_s": 20.0, "boot_limit_s": 40.0}
    job = burn.make_order(data, "p.pac", order=order, **limits)
    job = with_tests(job, data, PlanOptions(), folder / "r.toml", folder / "units.csv")
    return {record.slot: record for record in asyncio.run(run_gang(job, RACK, GangOptions(patience_s=1.0)))}


def serial_on(name):
    async def story():
        async with await reach.open_repl(f"virt:{RACK}/{name}") as repl:
            return json.loads(await repl.exec("f = open('/usr/unit.json')\nprint(f.read())"))["serial"]

    return asyncio.run(story())


def test_rack_when_burnt_with_recipe_and_units_then_each_has_its_own_file_and_the_bad_ones_fail(folder, capsys):
    records = burn_rack(folder, "A-1")
    assert sorted(record.unit for record in records.values()) == [f"SN{number}" for number in range(1, 9)]
    for slot, record in records.items():
        assert serial_on(f"u{slot[1:]}") == record.unit
        verdicts = {one.name: one.verdict for one in record.checks}
        bad = {"signal"} if slot == "J3" else set()
        bad |= {"board"} if record.unit == "SN5" else set()
        assert verdicts == {one: "fail" if one in bad else "pass" for one in verdicts}, (slot, record.checks)
        assert (record.outcome, record.error_code) == (("FAIL", "ML-E1105") if bad else ("PASS", ""))
    assert sum(not record.is_pass for record in records.values()) in {1, 2}  # the third slot may have drawn SN5

    assert main.run(["gang", "report", "A-1", "--json"]) == 0
    told = {one["slot"]: one for one in json.loads(capsys.readouterr().out)["records"]}
    signal = next(one for one in told["J3"]["checks"] if one["name"] == "signal")
    assert (signal["verdict"], signal["value"], signal["limits"]) == ("fail", "4", "10..31")
    (failed,) = (one for one in told.values() if one["unit"] == "SN5")
    board = next(one for one in failed["checks"] if one["name"] == "board")
    assert board["detail"].startswith("ML-E1001")
    assert "no sensor" in board["detail"]
    assert told["J1"]["checks"][4]["value"] == "24"

    check_only(folder, records)
    units_told(folder, records, capsys)


def check_only(folder, records):
    """The same modules again, without burning: the same verdicts, as records without a package."""
    order = CheckOrder(read_recipe_file(folder / "r.toml"), order="A-2")
    again = {record.slot: record for record in asyncio.run(check_rack(RACK, order, burn.book("A-2")))}
    assert again.keys() == records.keys()
    assert again["J3"].error_facts["value"] == "4"
    kept = {record.slot: record for record in burn.book("A-2").read()}
    assert {slot: record.outcome for slot, record in kept.items()} == {slot: one.outcome for slot, one in again.items()}
    assert all(record.package == "" and record.imei == records[slot].imei for slot, record in kept.items())
    no_board = folder / "short.toml"
    no_board.write_text("[[check]]\nkind = 'imei'\n[[check]]\nkind = 'free_space'\nmin = 1\n", encoding="utf-8")
    one = asyncio.run(check_module(f"virt:{RACK}/u3", CheckOrder(read_recipe_file(no_board))))
    assert (one.outcome, [check.verdict for check in one.checks]) == ("PASS", ["pass", "pass"])


def units_told(folder, records, capsys):
    assert main.run(["gang", "units", str(folder / "units.csv"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["free"] == 1
    given = {one["unit"]: one["given_to"] for one in told["units"]}
    assert given == {record.unit: record.imei for record in records.values()} | {"SN9": ""}


def test_gang_check_when_typed_then_table_json_and_exit_codes(folder, capsys):
    recipe, address = str(folder / "q.toml"), f"virt:{RACK}/u3"
    text = "[[check]]\nkind = 'imei'\n[[check]]\nkind = 'signal'\nmin = 10\nsettle_s = 0\noptional = {}\n"
    Path(recipe).write_text(text.format("false"), encoding="utf-8")
    assert main.run(["gang", "check", "--recipe", recipe, "--port", address, "--json"]) == 11
    told = json.loads(capsys.readouterr().out)
    assert (told["code"], told["facts"]["value"]) == ("ML-E1105", "4")
    assert [one["verdict"] for one in told["facts"]["record"]["checks"]] == ["pass", "fail"]
    assert main.run(["gang", "check", "--recipe", recipe, "--rack", RACK, "--order", "C-1", "--json"]) == 12
    told = json.loads(capsys.readouterr().out)
    assert sorted(one["outcome"] for one in told["facts"]["records"]) == ["FAIL"] + ["PASS"] * 7
    Path(recipe).write_text(text.format("true"), encoding="utf-8")
    assert main.run(["gang", "check", "--recipe", recipe, "--port", address]) == 0
    shown = capsys.readouterr().out
    assert "PASS" in shown
    assert "warn" in shown
    assert main.run(["gang", "check", "--recipe", recipe, "--port", address, "--jsonl"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["event"] for one in lines] == ["step"] * 6 + ["record"]
    assert len(registry.modules(RACK)) == 8
    assert main.run(["gang", "check", "--recipe", recipe, "--port", address, "--rack", RACK]) == 2
    assert main.run(["gang", "check", "--recipe", recipe, "--rack", "nobody"]) == 3


OWN = """
[[check]]
kind = "imei"
[[check]]
kind = "version"
[[check]]
kind = "files"
[[check]]
kind = "repl"
setup = "import ujson"
expression = "ujson.load(open('/usr/unit.json'))['serial']"
equals = "${serial}"
"""


@pytest.mark.parametrize(
    "module",
    [
        "ec600n",
        "ec600e",
        pytest.param("ec600g", marks=pytest.mark.sweep),
        pytest.param("ec600k", marks=pytest.mark.sweep),
    ],
)
def test_module_of_every_platform_when_burnt_with_units_then_has_its_own_file(module, tmp_path):
    """EigenComm modules need their boot pin held, which the test does when it is asked for."""
    data = produce(EXAMPLE, stock_package(module)).data
    (tmp_path / "r.toml").write_text(OWN, encoding="utf-8")
    (tmp_path / "u.csv").write_text("serial,key\nSN1,k\n", encoding="utf-8")
    limits = {"ask_limit_s": 2.0, "window_s": 20.0, "pin_limit_s": 60.0, "boot_limit_s": 40.0}
    job = burn.make_order(data, f"{module}.bin", **limits)
    job = with_tests(job, data, PlanOptions(), tmp_path / "r.toml", tmp_path / "u.csv")

    def report(event):
        if getattr(event, "slug", "") == "burn.hold-boot-pin":
            press = lambda: rack_client.ask(RACK, "power", 30.0, name="m1", action="boot-pin")  # noqa: E731
            asyncio.get_running_loop().run_in_executor(None, press)

    rack_client.start(RACK)
    try:
        stock = tmp_path / "stock.bin"
        stock.write_bytes(stock_package(module))
        wanted = [{"name": "m1", "module": module, "number": 1, "package": str(stock)}]
        rack_client.ask(RACK, "add", 60.0, modules=wanted)
        record = asyncio.run(burn.run_job(f"virt:{RACK}/m1", job, report=report))
    finally:
        rack_client.take_down(RACK)
    assert record.outcome == "PASS", (record.error_message, record.checks)
    assert record.unit == "SN1"
    assert {one.verdict for one in record.checks} == {"pass"}
