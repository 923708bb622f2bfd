"""What does the decoder cost a microcontroller? Compiled for Cortex-M, run in an emulator on real pairs.

    python bench/delta_arm.py [--window] [PAIR ...]

The decoder of ``native/delta`` is built without a C library by arm-none-eabi-gcc and run by qemu on an ARM MPS2 board
(``native/arm``); the image it gives is compared with the true one by SHA-256.

* code, tables: sections of the decoder alone, linked without what is not used; static RAM is its data and bss.
* RAM: the block that the patch asks for. stack: painted before, looked through after, from ``main`` down; the frames of
  the callbacks are in it.
* instructions: ``-icount shift=0`` makes each instruction one nanosecond of the emulated board, and its 25 MHz timer
  counts them by forty; a loop of two million instructions proves that in every run. The callbacks (a copy of up to 128
  bytes) are in it.

``--window`` does it for the coder whose window is the old image, with both of its profiles.

Needs the Debian packages gcc-arm-none-eabi and qemu-system-arm, and the corpus beside the repository.
"""

import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from moduline.delta import mapped, window
from moduline.digest import sha256_hex

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT.parent / "shared" / "corpus"
NATIVE = ROOT / "native"
DECODER = [NATIVE / "delta" / f"{name}.c" for name in ("decode", "coder", "model", "cover", "map", "unit", "operand")]
BOARD = [NATIVE / "arm" / name for name in ("start.c", "main.c", "string.c")]
BUILDS = (("cortex-m3", "mps2-an385", "-Os"), ("cortex-m4", "mps2-an386", "-Os"), ("cortex-m3", "mps2-an385", "-O2"))
PAIRS = ("zstack-cc2652r", "microbit2-m4", "ec618-cp")
CALLS = ("mdl_delta_need", "mdl_delta_begin", "mdl_delta_read", "mdl_delta_left")
WINDOW = [NATIVE / "delta" / f"{name}.c" for name in ("window", "window_model")]
WINDOW_PAIRS = ("lua-littlefs", "microbit2-m4")
SIZES_AT, OLD_AT, PATCH_AT = 0x2100_0000, 0x2100_1000, 0x2180_1000
PIECE_BYTES = 4096
LOOP_INSTRUCTIONS, INSTRUCTIONS_PER_TICK = 2_000_000, 40
SECONDS = 600


def options(cpu, level, of_window):
    return [
        *(["-DOF_WINDOW"] if of_window else []),
        "-std=c99", f"-mcpu={cpu}", "-mthumb", "-mfloat-abi=soft", level, "-ffreestanding", "-ffunction-sections",
        "-fdata-sections",
        "-fno-tree-loop-distribute-patterns", "-DMDL_DECODER_ONLY", "-isystem", NATIVE / "arm" / "include", "-nostdlib",
        "-Wl,--gc-sections",
    ]  # fmt: skip


def build(cpu, level, folder, of_window):
    program = folder / f"{cpu}{level}.elf"
    compiler = ["arm-none-eabi-gcc", *options(cpu, level, of_window)]
    decoder = WINDOW if of_window else DECODER
    calls = [name.replace("_delta_", "_window_") if of_window else name for name in CALLS]
    script = ["-T", NATIVE / "arm" / "mps2.ld"]
    subprocess.run([*compiler, *script, "-o", program, *BOARD, *decoder, "-lgcc"], check=True)
    alone = folder / "alone.elf"
    kept = [f"-Wl,-u,{name}" for name in calls]
    missing = ["-Wl,--unresolved-symbols=ignore-all", f"-Wl,-e,{calls[1]}"]
    subprocess.run([*compiler, *kept, *missing, "-o", alone, *decoder, "-lgcc"], check=True)
    told = subprocess.run(["arm-none-eabi-size", "-A", alone], check=True, capture_output=True, text=True).stdout
    sections = {row[0]: int(row[1]) for row in map(str.split, told.splitlines()) if row and row[0].startswith(".")}
    return program, sections


def run(program, machine, old, patch, new, folder):
    for name, data in {
        "sizes": struct.pack("<4I", len(old), len(patch), len(new), PIECE_BYTES),
        "old": old,
        "patch": patch,
    }.items():
        (folder / name).write_bytes(data)
    places = {"sizes": SIZES_AT, "old": OLD_AT, "patch": PATCH_AT}
    loads = [
        part
        for name, at in places.items()
        for part in ("-device", f"loader,file={folder / name},addr={at:#x},force-raw=on")
    ]
    done = subprocess.run(
        [
            "qemu-system-arm", "-M", machine, "-nographic", "-monitor", "none", "-serial", "none",
            "-semihosting-config", "enable=on,target=native", "-icount", "shift=0", "-kernel", program, *loads,
        ],
        capture_output=True, text=True, check=False, cwd=folder, timeout=SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{program.name}: ended with {done.returncode}: {done.stdout}{done.stderr}")
    told = {name: int(number) for name, number in map(str.split, (done.stdout + done.stderr).splitlines())}
    assert sha256_hex((folder / "arm.bin").read_bytes()) == sha256_hex(new), "another image than on this computer"
    per_tick = LOOP_INSTRUCTIONS / told["loop_ticks"]
    assert abs(per_tick - INSTRUCTIONS_PER_TICK) < 0.1, f"a tick is {per_tick} instructions: -icount counts otherwise"
    return told


def lacking_tools():
    """Why nothing can be measured here, or nothing."""
    for program, package in (("arm-none-eabi-gcc", "gcc-arm-none-eabi"), ("qemu-system-arm", "qemu-system-arm")):
        if shutil.which(program) is None:
            return f"no {program} on PATH (Debian package {package})"
    return None


def main():
    reason = lacking_tools()
    if not reason and not CORPUS.is_dir():
        reason = "no firmware corpus beside the repository: third-party data, never committed"
    if reason:
        print(f"skipped: {reason}")
        return
    of_window = "--window" in sys.argv[1:]
    names = [name for name in sys.argv[1:] if name != "--window"]
    pairs = {}
    for name in names or (WINDOW_PAIRS if of_window else PAIRS):
        old, new = ((CORPUS / name / file).read_bytes() for file in ("old.bin", "new.bin"))
        if of_window:
            for profile in window.PROFILES:
                pairs[f"{name}, {profile}"] = old, window.make(old, new, profile=profile), new
        else:
            pairs[name] = old, mapped.make(old, new).stream, new
    print("Measured")
    with tempfile.TemporaryDirectory(prefix="moduline-bench-") as kept:
        folder = Path(kept)
        for cpu, machine, level in BUILDS:
            program, sections = build(cpu, level, folder, of_window)
            static = sections.get(".data", 0) + sections.get(".bss", 0)
            print(
                f"\n{cpu} {level}: code {sections['.text']}, tables {sections.get('.rodata', 0)}, "
                f"static RAM {static} bytes"
            )
            titles = f"{'RAM':>8}{'stack':>7}{'begin Mi':>10}{'read Mi':>9}{'instr/byte':>12}"
            print(f"{'pair':<22}{titles}   (Mi: 1e6 instructions)")
            for name, (old, patch, new) in pairs.items():
                told = run(program, machine, old, patch, new, folder)
                begin, read = (told[f"{what}_ticks"] * INSTRUCTIONS_PER_TICK for what in ("begin", "read"))
                print(
                    f"{name:<22}{told['ram']:>8}{told['stack']:>7}{begin / 1e6:>10.1f}{read / 1e6:>9.1f}"
                    f"{(begin + read) / len(new):>12.0f}   same image",
                    flush=True,
                )


if __name__ == "__main__":
    main()
