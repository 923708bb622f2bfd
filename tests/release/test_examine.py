"""A look at a project without a base, and a new project that passes it."""

from __future__ import annotations

import pytest

from moduline.errors import BadOption, BadProject, TooBig, UnknownModule
from moduline.release import firmware, starter
from moduline.release.examine import examine
from moduline.release.produce import produce

MAIN = "PROJECT_NAME = 'P'\nPROJECT_VERSION = '1'\n"


def test_project_when_sound_then_room_is_told(example):
    examined = examine(example, "ec600u")
    examined.must_be_sound()
    assert examined.module.slug == "ec600u"
    assert 0 < examined.free_bytes < 95 * 4096
    assert examine(example).free_bytes is None


def test_project_when_wrong_then_every_remark_and_an_error(project):
    examined = examine(project({"main.py": "x = f'{1}'\n", "moduline.toml": 'module = "ec600u"\n'}))
    assert [one.slug for one in examined.remarks] == ["missing", "missing", "language"]
    with pytest.raises(BadProject):
        examined.must_be_sound()


def test_project_when_too_big_then_said(project):
    with pytest.raises(TooBig):
        examine(project({"main.py": MAIN, "big": b"x" * 0x60000}), "ec600u").must_be_sound()


def test_module_when_unknown_then_said(example):
    with pytest.raises(UnknownModule):
        examine(example, "none")


def test_new_project_when_made_then_it_passes_and_builds(tmp_path):
    written = starter.create(tmp_path / "my-meter", "EC600U")
    assert written == [
        "moduline.toml", "usr/main.py", "usr/counter.py", "tests/test_main.py", ".github/workflows/test.yml",
        ".gitignore", "README.md", "README.zh.md",
    ]  # fmt: skip
    examined = examine(tmp_path / "my-meter")
    assert not examined.remarks
    assert examined.project.title == "MY_METER_1.0.0"
    assert produce(tmp_path / "my-meter", firmware.stock_package("ec600u")).name == "MY_METER_1.0.0.pac"


def test_new_project_when_folder_holds_something_then_refused(tmp_path):
    (tmp_path / "x").write_text("mine")
    with pytest.raises(BadOption):
        starter.create(tmp_path, "ec600u")
    with pytest.raises(UnknownModule):
        starter.create(tmp_path / "new", "none")
    assert not (tmp_path / "new").exists()
