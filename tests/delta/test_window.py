"""The coder whose window is the old image: pairs of every sort come back, and nothing that is wrong does harm."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from moduline.delta import window, window_native
from moduline.delta.window_native import Choice, Decoder
from moduline.errors import BadFormat, BadOption, TooBig
from moduline.formats import littlefs
from moduline.formats.littlefs import FsGeometry

NATIVE = Path(__file__).parents[2] / "native" / "delta"
WORDS = [
    "net",
    "data",
    "call",
    "config",
    "sim",
    "cell",
    "power",
    "uart",
    "timer",
    "file",
    "state",
    "event",
    "retry",
    "send",
    "recv",
]
GEOMETRY = {
    "lfs1": FsGeometry("lfs1", 4096, 48, 4096, 4096, 47),
    "lfs2": FsGeometry("lfs2", 4096, 48, 32, 32, 48),
}


def script(seed, lines=120):
    """Something that looks like a script."""
    rng = random.Random(seed)
    text = []
    for number in range(lines):
        words = rng.choices(WORDS, k=3)
        text.append(
            f"    {words[0]}_{words[1]} = {words[2]}.{rng.choice(WORDS)}({rng.randrange(1000)})  # {number % 7}"
        )
        if not number % 9:
            text.append(f"def {words[1]}_{words[2]}(self, {words[0]}):")
    return "\n".join(text).encode()


def edited(data, seed, times=6):
    """The same with a few lines changed, added and taken out."""
    rng = random.Random(seed)
    lines = data.split(b"\n")
    for _ in range(times):
        at = rng.randrange(len(lines))
        lines[at : at + rng.randrange(2)] = [b"    " + rng.choice(WORDS).encode() + b".close()"] * rng.randrange(3)
    return b"\n".join(lines)


def folder(seed, kind, changed=()):
    """An image of twelve scripts; ``changed`` ones are edited, one is added and the order is another."""
    files = [(f"file{number}.py", script(seed + number, 60 + 40 * number)) for number in range(12)]
    files = [(name, edited(data, 3) if number in changed else data) for number, (name, data) in enumerate(files)]
    if changed:
        files.append(("added.py", script(seed + 99)))
        random.Random(8).shuffle(files)
    return littlefs.write_image(files, GEOMETRY[kind])


OLD = script(1)
NEW = edited(OLD, 2)


@pytest.mark.parametrize("profile", ["full", "small"])
def test_script_when_edited_then_comes_back_from_few_bytes(profile):
    stream = window.make(OLD, NEW, profile=profile)
    assert window.apply(OLD, stream, len(NEW)) == NEW
    assert len(stream) < 150
    assert stream[0] & 1 == (profile == "small")


@pytest.mark.parametrize("kind", GEOMETRY)
def test_file_system_when_its_blocks_move_then_costs_little_more_than_the_edits(kind):
    old, new = folder(5, kind), folder(5, kind, changed=(2, 7))
    found = window.coded(old, new)
    assert found.choice.log_block == 12
    assert len(found.stream) < 3200
    assert window.apply(old, found.stream, len(new)) == new


def test_make_when_called_twice_then_gives_the_same_bytes():
    assert window.make(OLD, NEW) == window.make(OLD, NEW)


def test_ram_when_profiles_differ_then_stays_in_their_bounds():
    for profile, most in (("full", 63 << 10), ("small", 32 << 10)):
        stream = window.make(OLD, NEW, profile=profile)
        assert Decoder(lambda at, count: OLD[at : at + count], len(OLD), stream, len(NEW)).ram_bytes <= most


def test_profile_when_unknown_then_refused():
    with pytest.raises(BadOption):
        window.make(OLD, NEW, profile="tiny")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"", b""), (b"", b"a"), (b"a", b""), (b"", OLD), (OLD, b""), (OLD, OLD), (b"a", b"a" * 70_000),
        (bytes(5000), bytes([255]) * 9000), (OLD, OLD[::-1]), (OLD, OLD[1:]), (OLD, b"x" + OLD), (OLD, OLD * 3),
        (bytes(range(256)) * 20, bytes(range(255, -1, -1)) * 20),
    ],
)  # fmt: skip
@pytest.mark.parametrize("profile", ["full", "small"])
def test_strange_pairs_when_made_then_come_back(old, new, profile):
    assert window.apply(old, window.make(old, new, profile=profile), len(new)) == new


@pytest.mark.parametrize("seed", range(60))
def test_seeded_pairs_when_coded_in_any_way_then_come_back(seed):
    rng = random.Random(seed)
    old = rng.randbytes(rng.randrange(700)) if seed % 3 else bytes(rng.choices(b"abcdef\n", k=rng.randrange(900)))
    new = bytearray(old)
    for _ in range(rng.randrange(9)):
        at = rng.randrange(len(new) + 1)
        new[at : at + rng.randrange(24)] = rng.randbytes(rng.randrange(24))
    if seed % 5 == 0:
        new += old[: len(old) // 2] + bytes([255]) * rng.randrange(6000)
    first = rng.randrange(len(old) + 1)
    choice = Choice(seed % 2 == 1, rng.choice((1, 2, 8)), rng.choice((0, 8, 12)), first, len(old) - first)
    stream, spent = window_native.encode(old, bytes(new), choice, window_native.suffixes(old + bytes(new)))
    assert abs(sum(spent.values()) - len(stream)) < 20
    decoder = Decoder(lambda at, count: old[at : at + count], len(old), stream, len(new))
    given = b""
    while decoder.left:
        given += decoder.read(min(decoder.left, rng.choice((1, 3, 64, 500))))
    assert given == new


def test_read_when_what_was_given_is_read_back_then_only_what_earlier_calls_gave():
    asked = []
    given = bytearray()

    def back(at, count):
        assert at + count <= len(given)
        asked.append(at)
        return bytes(given[at : at + count])

    new = OLD[:500] + script(77, 200) + script(77, 200)
    stream = window.make(OLD, new)
    decoder = Decoder(lambda at, count: OLD[at : at + count], len(OLD), stream, len(new), back)
    while decoder.left:
        given += decoder.read(min(256, decoder.left))
    assert given == new
    assert asked


def test_state_when_restored_anywhere_then_goes_on_as_before():
    stream = window.make(OLD, NEW)
    given = bytearray()

    def decoder():
        return Decoder(
            lambda at, count: OLD[at : at + count],
            len(OLD),
            stream,
            len(NEW),
            lambda at, count: bytes(given[at : at + count]),
        )

    states, first = [], decoder()
    while first.left:
        states.append((len(given), first.state()))
        given += first.read(min(97, first.left))
    for at, state in states[::5]:
        again = decoder()
        again.restore(state)
        assert again.read(len(NEW) - at) == NEW[at:]


def test_state_when_damaged_then_refused_or_harmless():
    rng = random.Random(4)
    stream = window.make(OLD, NEW)
    decoder = Decoder(lambda at, count: OLD[at : at + count], len(OLD), stream, len(NEW))
    decoder.read(1000)
    kept, refused = decoder.state(), 0
    for _ in range(300):
        broken = bytearray(kept)
        broken[rng.randrange(300 if rng.random() < 0.5 else len(broken))] ^= rng.randrange(1, 256)
        try:
            decoder.restore(bytes(broken))
            decoder.read(500)
        except BadFormat:
            refused += 1
        decoder.restore(kept)
    assert refused
    with pytest.raises(BadFormat):
        decoder.restore(kept[:-4])


def test_stream_when_damaged_then_ends_in_a_coded_error_or_other_bytes():
    rng, refused = random.Random(11), 0
    stream = window.make(OLD, NEW)
    for _ in range(500):
        broken = bytearray(stream)
        for _ in range(rng.randrange(1, 4)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        broken = bytes(broken[: rng.randrange(len(broken))] if rng.random() < 0.3 else broken)
        try:
            assert len(window.apply(OLD, broken, len(NEW))) == len(NEW)
        except BadFormat:
            refused += 1
    assert refused > 100


@pytest.mark.parametrize(
    "head",
    [
        b"", b"\x10", b"\x00\x08", b"\x20\x08", b"\x18\x08", b"\x10\x00", b"\x10\x39",
        b"\x14\x08\x07", b"\x14\x08\x15", b"\x14\x08\x8c\x00", b"\x12\x08\x80\x00\x01", b"\x12\x08\x00\xff\xff\x03",
        b"\x12\x08\xff\xff\x03\x01", b"\x12\x08\xff\xff\xff\xff\x01\x01",
    ],
)  # fmt: skip
def test_head_when_against_the_rules_then_refused_before_the_first_byte(head):
    asked = []

    def read_old(at, count):
        asked.append(at)
        return OLD[at : at + count]

    body = window.make(OLD, NEW)[2:] if len(head) > 1 else b""
    with pytest.raises(BadFormat):
        Decoder(read_old, len(OLD), head + body, len(NEW))
    assert not asked


def test_sizes_when_beyond_the_format_then_refused():
    with pytest.raises(TooBig):
        Decoder(lambda at, count: b"", 1 << 25, window.make(OLD, NEW), 10)
    with pytest.raises(TooBig):
        window.apply(OLD, window.make(OLD, NEW), 1 << 25)


def test_new_image_when_stated_larger_than_it_is_then_ends_all_the_same():
    """A copy may go to the end, wherever that is; so the hash of the container has to tell."""
    size = 1 << 20
    try:
        given = window.apply(OLD, window.make(OLD, NEW), size)
    except BadFormat:
        given = bytes(size)
    assert len(given) == size


def test_stream_when_cut_anywhere_then_never_gives_the_image_from_less_than_a_few_zeros():
    stream = window.make(OLD, NEW)
    for size in range(2, len(stream) - 8):
        try:
            assert window.apply(OLD, stream[:size], len(NEW)) != NEW
        except BadFormat:
            continue


def test_read_when_the_image_cannot_be_read_then_the_failure_comes_through():
    def gone(at, count):
        raise OSError("gone")

    decoder = Decoder(gone, len(OLD), window.make(OLD, NEW), len(NEW))
    with pytest.raises(OSError, match="gone"):
        decoder.read(len(NEW))


def test_tables_when_written_again_then_are_those_of_the_repository(tmp_path):
    for name in ("histories.py", "window_tables.py"):
        shutil.copy(NATIVE / name, tmp_path)
    subprocess.run([sys.executable, str(tmp_path / "window_tables.py")], check=True)
    assert (tmp_path / "window_tables.h").read_bytes() == (NATIVE / "window_tables.h").read_bytes()
