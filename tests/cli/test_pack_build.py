"""pack build, check, new and firmware as a user types them: files written, exit codes, JSON, both languages."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from moduline.cli import main
from moduline.package import read_package

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = str(ROOT / "examples" / "quec_test")


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Type a command in an empty folder; gives stdout; asserts the exit code."""
    monkeypatch.chdir(tmp_path)

    def typed(*words, exit_code=0):
        code = main.run([str(word) for word in words])
        shown = capsys.readouterr()
        assert code == exit_code, shown
        typed.err = shown.err
        return shown.out

    return typed


@pytest.fixture
def stock(run):
    run("firmware", "build", "ec600u", "-o", "stock.zip")
    return "stock.zip"


def test_build_when_typed_then_package_is_written_and_decisions_shown(run, stock):
    printed = run("pack", "build", EXAMPLE, "--base", stock, "-o", "out/")
    assert "ec600u" in printed
    assert "the base is for EC600U-CNLB" in printed
    assert "left out moduline.toml: settings of this project" in run.err
    package = read_package(Path("out/QUEC_TEST_1.0.0.zip").read_bytes())
    assert package.area("user_fs").told_by == "content"
    assert sorted(path.name for path in Path("out").iterdir()) == ["QUEC_TEST_1.0.0.zip"]


def test_build_when_json_then_one_object_with_the_facts(run, stock):
    facts = json.loads(run("pack", "build", EXAMPLE, "--base", stock, "-o", "x.zip", "--backup", "all", "--json"))
    assert facts["ok"]
    assert facts["written"]
    assert (facts["name"], facts["project"], facts["version"]) == ("QUEC_TEST_1.0.0.zip", "QUEC_TEST", "1.0.0")
    assert facts["user"]["files"] == ["apn_cfg.json", "checksum.json", "main.py", "user_file.py"]
    assert facts["skipped"] == [{"path": "moduline.toml", "reason": "settings of this project"}]
    assert facts["bytes"] == Path("x.zip").stat().st_size
    assert {one["name"] for one in facts["decisions"]} >= {"module", "profile", "encrypt", "backup", "bytecode"}


def test_build_when_dry_run_then_nothing_is_written(run, stock):
    assert "would write" in run("pack", "build", EXAMPLE, "--base", stock, "--dry-run")
    assert sorted(path.name for path in Path().iterdir()) == [stock]


def test_build_when_output_is_the_base_then_refused_and_base_unharmed(run, stock):
    before = Path(stock).read_bytes()
    run("pack", "build", EXAMPLE, "--base", stock, "-o", stock, exit_code=2)
    assert Path(stock).read_bytes() == before


def test_build_when_protected_for_a_real_module_then_twins_beside_and_in_the_home(run, moduline_home):
    base = Path("vendor.pac")
    base.write_bytes(vendor_like(run))
    facts = json.loads(run("pack", "build", EXAMPLE, "--base", base, "--encrypt", "-o", "out/", "--json"))
    assert facts["twins"] == 1
    assert sorted(path.name for path in Path("out").iterdir()) == ["QUEC_TEST_1.0.0.pac", "QUEC_TEST_1.0.0.twins.zip"]
    assert len(list((moduline_home / "twins").iterdir())) == 1
    assert facts["not_compiled"][0]["path"] == "main.py"


def vendor_like(run):
    """A package whose system part is no system image of ours, as a vendor's is; its version stands in the APPIMG's place."""
    from moduline.formats import uimage
    from moduline.package import write_package
    from moduline.package.unisoc import package_of
    from moduline.package.unisoc_entries import substitute_entry

    run("firmware", "build", "ec600u", "-o", "own.pac")
    package = read_package(Path("own.pac").read_bytes())
    code = uimage.UImage(0x60010040, 0x60010040, b"\x7fARM code EC600UCNLBR03A01M08_OCPU_QPY\0" * 50)
    return write_package(package_of(substitute_entry(package.source, "AP", uimage.write(code))))


@pytest.mark.parametrize(
    ("files", "exit_code", "code"),
    [
        ({"main.py": "x = 1\n"}, 8, "ML-E0805"),
        ({"a.py": "x = 1\n"}, 8, "ML-E0805"),
        ({"main.py": "PROJECT_NAME = 'P'\nPROJECT_VERSION = '1'\n", "big": "x" * 400000}, 13, "ML-E1301"),
        ({"moduline.toml": "x = 1"}, 8, "ML-E0806"),
        ({"moduline.toml": 'module = "ec999"'}, 2, "ML-E0203"),
        ({"moduline.toml": 'module = "eg915u"'}, 7, "ML-E0701"),
    ],
)
def test_build_when_it_cannot_then_coded_error_and_nothing_written(run, stock, files, exit_code, code):
    for name, text in files.items():
        Path("p").mkdir(exist_ok=True)
        Path("p", name).write_text(text)
    failure = json.loads(run("pack", "build", "p", "--base", stock, "-o", "out/", "--json", exit_code=exit_code))
    assert (failure["ok"], failure["code"]) == (False, code)
    assert not Path("out").exists()


def test_new_when_from_a_production_package_then_its_project(run, stock):
    run("pack", "build", EXAMPLE, "--base", stock)
    facts = json.loads(run("new", "again", "--from", "QUEC_TEST_1.0.0.zip", "--json"))
    assert facts["files"] == ["moduline.toml", "usr/main.py", "usr/user_file.py"]
    assert Path("again/usr/main.py").read_bytes() == Path(EXAMPLE, "main.py").read_bytes()
    run("new", "again", "--from", "QUEC_TEST_1.0.0.zip", exit_code=2)
    run("new", "other", "--from", "QUEC_TEST_1.0.0.zip", "--module", "ec600u", exit_code=2)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", ["my.proj", "project", "config.ini"])
def test_new_when_from_a_project_of_the_vendors_tool_then_says_that_it_is_not_documented_and_what_to_do(
    run, name, lang
):
    if name == "project":
        Path(name).mkdir()
    else:
        Path(name).write_text("[project]\nfirmware = C:\\fw.zip\n")
    failure = json.loads(run("new", "mine", "--from", name, "--json", "--lang", lang, exit_code=8))
    assert failure["code"] == "ML-E0804"
    assert ("not documented" if lang == "en" else "未公开") in failure["message"]
    assert "moduline pack extract FILE --project DIR" in failure["hint"]
    assert not Path("mine").exists()


def test_build_when_the_profile_asks_for_no_name_then_named_after_stock_and_date(run, stock):
    Path("p").mkdir()
    Path("p/main.py").write_text("print('hello')\n")
    facts = json.loads(run("pack", "build", "p", "--base", stock, "--profile", "crc32-2022", "--json"))
    assert re.fullmatch(r"stock_\d{8}-\d{4}\.zip", facts["name"])
    assert (facts["project"], facts["version"]) == ("", "")
    Path("p/moduline.toml").write_text('profile = "crc32-2022"\n')
    assert "no name: 1 files" in run("check", "p")


@pytest.mark.parametrize(("base", "exit_code"), [(b"", 8), (b"PK\x03\x04", 8), (b"nonsense" * 1000, 8), (None, 2)])
def test_build_when_base_is_no_package_then_coded_error(run, base, exit_code):
    if base is not None:
        Path("base.pac").write_bytes(base)
    run("pack", "build", EXAMPLE, "--base", "base.pac", exit_code=exit_code)
    assert "ML-E" in run.err


def test_build_when_project_has_many_faults_then_all_are_shown_with_line(run, stock):
    Path("p").mkdir()
    Path("p/main.py").write_text("PROJECT_NAME = 1\n")
    Path("p/b.py").write_text("x = (\n")
    run("pack", "build", "p", "--base", stock, exit_code=8)
    for line in (
        "main.py:1: PROJECT_NAME is not a plain string constant [error]",
        "main.py:1: PROJECT_VERSION is missing [error]",
        "b.py:1: syntax error: '(' was never closed [error]",
    ):
        assert line in run.err


def test_build_when_in_chinese_then_decisions_and_errors_are_too(run, stock):
    assert "基础固件包适用于 EC600U-CNLB" in run("pack", "build", EXAMPLE, "--base", stock, "--lang", "zh")
    Path("p").mkdir()
    run("pack", "build", "p", "--base", stock, "--lang", "zh", exit_code=8)
    assert "缺少该文件" in run.err


def test_check_when_sound_then_summary(run):
    printed = run("check", EXAMPLE, "--module", "ec600u")
    assert printed.startswith("QUEC_TEST_1.0.0: 2 files, ")
    assert "bytes free" in printed
    facts = json.loads(run("check", EXAMPLE, "--json"))
    assert (facts["files"], facts["module"], facts["free_bytes"]) == (["main.py", "user_file.py"], None, None)


def test_check_when_wrong_then_exit_8(run):
    Path("p").mkdir()
    run("check", "p", exit_code=8)
    assert "main.py:1" in run.err
    run("check", "nowhere", exit_code=2)


def test_new_when_typed_then_a_project_that_passes_check(run):
    run("new", "meter", "--module", "ec200u")
    run("check", "meter")
    run("new", "meter", exit_code=2)


def test_firmware_when_built_then_shell_follows_the_ending(run):
    for name in ("a.pac", "a.zip", "a.bin"):
        facts = json.loads(run("firmware", "build", "ec600u", "-o", name, "--json"))
        assert facts["bytes"] == Path(name).stat().st_size
    assert Path("a.zip").read_bytes() == Path("a.bin").read_bytes() != Path("a.pac").read_bytes()
    facts = json.loads(run("firmware", "build", "ec600u", "-o", "out/", "--shell", "zip", "--json"))
    assert Path(facts["path"]).name == "EC600UCNLBR03A01M08_OCPU_PY_MODULINE1.zip"
    run("firmware", "build", "ec600u", "-o", "x", "--shell", "rar", exit_code=2)
    run("firmware", "build", "ec999", "-o", "x", exit_code=2)


def test_firmware_when_listed_then_every_recipe(run):
    assert "EC200UCNAAR03A01M08_OCPU_PY_MODULINE1" in run("firmware", "list")
    listed = [one["module"] for one in json.loads(run("firmware", "list", "--json"))["recipes"]]
    assert listed == sorted(path.stem for path in (ROOT / "firmware").glob("*.toml"))
    assert {"ec200u", "ec600s", "ec600u", "ec800e", "eg915u"} <= set(listed)


@pytest.mark.parametrize(
    "words", [("pack", "build"), ("check",), ("new",), ("firmware", "build"), ("firmware", "list")]
)
@pytest.mark.parametrize(("lang", "word"), [("en", "Example:"), ("zh", "示例：")])
def test_help_when_asked_then_has_an_example(run, words, lang, word):
    assert word in run(*words, "--help", "--lang", lang)
