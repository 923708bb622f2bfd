"""The C decoder of the window coder under sanitizers: seeded lies about all it is given (``mutate_window.c``)."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from delta.test_window import NEW, OLD, script
from moduline.delta import window, window_native
from moduline.delta.window_native import Choice

NATIVE = Path(__file__).parents[2] / "native"
DECODER = [NATIVE / "delta" / f"{name}.c" for name in ("window", "window_model")]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
ONE_AND_OTHERS = [
    *(COMPILERS[:1] or ["none"]),
    *(pytest.param(name, marks=pytest.mark.sweep) for name in COMPILERS[1:]),
]
pytestmark = pytest.mark.xdist_group("sanitized")  # one program is built for all of it
TWICE = NEW[:3000] + script(9, 20) * 2 + NEW[3000:]
CASES = {
    "learnt beforehand": Choice(False, 2, 0, 0, 500),
    "small": Choice(True, 1, 8, 100, 0),
    "blocks": Choice(False, 1, 9, 0, 0),
}
ANSWERS = {"right", "bad stream", "bad ram", "bad io", "at end"}


@pytest.fixture(scope="session", params=ONE_AND_OTHERS)
def mutate(request, tmp_path_factory):
    if request.param == "none":
        pytest.skip("no gcc and no clang to build the decoder with sanitizers")
    program = tmp_path_factory.mktemp("sanitized") / "mutate_window"
    options = ["-std=c99", "-g", "-O1", *SANITIZERS, "-DMDL_DECODER_ONLY", "-o", program]
    source = NATIVE / "tests" / "mutate_window.c"
    built = subprocess.run([request.param, *options, source, *DECODER], capture_output=True, text=True, check=False)
    if built.returncode:
        pytest.skip(f"{request.param} builds nothing with sanitizers here: {built.stderr.splitlines()[-1]}")
    return program


def run(program, folder, case, first, count):
    """How often each answer came, by kind of lie."""
    stream, _ = window_native.encode(OLD, TWICE, CASES[case], window_native.suffixes(OLD + TWICE))
    assert window.apply(OLD, stream, len(TWICE)) == TWICE
    files = {"old": OLD, "new": TWICE, "stream": stream}
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
    assert {answer for _, answer in found} >= ANSWERS
    kinds = {kind: {answer for other, answer in found if other == kind} for kind, _ in found}
    assert len(kinds) == 13
    assert kinds["moved"] == {"right"}
    assert kinds["short ram"] == kinds["misaligned"] == {"bad ram"}
    assert kinds["too much"] == {"at end"}
    assert kinds["io fails"] >= {"bad io"}


@pytest.mark.sweep
@pytest.mark.parametrize("case", CASES)
def test_decoder_when_lied_to_100000_times_in_all_then_faults_nowhere(mutate, tmp_path, case):
    assert run(mutate, tmp_path, case, 500, 34_000)
