"""The commands of one running module, against the fake module on pseudo-terminals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import types

import pytest

from moduline.cli.main import run
from remote.fake_module import Variant
from remote.module_on_pty import ModuleOnPty

pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="no pseudo-terminals on this system")
MAIN = b"while True: print('Hello World !')"


@pytest.fixture
def module():
    with ModuleOnPty() as module:
        yield module


@pytest.fixture
def moduline(module, capfdbinary):
    """Runs a command line on the module's REPL; gives exit code, stdout and stderr."""

    def command(*argv, port=None):
        code = run([*argv, "--port", port or module.repl])
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return command


def test_exec_when_run_then_output_with_plain_line_ends(moduline):
    assert moduline("exec", "print('Hello World !')\nprint('中文')") == (0, "Hello World !\n中文\n", "")


def test_exec_when_value_is_asked_then_it_is_printed(moduline):
    assert moduline("exec", "--value", "[1, 2] + [3]")[:2] == (0, "[1, 2, 3]\n")


def test_exec_when_it_raises_then_10_and_the_traceback_on_stderr(moduline):
    code, out, err = moduline("exec", "print(1)\nqth.init()")
    assert (code, out) == (10, "1\n")
    assert "Traceback (most recent call last):" in err
    assert "NameError: name 'qth'" in err
    assert "ML-E1001" in err


def test_exec_when_json_then_one_object_either_way(moduline):
    code, out, _ = moduline("exec", "print('x')", "--json")
    assert (code, json.loads(out)) == (0, {"ok": True, "output": "x\n"})
    code, out, _ = moduline("exec", "1/0", "--json")
    assert (code, json.loads(out)["code"]) == (10, "ML-E1001")
    assert "ZeroDivisionError" in json.loads(out)["facts"]["traceback"]


def test_exec_when_time_is_up_then_124_and_the_module_is_free(moduline):
    code, out, _ = moduline("exec", "while True:\n print('tick')", "--timeout", "0.8")
    assert code == 124
    assert out.startswith("tick\n")
    assert moduline("exec", "print(1)")[:2] == (0, "1\n")


def test_exec_when_ctrl_c_then_130_and_the_script_is_interrupted(module):
    process = subprocess.Popen(
        [sys.executable, "-m", "moduline", "exec", "while True:\n print('tick')", "--port", module.repl],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"tick\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert module.fake.mode == "friendly"
    assert b"\x03" in module.fake.received[-10:]


def test_run_when_a_file_of_this_computer_then_runs(moduline, tmp_path):
    (tmp_path / "main.py").write_text("for i in range(3):\n    print(i)\n", encoding="utf-8")
    assert moduline("run", str(tmp_path / "main.py"))[:2] == (0, "0\n1\n2\n")
    assert moduline("run", str(tmp_path / "none.py"))[0] == 2


def test_run_when_a_file_of_the_module_then_runs_there(moduline, module):
    module.files.tree["/usr/start.py"] = b"print('from the module')\n"
    assert moduline("run", ":/usr/start.py")[:2] == (0, "from the module\n")


def test_info_when_at_answers_then_from_it_and_the_script_is_not_touched(moduline, module):
    code, out, _ = moduline("info", "--json", port=module.at)
    assert code == 0
    assert json.loads(out) == {
        "ok": True, "model": "EC600U", "imei": "868540050393723", "version": "EC600UCNLBR01A01M16_OCPU_QPY",
        "serial": "", "via": "at", "port": json.loads(out)["port"],
    }  # fmt: skip
    assert module.fake.received == b""


def test_info_when_only_the_repl_answers_then_from_modem(moduline, module):
    getters = {"Imei": "868540050393723", "Model": "EC600U", "FwVersion": "V1", "SN": "D1D", "ProductId": "Quectel"}
    module.modules["modem"] = types.SimpleNamespace(**{f"getDev{k}": lambda v=v: v for k, v in getters.items()})
    code, out, _ = moduline("info", "--json", "--via", "repl")
    facts = json.loads(out)
    assert (code, facts["imei"], facts["model"], facts["version"], facts["serial"]) == (
        0, "868540050393723", "EC600U", "V1", "D1D",
    )  # fmt: skip


def test_at_when_sent_then_lines_and_result(moduline, module):
    assert moduline("at", "AT+CSQ", port=module.at)[:2] == (0, "+CSQ: 31,99\nOK\n")
    code, out, err = moduline("at", "AT+X", port=module.at)
    assert (code, out) == (10, "+CME ERROR: 3\n")
    assert "ML-E1003" in err
    code, out, _ = moduline("at", "AT+CSQ", "--json", port=module.at)
    assert json.loads(out) == {"ok": True, "command": "AT+CSQ", "lines": ["+CSQ: 31,99"], "result": "OK"}


def test_repl_when_a_pipe_then_each_line_at_a_prompt(module):
    done = subprocess.run(
        [sys.executable, "-m", "moduline", "repl", "--port", module.repl],
        input=b"x = 20\nx + 1\nprint('end')\n", capture_output=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert b">>> x = 20\n>>> x + 1\n21\n>>> print('end')\nend\n>>> \n" in done.stdout


def test_repl_when_a_terminal_then_keys_pass_and_ctrl_bracket_leaves(module):
    master, slave = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "moduline", "repl", "--port", module.repl], stdin=slave, stdout=slave, stderr=slave
    )
    os.close(slave)
    seen = b""
    while b">>> " not in seen:
        seen += os.read(master, 1000)
    os.write(master, b"print(6*7)\r")
    while b"\r\n42\r\n" not in seen:
        seen += os.read(master, 1000)
    os.write(master, b"\x03")
    while seen.count(b">>> ") < 3:
        seen += os.read(master, 1000)
    os.write(master, b"\x1d")
    assert process.wait(20) == 0
    os.close(master)
    assert b"Ctrl-] leaves" in seen
    assert module.fake.received.endswith(b"\x03")


def test_stop_when_main_loops_then_the_prompt_comes(capfdbinary):
    with ModuleOnPty(Variant(main="honours", deaf_s=0.5), {"/usr/main.py": MAIN}) as module:
        assert run(["stop", "--port", module.repl, "--json"]) == 0
        assert json.loads(capfdbinary.readouterr().out) == {"ok": True, "stopped_main": True}
        assert module.files.tree["/usr/main.py"] == MAIN


def test_stop_when_ctrl_c_is_ignored_then_6_and_points_to_rescue(capfdbinary):
    with ModuleOnPty(Variant(main="ignores"), {"/usr/main.py": MAIN}) as module:
        assert run(["stop", "--port", module.repl]) == 6
        assert b"moduline rescue" in capfdbinary.readouterr().err


def test_rescue_when_confirmed_then_main_is_off(capfdbinary):
    with ModuleOnPty(Variant(main="honours", deaf_s=0.5), {"/usr/main.py": MAIN}) as module:
        assert run(["rescue", "--port", module.repl, "--dry-run", "--json"]) == 0
        plan = json.loads(capfdbinary.readouterr().out)
        assert plan["steps"] == ["interrupt", "repower", "soft-reset", "disable"]
        assert run(["rescue", "--port", module.repl]) == 16
        assert module.files.tree["/usr/main.py"] == MAIN
        capfdbinary.readouterr()
        assert run(["rescue", "--port", module.repl, "--yes", "--json"]) == 0
        assert json.loads(capfdbinary.readouterr().out) == {
            "ok": True, "freed_by": "interrupt", "renamed_to": "/usr/main.py.off", "was_protected": False,
            "lost_files": [],
        }  # fmt: skip
        assert module.files.tree["/usr/main.py.off"] == MAIN


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(
    "verb", ["info", "at", "repl", "exec", "run", "stop", "rescue", "ls", "cat", "cp", "rm", "mkdir", "sync"]
)
def test_help_when_asked_then_has_an_example(verb, lang, capfdbinary):
    assert run(["--lang", lang, verb, "--help"]) == 0
    out = capfdbinary.readouterr().out.decode()
    assert f"moduline {verb}" in " ".join(out.split())
    assert ("示例" in out) == (lang == "zh")
