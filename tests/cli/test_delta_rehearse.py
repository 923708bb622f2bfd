"""``delta rehearse`` as typed: in place and by patch, proof files, refusals."""

from __future__ import annotations

import hashlib
import json
import re

import pytest

from delta.inplace_rig import pair
from moduline.cli.main import run

OLD, NEW = pair(21, 4 * 4096, 2500)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.img").write_bytes(OLD)
    (tmp_path / "new.img").write_bytes(NEW)
    return tmp_path


def type_json(capsys, *words):
    code = run(["delta", "rehearse", *words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_rehearse_when_given_a_firmware_then_renews_in_place_and_writes_the_proof(capsys, folder):
    words = ("old.img", "new.img", "--cuts", "6", "--double", "2", "--store", "fs", "--proof", "proof")
    code, told = type_json(capsys, *words)
    assert (code, told["in_place"], told["failures"]) == (0, True, 0)
    assert (told["cuts"], told["tears"], told["pairs"]) == (6, 6, 2)
    proof = json.loads((folder / "proof" / "rehearsal.json").read_text("utf-8"))
    assert (proof["is_good"], proof["store"], proof["operations"]) == (True, "fs", told["operations"])
    assert proof["patch"]["sha256"] == hashlib.sha256(NEW).hexdigest()
    page = (folder / "proof" / "rehearsal.html").read_text("utf-8")
    assert proof["regions"][0]["new_sha256"] in page
    again = (folder / "proof" / "rehearsal.json").read_bytes()
    assert type_json(capsys, *words)[0] == 0
    assert (folder / "proof" / "rehearsal.json").read_bytes() == again


def test_rehearse_when_the_firmware_is_the_same_then_refused(capsys, folder):
    code, told = type_json(capsys, "old.img", "old.img")
    assert (code, told["facts"]["name"]) == (2, "OLD NEW")


def test_rehearse_when_there_are_many_trials_then_tells_how_far_it_is(capsys, folder):
    assert run(["delta", "rehearse", "old.img", "new.img", "--cuts", "all", "--double", "0"]) == 0
    told = capsys.readouterr().err
    assert len(re.findall(r"\d+ of \d+ trials, 0 failed", told)) == 10


def test_rehearse_when_given_a_patch_then_applies_it_as_the_boot_code_does(capsys, folder):
    assert run(["delta", "make", "old.img", "new.img", "-o", "patch.bin", "--codec", "whole"]) == 0
    capsys.readouterr()
    code, told = type_json(capsys, "old.img", "patch.bin", "--cuts", "all", "--double", "5")
    assert (code, told["in_place"], told["spare_bytes"]) == (0, False, 0)
    assert told["cuts"] == told["operations"] > 50


def test_rehearse_when_the_spare_is_too_small_then_refused_with_the_need(capsys, folder):
    code, told = type_json(capsys, "old.img", "new.img", "--spare", "4K")
    assert (code, told["code"]) == (13, "ML-E1303")
    need = told["facts"]["need"]
    assert need > 4096
    code, told = type_json(capsys, "old.img", "new.img", "--spare", str(need), "--cuts", "1", "--block", "4096")
    assert (code, told["spare_bytes"]) == (0, need)


@pytest.mark.parametrize(
    "words", [("--cuts", "some"), ("--cuts", "0"), ("--store", "x"), ("--block", "5000"), ("--block", "2K")]
)
def test_rehearse_when_an_option_is_none_then_refused(capsys, folder, words):
    code, told = type_json(capsys, "old.img", "new.img", *words)
    assert (code, told["ok"]) == (2, False)


def test_rehearse_when_the_patch_is_mapped_then_in_place_and_apply_gives_the_same(capsys, folder):
    words = ["old.img", "new.img", "-o", "patch.bin", "--codec", "mapped", "--block", "64K", "--json"]
    assert run(["delta", "make", *words]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["spare_bytes"] > 0
    code, told = type_json(capsys, "old.img", "patch.bin", "--cuts", "3", "--double", "1")
    assert (code, told["in_place"], told["spare_bytes"], told["block_bytes"]) == (0, True, made["spare_bytes"], 65536)
    assert run(["delta", "apply", "old.img", "patch.bin", "-o", "again.img"]) == 0
    assert (folder / "again.img").read_bytes() == NEW
    capsys.readouterr()
    code, told = type_json(capsys, "old.img", "patch.bin", "--spare", "64K")
    assert (code, told["facts"]["need"]) == (13, made["spare_bytes"])
    assert run(["delta", "make", *words, "--spare", "64K"]) == 13
    assert run(["delta", "make", *words, "--codec", "other"]) == 2
