"""Everything inside a folder named ``测试 目录 (1)``, the home of Moduline with its racks and records too.

Source: issue 4, "Must show"; every step is the real command line.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from journey.conftest import Terminal

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals"),
    pytest.mark.timeout(400),
]
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "quec_test"
ODD = "测试 目录 (1)"


@pytest.fixture
def odd(tmp_path, monkeypatch):
    """A terminal in a folder of that name, whose home is in one, too, below another."""
    folder = tmp_path / ODD
    home = tmp_path / ODD / "家 (2)"
    home.mkdir(parents=True)
    monkeypatch.setenv("MODULINE_HOME", str(home))
    monkeypatch.setenv("HOME", str(home))
    shell = Terminal(folder)
    yield shell
    for rack in ("default", "产线 1"):
        subprocess.run(
            [sys.executable, "-m", "moduline", "virt", "down", "--rack", rack], capture_output=True, check=False
        )


def make_project(folder, version):
    """The example as a project of that version under a name with everything in it."""
    shutil.copytree(EXAMPLE, folder)
    main = next(path for path in (folder / "usr" / "main.py", folder / "main.py") if path.exists())
    text = main.read_text(encoding="utf-8")
    assert "'1.0.0'" in text
    main.write_text(text.replace("'1.0.0'", f"'{version}'"), encoding="utf-8")


def test_images_when_made_in_a_folder_with_an_odd_name_then_both_tools_agree(odd):
    make_project(odd.folder / "我的 工程 (3)", "1.0.0")
    make = ("image", "make", "我的 工程 (3)", "-o", "镜像 (4).bin", "--fs", "lfs1", "--size", "384K", "--unit", "4096")
    odd.type(*make, "--all-blocks")
    odd.type("mklfs", "-c", "我的 工程 (3)", "-b", 4096, "-r", 4096, "-p", 4096, "-s", 0x60000, "-i", "旧 工具.bin")
    assert odd.ask("image", "check", "旧 工具.bin")["ok"]
    odd.type("image", "extract", "镜像 (4).bin", "-o", "取出 (5)")
    original = {p.relative_to(odd.folder / "我的 工程 (3)") for p in (odd.folder / "我的 工程 (3)").rglob("*.py")}
    assert {p.relative_to(odd.folder / "取出 (5)") for p in (odd.folder / "取出 (5)").rglob("*.py")} == original


@pytest.mark.parametrize("module", ["ec600u", "ec600n"])
def test_package_when_built_taken_apart_and_changed_then_names_never_matter(odd, module):
    make_project(odd.folder / "我的 工程 (3)", "1.0.0")
    odd.type("firmware", "build", module, "-o", "原厂 固件 (1).zip")
    made = odd.ask(
        "pack", "build", "我的 工程 (3)", "--base", "原厂 固件 (1).zip", "-o", "出厂 (2)/包 一.zip", "--explain"
    )
    assert made["ok"]
    package = "出厂 (2)/包 一.zip"
    assert odd.ask("pack", "verify", package)["ok"]
    assert odd.ask("pack", "info", package)["ok"]
    odd.type("pack", "extract", package, "-o", "部件 (3)")
    assert (odd.folder / "部件 (3)" / "parts.json").is_file()
    odd.type("pack", "extract", package, "--project", "还原 (4)")
    assert any((odd.folder / "还原 (4)").rglob("main.py"))
    for kind in ("zip", "bin" if module == "ec600n" else "pac"):
        odd.type("pack", "convert", package, "--to", kind, "-o", f"转换 {kind} (5).{kind}")
        assert odd.ask("pack", "verify", f"转换 {kind} (5).{kind}")["ok"]
    Path(odd.folder, "单元 表.csv").write_text("serial,key\nSN-1,钥匙\nSN-2,(x)\n", encoding="utf-8")
    odd.type("pack", "units", package, "--csv", "单元 表.csv", "-o", "单元 (6)", "--yes")
    assert len(list((odd.folder / "单元 (6)").glob("*.zip"))) == 2


def test_modules_when_burnt_in_a_folder_with_an_odd_name_then_passed_recorded_and_updated(odd):
    """Packages of two versions, a rack, one burn, a gang of four, the report, and the patch between the versions."""
    for version, firmware in (("1.0.0", "EC600UCNLBR03A01M08_TEST"), ("1.0.1", "EC600UCNLBR03A02M08_TEST")):
        odd.type("firmware", "build", "ec600u", "--version", firmware, "-o", f"固件 {version}.zip")
        make_project(odd.folder / f"工程 {version}", version)
        odd.type("pack", "build", f"工程 {version}", "--base", f"固件 {version}.zip", "-o", f"包 {version}.zip")
    odd.type("virt", "up", "--module", "ec600u", "--count", 4, "--rack", "产线 1", "--package", "固件 1.0.0.zip")
    rack = odd.folder / "家 (2)" / "racks" / "产线 1"
    assert rack.is_dir()
    record = odd.ask("burn", "包 1.0.0.zip", "--port", "virt:m1", "--yes")
    assert record["outcome"] == "PASS"
    gang = ("gang", "run", "包 1.0.1.zip", "--rack", "产线 1", "--order", "订单 (7)", "--operator", "王 工")
    odd.type(*gang, "--count", 4, "--patience", 30, timeout=300)
    report = odd.ask("gang", "report", "订单 (7)", "--csv", "报告 (8).csv")
    assert (report["units"], report["passed"]) == (4, 4)
    rows = list(csv.DictReader(io.StringIO((odd.folder / "报告 (8).csv").read_text(encoding="utf-8-sig"))))
    assert {row["operator"] for row in rows} == {"王 工"}
    assert "'1.0.1'" in odd.type("cat", ":/usr/main.py", "--port", "virt:m1")
    odd.type("delta", "make", "包 1.0.0.zip", "包 1.0.1.zip", "-o", "补丁 (9).bin")
    odd.type("delta", "apply", "包 1.0.0.zip", "补丁 (9).bin", "-o", "重建 (10).bin")
    assert (odd.folder / "重建 (10).bin").stat().st_size > 0
