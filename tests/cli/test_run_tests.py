"""``moduline test``: exit codes, the JUnit report, what goes to pytest."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from moduline.cli.run_tests import Totals, read_totals
from moduline.errors import BadFormat, StorageFailed

pytestmark = pytest.mark.timeout(180)

TESTS = """\
import pytest


def test_one():
    assert True


def test_two():
    assert 1 + 1 == 2


@pytest.mark.skip(reason='because')
def test_three():
    assert False
"""


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "p"
    (folder / "tests").mkdir(parents=True)
    (folder / "main.py").write_text("PROJECT_NAME = 'P'\nPROJECT_VERSION = '1'\n", encoding="utf-8")
    (folder / "tests/test_it.py").write_text(TESTS, encoding="utf-8")
    return folder


def moduline(*words, folder, code):
    done = subprocess.run(
        [sys.executable, "-m", "moduline", "test", *map(str, words)],
        cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done


def test_tests_when_they_pass_then_0_and_the_report_is_where_it_was_wanted(project):
    done = moduline("p", "--junit", "out.xml", "--json", folder=project.parent, code=0)
    facts = json.loads(done.stdout)
    assert (facts["total"], facts["failed"], facts["skipped"], facts["junit"]) == (3, 0, 1, "out.xml")
    assert ET.fromstring((project.parent / "out.xml").read_bytes())[0].get("tests") == "3"
    assert "2 passed, 1 skipped" in done.stderr


def test_tests_when_one_fails_then_11_and_the_numbers(project):
    (project / "tests/test_more.py").write_text("def test_x():\n    assert 0\n", encoding="utf-8")
    done = moduline(folder=project, code=11)
    assert "ML-E1103: 1 of 4 tests did not pass" in done.stderr
    failure = json.loads(moduline("--json", folder=project, code=11).stdout)
    assert (failure["ok"], failure["code"], failure["facts"]["failed"]) == (False, "ML-E1103", 1)


def test_tests_when_a_file_cannot_be_collected_then_11(project):
    (project / "tests/test_more.py").write_text("import nothing_of_that_name\n", encoding="utf-8")
    moduline(folder=project, code=11)


def test_words_when_given_then_pytest_gets_them(project):
    assert "1 passed, 2 deselected" in moduline("-k", "two", folder=project, code=0).stdout
    assert "test_it.py::test_one PASSED" in moduline(".", "--", "-v", "--no-header", folder=project, code=0).stdout


@pytest.mark.parametrize("words", [("-k", "none_of_them"), ("nowhere",), (".", "--", "--no-such-option")])
def test_usage_when_wrong_then_2(project, words):
    moduline(*words, folder=project, code=2)


def test_tests_when_there_is_no_project_then_2(tmp_path):
    moduline(folder=tmp_path, code=2)


def test_tests_when_ctrl_c_then_130(project):
    (project / "tests/test_it.py").write_text(
        "import time\ndef test_long():\n    print('begun', flush=True)\n    time.sleep(60)\n", encoding="utf-8"
    )
    with subprocess.Popen(
        [sys.executable, "-m", "moduline", "test", ".", "--", "-s"],
        cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        for line in process.stdout:
            if "begun" in line:
                break
        subprocess.run(["kill", "-INT", "--", f"-{process.pid}"], check=True)
        rest = process.stdout.read()
        assert process.wait(30) == 130
    assert "KeyboardInterrupt" in rest


def test_report_when_broken_or_absent_then_ours(tmp_path):
    (tmp_path / "bad.xml").write_text("<testsuites", encoding="utf-8")
    with pytest.raises(BadFormat):
        read_totals(tmp_path / "bad.xml")
    with pytest.raises(StorageFailed):
        read_totals(tmp_path / "none.xml")
    (tmp_path / "old.xml").write_text(
        '<testsuite tests="5" failures="1" errors="1" skipped="2" time="1.25"/>', encoding="utf-8"
    )
    assert read_totals(tmp_path / "old.xml") == Totals(5, 2, 2, 1.25)
