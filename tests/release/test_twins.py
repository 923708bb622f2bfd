"""Twins beside a package and in the home."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from moduline.errors import BadFormat
from moduline.formats.container import zip_members
from moduline.release import twins


def test_twins_when_written_then_read_back_and_the_same_every_time():
    found = twins.pair({"a.py": b"M\x05", "b.py": b"M\x05b"}, {"a.py": b"M\x06"})
    assert found == {sha256(b"M\x05").hexdigest(): b"M\x06"}
    assert twins.read(twins.write(found)) == found
    assert twins.write(found) == twins.write(dict(reversed(found.items())))


def test_twins_when_kept_then_where_virtual_modules_look(moduline_home):
    twins.keep({"0" * 64: b"one"})
    twins.keep({"0" * 64: b"two"})
    assert (moduline_home / "twins" / ("0" * 64 + ".mpy")).read_bytes() == b"two"


def test_twins_when_beside_a_package_then_named_after_it():
    assert twins.path_beside(Path("a/QUEC_TEST_1.0.0.zip")).name == "QUEC_TEST_1.0.0.twins.zip"


def test_twins_when_file_holds_something_else_then_bad_format():
    with pytest.raises(BadFormat):
        twins.read(zip_members.write_members([("../x.mpy", b"")]))
    with pytest.raises(BadFormat):
        twins.read(b"no zip")
