"""The pytest plugin as a user runs it: pytest in a process of its own, on a project of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

import pytest

from testing.conftest import running_interpreters

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux"),
    pytest.mark.timeout(180),
]

PASSING = """\
import pytest


def test_main(module):
    module.start()
    module.wait_for('ready')


def test_repl(repl):
    assert repl.eval('6 * 7') == 42


@pytest.mark.moduline(count=3)
def test_rack(rack):
    rack.start()
    assert [one.wait_for('ready') for one in rack.values()] == ['mount.\\nready'] * 3
    assert list(rack) == ['m1', 'm2', 'm3']
    assert len({one.imei for one in rack.values()}) == 3


@pytest.mark.moduline(module='ec200u', files={'word.txt': 'given'})
def test_marker(module, repl):
    assert module.model == 'EC200U'
    assert repl.eval("open('/usr/word.txt').read()") == 'given'


@pytest.mark.moduline(seed=7)
def test_cut(module, power_cut):
    module.start(runs_main=False)
    code = "f = open('/usr/a', 'w'); f.write('x'); f.close()"
    for cut in power_cut.every(lambda: module.repl.exec(code), limit=3):
        assert 'main.py' in {path.split('/')[-1] for path in module.files}, cut


def test_capture(module, capsys):
    print('host side')
    assert capsys.readouterr().out == 'host side\\n'
"""


@pytest.mark.parametrize(
    "words", [(), ("-n", "2"), ("-p", "no:randomly", "--moduline")], ids=["plain", "xdist", "flag"]
)
def test_plugin_when_all_pass_then_nothing_is_left_behind(project, words):
    done = project.pytest("-q", *words, test=PASSING)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout
    assert project.leftovers() == []


def test_plugin_when_a_test_fails_then_its_console_is_shown_and_nothing_is_left(project):
    test = "def test_it(module):\n    module.start()\n    module.wait_for('never', timeout=0.2)\n"
    done = project.pytest("-q", "--junit-xml=report.xml", test=test)
    assert done.returncode == 1
    assert ">       module.wait_for('never', timeout=0.2)" in done.stdout
    assert "ML-E1102 the module did not print 'never' (0.2 s)" in done.stdout
    assert "EC600U m1: console" in done.stdout
    assert "mount.\nready" in done.stdout
    assert "loop_thread.py" not in done.stdout  # our frames are not the user's business
    assert project.leftovers() == []
    suite = ET.fromstring((project.folder / "report.xml").read_bytes())[0]
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")


def test_plugin_when_a_script_raises_then_the_module_s_traceback_is_shown(project):
    test = "def test_it(repl):\n    repl.exec('def f():\\n  1/0\\nf()')\n"
    done = project.pytest("-q", test=test)
    assert done.returncode == 1
    assert "ZeroDivisionError: divide by zero" in done.stdout
    assert "line 2, in f" in done.stdout


def test_plugin_when_a_setup_fails_then_nothing_is_left(project):
    test = "import pytest\n@pytest.mark.moduline(module='ec9999')\ndef test_it(module):\n    pass\n"
    done = project.pytest("-q", test=test)
    assert done.returncode == 1
    assert "ML-E0203" in done.stdout
    assert project.leftovers() == []


@pytest.mark.parametrize("marker", ["modul='x'", "'ec600u'"])
def test_marker_when_misspelt_then_the_test_fails_and_says_so(project, marker):
    test = f"import pytest\n@pytest.mark.moduline({marker})\ndef test_it(module):\n    pass\n"
    done = project.pytest("-q", test=test)
    assert done.returncode == 1
    assert "@pytest.mark.moduline takes" in done.stdout


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 2), (signal.SIGTERM, -15), (signal.SIGKILL, -9)])
def test_plugin_when_interrupted_then_no_process_stays(project, number, code):
    project.write(
        "tests/test_it.py",
        "def test_it(module):\n    module.start()\n    print('up', flush=True)\n    module.wait_for('never', timeout=60)\n",
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-s", "-q", "-p", "no:cacheprovider"],
        cwd=project.folder, env=project.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    with process:
        for line in process.stdout:
            if "up" in line:
                break
        started = descendants(process.pid)
        assert started & running_interpreters()
        os.kill(process.pid, number)
        process.stdout.read()
        assert process.wait(30) == code
    deadline = time.monotonic() + 10
    while started & running_interpreters() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not started & running_interpreters()
    if number == signal.SIGINT:
        assert project.leftovers() == []


def descendants(pid):
    """Numbers of all processes below one."""
    below = set()
    fresh = {pid}
    while fresh:
        found = set()
        for parent in fresh:
            listed = subprocess.run(
                ["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False
            )
            found |= {int(word) for word in listed.stdout.split()}
        fresh = found - below
        below |= found
    return below


def test_flag_when_there_is_no_project_then_refused(tmp_path, project):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--moduline"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
    assert "no project here" in done.stderr
    shown = project.pytest("--moduline", test="def test_it():\n    pass\n")
    assert f"moduline: {project.folder}" in shown.stdout


def test_module_option_when_given_then_for_all_tests_without_a_marker(project):
    test = (
        "import pytest\ndef test_a(module):\n    assert module.model == 'EG915U'\n"
        "@pytest.mark.moduline(module='ec200u')\ndef test_b(module):\n    assert module.model == 'EC200U'\n"
    )
    assert project.pytest("-q", "--moduline-module", "eg915u", test=test).returncode == 0


def test_fixture_when_the_user_has_one_of_that_name_then_the_user_s_counts(project):
    test = "import pytest\n@pytest.fixture\ndef module():\n    return 'mine'\ndef test_it(module):\n    assert module == 'mine'\n"
    done = project.pytest("-q", test=test)
    assert done.returncode == 0, done.stdout


def test_plugin_when_no_fixture_is_used_then_nothing_of_moduline_is_imported(project):
    test = (
        "import sys\ndef test_it():\n"
        "    assert sorted(n for n in sys.modules if n.startswith('moduline')) == "
        "['moduline', 'moduline.testing', 'moduline.testing.plugin']\n"
    )
    done = project.pytest("-q", test=test)
    assert done.returncode == 0, done.stdout


def test_coverage_when_asked_for_then_report_and_data_file(project):
    project.write("usr/logic.py", "def a(x):\n    if x:\n        return 1\n    return 2\n\n\ndef b():\n    return 3\n")
    test = "def test_it(repl):\n    repl.exec('from usr import logic')\n    assert repl.eval('logic.a(1)') == 1\n"
    done = project.pytest("-q", "--moduline-coverage", test=test)
    assert done.returncode == 0, done.stdout + done.stderr
    row = re.search(r"usr/logic\.py +(\d+) +(\d+) +(\d+)% +(.*)", done.stdout)
    assert row is not None, done.stdout
    assert row.groups() == ("6", "2", "67", "4, 8")
    assert (project.folder / ".coverage").is_file()
    told = subprocess.run(
        [sys.executable, "-m", "coverage", "lcov", "-o", "-"],
        cwd=project.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "SF:usr/logic.py" in told.stdout
    assert "DA:4,0" in told.stdout
    assert "DA:3,1" in told.stdout


def test_scenario_when_named_then_the_rack_is_as_it_says(project):
    project.write(
        "tests/basement.toml",
        'seed = 3\n\n[[modules]]\nname = "a"\nmodule = "ec600u"\nfaults = ["rssi=9"]\n\n'
        '[[modules.timeline]]\nat_s = 1.5\nfault = "cut@0.1s"\n\n'
        '[[modules]]\nname = "b"\nmodule = "ec200u"\n',
    )
    test = (
        "import pytest\n"
        "@pytest.mark.moduline(scenario='basement.toml')\n"
        "def test_rack(rack):\n"
        "    assert list(rack) == ['a', 'b']\n"
        "    rack.start()\n"
        "    assert rack['b'].model == 'EC200U'\n"
        "    rack['b'].wait_for('ready')\n"
        "    assert rack['a'].at('AT+CSQ').lines == ('+CSQ: 9,99',)\n"
        "    rack['a'].wait_off()\n"
        "@pytest.mark.moduline(scenario='basement.toml')\n"
        "def test_first(module):\n"
        "    assert module.name == 'a'\n"
        "    module.start()\n"
        "    module.wait_off()\n"
    )
    done = project.pytest("-q", test=test)
    assert done.returncode == 0, done.stdout + done.stderr
