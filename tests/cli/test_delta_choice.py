"""``delta make``, ``adiff`` and ``delta info`` as typed: both directions, room on the module, the table of modules."""

from __future__ import annotations

import functools
import json
import lzma
import random

import pytest

from moduline.cli.main import run
from moduline.formats import littlefs, patch
from moduline.package import merge, read_package, write_package
from moduline.package.merge import substitute
from moduline.profiles import catalog
from moduline.release.firmware import firmware_file
from moduline.release.firmware_recipe import find_recipe

V1 = find_recipe("ec600n").version
V2 = f"{V1[:-1]}2"


@functools.cache
def package(number):
    return firmware_file("ec600n", "", "" if number == 1 else V2)


def scripts(number):
    """File system of scripts of an EC600U."""
    profile = catalog.module("ec600u")
    geometry = profile.fs.geometry(profile.partition("user_fs").size_bytes)
    text = f"print({number})\n".encode() * 999
    return littlefs.write_image([(f"{one}.py", text) for one in range(4)], geometry)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        (tmp_path / f"v{number}.zip").write_bytes(package(number))
        image = read_package(package(number)).need("system").data
        (tmp_path / f"system{number}.img").write_bytes(image)
    return tmp_path


def type_json(capsys, *words):
    code = run([*map(str, words), "--json"])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, json.loads(captured.out)


def type_plain(capsys, *words):
    code = run([*map(str, words)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize(
    "words",
    [
        ("delta", "make", "v1.zip", "v2.zip", "-o", "up.bin", "--store", "fp"),
        ("adiff", "-l", "fp", "system1.img", "system2.img", "up.bin"),
    ],
)
def test_back_when_asked_for_then_both_directions_by_version(capsys, folder, words):
    code, made = type_json(capsys, *words, "--back", "down.bin")
    assert code == 0
    found = [(one["source"], one["target"], one["direction"], one["path"]) for one in (made, made["back"])]
    assert found == [(V1, V2, "upgrade", "up.bin"), (V2, V1, "downgrade", "down.bin")]
    assert made["codecs"]["system"] in {"mapped", "window"}
    assert made["spare_have"] >= made["spare_bytes"] > 0
    old, new = ("v1.zip", "v2.zip") if words[0] == "delta" else ("system1.img", "system2.img")
    for source, name, wanted in ((old, "up.bin", V2), (new, "down.bin", V1)):
        code, told = type_json(capsys, "delta", "apply", source, name, "-o", "result")
        assert (code, told["target"]) == (0, wanted)
    code, out, err = type_plain(capsys, *words, "--back", "down.bin")
    lines = " ".join(out.split())
    assert f"upgrade: {V1} -> {V2}" in lines
    assert f"downgrade: {V2} -> {V1}" in lines
    assert f"makes {V1} out of {V2}" in " ".join(err.split())


def test_back_when_it_is_the_same_file_or_cannot_be_made_then_nothing_is_written(capsys, folder):
    words = ("delta", "make", "v1.zip", "v2.zip", "-o", "p.bin")
    assert type_json(capsys, *words, "--back", "./p.bin")[0] == 2
    stem = ("delta", "make", "system1.img", "v2.zip", "-o", "p.bin", "--kind", "full")
    code, failure = type_json(capsys, *stem, "--back", "q.bin")  # the way back has no scripts to bring
    assert (code, failure["facts"]["needs"]) == (2, "customer_fs.bin")
    assert list(folder.glob("*.bin*")) == []


def test_spare_when_it_does_not_reach_then_whole_with_numbers_or_refused(capsys, folder):
    words = ("delta", "make", "v1.zip", "v2.zip", "-o", "p.bin", "--store", "fp", "--spare", "8K")
    code, made = type_json(capsys, *words)
    assert (code, made["codecs"], made["spare_bytes"], made["spare_have"]) == (0, {"system": "deflate"}, 0, 8192)
    assert "8192 are available" in made["warnings"][0]
    _, made = type_json(capsys, "--lang", "zh", *words)
    assert "仅有 8192 字节" in made["warnings"][0]
    (folder / "p.bin").unlink()
    code, failure = type_json(capsys, *words, "--codec", "mapped")
    assert (code, failure["code"], failure["facts"]["have"]) == (13, "ML-E1303", 8192)
    assert "--codec auto" in failure["hint"]
    assert not (folder / "p.bin").exists()
    need = failure["facts"]["need"]
    assert type_json(capsys, *words[:-1], need, "--codec", "mapped")[1]["spare_bytes"] == need


def test_place_when_the_patch_is_larger_then_13(capsys, folder):
    profile = catalog.module("ec600n")
    room = profile.partition("system").size_bytes
    big = substitute(read_package(package(2)), "system", random.Random(1).randbytes(room))
    (folder / "big.zip").write_bytes(write_package(big))
    words = ("delta", "make", "v1.zip", "big.zip", "-o", "p.bin", "--codec", "whole")
    for store in ("fp", "fs"):
        code, failure = type_json(capsys, *words, "--store", store)
        have = profile.partition("update_store").size_bytes - 2 * 4096
        assert (code, failure["code"], failure["facts"]["have"]) == (13, "ML-E1301", have)
    assert not (folder / "p.bin").exists()


def test_old_scripts_when_both_packages_hold_them_then_smaller_else_usage(capsys, folder):
    for number in (1, 2):
        production = merge(read_package(firmware_file("ec600u")), {"user_fs": scripts(number)})
        (folder / f"p{number}.pac").write_bytes(write_package(production))
    words = ("delta", "make", "p1.pac", "p2.pac", "-o", "p.bin", "--kind", "full")
    _, whole = type_json(capsys, *words)
    assert any("ec600u takes no full packages" in warning for warning in whole["warnings"])
    code, made = type_json(capsys, *words, "--old-scripts")
    assert code == 0
    assert made["patch_bytes"] < whole["patch_bytes"]
    assert type_json(capsys, "delta", "apply", "p1.pac", "p.bin", "-o", "result.pac")[0] == 0
    result = read_package((folder / "result.pac").read_bytes())
    assert result.part("PY_FS_U").data == scripts(2)
    (folder / "stock.pac").write_bytes(firmware_file("ec600u"))
    code, failure = type_json(
        capsys, "delta", "make", "stock.pac", "p2.pac", "-o", "q.bin", "--kind", "full", "--old-scripts"
    )
    assert (code, failure["facts"]["needs"]) == (2, "customer_fs.bin")
    assert type_json(capsys, "delta", "make", "p1.pac", "p2.pac", "-o", "q.bin", "--old-scripts")[0] == 2


def test_info_when_asked_then_everything_that_is_in_it(capsys, folder):
    words = ("delta", "make", "v1.zip", "v2.zip", "-o", "p.bin", "--store", "fp")
    _, made = type_json(capsys, *words)
    _, told = type_json(capsys, "delta", "info", "p.bin")
    (region,) = told["regions"]
    found = patch.read((folder / "p.bin").read_bytes())
    assert (told["store"], told["block_bytes"], told["spare_bytes"]) == ("fp", 4096, made["spare_bytes"])
    assert (region["codec_name"], region["spare_bytes"]) == (made["codecs"]["system"], made["spare_bytes"])
    assert region["saved_bytes"] == found.regions[0].new_bytes - len(found.regions[0].data)
    _, out, _ = type_plain(capsys, "delta", "info", "p.bin")
    text = " ".join(out.split())
    for word in (f"upgrade: {V1} -> {V2}", "system", "asr1603", region["codec_name"], str(region["data_bytes"])):
        assert word in text
    assert type_json(capsys, "delta", "info")[0] == 2


def test_info_when_asked_for_modules_then_the_table_of_kinds(capsys):
    """device-api 7.2, 7.3, 7.5: full and mini only with 16 MB of ASR flash; steps not on EC800M; EC600U takes diff."""
    _, told = type_json(capsys, "delta", "info", "--modules")
    table = {one["module"]: one for one in told["modules"]}
    assert all(one["diff"] for one in table.values())
    takes = {name: (table[name]["full"], table[name]["mini"], table[name]["steps"]) for name in table}
    assert takes["ec600n"] == (True, True, True)
    assert takes["ec600u"] == (False, False, True)
    assert takes["ec800m"] == (True, True, False)
    assert takes["ec600e"] == (False, False, True)
    assert table["ec600n"]["usr_bytes"] == 5 << 20
    _, out, _ = type_plain(capsys, "delta", "info", "--modules")
    assert "ec600n" in out


def test_stored_when_a_part_is_compressed_then_whole_or_plain(capsys, folder):
    for number, text in ((1, b"one"), (2, b"two")):
        found = read_package(firmware_file("ec600e"))
        content = lzma.compress(bytes(9000) + text * 50 + bytes(range(256)) * 99, lzma.FORMAT_ALONE)
        (folder / f"e{number}.zip").write_bytes(write_package(substitute(found, "cp-demo-flash", content)))
    words = ("delta", "make", "e1.zip", "e2.zip", "-o", "p.bin")
    code, made = type_json(capsys, *words)
    assert (code, made["spare_bytes"]) == (0, 0)
    assert any("LZMA" in warning for warning in made["warnings"])
    code, failure = type_json(capsys, *words, "--codec", "mapped")
    assert (code, failure["code"]) == (17, "ML-E1702")
    code, made = type_json(capsys, *words, "--stored", "plain")
    assert (code, made["new_bytes"]) == (0, 9000 + 150 + 256 * 99)
    assert type_json(capsys, *words, "--stored", "somehow")[0] == 2
    assert type_json(capsys, "delta", "apply", "e1.zip", "p.bin", "-o", "e3.zip")[0] == 0
    result = read_package((folder / "e3.zip").read_bytes()).part("cp-demo-flash").data
    assert lzma.decompress(result).count(b"two") == 50


def test_adiff_when_nobody_knows_the_module_then_it_says_what_the_patch_needs(capsys, folder):
    old = bytes(range(256)) * 200
    (folder / "1.img").write_bytes(old)
    (folder / "2.img").write_bytes(old[:9000] + b"inserted" + old[9000:])
    code, out, err = type_plain(capsys, "adiff", "-l", "fs", "1.img", "2.img", "p.bin")
    assert code == 0
    assert "--module M or --spare BYTES" in " ".join(err.split())
    assert "direction not known" in out
    code, _, err = type_plain(capsys, "adiff", "-l", "fs", "1.img", "2.img", "p.bin", "--spare", "1M")
    assert (code, err) == (0, "")


@pytest.mark.parametrize("codec", ["best", "raw", ""])
def test_codec_when_there_is_none_then_2(capsys, folder, codec):
    assert type_json(capsys, "delta", "make", "v1.zip", "v2.zip", "-o", "p.bin", "--codec", codec)[0] == 2


def test_jsonl_when_asked_for_then_events_and_the_patch_last(capsys, folder):
    assert run(["delta", "make", "v1.zip", "v2.zip", "-o", "p.bin", "--jsonl"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {one["event"] for one in lines[:-1]} == {"step"}
    assert [one["name"] for one in lines[-3:-1]] == ["delta.compare", "delta.compare"]
    assert (lines[-1]["event"], lines[-1]["ok"], lines[-1]["path"]) == ("patch", True, "p.bin")


def test_role_and_module_when_bare_images_do_not_say_them_then_the_place_and_the_room_are_known(capsys, folder):
    modem = catalog.module("ec600u").partition("modem")
    old = random.Random(1).randbytes(9000)
    (folder / "1.img").write_bytes(old)
    (folder / "2.img").write_bytes(old[:4000] + b"inserted" + old[4000:])
    words = ("adiff", "-l", "fp", "1.img", "2.img", "p.bin", "--module", "ec600u", "--role", "modem")
    code, made = type_json(capsys, *words)
    assert (code, made["warnings"]) == (0, [])
    assert made["spare_have"] >= made["spare_bytes"] > 0
    _, told = type_json(capsys, "delta", "info", "p.bin")
    (region,) = told["regions"]
    assert (region["role"], region["address"], told["chip"]) == ("modem", modem.address, "unisoc8910")
    assert told["models"][0].startswith("EC600U")
    assert type_json(capsys, "delta", "apply", "1.img", "p.bin", "-o", "3.img")[0] == 0
    assert (folder / "3.img").read_bytes() == (folder / "2.img").read_bytes()
    assert type_json(capsys, "delta", "apply", "2.img", "p.bin", "-o", "3.img")[0] == 17
    (folder / "large.img").write_bytes(bytes(modem.size_bytes + 1))
    words = ("delta", "make", "1.img", "large.img", "-o", "p.bin", "--module", "ec600u", "--role", "modem")
    assert type_json(capsys, *words)[0] == 13
    words = ("delta", "make", "v1.zip", "v2.zip", "-o", "p.bin", "--module", "ec600u")
    assert type_json(capsys, *words)[1]["code"] == "ML-E0703"
    words = ("delta", "make", "v1.zip", "v2.zip", "-o", "p.bin", "--module", "ec999z")
    assert type_json(capsys, *words)[1]["code"] == "ML-E0203"
