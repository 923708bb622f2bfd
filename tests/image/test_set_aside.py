"""A script area without its main.py: every other file is as it was, and no backup brings it back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moduline.errors import FormatError, TooBig
from moduline.formats import littlefs
from moduline.formats.littlefs import FsGeometry
from moduline.image.set_aside import set_aside_main

GEOMETRIES = {
    "lfs1": FsGeometry("lfs1", 4096, 96, 4096, 4096, 95),
    "lfs2": FsGeometry("lfs2", 4096, 96, 32, 32, 96),
}
FILES = [
    ("apn_cfg.json", b"{}"),
    ("main.py", b"while True:\n    pass\n"),
    ("lib", None),
    ("lib/a.py", b"A = 1\n" * 3000),
]
LISTED = json.dumps([{"name": "/usr/main.py", "sha256": "0a"}, {"name": "/usr/lib/a.py", "sha256": "0b"}]).encode()


def files_of(image):
    return dict(littlefs.read_image(image).entries)


@pytest.mark.parametrize("kind", GEOMETRIES)
def test_main_when_set_aside_then_renamed_and_everything_else_kept(kind):
    geometry = GEOMETRIES[kind]
    done = set_aside_main(littlefs.write_image(FILES, geometry), geometry)
    assert (done.renamed_to, done.was_protected, done.kept_files) == ("main.py.off", False, 3)
    assert len(done.image) == geometry.total_bytes
    wanted = {("main.py.off" if path == "main.py" else path): data for path, data in FILES}
    assert files_of(done.image) == wanted
    assert littlefs.recognise(done.image) == kind


def test_main_when_protected_then_off_the_list_and_others_stay_on_it():
    """device-api 6.3: a listed file that is missing is restored at the next boot."""
    geometry = GEOMETRIES["lfs1"]
    image = littlefs.write_image([*FILES, ("checksum.json", LISTED)], geometry)
    done = set_aside_main(image, geometry)
    assert done.was_protected
    assert json.loads(files_of(done.image)["checksum.json"]) == [{"name": "/usr/lib/a.py", "sha256": "0b"}]


def test_list_when_only_the_backup_has_it_then_a_shorter_one_is_written():
    """device-api 6.3: a missing list comes back from the backup, and would bring main.py back with it."""
    geometry = GEOMETRIES["lfs1"]
    done = set_aside_main(
        littlefs.write_image(FILES, geometry), geometry, LISTED.replace(b"/usr/main.py", b"/USR/Main.py")
    )
    assert done.was_protected
    assert json.loads(files_of(done.image)["checksum.json"]) == [{"name": "/usr/lib/a.py", "sha256": "0b"}]


@pytest.mark.parametrize("broken", [b"", b"{", b"[" * 5000, b'{"a": 1}', b"[1, null]", b"\xff\xfe"])
def test_list_when_no_module_could_read_it_then_left_as_it_is(broken):
    geometry = GEOMETRIES["lfs1"]
    done = set_aside_main(littlefs.write_image([*FILES, ("checksum.json", broken)], geometry), geometry)
    assert not done.was_protected
    assert files_of(done.image)["checksum.json"] == broken


def test_name_when_taken_then_the_next_one():
    geometry = GEOMETRIES["lfs2"]
    older = [*FILES, ("main.py.off", b"1"), ("main.py.off2", b"2")]
    done = set_aside_main(littlefs.write_image(older, geometry), geometry)
    assert done.renamed_to == "main.py.off3"
    assert files_of(done.image)["main.py.off"] == b"1"


def test_area_when_it_has_no_main_then_nothing_to_do():
    geometry = GEOMETRIES["lfs1"]
    assert set_aside_main(littlefs.write_image([("main.mpy", b"x")], geometry), geometry) is None


def test_area_when_full_to_the_last_block_then_still_renamed():
    geometry = GEOMETRIES["lfs1"]
    size = next(n for n in range(95 * 4096, 0, -4096) if _fits(n, geometry))
    done = set_aside_main(littlefs.write_image([("main.py", b"x"), ("big", bytes(size))], geometry), geometry)
    assert set(files_of(done.image)) == {"main.py.off", "big"}


def _fits(size, geometry):
    try:
        littlefs.write_image([("main.py", b"x"), ("big", bytes(size))], geometry)
    except TooBig:
        return False
    return True


@given(st.binary(max_size=9000), st.sampled_from(sorted(GEOMETRIES)), st.integers(0, 8000))
def test_area_when_damaged_then_a_value_or_a_format_error(noise, kind, at):
    geometry = GEOMETRIES[kind]
    image = bytearray(littlefs.write_image(FILES, geometry))
    image[at : at + len(noise)] = noise
    try:
        done = set_aside_main(bytes(image[: geometry.total_bytes]).ljust(geometry.total_bytes, b"\xff"), geometry)
    except FormatError:
        return
    assert done is None or "main.py" not in files_of(done.image)
