"""What the native coder computes is the same whoever compiled it, for a word of 32 or 64 bits, and on a microcontroller."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

from moduline.delta import mapped, window, window_native
from thumb_maker import BASE, RAM, RAM_BYTES, thumb_image

ROOT = Path(__file__).parents[2]
NATIVE = ROOT / "native"
SOURCES = [NATIVE / "tests" / "agree.c", *sorted((NATIVE / "delta").glob("*.c"))]
OLD = thumb_image(9, 120)
NEW = bytes(byte ^ 5 if at % 211 == 0 else byte for at, byte in enumerate(thumb_image(9, 120, moved_by=100, ram_by=16)))
BUILDS = [
    ("gcc", "-O0", "-funsigned-char"),
    ("clang", "-O2"),
    ("gcc", "-O3", "-funsigned-char"),
    ("gcc", "-O2", "-m32"),
]
EVERY_TIME = [("mapped", 0), ("window", 1)]
IN_THE_SWEEP = [pytest.param(coder, build, marks=pytest.mark.sweep) for coder, build in (("mapped", 1), ("window", 0))]


def stream_by(build, folder):
    """The stream of one build; None when it cannot be made here."""
    if shutil.which(build[0]) is None:
        return None
    program, made = folder / "agree", folder / "stream"
    compiled = subprocess.run(
        [*build, "-std=c99", "-o", program, *SOURCES, "-lm"], capture_output=True, text=True, check=False
    )
    if compiled.returncode:
        assert "-m32" in build, compiled.stderr
        return None
    for name, image in (("old", OLD), ("new", NEW)):
        (folder / name).write_bytes(image)
    facts = [hex(number) for number in (BASE, RAM, RAM + RAM_BYTES)]
    subprocess.run([program, folder / "old", folder / "new", made, *facts], check=True)
    return made.read_bytes()


@pytest.mark.parametrize("count", [2, pytest.param(len(BUILDS), marks=pytest.mark.sweep)])
def test_streams_when_made_by_any_compiler_then_are_the_same_bytes(tmp_path, count):
    made = {}
    for number, build in enumerate(BUILDS[:count]):
        folder = tmp_path / str(number)
        folder.mkdir()
        stream = stream_by(build, folder)
        if stream is not None:
            made[" ".join(build)] = stream
    if len(made) < 2:
        pytest.skip(f"fewer than two builds to compare: {sorted(made)}")
    assert len(set(made.values())) == 1, {name: len(stream) for name, stream in made.items()}
    assert mapped.apply(OLD, next(iter(made.values())), len(NEW)) == NEW


@pytest.mark.parametrize(("coder", "build"), EVERY_TIME + IN_THE_SWEEP)
def test_decoder_when_run_on_a_cortex_m_then_gives_the_same_image_in_the_stated_ram(tmp_path, build, coder):
    spec = importlib.util.spec_from_file_location("bench_delta_arm", ROOT / "bench" / "delta_arm.py")
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    reason = bench.lacking_tools()
    if reason:
        pytest.skip(reason)
    cpu, machine, level = bench.BUILDS[build]
    program, sections = bench.build(cpu, level, tmp_path, of_window=coder == "window")
    assert sections.get(".data", 0) == sections.get(".bss", 0) == 0
    if coder == "window":
        stream = window.make(OLD, NEW)
        ram_bytes = window_native.Decoder(lambda at, count: OLD[at : at + count], len(OLD), stream, len(NEW)).ram_bytes
    else:
        made = mapped.make(OLD, NEW, BASE)
        stream, ram_bytes = made.stream, made.ram_bytes
    told = bench.run(program, machine, OLD, stream, NEW, tmp_path)  # compares the images
    assert told["ram"] == ram_bytes
    assert told["stack"] <= mapped.STACK_BYTES
