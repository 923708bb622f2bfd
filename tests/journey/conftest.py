"""A user at a terminal: every step is a command, in a home of its own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


class Terminal:
    """Types ``moduline`` commands and keeps what they print."""

    def __init__(self, folder):
        self.folder = folder

    def type(self, *words, exit_code=0, timeout=100):
        """Run one command in the terminal's folder; gives its stdout; asserts the exit code."""
        done = subprocess.run(
            [sys.executable, "-m", "moduline", *map(str, words)],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )
        assert done.returncode == exit_code, f"moduline {' '.join(map(str, words))}\n{done.stdout}\n{done.stderr}"
        assert "Traceback (most recent call last)" not in done.stderr or "main.py" in done.stderr
        return done.stdout

    def ask(self, *words, exit_code=0, timeout=100):
        """As :meth:`type` with ``--json``; gives the object."""
        return json.loads(self.type(*words, "--json", exit_code=exit_code, timeout=timeout))


@pytest.fixture
def terminal(tmp_path, moduline_home):
    """A terminal in an empty folder; every rack started from it goes down at the end."""
    shell = Terminal(tmp_path)
    yield shell
    racks = moduline_home / "racks"
    for rack in sorted(racks.iterdir()) if racks.is_dir() else []:
        if rack.is_dir():
            subprocess.run(
                [sys.executable, "-m", "moduline", "virt", "down", "--rack", rack.name],
                capture_output=True,
                check=False,
            )
