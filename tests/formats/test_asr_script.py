from __future__ import annotations

import json

import pytest

from asr_maker import SCRIPT
from moduline.errors import BadFormat
from moduline.formats.container import asr_script
from samples import sample


def test_script_when_real_then_the_references_commands_and_the_same_bytes():
    data = sample("asr/download.json").read_bytes()
    script = asr_script.read(data)
    assert [one.command for one in script.commands] == [
        "require", "require", "require", "progress", "call", "call", "partition", "partition", "flash",
    ]  # fmt: skip
    assert script.required("product") == ("arom-tiny",)
    assert script.required("version-bootrom") == ("2020.07.30",)
    assert [one.image for one in script.of("call", "partition")] == [
        "preboot.img", "flasher.img", "flashinfo.bin", "partition.bin",
    ]  # fmt: skip
    flash = script.commands[-1]
    assert (flash.image, flash.partition, flash.group, flash.weight) == ("app.bin", "user_app", "1", 0)
    assert asr_script.write(script) == data


def test_script_when_made_of_the_same_commands_then_the_real_layout():
    data = sample("asr/download.json").read_bytes()
    again = asr_script.make([dict(one.keys) for one in asr_script.read(data).commands])
    assert asr_script.write(again) == data.rstrip()


def test_script_when_an_object_with_commands_then_read_the_same():
    text = f'{{"partitions": [], "commands": {SCRIPT.decode()}, "z": {{"commands": [1]}}}}'
    script = asr_script.read(text.encode())
    assert script.shape == "object"
    assert [one.keys for one in script.commands] == [one.keys for one in asr_script.read(SCRIPT).commands]
    assert asr_script.write(script) == text.encode()


def test_script_when_alternatives_and_flags_then_read():
    script = asr_script.read(
        b'[{"command":"require","name":"product","value":"arom|arom-tiny"},{"command":"fuse","productionOnly":true,"version-bootrom":"2019.01.15"}]'
    )
    assert script.required("product") == ("arom", "arom-tiny")
    assert (script.commands[1].is_production_only, script.commands[1].bootrom) == (True, "2019.01.15")


def test_script_when_a_size_changes_then_only_its_digits_do():
    script = asr_script.with_sizes(asr_script.read(SCRIPT), {"customer_fs.bin": 0x8000, "cp.bin": 1})
    assert asr_script.write(script) == SCRIPT.replace(b'"0x10000"', b'"0x8000"')


@pytest.mark.parametrize(("old", "new"), [('"65536"', '"7"'), ("65536", "7"), ('"0x10000"', '"0x7"')])
def test_script_when_a_size_changes_then_in_its_own_notation(old, new):
    text = '[{"command":"flash","image":"a","imageSize":%s}]'
    changed = asr_script.with_sizes(asr_script.read((text % old).encode()), {"a": 7})
    assert asr_script.write(changed) == (text % new).encode()


def test_script_when_a_flash_is_added_then_in_the_style_of_its_neighbour():
    script = asr_script.with_flash(
        asr_script.read(SCRIPT), "customer_backup_fs.bin", "customer_backup_fs", "customer_fs", 0x8000
    )
    text = asr_script.write(script)
    added = (
        b',\n   {"command" : "flash", "group" : "6", "image" : "customer_backup_fs.bin",'
        b' "partition" : "customer_backup_fs",\n    "imageSize" : "0x8000", "weight" : 1}'
    )
    at = text.index(added)
    assert text[:at] + text[at + len(added) :] == SCRIPT
    assert [one.partition for one in script.of("flash")] == ["cp", "customer_fs", "customer_backup_fs"]


def test_script_when_a_flash_is_added_behind_the_only_command_then_right():
    script = asr_script.with_flash(
        asr_script.read(b'[ {"command":"flash","image":"a","partition":"p"} ]'), "b", "q", "p", 1
    )
    assert [(one.image, one.partition) for one in script.commands] == [("a", "p"), ("b", "q")]
    with pytest.raises(BadFormat):
        asr_script.with_flash(script, "b", "q", "absent", 1)


def test_script_when_it_has_a_byte_order_mark_then_kept():
    data = "\ufeff[]".encode()
    assert asr_script.write(asr_script.read(data)) == data


BROKEN = {
    "empty": (b"", "json"),
    "no-json": (b"[1,", "json"),
    "latin": (b'["\xe9"]', "json"),
    "deep": (b"[" * 100_000, "json"),
    "long": (b" " * (1 << 20) + b"[]", "json"),
    "number": (b"7", "shape"),
    "object-without": (b"{}", "shape"),
    "commands-no-list": (b'{"commands": {}}', "shape"),
    "element-no-object": (b"[[]]", "command"),
    "element-without": (b'[{"image": "a"}]', "command"),
    "command-no-text": (b'[{"command": 1}]', "command"),
    "too-many": (json.dumps([{"command": "nop"}] * 513).encode(), "command"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_script_when_broken_then_the_rule_is_named(name):
    data, rule = BROKEN[name]
    with pytest.raises(BadFormat) as failure:
        asr_script.read(data)
    assert failure.value.facts["rule"] == rule


@pytest.mark.parametrize("value", ["null", "true", '"x"', "-1", "1.5", "[]", "99999999999999999999"])
def test_script_when_a_size_is_no_number_then_it_states_none(value):
    script = asr_script.read(f'[{{"command":"flash","imageSize":{value}}}]'.encode())
    assert script.commands[0].image_size is None
