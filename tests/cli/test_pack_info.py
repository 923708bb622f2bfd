from __future__ import annotations

import json
from dataclasses import replace

import pytest

from moduline.cli.main import run
from moduline.formats.container import unisoc, zip_members
from moduline.formats.record import WideText
from moduline.package import merge, read_package, write_package
from package_maker import small_file, small_pac, stock_rows
from samples import sample

EG915U = "unisoc/8915DM_cat1_open_EG915UEUABR03A06M08_OCPU_QPY_01.300.01.300_merge.pac"


@pytest.fixture
def pac_path(tmp_path):
    path = tmp_path / "small.pac"
    path.write_bytes(small_file())
    return path


def run_json(capsys, *words) -> tuple[int, dict]:
    code = run([*map(str, words), "--json"])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, json.loads(captured.out)


def test_info_when_package_then_says_chip_model_version_and_areas(capsys, pac_path):
    code, facts = run_json(capsys, "pack", "info", pac_path)
    assert code == 0
    assert facts["ok"]
    assert facts["chip"] == "unisoc8910"
    assert facts["model"] == "EG915U-EUAB"
    assert facts["version"] == "EG915UEUABR03A06M08_OCPU_QPY_01.300.01.300"
    assert facts["areas"][0] == {
        "name": "PY_FS_U",
        "role": "user_fs",
        "address": "0x604e0000",
        "size": 0x3000,
        "told_by": "erase",
    }


@pytest.mark.parametrize("verb", ["info", "list", "verify"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_pack_when_for_people_then_prints_in_either_language(capsys, pac_path, verb, lang):
    assert run(["pack", verb, str(pac_path), "--lang", lang]) == 0
    out = capsys.readouterr().out
    assert out
    assert any("\u4e00" <= c <= "\u9fff" for c in out) == (lang == "zh")


def test_list_when_package_then_parts_come_in_burning_order(capsys, pac_path):
    code, facts = run_json(capsys, "pack", "list", pac_path)
    assert code == 0
    assert [part["name"] for part in facts["parts"]][:4] == ["HOST_FDL", "FDL2", "ERASE_BOOT", "AP"]
    assert facts["parts"][0]["role"] == "first_loader"


def test_list_when_package_is_in_a_zip_then_opened_by_content(capsys, tmp_path):
    path = tmp_path / "firmware.bin"
    path.write_bytes(zip_members.write_members([("fw/module.pac", small_file())]))
    code, facts = run_json(capsys, "pack", "info", path)
    assert (code, facts["shells"]) == (0, ["fw/module.pac"])


def test_verify_when_sound_then_0_with_notices(capsys, pac_path):
    code, facts = run_json(capsys, "pack", "verify", pac_path)
    assert code == 0
    assert [one["slug"] for one in facts["findings"]] == ["nv-crc-stale"]


def test_verify_when_damaged_then_8_with_every_finding(capsys, tmp_path):
    data = bytearray(small_file())
    data[2124 + 2000] ^= 1
    path = tmp_path / "bad.pac"
    path.write_bytes(bytes(data))
    code, facts = run_json(capsys, "pack", "verify", path)
    assert (code, facts["ok"], facts["code"]) == (8, False, "ML-E0810")
    assert [one["slug"] for one in facts["facts"]["findings"]] == ["container-crc", "nv-crc-stale"]
    assert run(["pack", "verify", str(path)]) == 8
    assert "CRC2" in capsys.readouterr().err


def test_extract_when_package_then_contents_and_list_are_written_once(capsys, pac_path, tmp_path):
    folder = tmp_path / "out"
    code, facts = run_json(capsys, "pack", "extract", pac_path, "-o", folder)
    assert code == 0
    written = json.loads((folder / "parts.json").read_bytes())
    assert written == facts["parts"]
    package = read_package(pac_path.read_bytes())
    for row, part in zip(written, package.parts, strict=True):
        assert ((folder / row["file"]).read_bytes() if row["file"] else b"") == part.data
    assert run(["pack", "extract", str(pac_path), "-o", str(folder)]) == 2
    assert run(["pack", "extract", str(pac_path), "-o", str(folder), "--yes"]) == 0


def test_extract_when_dry_run_then_nothing_is_written(pac_path, tmp_path):
    assert run(["pack", "extract", str(pac_path), "-o", str(tmp_path / "out"), "--dry-run"]) == 0
    assert not (tmp_path / "out").exists()


def test_extract_when_names_are_hostile_then_files_stay_in_the_folder(tmp_path, capsys):
    rows = [*stock_rows(), ("../../[red]{x}", "CODE", 0x60700000, 0x1000, b"evil", 1)]
    pac = small_pac(rows)
    hostile = replace(pac.entries[0], file_name=WideText.of("a\x1b[2J[/b]"))
    path = tmp_path / "evil.pac"
    path.write_bytes(unisoc.write(pac.with_entries([hostile, *pac.entries[1:]])))
    assert run(["pack", "extract", str(path), "-o", str(tmp_path / "deep" / "out")]) == 0
    names = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file())
    assert all(name.startswith("deep/out/") for name in names if name != "evil.pac")
    assert run(["pack", "list", str(path)]) == 0
    out = capsys.readouterr().out
    assert "[red]" in out
    assert "\x1b" not in out


def test_diff_when_merged_then_only_areas_differ(capsys, pac_path, tmp_path):
    merged = tmp_path / "merged.pac"
    package = merge(read_package(pac_path.read_bytes()), {"user_fs": b"\xff" * 0x3000})
    merged.write_bytes(write_package(package))
    code, facts = run_json(capsys, "pack", "diff", pac_path, merged)
    assert (code, facts["same"], facts["only_areas"]) == (0, False, True)
    assert run(["pack", "diff", str(pac_path), str(merged)]) == 0
    assert "PY_FS_U" in capsys.readouterr().out
    assert run_json(capsys, "pack", "diff", pac_path, pac_path)[1]["same"]


BAD_FILES = {
    "empty": (b"", 8),
    "text": (b"hello world" * 100, 8),
    "truncated": (small_file()[:5000], 8),
    "header-only": (small_file()[:2124], 8),
    "flipped": (bytes([*small_file()[:60], 1, *small_file()[61:]]), 8),
    "huge-length": (small_file()[:48] + b"\xff\xff\xff\xff" + small_file()[52:], 8),
    "nested-too-deep": (b"", 8),
    "zip-cut": (b"PK\x03\x04" + bytes(100), 8),
    "image": (b"\x27\x05\x19\x56" + bytes(100), 8),
}


@pytest.mark.parametrize("verb", ["info", "list", "verify"])
@pytest.mark.parametrize("name", BAD_FILES)
def test_pack_when_file_is_bad_then_coded_error_and_exit_8(capsys, tmp_path, name, verb):
    data, expected = BAD_FILES[name]
    if name == "nested-too-deep":
        data = small_file()
        for _ in range(4):
            data = zip_members.write_members([("x.bin" if data[:2] == b"PK" else "x.pac", data)])
    path = tmp_path / "bad.pac"
    path.write_bytes(data)
    code, facts = run_json(capsys, "pack", verb, path)
    assert code == expected
    assert facts["code"].startswith("ML-E08")
    assert facts["hint"]


@pytest.mark.parametrize("path", ["nowhere.pac", "."])
def test_pack_when_no_such_file_then_exit_2(capsys, tmp_path, path):
    code, facts = run_json(capsys, "pack", "info", tmp_path / path)
    assert (code, facts["code"]) == (2, "ML-E0204")


def test_verify_when_real_package_then_sound(capsys):
    code, facts = run_json(capsys, "pack", "verify", sample(EG915U))
    assert (code, facts["parts"]) == (0, 16)
