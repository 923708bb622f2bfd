"""The ticks of files: read off the settings, and the settings that hold other ticks."""

from __future__ import annotations

import pytest

from moduline.image import ticks as ticking
from moduline.image.project import ProjectSettings, select
from moduline.profiles import catalog

FILES = {
    "main.py": b"PROJECT_NAME='A'\nPROJECT_VERSION='1'\n",
    "a.py": b"x = 1\n",
    "b.py": b"y = 2\n",
    "data/c.txt": b"c",
}


def project():
    return select(FILES, (), catalog.convention("crc32-2021"))


def ticked(**settings):
    found = ticking.ticks(project(), ProjectSettings(**settings), "main.py")
    assert [one.path for one in found] == ["main.py", "a.py", "b.py", "data/c.txt"]
    return {one.path for one in found if one.is_encrypted}, {one.path for one in found if one.is_backed_up}


@pytest.mark.parametrize(
    ("settings", "encrypted", "backed_up"),
    [
        ({}, set(), set()),
        ({"encrypt": True}, {"a.py", "b.py"}, set()),
        ({"encrypt_files": ("usr/b.py",)}, {"b.py"}, set()),
        ({"encrypt": True, "encrypt_files": ("b.py",)}, {"b.py"}, set()),
        ({"backup": ("all",)}, set(), {"main.py", "a.py", "b.py", "data/c.txt"}),
        ({"backup": ("/usr/a.py", "data")}, set(), {"a.py", "data/c.txt"}),
    ],
)
def test_ticks_when_read_then_as_the_merge_understands_the_settings(settings, encrypted, backed_up):
    assert ticked(**settings) == (encrypted, backed_up)


def test_encrypt_when_a_file_is_ticked_then_it_is_named_and_others_keep_theirs():
    files = ticking.ticks(project(), ProjectSettings(encrypt_files=("b.py",)), "main.py")
    assert ticking.encrypt_ticked(files, "a.py", is_on=True) == {"encrypt": True, "encrypt_files": ["a.py", "b.py"]}
    assert ticking.encrypt_ticked(files, "b.py", is_on=False) == {"encrypt": False, "encrypt_files": None}


def test_encrypt_when_all_were_and_one_is_cleared_then_the_others_are_named():
    files = ticking.ticks(project(), ProjectSettings(encrypt=True), "main.py")
    assert ticking.encrypt_ticked(files, "a.py", is_on=False) == {"encrypt": True, "encrypt_files": ["b.py"]}


def test_encrypt_when_main_is_ticked_then_it_stays_source():
    files = ticking.ticks(project(), ProjectSettings(), "main.py")
    assert ticking.encrypt_ticked(files, "main.py", is_on=True) == {"encrypt": False, "encrypt_files": None}
    assert [one.path for one in files if one.why_plain] == ["main.py", "data/c.txt"]


def test_backup_when_cleared_for_one_of_all_then_the_others_are_named():
    files = ticking.ticks(project(), ProjectSettings(backup=("all",)), "main.py")
    assert ticking.backup_ticked(files, "a.py", is_on=False) == {"backup": ["main.py", "b.py", "data/c.txt"]}


def test_all_when_asked_for_then_also_what_comes_later():
    assert ticking.encrypt_all(is_on=True) == {"encrypt": True, "encrypt_files": None}
    assert ticking.backup_all(is_on=True) == {"backup": ["all"]}
    assert ticking.backup_all(is_on=False) == {"backup": []}
