"""Per-unit data at burn time: a row for each module, once and for ever; refused before anything is changed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from burn.fake_unit import FakeUnit
from moduline import burn
from moduline.burn.plan import PlanOptions, plan_for
from moduline.burn.record import BurnRecord
from moduline.errors import (
    BadFormat,
    BadOption,
    BadRecipe,
    MissingArea,
    NoSuchFile,
    StorageFailed,
    UnitDataConflict,
    UnitDataExhausted,
    UnitUnknown,
)
from moduline.formats.littlefs import read_image
from moduline.line import GangOptions, run_gang
from moduline.line.unit_data import UnitData
from moduline.line.unit_rows import GivenRows, Row, Rows
from moduline.line.unit_table import make_table, read_table_file
from moduline.package import read_package, write_package
from moduline.package.units import read_units, with_unit
from moduline.release.firmware import stock_package
from moduline.release.produce import produce

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "quec_test"
GOOD_IMEI, OTHER_IMEI = "490154203237518", "356938035643809"  # worked examples of the check digit, widely published
CSV = "serial,key\nSN1,k1\nSN2,k2\nSN3,k3\n"


@cache
def production(module="ec600u"):
    return read_package(produce(EXAMPLE, stock_package(module)).data, f"{module}.pac")


def table_of(text=CSV, name="t"):
    return make_table(name, read_units(text.encode()))


def rows_of(*rows):
    return Rows([Row(*one) for one in rows])


# ---- the table -------------------------------------------------------------------------------------------------------


def test_table_when_a_csv_has_an_imei_column_then_its_rows_are_reserved(tmp_path):
    path = tmp_path / "单元 1.csv"
    path.write_text(f"serial,IMEI\nSN1,\nSN2,{GOOD_IMEI}\n", encoding="utf-8")
    table = read_table_file(path)
    assert table.name == "单元 1"
    assert table.rows.all == (Row("SN1"), Row("SN2", GOOD_IMEI))


@pytest.mark.parametrize(
    ("cells", "word"),
    [
        ("490154203237517", "no IMEI"),
        ("4901542032375", "no IMEI"),
        ("abcdefghijklmno", "no IMEI"),
        (f"{GOOD_IMEI}\nSN9,{GOOD_IMEI}", "twice"),
    ],
)
def test_table_when_an_imei_is_wrong_then_coded_with_its_line(cells, word):
    with pytest.raises(BadFormat, match=word) as wrong:
        table_of(f"serial,imei\nSN1,{cells}\n")
    assert "line " in wrong.value.message("en")


def test_table_when_described_by_toml_then_templates_become_files(tmp_path):
    (tmp_path / "u.csv").write_text("serial,key\nSN1,k1\n")
    (tmp_path / "m.ini").write_text("[id]\nserial=${serial}\ncost=$$5\n")
    (tmp_path / "u.toml").write_text(
        'csv = "u.csv"\njson = ""\nname = "meter"\n[[file]]\npath = "/usr/m.ini"\ntemplate = "m.ini"\n'
        '[[file]]\npath = "/bak/key"\ntext = "${key}"\n'
    )
    table = read_table_file(tmp_path / "u.toml")
    assert table.name == "meter"
    assert table.units[0].files == {"/usr/m.ini": b"[id]\nserial=SN1\ncost=$5\n", "/bak/key": b"k1"}


@pytest.mark.parametrize(
    ("text", "error", "word"),
    [
        ("", BadRecipe, "csv"),
        ('csv = "none.csv"', NoSuchFile, "none.csv"),
        ('csv = "u.csv"\nx = 1', BadRecipe, "unknown"),
        ('csv = "u.csv"\nname = ""', BadRecipe, "64"),
        ('csv = "u.csv"\njson = ""', BadRecipe, "no file"),
        ('csv = "u.csv"\njson = "/etc/x"', BadOption, "no place"),
        ('csv = "u.csv"\n[[file]]\npath = "/usr/a"', BadRecipe, "either"),
        ('csv = "u.csv"\n[[file]]\npath = "/usr/a"\ntext = "${nokey}"', BadRecipe, "nokey"),
        ('csv = "u.csv"\n[[file]]\npath = "/usr/a"\ntext = "$ 5"', BadRecipe, "begins no"),
        ('csv = "u.csv"\n[[file]]\npath = "/tmp/a"\ntext = "5"', BadOption, "no place"),
        (
            'csv = "u.csv"\n[[file]]\npath = "/usr/a"\ntext = "5"\n[[file]]\npath = "/usr/a"\ntext = "5"',
            BadRecipe,
            "twice",
        ),
        ('csv = "u.csv"\n[[file]]\npath = "/usr/a"\ntemplate = "gb.ini"', BadRecipe, "UTF-8"),
    ],
)
def test_table_when_its_toml_is_wrong_then_coded(tmp_path, text, error, word):
    (tmp_path / "u.csv").write_text("serial,key\nSN1,k1\n")
    (tmp_path / "gb.ini").write_bytes("表".encode("gb18030"))
    (tmp_path / "u.toml").write_text(text)
    with pytest.raises(error, match=word):
        read_table_file(tmp_path / "u.toml")


# ---- giving ----------------------------------------------------------------------------------------------------------


def test_rows_when_given_then_its_own_again_else_the_reserved_else_the_next_free(tmp_path):
    given = GivenRows(tmp_path / "units" / "t.db")
    rows = rows_of(("A", GOOD_IMEI), ("B",), ("C",))
    assert given.give(rows, "imei-1", "r1") == "B"
    assert given.give(rows, GOOD_IMEI, "r2") == "A"
    assert GivenRows(given.path).give(rows, "imei-2", "r3") == "C"
    assert GivenRows(given.path).give(rows, "imei-1", "r4") == "B"
    with pytest.raises(UnitDataExhausted) as none:
        given.give(rows, "imei-3", "r5")
    assert none.value.facts == {"imei": "imei-3", "rows": 3, "given": 3}
    assert [(one.unit, one.imei, one.record) for one in given.all_given()] == [
        ("B", "imei-1", "r1"), ("A", GOOD_IMEI, "r2"), ("C", "imei-2", "r3"),
    ]  # fmt: skip
    longer = rows_of(("A", GOOD_IMEI), ("B",), ("C",), ("D",))
    assert given.give(longer, "imei-3", "r6") == "D"


def test_rows_when_the_table_changed_its_mind_then_a_conflict_and_nothing_is_given(tmp_path):
    given = GivenRows(tmp_path / "t.db")
    given.give(rows_of(("A",), ("B",)), GOOD_IMEI, "r")
    for rows in (rows_of(("B",)), rows_of(("A",), ("B", GOOD_IMEI)), rows_of(("A", OTHER_IMEI), ("B",))):
        with pytest.raises(UnitDataConflict):
            given.give(rows, GOOD_IMEI, "r")
    with pytest.raises(UnitDataConflict, match=GOOD_IMEI):
        given.give(rows_of(("a", OTHER_IMEI)), OTHER_IMEI, "r")
    assert len(given.all_given()) == 1


def test_rows_when_given_then_neither_changed_nor_deleted_by_anybody(tmp_path):
    given = GivenRows(tmp_path / "t.db")
    given.give(rows_of(("A",)), "imei-1", "r")
    database = sqlite3.connect(given.path)
    for statement in ("UPDATE given SET imei = 'x'", "DELETE FROM given"):
        with pytest.raises(sqlite3.IntegrityError):
            database.execute(statement)
    database.close()


def test_rows_when_the_file_is_no_database_then_coded(tmp_path):
    (tmp_path / "t.db").write_bytes(b"no database" * 100)
    with pytest.raises(StorageFailed):
        GivenRows(tmp_path / "t.db").give(rows_of(("A",)), "imei-1", "r")


GIVER = """
import sys
from pathlib import Path
from moduline.line.unit_rows import GivenRows, Row, Rows
given, rows = GivenRows(Path(sys.argv[1])), Rows([Row(f"SN{n}") for n in range(2000)])
for number in range(int(sys.argv[3])):
    print(f"{sys.argv[2]}-{number}", given.give(rows, f"{sys.argv[2]}-{number}", "r"), flush=True)
"""


def giver(path, name, count):
    words = [sys.executable, "-c", GIVER, str(path), name, str(count)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=dict(os.environ))


def test_rows_when_many_processes_take_at_once_then_no_row_twice_and_none_left_out(tmp_path):
    path = tmp_path / "t.db"
    told = [
        line.split()
        for process in [giver(path, f"p{n}", 15) for n in range(4)]
        for line in process.communicate()[0].splitlines()
    ]
    assert len(told) == 60
    assert {unit for _, unit in told} == {f"SN{n}" for n in range(60)}
    with ThreadPoolExecutor(8) as pool:
        given, rows = GivenRows(path), Rows([Row(f"SN{n}") for n in range(100)])
        more = list(pool.map(lambda n: given.give(rows, f"thread-{n}", "r"), range(40)))
    assert sorted(more) == sorted(f"SN{n}" for n in range(60, 100))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_rows_when_the_taker_is_killed_then_what_it_was_told_stays_its_own(tmp_path):
    path = tmp_path / "t.db"
    told = {}
    for turn in range(3):
        process = giver(path, f"turn{turn}", 100_000)
        for _ in range(3 + 4 * turn):
            imei, unit = process.stdout.readline().split()
            told[imei] = unit
        process.kill()
        for line in process.communicate()[0].splitlines():
            if len(line.split()) == 2 and line.split()[1].startswith("SN"):
                told[line.split()[0]] = line.split()[1]
    kept = {one.imei: one.unit for one in GivenRows(path).all_given()}
    assert told.items() <= kept.items()
    assert len(set(kept.values())) == len(kept)
    rows = Rows([Row(f"SN{n}") for n in range(2000)])
    imei, unit = next(iter(told.items()))
    assert GivenRows(path).give(rows, imei, "r") == unit
    assert GivenRows(path).give(rows, "new", "r") not in kept.values()


# ---- the plan --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["ec600u", "ec600g", "ec600n", "ec600e", "ec600k"])
@pytest.mark.parametrize("only", ["", "scripts"])
def test_plan_of_a_unit_when_compared_with_its_own_package_s_then_the_same(module, only, tmp_path):
    """What is put into the plan is what burning the unit's own package file would do, on every platform."""
    package, options = production(module), PlanOptions(only=only)
    table = table_of("serial,key,/bak/id\nSN1,k1,x\nSN2,k2,y\n")
    data = UnitData(package, table, options, GivenRows(tmp_path / "t.db"))
    base = plan_for(package, options)
    for unit in table.units:
        own = data.plan_of(base, unit)
        file = write_package(with_unit(package, unit))
        assert own == plan_for(read_package(file, package.name), options)
        changed = [one.role for one, old in zip(own.actions, base.actions, strict=True) if one != old]
        assert sorted(set(changed)) == ["backup_fs", "user_fs"]


def test_data_when_the_package_has_no_place_for_it_then_said_at_once(tmp_path):
    given = GivenRows(tmp_path / "t.db")
    with pytest.raises(MissingArea):
        UnitData(read_package(stock_package("ec600u"), "stock"), table_of(), given=given)
    assert not given.path.exists()


# ---- the job ---------------------------------------------------------------------------------------------------------

IMEIS = ("868888777766665", "868888777766666", "868888777766667", "868888777766668")


def unit_at(name, imei, **faults):
    version = production().version
    return FakeUnit(name, imei, model="EC600U", version=version, **faults)


def order_with(text=CSV, **options):
    package = production()
    options = {"ask_limit_s": 0.1, "pin_limit_s": 0.2, "window_s": 2.0, "boot_limit_s": 10.0} | options
    job = burn.make_order(write_package(package), "p.pac", **options)
    return replace(job, own_data=UnitData(package, table_of(text)))


def files_on(unit, role="user_fs"):
    area = production().area(role)
    at = area.address - 0x60000000
    return dict(read_image(bytes(unit.module.flash[at : at + area.size])).entries)


def burn_all(units, order):
    async def go():
        for unit in units:
            await unit.power_on()
        try:
            return await run_gang(order, "bench", GangOptions(patience_s=0.3))
        finally:
            for unit in units:
                await unit.power_off()

    return {record.slot: record for record in asyncio.run(go())}


def test_gang_when_units_have_own_data_then_each_burns_its_own_and_the_one_too_many_is_refused_untouched():
    units = [unit_at(f"m{number}", imei) for number, imei in enumerate(IMEIS)]
    before = bytes(units[0].module.flash)
    records = burn_all(units, order_with())
    passed = {name: record for name, record in records.items() if record.outcome == "PASS"}
    assert sorted(record.unit for record in passed.values()) == ["SN1", "SN2", "SN3"], records
    for unit in units:
        record = records[unit.name]
        if unit.name in passed:
            assert json.loads(files_on(unit)["unit.json"]) == {"serial": record.unit, "key": "k" + record.unit[2:]}
            assert files_on(unit).keys() > {"unit.json"}
        else:
            assert (record.outcome, record.error_code, record.unit) == ("REFUSED", "ML-E1507", "")
            assert (unit.burns, bytes(unit.module.flash)) == (0, before)


def test_unit_when_burnt_again_then_gets_its_own_row_again():
    units = [unit_at("m0", IMEIS[0]), unit_at("m1", IMEIS[1])]
    first = burn_all(units, order_with())
    units[0].cut_at, units[0].received = 5000, 0
    broken = burn_all([units[0]], order_with(order="again"))["m0"]
    assert (broken.outcome, broken.unit) == ("FAIL", first["m0"].unit)
    second = burn_all([units[0]], order_with(order="again"))["m0"]
    assert (second.outcome, second.unit) == ("PASS", first["m0"].unit), second.error_message
    assert json.loads(files_on(units[0])["unit.json"])["serial"] == first["m0"].unit


def test_module_when_nobody_knows_its_imei_then_refused_before_anything_is_changed():
    unit = unit_at("m0", IMEIS[0])
    unit.module.flash[:4] = b"\xff" * 4  # nothing to boot: it comes up in download mode
    before = bytes(unit.module.flash)
    record = burn_all([unit], order_with())["m0"]
    assert (record.outcome, record.error_code) == ("REFUSED", "ML-E1509")
    assert bytes(unit.module.flash) == before


def test_module_when_another_was_put_in_its_place_then_it_never_gets_the_data_of_the_one_before():
    """The try before knew an IMEI; the module that stands there now tells none until its NV is read."""
    order = order_with(order="swap")
    first = unit_at("m0", IMEIS[0])
    first.cut_at = 300_000
    failed = burn_all([first], order)["m0"]
    assert (failed.outcome, failed.unit) == ("FAIL", "SN1")
    second = unit_at("m0", IMEIS[1])
    second.module.flash[:4] = b"\xff" * 4
    before = bytes(second.module.flash)
    record = burn_all([second], order)["m0"]
    assert (record.outcome, record.error_code) == ("REFUSED", "ML-E1508"), record.error_message
    assert bytes(second.module.flash) == before
    assert [one.imei for one in order.own_data.given.all_given()] == [IMEIS[0]]


def test_module_when_swapped_while_the_pin_is_held_then_it_does_not_pass_with_the_data_of_the_one_before():
    """AT knew the first one; the second comes up in download mode, and its NV is told only by the module itself."""
    unit = unit_at("m0", IMEIS[0], refuses=True)
    order = order_with(pin_limit_s=20.0)

    async def go():
        await unit.power_on()
        swapped = []

        def report(event):
            if getattr(event, "slug", "") == "burn.hold-boot-pin" and not swapped:
                unit.module.nv = unit_at("other", IMEIS[1]).module.nv
                swapped.append(asyncio.ensure_future(unit.power_on(boot_pin=True)))

        try:
            return await burn.run_job("auto", order, report=report)
        finally:
            await unit.power_off()

    before = bytes(unit.module.flash)
    record = asyncio.run(go())
    assert (record.outcome, record.error_code) == ("REFUSED", "ML-E1508"), record.error_message
    assert bytes(unit.module.flash) == before


def test_module_when_it_is_another_after_the_burn_then_fails_as_burnt_with_foreign_data():
    """A platform whose loader tells no IMEI finds out only when the module has booted."""
    unit = unit_at("m0", IMEIS[0], nv_after=unit_at("other", IMEIS[1]).module.nv)
    record = burn_all([unit], order_with())["m0"]
    assert (record.outcome, record.error_code) == ("FAIL", "ML-E0704"), record.error_message
    assert record.error_facts == {"before": IMEIS[0], "after": IMEIS[1]}


@pytest.mark.parametrize("imei", ["", "0" * 15, "12345"])
def test_module_when_its_imei_names_no_unit_then_no_row_is_spent(imei):
    order = order_with()
    with pytest.raises(UnitUnknown):
        asyncio.run(order.own_data(BurnRecord("r1", imei=imei), order.plan))
    assert order.own_data.given.all_given() == ()


def test_data_when_called_then_the_plan_is_the_order_s_with_two_contents():
    order = order_with()
    own = asyncio.run(order.own_data(BurnRecord("r1", imei=IMEIS[0]), replace(order.plan, model="EC600U-CN")))
    assert (own.unit, own.plan.model) == ("SN1", "EC600U-CN")
    assert own.plan.write_bytes == order.plan.write_bytes
