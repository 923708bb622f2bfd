"""Scripts as patches: the smallest codec, what goes to the server, and what is refused."""

from __future__ import annotations

import hashlib
import random
import zlib

import pytest

from moduline.delta.scripts import WindowCodec, apply_script, make_script, pack_scripts
from moduline.errors import BadChecksum, BadFormat, FormatError, PatchMisfit, Unsupported
from moduline.formats import script_patch
from moduline.formats.script_patch import DEFLATE, RAW, WINDOW

OLD = b"".join(b"def function_%d():\n    return %d\n\n" % (number, number * number) for number in range(90))
NEW = OLD.replace(b"return 49", b"return 50").replace(b"function_80", b"function_of_eighty")


def common_ends(old, new):
    """A stand-in for the codec that reads the old file: how much is the same at both ends, and what is between."""
    head = next((at for at in range(min(len(old), len(new))) if old[at] != new[at]), min(len(old), len(new)))
    most = min(len(old), len(new)) - head
    tail = next((count for count in range(most) if old[-1 - count] != new[-1 - count]), most)
    return head.to_bytes(4, "little") + tail.to_bytes(4, "little") + new[head : len(new) - tail]


def ends_joined(old, stream, count):
    head, tail = (int.from_bytes(stream[at : at + 4], "little") for at in (0, 4))
    return (old[:head] + stream[8:] + (old[-tail:] if tail else b""))[: count + 1]


ENDS = WindowCodec(common_ends, ends_joined)


@pytest.mark.parametrize(
    ("old", "new", "window", "codec"),
    [
        (OLD, NEW, None, DEFLATE),
        (OLD, NEW, ENDS, DEFLATE),
        (OLD, OLD.replace(b"function_70(", b"function_seventy("), ENDS, WINDOW),
        (None, NEW, ENDS, DEFLATE),
        (OLD, b"", None, RAW),
        (b"", b"x", ENDS, RAW),
        (OLD, random.Random(1).randbytes(500), None, RAW),
    ],
)
def test_script_when_packed_then_in_its_smallest_codec_and_back(old, new, window, codec):
    patch = make_script(old, new, window)
    assert script_patch.read(patch).codec == codec
    assert apply_script(old if old is not None else b"anything", patch, window) == new
    assert make_script(old, new, window) == patch


def test_deflate_when_packed_then_a_module_needs_four_kilobytes_of_window():
    stream = script_patch.read(make_script(OLD, NEW)).data
    assert stream[0] >> 4 == 12 - 8
    assert zlib.decompress(stream, 12) == NEW


def test_patch_when_for_another_old_file_then_refused():
    with pytest.raises(PatchMisfit):
        apply_script(OLD + b"x", make_script(OLD, NEW))


def test_patch_when_the_window_has_no_decoder_then_unsupported():
    patch = make_script(OLD, OLD[:-1] + b"#\n", ENDS)
    with pytest.raises(Unsupported):
        apply_script(OLD, patch)


def resealed(patch, data):
    found = script_patch.read(patch)
    values = {name: getattr(found, name) for name in ("codec", "old_bytes", "old_sha256", "new_bytes", "new_sha256")}
    return script_patch.write(script_patch.ScriptPatch(**values, data=data))


def test_patch_when_hostile_then_a_format_error_and_never_more_than_it_says():
    patch = make_script(OLD, NEW)
    data = script_patch.read(patch).data
    bomb = zlib.compressobj(9, zlib.DEFLATED, 12)
    for bad in (data[:-5], data + b"x", b"", b"no zlib", bomb.compress(bytes(1 << 20)) + bomb.flush()):
        with pytest.raises(BadFormat):
            apply_script(OLD, resealed(patch, bad))
    with pytest.raises(BadChecksum):
        apply_script(OLD, resealed(make_script(OLD, b"12345"), b"12346"))
    chance, refused = random.Random(2), 0
    for _ in range(300):
        broken = bytearray(patch)
        broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
        try:
            assert apply_script(OLD, bytes(broken)) == NEW  # a bit that nothing depends on
        except (FormatError, PatchMisfit):
            refused += 1
    assert refused > 280


def test_folder_when_packed_then_whole_files_patches_and_a_list():
    old = {"main.py": OLD, "same.py": b"same", "gone.py": b"gone"}
    new = {"main.py": NEW, "same.py": b"same", "lib/tiny.py": b"#", "lib/new.py": OLD}
    packed = pack_scripts(old, new)
    assert set(packed.files) == {
        "usr/main.py", "usr/main.py.mdl", "usr/lib/tiny.py", "usr/lib/new.py", "usr/lib/new.py.mdl",
    }  # fmt: skip
    assert (packed.unchanged, packed.gone) == (("same.py",), ("gone.py",))
    assert list(packed.rows) == [
        {
            "url": "usr/lib/new.py",
            "file_name": "/usr/lib/new.py",
            "bytes": len(OLD),
            "sha256": hashlib.sha256(OLD).hexdigest(),
            "patch": "usr/lib/new.py.mdl",
            "patch_bytes": len(packed.files["usr/lib/new.py.mdl"]),
        },
        {
            "url": "usr/lib/tiny.py",
            "file_name": "/usr/lib/tiny.py",
            "bytes": 1,
            "sha256": hashlib.sha256(b"#").hexdigest(),
        },
        {
            "url": "usr/main.py",
            "file_name": "/usr/main.py",
            "bytes": len(NEW),
            "sha256": hashlib.sha256(NEW).hexdigest(),
            "patch": "usr/main.py.mdl",
            "patch_bytes": len(packed.files["usr/main.py.mdl"]),
            "old_sha256": hashlib.sha256(OLD).hexdigest(),
        },
    ]
    assert apply_script(OLD, packed.files["usr/main.py.mdl"]) == NEW
    assert pack_scripts(new, new).rows == ()


def test_names_when_they_are_no_urls_then_quoted_in_the_list():
    packed = pack_scripts({}, {"my app 应用.py": OLD})
    (row,) = packed.rows
    assert row["file_name"] == "/usr/my app 应用.py"
    assert row["url"] == "usr/my%20app%20%E5%BA%94%E7%94%A8.py"
    assert row["patch"] == row["url"] + ".mdl"
    assert sorted(packed.files) == ["usr/my app 应用.py", "usr/my app 应用.py.mdl"]
