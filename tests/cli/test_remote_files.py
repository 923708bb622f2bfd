"""``ls cat cp rm mkdir sync`` against the fake module on a pseudo-terminal."""

from __future__ import annotations

import json
import os

import pytest

from moduline.cli.main import run
from remote.module_on_pty import ModuleOnPty

pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals on this system")
DATA = bytes(range(256)) * 10


@pytest.fixture
def module():
    with ModuleOnPty(
        tree={"/usr/apn_cfg.json": b"{}", "/usr/main.py": b"print(1)\n", "/usr/d": None, "/usr/d/e.bin": DATA}
    ) as m:
        yield m


@pytest.fixture
def moduline(module, capfdbinary):
    def command(*argv):
        code = run([*argv, "--port", module.repl])
        out, err = capfdbinary.readouterr()
        return code, out, err.decode()

    return command


def test_ls_when_listed_then_sizes_names_and_folders_marked(moduline):
    assert moduline("ls")[1].decode() == "         2  apn_cfg.json\n         9  main.py\n            d/\n"
    assert moduline("ls", "-r", ":/usr/d")[1].decode() == "      2560  /usr/d/e.bin\n"
    assert json.loads(moduline("ls", ":/usr/main.py", "--json")[1])["entries"] == [
        {"name": "main.py", "path": "/usr/main.py", "is_folder": False, "size_bytes": 9}
    ]


def test_ls_when_missing_then_10(moduline):
    code, _, err = moduline("ls", ":/usr/none")
    assert code == 10
    assert "ML-E1002" in err


def test_cat_when_printed_then_byte_for_byte(moduline):
    assert moduline("cat", ":/usr/d/e.bin", ":/usr/main.py")[:2] == (0, DATA + b"print(1)\n")


@pytest.mark.parametrize("target", [":", ":/usr", ":/usr/", ":usr/", ":/usr/a.bin"])
def test_cp_when_to_the_module_then_into_the_folder_or_under_the_name(moduline, module, tmp_path, target):
    (tmp_path / "a.bin").write_bytes(DATA)
    assert moduline("cp", str(tmp_path / "a.bin"), target)[0] == 0
    assert module.files.tree["/usr/a.bin"] == DATA


def test_cp_when_folders_then_both_ways_and_back_equal(moduline, module, tmp_path):
    (tmp_path / "p/sub").mkdir(parents=True)
    (tmp_path / "p/sub/x.bin").write_bytes(DATA)
    (tmp_path / "p/中.txt").write_bytes("文".encode())
    (tmp_path / "p/__pycache__").mkdir()
    (tmp_path / "p/__pycache__/x.pyc").write_bytes(b"no")
    assert moduline("cp", str(tmp_path / "p"), ":/usr")[0] == 2
    assert moduline("cp", "-r", str(tmp_path / "p"), ":/usr")[0] == 0
    assert module.files.tree["/usr/p/sub/x.bin"] == DATA
    assert "/usr/p/__pycache__" not in module.files.tree
    assert moduline("cp", "-r", ":/usr/p", str(tmp_path / "back"))[0] == 0
    assert (tmp_path / "back/sub/x.bin").read_bytes() == DATA
    assert (tmp_path / "back/中.txt").read_bytes() == "文".encode()
    assert moduline("cp", "-r", ":/usr/p", str(tmp_path / "back"))[0] == 0
    assert (tmp_path / "back/p/sub/x.bin").read_bytes() == DATA


def test_cp_when_on_the_module_then_there(moduline, module):
    assert moduline("cp", ":/usr/d/e.bin", ":/usr/f.bin")[0] == 0
    assert module.files.tree["/usr/f.bin"] == DATA


def test_cp_when_jsonl_then_progress_and_the_result_last(moduline, tmp_path):
    (tmp_path / "a").write_bytes(bytes(5000))
    code, out, _ = moduline("cp", str(tmp_path / "a"), ":/usr/", "--jsonl")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [line["done_bytes"] for line in lines[:-1]] == [0, 1536, 3072, 4608, 5000]
    assert lines[-1]["ok"] is True


def test_cp_when_dry_then_plan_only(moduline, module, tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    code, out, _ = moduline("cp", str(tmp_path / "a"), ":/usr/", "--dry-run", "--json")
    assert (code, json.loads(out)["files"]) == (0, [[str(tmp_path / "a"), ":/usr/a"]])
    assert "/usr/a" not in module.files.tree


def test_cp_when_no_side_is_the_module_then_2(moduline, tmp_path):
    assert moduline("cp", str(tmp_path), "x")[0] == 2
    assert moduline("cp", str(tmp_path / "none"), ":/usr/")[0] == 2
    assert moduline("cp", ":/usr/main.py", ":/usr/d/e.bin", ":/usr/main.py")[0] == 2


def test_cp_when_to_the_backup_then_9_and_says_read_only(moduline, tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    code, _, err = moduline("cp", str(tmp_path / "a"), ":/bak/a")
    assert code == 9
    assert "read-only" in err


def test_rm_and_mkdir_when_used_then_the_tree_changes(moduline, module):
    assert moduline("rm", ":/usr/d")[0] == 9
    _, out, _ = moduline("rm", "-r", ":/usr/d", "--dry-run", "--json")
    assert json.loads(out)["removed"] == ["/usr/d", "/usr/d/e.bin"]
    assert moduline("rm", "-r", ":/usr/d", "/usr/main.py")[0] == 0
    assert moduline("mkdir", ":/usr/a/b")[0] == 10
    assert moduline("mkdir", "-p", ":/usr/a/b")[0] == 0
    assert set(module.files.tree) == {"/usr", "/bak", "/usr/apn_cfg.json", "/usr/a", "/usr/a/b"}
    assert moduline("rm", "-r", ":/usr")[0] == 2


def test_sync_when_run_then_equal_and_the_firmware_s_files_stay(moduline, module, tmp_path):
    (tmp_path / "main.py").write_bytes(b"print(2)\n")
    _, out, _ = moduline("sync", str(tmp_path), "--delete", "--dry-run", "--json")
    plan = json.loads(out)
    assert (plan["removals"], plan["uploads"]) == (["/usr/d"], ["/usr/main.py"])
    assert module.files.tree["/usr/main.py"] == b"print(1)\n"
    assert moduline("sync", str(tmp_path), "--delete")[0] == 16
    assert moduline("sync", str(tmp_path), "--delete", "--yes")[0] == 0
    assert module.files.tree == {"/usr": None, "/bak": None, "/usr/apn_cfg.json": b"{}", "/usr/main.py": b"print(2)\n"}
    _, out, _ = moduline("sync", str(tmp_path), "--json")
    assert json.loads(out)["uploads"] == []


def test_sync_when_the_folder_is_a_project_then_its_usr_is_sent(moduline, module, tmp_path):
    (tmp_path / "moduline.toml").write_text("", encoding="utf-8")
    (tmp_path / "usr").mkdir()
    (tmp_path / "usr/new.py").write_bytes(b"1")
    assert moduline("sync", str(tmp_path))[0] == 0
    assert module.files.tree["/usr/new.py"] == b"1"
    assert "/usr/moduline.toml" not in module.files.tree
