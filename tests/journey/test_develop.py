"""The application developer: everything ``moduline new`` makes and everything docs/guide/develop.md says, done."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from cli.on_pty import INTERRUPT, CommandOnPty

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the interpreter's sandbox needs Linux"),
    pytest.mark.timeout(400),
]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def one_home(tmp_path_factory):
    return tmp_path_factory.mktemp("home-of-all")


@pytest.fixture(autouse=True)
def moduline_home(one_home, monkeypatch):
    """One home for all tests of this file: the stock firmware is built once."""
    monkeypatch.setenv("MODULINE_HOME", str(one_home))
    monkeypatch.setenv("MODULINE_LANG", "en")
    return one_home


@pytest.fixture
def environment(tmp_path):
    """The user's: ``moduline`` and ``python`` are on the path, temporary files are countable."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "TMPDIR": str(scratch),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def run(words, folder, environment):
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def commands(name):
    """Every line after ``$`` in the console blocks of a guide."""
    blocks = re.findall(r"```console\n(.*?)```", (ROOT / "docs/guide" / name).read_text(encoding="utf-8"), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [line[2:].split("  #")[0].strip() for line in lines]


def python_block(name):
    text = (ROOT / "docs/guide" / name).read_text(encoding="utf-8")
    return re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]


def test_new_project_when_its_own_workflow_runs_then_every_step_passes(tmp_path, environment):
    run(["moduline", "new", "meter", "--module", "ec600u"], tmp_path, environment)
    project = tmp_path / "meter"
    workflow = yaml.safe_load((project / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    assert set(workflow[True]) == {"push", "pull_request"}  # YAML reads the key `on` so
    steps = workflow["jobs"]["test"]["steps"]
    typed = [step["run"] for step in steps if "run" in step]
    assert typed[0] == "pip install moduline"  # what this test's environment has already
    for line in typed[1:]:
        run(["sh", "-e", "-c", line], project, environment)
    assert (project / "report.xml").is_file()
    assert next(step for step in steps if "upload" in step.get("uses", ""))["with"]["path"] == "report.xml"
    ignored = (project / ".gitignore").read_text(encoding="utf-8").split()
    assert {"/report.xml", "/.coverage"} <= set(ignored)
    for readme in ("README.md", "README.zh.md"):
        assert "{{" not in (project / readme).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)\)", (project / readme).read_text(encoding="utf-8")):
            assert (project / target).is_file()


def test_new_project_when_its_readme_is_followed_then_the_commands_exist(tmp_path, environment):
    run(["moduline", "new", "meter"], tmp_path, environment)
    lines = (tmp_path / "meter/README.md").read_text(encoding="utf-8").splitlines()
    typed = [shlex.split(line[2:].split("  #")[0]) for line in lines if line.startswith("$ ")]
    assert len(typed) == 5
    for words in typed:
        text = run([*words[:2], "--help"] if words[1] != "pack" else [*words[:3], "--help"], tmp_path, environment)
        for option in (word for word in words if word.startswith("--")):
            assert option in text


@pytest.mark.parametrize("guide", ["develop.md", "develop.zh.md"])
def test_guide_when_its_tests_are_taken_then_they_pass(tmp_path, environment, guide):
    run(["moduline", "new", "meter"], tmp_path, environment)
    (tmp_path / "meter/tests/test_guide.py").write_text(python_block(guide), encoding="utf-8")
    assert "4 passed" in run(["moduline", "test", "meter", "--", "tests/test_guide.py"], tmp_path, environment)


def test_guide_when_typed_from_top_to_bottom_then_all_of_it_works_and_nothing_stays(
    tmp_path, environment, moduline_home
):
    typed = commands("develop.md")
    assert len(typed) >= 12
    for line in typed:
        words = shlex.split(line)
        if "--watch" in words:
            watch(words, tmp_path, environment)
        else:
            run(words, tmp_path, environment)
    assert (tmp_path / "report.xml").is_file()
    assert (tmp_path / "meter/.coverage").is_file()
    assert not [path.name for path in (tmp_path / "scratch").iterdir() if path.name.startswith("moduline-")]
    assert not interpreters_with_files_in(tmp_path, moduline_home)


def interpreters_with_files_in(*folders):
    """Processes that have a flash of ours mapped."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                maps = (entry / "maps").read_text(encoding="utf-8", errors="replace")
                found += [entry.name] if any(str(folder) in maps for folder in folders) else []
    return found


def watch(words, folder, environment):
    """Edit the running project as the guide says, and end it."""
    main = folder / "meter/usr/main.py"
    text = main.read_text(encoding="utf-8")
    with CommandOnPty(*words[1:], folder=folder, environment=environment) as command:
        command.wait_for("tick 2")
        main.write_text(text.replace("tick %d", "tock %d"), encoding="utf-8")
        command.wait_for("main.py")
        command.wait_for("tock 2")
        main.write_text(text.replace("while True:", "while True"), encoding="utf-8")
        line = text[: text.index("while True:")].count("\n") + 1
        command.wait_for(f"meter/usr/main.py:{line}: syntax error")
        main.write_text(text, encoding="utf-8")
        command.wait_for("tick 1")
        command.press(INTERRUPT)
        assert command.end() == 130


def test_guides_when_compared_then_name_the_same_commands_and_tests():
    assert commands("develop.md") == commands("develop.zh.md")
    assert python_block("develop.md") == python_block("develop.zh.md")
