"""Lists of fleets that move here: every way to write them, and every line that cannot be."""

from __future__ import annotations

import json

import pytest

from moduline.burn.record import BurnRecord
from moduline.cloud.devices import fleet_list
from moduline.cloud.devices.fleet_list import Newcomer
from moduline.errors import BadField
from moduline.line.records.export import as_csv

DS = "00112233445566778899aabbccddeeff"
DK = "860000000000001"


@pytest.mark.parametrize(
    "text",
    [
        f"dk,ds\n{DK},{DS}\n",
        f"\ufeffDeviceKey;DeviceSecret\r\n{DK};{DS}\r\n",
        f"IMEI\tDevice Secret\n'{DK}\t{DS}",
        f"dk,ds,tags,attr.site,cell,version\n\n{DK}, {DS} ,,,,\n,,,,,\n",
    ],
)
def test_table_when_written_in_any_way_then_the_same_device(text):
    found = fleet_list.from_csv(text)
    assert (found.newcomers, found.faults, found.ignored) == ((Newcomer(DK, DS),), (), ())
    assert fleet_list.is_table(text)


def test_table_when_it_has_all_columns_then_all_is_taken_and_strangers_are_named():
    text = f"id,dk,ds,tags,attr.site,cell,version,remark\n7,{DK},{DS},pilot; batch=7,Berlin,c9,V1,x\n"
    found = fleet_list.from_csv(text)
    tags = {"pilot": "", "batch": "7", "site": "Berlin"}
    assert found.newcomers == (Newcomer(DK, DS, "V1", "c9", tags),)
    assert found.ignored == ("id", "remark")


def test_lines_when_json_then_the_same():
    one = {"dk": DK, "ds": DS, "version": "V1", "cell": None, "tags": {"pilot": "", "site": "Berlin"}}
    found = fleet_list.from_jsonl(json.dumps(one) + "\n\n" + json.dumps({"dk": 860000000000002}) + "\n")
    assert found.newcomers == (Newcomer(DK, DS, "V1", "", one["tags"]), Newcomer("860000000000002"))
    assert found.faults == ()


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (f",{DS}", "dk"),
        (f"8.6E+14,{DS}", "dk"),
        (f"../x,{DS}", "dk"),
        (f"{'9' * 17},{DS}", "dk"),
        (f"{DK},{DS}f", "ds"),
        (f"{DK},00 11", "ds"),
        (f"{DK},密钥", "ds"),
        (f"{DK},{DS},surplus", "csv"),
    ],
)
def test_row_when_it_cannot_be_then_told_with_its_line_and_never_its_secret(row, field):
    found = fleet_list.from_csv(f"dk,ds\na,{DS}\n{row}\nb,\n")
    assert [one.dk for one in found.newcomers] == ["a", "b"]
    (fault,) = found.faults
    assert (fault.line, fault.field) == (3, field)
    for secret in (DS, "00 11", "密钥"):
        assert secret not in str(fault)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("nonsense", "json"),
        ("[]", "json"),
        ("[" * 100_000, "json"),
        ('{"dk": "a", "color": 1}', "color"),
        ('{"dk": ["a"]}', "json"),
        ('{"dk": "a", "tags": ["pilot"]}', "tags"),
        ('{"dk": "a", "tags": {"pilot": 1}}', "tags"),
        ('{"dk": "a", "tags": {"two words": ""}}', "tags"),
        ('{"dk": "a", "tags": {"site": "two\\nlines"}}', "tags.site"),
        ('{"dk": "a", "version": "' + "V" * 65 + '"}', "version"),
        ('{"dk": "a", "cell": "\\u0000"}', "cell"),
        (json.dumps({"dk": "a", "tags": {f"t{number}": "" for number in range(65)}}), "tags"),
    ],
)
def test_line_when_it_cannot_be_then_told_with_its_number(line, field):
    found = fleet_list.from_jsonl('{"dk": "b"}\n' + line + "\n")
    assert [one.dk for one in found.newcomers] == ["b"]
    assert [(one.line, one.field) for one in found.faults] == [(2, field)]


def test_device_when_it_comes_twice_then_told_where_it_was_first():
    found = fleet_list.from_csv(f"dk,ds\na,{DS}\nb,\na,x\n")
    assert [one.ds for one in found.newcomers] == [DS, ""]
    (fault,) = found.faults
    assert (fault.line, fault.reason.en) == (4, "this device was on line 2 already")


@pytest.mark.parametrize(
    ("head", "is_ours"),
    [
        ("dk", True),
        ("imei,ds", True),
        ("imei,tags", True),
        ("IMEI;attr.site", True),
        ("imei", False),
        ("imei,outcome,order,version_after", False),
        ("a,b", False),
        ("", False),
        ('"' + "x" * 200_000, False),
    ],
)
def test_table_when_looked_at_then_known_from_that_of_the_line(head, is_ours):
    assert fleet_list.is_table(head + "\n1,2\n") is is_ours


def test_table_when_of_the_line_then_not_taken_for_a_fleets():
    assert not fleet_list.is_table(as_csv([BurnRecord(id="a", outcome="PASS", imei=DK)]))


@pytest.mark.parametrize("text", ["", "\0", "ds\nx\n", "a,b\n1,2", '"'])
def test_table_when_it_has_no_device_keys_then_bad_field(text):
    with pytest.raises(BadField):
        fleet_list.from_csv(text)


def test_newcomer_when_shown_then_without_its_secret():
    assert DS not in repr(Newcomer(DK, DS))
