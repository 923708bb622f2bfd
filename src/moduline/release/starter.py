"""A new project folder: settings, a first main.py, a test and a CI file.

Source: brief, surface (``moduline new``).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from moduline.errors import BadOption, Text
from moduline.profiles import catalog
from moduline.release.output import write_whole

_SETTINGS: Final = """\
module = "{module}"
encrypt = false      # true: every script but main.py becomes .mpy
backup = []          # files the module restores by itself, or ["all"]
exclude = []         # patterns of files that are not merged
"""
_MAIN: Final = """\
import utime

PROJECT_NAME = '{name}'
PROJECT_VERSION = '1.0.0'


if __name__ == '__main__':
    while True:
        print('Hello from {name}')
        utime.sleep_ms(1000)
"""
_TEST: Final = '''\
"""The project follows the rules: run with pytest on the host."""

import pathlib
import subprocess

PROJECT = pathlib.Path(__file__).resolve().parents[1]


def test_project_when_checked_then_it_can_be_merged():
    subprocess.run(['moduline', 'check', str(PROJECT)], check=True)
'''
_CI: Final = """\
#!/bin/sh
# What a CI system runs: check, then test.
set -e
cd "$(dirname "$0")"
moduline check .
python3 -m pytest tests
"""


def create(folder: Path, module: str) -> list[str]:
    """Write the files of a new project; gives their names.

    Args:
        folder: the new folder; it must not exist, or be empty.
        module: slug of the module.

    Raises:
        BadOption: the folder holds something.
        UnknownModule: no such module.
        StorageFailed: it cannot be written.
    """
    slug = catalog.module(module).slug
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        why = Text("{folder} exists and is not empty", "{folder} 已存在且非空")
        raise BadOption(name="DIR", reason=why, folder=str(folder))
    name = re.sub(r"[^A-Za-z0-9]+", "_", folder.resolve().name).strip("_").upper()[:40] or "PROJECT"
    files = {
        "moduline.toml": _SETTINGS.format(module=slug),
        "usr/main.py": _MAIN.format(name=name),
        "tests/test_project.py": _TEST,
        "ci.sh": _CI,
    }
    for path, text in files.items():
        write_whole(folder / path, text.encode("utf-8"))
    (folder / "ci.sh").chmod(0o755)
    return list(files)
