"""Documentation is executed: generated pages are fresh, README commands run."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_reference_pages_when_regenerated_then_do_not_change():
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def console_commands(readme: str, heading: str) -> list[str]:
    """Commands of the ``console`` block under a heading."""
    section = (ROOT / readme).read_text(encoding="utf-8").split(f"## {heading}\n")[1]
    block = re.search(r"```console\n(.*?)```", section, re.DOTALL)
    assert block
    return [line[2:].split("  #")[0].strip() for line in block[1].splitlines() if line.startswith("$ ")]


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("readme", "heading"), [("README.md", "Your own project"), ("README.zh.md", "你自己的工程")])
def test_readme_commands_when_typed_as_printed_then_all_succeed(readme, heading, tmp_path):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    commands = console_commands(readme, heading)
    assert len(commands) >= 5
    try:
        for command in commands:
            done = subprocess.run(
                shlex.split(command), cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    finally:
        subprocess.run(["moduline", "virt", "down"], env=environment, capture_output=True, check=False)


def test_readmes_when_compared_then_name_the_same_commands():
    english = console_commands("README.md", "Your own project")
    chinese = console_commands("README.zh.md", "你自己的工程")
    assert english == chinese


def test_readme_links_when_followed_then_lead_somewhere():
    for readme in ("README.md", "README.zh.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / readme).read_text(encoding="utf-8")):
            assert (ROOT / target).exists(), f"{readme}: {target}"
