"""A project folder, and pytest run on it as its own process: what a user sees, and what is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MAIN = """\
import utime

PROJECT_NAME = 'SAMPLE'
PROJECT_VERSION = '1.0.0'

print('ready')
while True:
    utime.sleep_ms(50)
"""


class Project:
    """A project; ``pytest`` runs its tests and gives the finished process."""

    def __init__(self, folder):
        self.folder = folder

    def write(self, path, text):
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        return place

    def pytest(self, *words, test="", timeout=100):
        if test:
            self.write("tests/test_it.py", test)
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, encoding="utf-8",
            timeout=timeout, check=False,
        )  # fmt: skip

    @property
    def environment(self):
        scratch = self.folder.parent / "scratch"
        scratch.mkdir(exist_ok=True)
        return os.environ | {"TMPDIR": str(scratch), "PYTHONDONTWRITEBYTECODE": "1"}

    def leftovers(self):
        """Files of the plugin that are still there, and processes that still run from that folder's session."""
        return sorted(path.name for path in (self.folder.parent / "scratch").glob("moduline-*"))


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path / "sample")
    made.write("moduline.toml", 'module = "ec600u"\n')
    made.write("usr/main.py", MAIN)
    return made


@pytest.fixture(scope="session")
def one_home(tmp_path_factory):
    return tmp_path_factory.mktemp("testing-home")


@pytest.fixture(autouse=True)
def moduline_home(one_home, monkeypatch):
    """One home for all tests of this folder: the stock firmware is built once."""
    monkeypatch.setenv("MODULINE_HOME", str(one_home))
    monkeypatch.setenv("MODULINE_LANG", "en")
    return one_home


def running_interpreters():
    """Process numbers of zygotes and children that this user runs now."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"moduline.vmodule.interpreter" in words:
                found.add(int(entry.name))
    return found
