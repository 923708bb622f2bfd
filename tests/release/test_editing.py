"""A project folder changed piece by piece, and still what ``check`` and ``pack build`` read."""

from __future__ import annotations

import pytest

from moduline.errors import BadOption, BadRecipe, NoSuchFile, UnknownModule
from moduline.image import ticks as ticking
from moduline.release import editing, starter
from moduline.release.examine import examine


def ticks_of(folder):
    found = examine(folder)
    return ticking.ticks(found.project, found.settings, found.convention.entry_file)


@pytest.fixture
def folder(tmp_path):
    starter.create(tmp_path / "meter", "ec600u")
    return tmp_path / "meter"


def test_starter_when_ticked_then_its_comments_stay(folder):
    editing.change_settings(folder, ticking.encrypt_ticked(ticks_of(folder), "counter.py", is_on=True))
    editing.change_settings(folder, ticking.backup_all(is_on=True))
    text = (folder / "moduline.toml").read_text()
    assert "# true: every script but main.py becomes .mpy" in text
    assert examine(folder).settings.encrypt_files == ("counter.py",)
    assert all(one.is_backed_up for one in ticks_of(folder))


def test_file_when_added_then_it_is_merged_and_when_removed_its_ticks_go(folder):
    assert editing.add_file(folder, "lib/x.py", b"x = 1\n") == folder / "usr" / "lib" / "x.py"
    editing.change_settings(folder, ticking.encrypt_ticked(ticks_of(folder), "lib/x.py", is_on=True))
    editing.change_settings(folder, ticking.backup_ticked(ticks_of(folder), "lib/x.py", is_on=True))
    editing.remove_file(folder, ticks_of(folder), "lib/x.py")
    found = examine(folder)
    assert [one for one in found.remarks if one.severity == "error"] == []
    assert (found.settings.encrypt_files, found.settings.backup) == ((), ())
    with pytest.raises(NoSuchFile):
        editing.remove_file(folder, ticks_of(folder), "lib/x.py")


@pytest.mark.parametrize("name", ["../x.py", "/etc/x", "a/../../x", "", ".", "a\0b", "..\\x.py"])
def test_file_when_its_name_leads_elsewhere_then_it_is_refused(folder, name):
    with pytest.raises(BadOption):
        editing.add_file(folder, name, b"")


def test_version_when_set_then_only_that_word_changes(folder):
    place = folder / "usr" / "main.py"
    before = place.read_text()
    editing.set_version(folder, "usr/main.py", "PROJECT_VERSION", "2.0.1")
    assert place.read_text() == before.replace("'1.0.0'", "'2.0.1'")
    assert examine(folder).project.version == "2.0.1"


@pytest.mark.parametrize("value", ["", "a/b", "1\n2", ".x", "a" * 81])
def test_version_when_it_cannot_be_in_a_file_name_then_it_is_refused(folder, value):
    with pytest.raises(BadOption):
        editing.set_version(folder, "usr/main.py", "PROJECT_VERSION", value)


def test_version_when_the_script_has_none_then_it_is_refused(folder):
    (folder / "usr" / "main.py").write_text("x = 1\n")
    with pytest.raises(BadOption):
        editing.set_version(folder, "usr/main.py", "PROJECT_VERSION", "2")


def test_version_when_chinese_stands_before_it_then_the_right_bytes_change(folder):
    place = folder / "usr" / "main.py"
    place.write_bytes("# 版本\r\nPROJECT_NAME = 'A'; PROJECT_VERSION = '1'  # 号\r\n".encode())
    editing.set_version(folder, "usr/main.py", "PROJECT_VERSION", "1.1")
    assert place.read_bytes() == "# 版本\r\nPROJECT_NAME = 'A'; PROJECT_VERSION = '1.1'  # 号\r\n".encode()


def test_settings_when_the_module_is_unknown_then_nothing_is_written(folder):
    before = (folder / "moduline.toml").read_bytes()
    with pytest.raises(UnknownModule):
        editing.change_settings(folder, {"module": "nokia3310"})
    with pytest.raises(BadRecipe):
        editing.change_settings(folder, {"unknown": "x"})
    assert (folder / "moduline.toml").read_bytes() == before


def test_example_when_copied_then_it_is_a_sound_project_and_never_over_another(tmp_path):
    assert "main.py" in editing.copy_example(tmp_path / "mine")
    assert examine(tmp_path / "mine").project.title == "QUEC_TEST_1.0.0"
    with pytest.raises(BadOption):
        editing.copy_example(tmp_path / "mine")


def test_areas_when_a_module_is_named_then_both_are_told_with_their_room(folder):
    areas = examine(folder).areas
    assert [one.mount for one in areas] == ["/usr", "/bak"]
    assert all(0 < one.free_bytes < one.total_bytes for one in areas)
    assert areas[0].free_bytes == examine(folder).free_bytes
