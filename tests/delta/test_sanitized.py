"""The C decoder under sanitizers: seeded lies about streams, images, callbacks and RAM (``native/tests/mutate.c``)."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from moduline.delta import mapped, native
from moduline.delta.native import Choice
from thumb_maker import BASE, RAM, RAM_BYTES, thumb_image

NATIVE = Path(__file__).parents[2] / "native"
DECODER = [NATIVE / "delta" / f"{name}.c" for name in ("decode", "coder", "model", "cover", "map", "unit", "operand")]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
ONE_AND_OTHERS = [
    *(COMPILERS[:1] or ["none"]),
    *(pytest.param(name, marks=pytest.mark.sweep) for name in COMPILERS[1:]),
]
pytestmark = pytest.mark.xdist_group("sanitized")  # one program is built for all of it
OLD = thumb_image(5, 50)
NEW = thumb_image(5, 50, moved_by=52, ram_by=8)
EDITED = bytes(byte ^ 7 if at % 97 == 0 else byte for at, byte in enumerate(NEW))
PLAIN = Choice(base=BASE, ranges=((RAM, RAM + RAM_BYTES),), slot_kib=2, log_flags=8)
CASES = {
    "code": (NEW, PLAIN, 0),
    "code edited": (EDITED, PLAIN, 0),
    "blocks last first": (EDITED[:-1], PLAIN, 4096),
    "bytes": (EDITED, Choice(is_thumb=False, slot_kib=1, log_flags=4), 0),
}
ANSWERS = {"right", "other", "bad stream", "bad ram", "bad io", "at end"}


def stream_of(new, choice, block):
    covers = mapped.find_covers(OLD, new, choice)
    if block:
        covers = covers.split(block, len(new))
        choice = Choice(choice.base, choice.ranges, slot_kib=2, log_flags=8, descending_block=block)
    covers.choose_map(len(OLD), 1000)
    stream, _ = native.encode(OLD, new, covers, choice)
    assert mapped.apply(OLD, stream, len(new), block) == new
    return stream


def in_order(new, block):
    """The image in the order in which the decoder gives it."""
    pieces = [new[at : at + block] for at in range(0, len(new), block)] if block else [new]
    return b"".join(reversed(pieces))


@pytest.fixture(scope="session", params=ONE_AND_OTHERS)
def mutate(request, tmp_path_factory):
    if request.param == "none":
        pytest.skip("no gcc and no clang to build the decoder with sanitizers")
    program = tmp_path_factory.mktemp("sanitized") / "mutate"
    options = ["-std=c99", "-g", "-O1", *SANITIZERS, "-DMDL_DECODER_ONLY", "-o", program]
    built = subprocess.run(
        [request.param, *options, NATIVE / "tests" / "mutate.c", *DECODER], capture_output=True, text=True, check=False
    )
    if built.returncode:
        pytest.skip(f"{request.param} builds nothing with sanitizers here: {built.stderr.splitlines()[-1]}")
    return program


def run(program, folder, case, first, count):
    """How often each answer came, by kind of lie."""
    new, choice, block = CASES[case]
    files = {"old": OLD, "new": in_order(new, block), "stream": stream_of(new, choice, block)}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    done = subprocess.run(
        [program, *(folder / name for name in files), str(first), str(count)],
        capture_output=True, text=True, check=False, env=os.environ | {"UBSAN_OPTIONS": "print_stacktrace=1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-3000:]
    rows = [line.rsplit(": ", 2) for line in done.stdout.splitlines()]
    assert sum(int(number) for *_, number in rows) == count
    return {(kind, answer): int(number) for kind, answer, number in rows}


@pytest.mark.parametrize("case", CASES)
def test_decoder_when_lied_to_500_times_then_faults_nowhere(mutate, tmp_path, case):
    found = run(mutate, tmp_path, case, 0, 500)
    assert {answer for _, answer in found} == ANSWERS
    kinds = {kind: {answer for other, answer in found if other == kind} for kind, _ in found}
    assert kinds["short ram"] == kinds["misaligned"] == {"bad ram"}
    assert kinds["too much"] == {"at end"}
    assert kinds["moved"] == {"right"}
    assert kinds["io fails"] == {"bad io", "right"}
    assert "bad ram" in kinds["damaged ram"]


@pytest.mark.sweep
@pytest.mark.parametrize("case", CASES)
def test_decoder_when_lied_to_25000_times_then_faults_nowhere(mutate, tmp_path, case):
    assert {answer for _, answer in run(mutate, tmp_path, case, 1000, 25_000)} == ANSWERS


@pytest.mark.parametrize("compiler", COMPILERS)
def test_decoder_when_compiled_strictly_then_warns_of_nothing(compiler):
    options = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wno-sign-conversion"]
    sources = [[source] for source in sorted((NATIVE / "delta").glob("*.c"))]
    sources += [["-DMDL_DECODER_ONLY", source] for source in DECODER]
    for source in sources:
        made = subprocess.run(
            [compiler, *options, "-Werror", "-fsyntax-only", *source],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr


def lied_to(folder, rounds):
    """Rounds that ``native/tests/pack_mutate.c`` made under sanitizers."""
    if not COMPILERS:
        pytest.skip("no gcc and no clang to build with sanitizers")
    program = folder / "pack"
    words = [COMPILERS[0], "-std=c99", "-g", "-O1", *SANITIZERS, "-o", program]
    sources = [NATIVE / "tests" / "pack_mutate.c", NATIVE / "delta" / "pack.c"]
    built = subprocess.run([*words, *sources], capture_output=True, text=True, check=False)
    if built.returncode:
        pytest.skip(f"{COMPILERS[0]} builds nothing with sanitizers here: {built.stderr.splitlines()[-1]}")
    done = subprocess.run([program, str(rounds)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    count, refused = (int(word) for word in done.stdout.split() if word.isdecimal())
    assert refused > count
    return count


def test_pack_when_lied_to_then_stays_inside_its_buffers(tmp_path):
    assert lied_to(tmp_path, 5_000) == 5_000


@pytest.mark.sweep
def test_pack_when_lied_to_a_hundred_thousand_times_then_stays_inside_its_buffers(tmp_path):
    assert lied_to(tmp_path, 100_000) == 100_000
