"""Every verb of a running module, typed at a terminal, on a virtual module of a rack started by the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from moduline.cli.main import NOUNS

MAIN = b"import utime\nwhile True:\n    print('Hello World !')\n    utime.sleep_ms(300)\n"
BLOB = bytes(range(256)) * 40


@pytest.fixture
def rack(terminal):
    """A terminal with one virtual EC600U at virt:m1."""
    if "virt" not in NOUNS:
        pytest.skip("this tree has no `moduline virt` to start a virtual module with")
    terminal.type("virt", "up", "--module", "ec600u", "--count", "1")
    return terminal


def at_m1(rack, *words, **options):
    return rack.type(*words, "--port", "virt:m1", **options)


def ask_m1(rack, *words, **options):
    return rack.ask(*words, "--port", "virt:m1", **options)


@pytest.mark.timeout(180)
def test_verbs_when_typed_on_a_virtual_module_then_each_does_what_it_says(rack):
    entry = rack.ask("virt", "list")["modules"][0]
    who = ask_m1(rack, "info")
    assert (who["imei"], who["model"], who["via"]) == (entry["imei"], entry["model"], "at")
    assert ask_m1(rack, "info", "--via", "repl")["imei"] == entry["imei"]
    assert rack.ask("at", "AT+GSN", "--port", "virt:m1")["lines"] == [entry["imei"]]
    at_m1(rack, "at", "AT+NOSUCHTHING", exit_code=10)

    assert at_m1(rack, "exec", "print('Hello World !')") == "Hello World !\n"
    assert at_m1(rack, "exec", "--value", "[1, 'x'] * 2") == "[1, 'x', 1, 'x']\n"
    raised = ask_m1(rack, "exec", "1/0", exit_code=10)
    assert (raised["code"], raised["facts"]["last_line"]) == ("ML-E1001", "ZeroDivisionError: divide by zero")
    assert at_m1(rack, "exec", "import modem; print(modem.getDevImei())").strip() == entry["imei"]
    (rack.folder / "script.py").write_text("for i in range(2):\n    print(i)\n", encoding="utf-8")
    assert at_m1(rack, "run", "script.py") == "0\n1\n"

    (rack.folder / "数据.bin").write_bytes(BLOB)
    at_m1(rack, "mkdir", "-p", ":/usr/a/b")
    at_m1(rack, "cp", "数据.bin", "script.py", ":/usr/a/b/")
    assert at_m1(rack, "run", ":/usr/a/b/script.py") == "0\n1\n"
    at_m1(rack, "cp", ":/usr/a/b/数据.bin", ":/usr/copy.bin")
    at_m1(rack, "cp", ":/usr/copy.bin", "back.bin")
    assert (rack.folder / "back.bin").read_bytes() == BLOB
    assert at_m1(rack, "cat", ":/usr/a/b/script.py") == "for i in range(2):\n    print(i)\n"
    listed = ask_m1(rack, "ls", "-r", ":/usr/a")["entries"]
    assert {(one["path"], one["size_bytes"]) for one in listed} == {
        ("/usr/a/b", 0), ("/usr/a/b/数据.bin", len(BLOB)), ("/usr/a/b/script.py", 32),
    }  # fmt: skip
    at_m1(rack, "rm", ":/usr/a", exit_code=9)
    at_m1(rack, "rm", "-r", ":/usr/a", ":/usr/copy.bin")
    at_m1(rack, "ls", ":/usr/a", exit_code=10)
    at_m1(rack, "cp", "script.py", ":/bak/x.py", exit_code=9)
    assert [one["name"] for one in ask_m1(rack, "ls", ":/")["entries"]] == ["usr", "bak"]


@pytest.mark.timeout(180)
def test_sync_when_typed_then_equal_and_the_firmware_s_files_stay(rack):
    (rack.folder / "p/lib").mkdir(parents=True)
    (rack.folder / "p/lib/x.py").write_bytes(b"x = 1\n")
    (rack.folder / "p/blob.bin").write_bytes(BLOB)
    at_m1(rack, "cp", "p/blob.bin", ":/usr/old.bin")
    before = {one["name"] for one in ask_m1(rack, "ls")["entries"]}
    plan = ask_m1(rack, "sync", "p", "--delete", "--dry-run")
    assert plan["removals"] == ["/usr/old.bin"]
    ask_m1(rack, "sync", "p", "--delete", "--yes")
    after = {one["name"] for one in ask_m1(rack, "ls")["entries"]}
    assert after == before - {"old.bin"} | {"lib", "blob.bin"}
    assert {"apn_cfg.json", "system_config.json"} <= after
    assert ask_m1(rack, "sync", "p", "--delete", "--yes")["uploads"] == []


@pytest.mark.timeout(180)
def test_stop_and_rescue_when_main_loops_then_the_module_is_free(rack):
    """T03: a looping main.py occupies the REPL; Ctrl-C after the first second frees it."""
    (rack.folder / "main.py").write_bytes(MAIN)
    at_m1(rack, "cp", "main.py", ":/usr/")
    rack.type("virt", "power", "m1", "reset")
    wait_running(rack)
    assert ask_m1(rack, "stop")["stopped_main"] is True
    assert at_m1(rack, "exec", "print(1)") == "1\n"
    rack.type("virt", "power", "m1", "reset")
    wait_running(rack)
    at_m1(rack, "rescue", exit_code=16)
    rescued = ask_m1(rack, "rescue", "--yes")
    assert (rescued["freed_by"], rescued["renamed_to"]) == ("interrupt", "/usr/main.py.off")
    rack.type("virt", "power", "m1", "reset")
    wait_running(rack)
    names = {one["name"] for one in ask_m1(rack, "ls")["entries"]}
    assert "main.py.off" in names
    assert "main.py" not in names
    assert ask_m1(rack, "stop")["stopped_main"] is False


def wait_running(rack):
    """Until the rack shows the module as running, with its REPL."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        entry = rack.ask("virt", "list")["modules"][0]
        if entry["state"] == "running" and entry["ports"].get("repl"):
            return
    raise AssertionError("the module did not come back")


@pytest.mark.timeout(120)
def test_repl_when_piped_then_the_transcript_of_a_seed_replays(rack):
    """T17: the file system at the REPL."""
    typed = (
        "uos.getcwd()\nuos.chdir('/usr')\nuos.mkdir('QuecPython')\nuos.chdir('QuecPython')\nuos.getcwd()\nimport uio\n"
        "fd = uio.open('test.py', mode='w')\nfd.write('quectel')\nfd.close()\n"
        "fd = uio.open('test.py', mode='r')\nfd.read()\nfd.close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "moduline", "repl", "--port", "virt:m1"],
        input=typed, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answers = [
        line
        for line in done.stdout.split("\n")
        if line and not line.startswith((">>> ", "Quecpython", ' Type "help()"'))
    ]
    assert answers == ["'/'", "'/usr/QuecPython'", "7", "'quectel'"]
    assert (
        json.loads(rack.type("ls", ":/usr/QuecPython", "--port", "virt:m1", "--json"))["entries"][0]["size_bytes"] == 7
    )
