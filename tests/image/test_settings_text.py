"""One setting of a moduline.toml changed: comments and everything else stay, byte for byte."""

from __future__ import annotations

import pytest

from moduline.errors import BadRecipe
from moduline.image.project import read_settings
from moduline.image.settings_text import changed

BEFORE = b"""# what the line burns
module = "ec600u"   # the board of 2024

encrypt = false      # true: every script but main.py becomes .mpy
backup = []
exclude = ["*.psd"]  # pictures
"""


def test_setting_when_changed_then_comments_and_other_settings_stay():
    after = changed(BEFORE, {"encrypt": True, "backup": ["a.py", "b.txt"]})
    assert after == BEFORE.replace(b"encrypt = false", b"encrypt = true").replace(
        b"backup = []", b'backup = ["a.py", "b.txt"]'
    )


def test_setting_when_it_has_that_value_then_nothing_changes():
    assert changed(BEFORE, {"encrypt": False, "backup": [], "encrypt_files": None}) == BEFORE


def test_setting_when_none_then_it_is_taken_out():
    assert b"module" not in changed(BEFORE, {"module": None})


def test_setting_when_there_is_no_file_then_one_is_made():
    assert changed(b"", {"encrypt_files": ["a.py"]}) == b'encrypt_files = ["a.py"]\n'


def test_setting_when_the_file_has_windows_line_ends_then_they_stay():
    after = changed(b'# \xe4\xb8\xad\xe6\x96\x87\r\nmodule = "ec600u"\r\nencrypt = false\r\n', {"encrypt": True})
    assert after == b'# \xe4\xb8\xad\xe6\x96\x87\r\nmodule = "ec600u"\r\nencrypt = true\r\n'


def test_setting_when_many_names_then_they_come_back():
    names = [f"folder/script_number_{number}.py" for number in range(40)] + ['odd "name".txt', "back\\slash"]
    assert list(read_settings(changed(BEFORE, {"backup": names})).backup) == names


@pytest.mark.parametrize("data", [b"encrypt = ", b"\xff\xfe", b"encrypt = 3\n", b"unknown = 1\n", b"[table]\nx = 1\n"])
def test_setting_when_the_file_is_no_settings_then_it_is_refused(data):
    with pytest.raises(BadRecipe):
        changed(data, {"backup": ["a"]})
