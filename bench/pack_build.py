"""How long does it take to merge a large project into a package, and how much memory? 200 files, 1 MB, five runs.

    python bench/pack_build.py [--save]

Each run is a process of its own (so that the peak RSS is its own) with a warm compiler and a cold everything else; it
measures ``release.produce.produce`` from folder to bytes, scripts through the module's compiler included. The base is
our own stock package with a user area of 2 MiB, because no module of this issue has room for 1 MB. ``--save`` writes
the median to bench/baseline.json.
"""

import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from moduline.digest import sha256_hex
from moduline.formats.container import unisoc
from moduline.release import firmware
from moduline.release.produce import Options, produce

BASELINE = Path(__file__).with_name("baseline.json")
KEY = "pack_build"
RUNS = 5
FILES, TOTAL_BYTES, SEED = 200, 1_000_000, 20_211
SMALL, LARGE = (0x60420000, 0x60000), (0x60260000, 0x200000)
CASES = {"plain": Options(), "encrypt": Options(encrypt=True), "backup": Options(backup=("main.py",))}


def write_project(folder):
    """A quarter scripts, the rest data; sizes around the mean, always the same."""
    chance = random.Random(SEED)
    sizes = [chance.randrange(1, 2 * TOTAL_BYTES // FILES) for _ in range(FILES - 1)]
    scale = TOTAL_BYTES / sum(sizes)
    (folder / "main.py").write_text("PROJECT_NAME = 'BENCH'\nPROJECT_VERSION = '1'\n")
    for number, size in enumerate(int(size * scale) for size in sizes):
        path = folder / f"part{number % 10}" / f"file{number:03}{'.py' if number % 4 == 0 else '.bin'}"
        path.parent.mkdir(exist_ok=True)
        if path.suffix == ".bin":
            path.write_bytes(chance.randbytes(size))
        else:
            line = "def function_{0}(value):\n    return value * {0} + len(str(value))\n\n\n"
            path.write_text("".join(line.format(i) for i in range(max(1, size // 75))))


def write_base(path):
    """Our stock package, its user area moved to where 2 MiB are free."""
    pac = unisoc.read(firmware.stock_package("ec600u"))
    xml = pac.xml
    for old, new in zip(SMALL, LARGE, strict=True):
        xml = xml.replace(f"{old:#x}<".encode(), f"{new:#x}<".encode(), 1)
    moved = [
        replace(entry, addresses=(LARGE[0], *entry.addresses[1:])) if entry.id.text == "ERASE_PY_FS_U" else entry
        for entry in pac.entries
    ]
    path.write_bytes(unisoc.write(pac.with_entries(moved).with_xml(xml)))


def run_once(case, work):
    """One measurement, printed as JSON."""
    stock = (work / "base.pac").read_bytes()
    began, used = time.perf_counter(), time.process_time()
    produced = produce(work / "project", stock, CASES[case], "base.pac")
    seconds = time.perf_counter() - began
    facts = {
        "seconds": seconds,
        "cpu_seconds": time.process_time() - used,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "package_bytes": len(produced.data),
        "files": len(produced.trees.user.files()),
        "sha256": sha256_hex(produced.data)[:16],
    }
    print(json.dumps(facts))


def measure(case, work):
    """Median of the runs; all must give the same bytes."""
    command = [sys.executable, __file__, "--once", case, str(work)]
    runs = [json.loads(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(RUNS)]
    assert len({run["sha256"] for run in runs}) == 1, "not the same bytes every time"
    medians = {name: round(statistics.median(run[name] for run in runs), 3) for name in runs[0] if name != "sha256"}
    return medians | {"package_bytes": runs[0]["package_bytes"], "files": runs[0]["files"]}


def main():
    if sys.argv[1:2] == ["--once"]:
        run_once(sys.argv[2], Path(sys.argv[3]))
        return
    baseline = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    with tempfile.TemporaryDirectory(prefix="moduline-bench-") as folder:
        work = Path(folder)
        (work / "project").mkdir()
        write_project(work / "project")
        write_base(work / "base.pac")
        found = {case: measure(case, work) for case in CASES}
    print(f"{'case':<10}{'seconds':>9}{'cpu s':>8}{'RSS MB':>9}{'files':>7}{'package':>10}   baseline s, MB")
    for case, one in found.items():
        old = baseline.get(KEY, {}).get(case)
        shown = f"{old['seconds']:.3f}, {old['peak_rss_mb']:.1f}" if old else "-"
        print(
            f"{case:<10}{one['seconds']:>9.3f}{one['cpu_seconds']:>8.3f}{one['peak_rss_mb']:>9.1f}"
            f"{one['files']:>7}{one['package_bytes']:>10}   {shown}"
        )
    if "--save" in sys.argv:
        BASELINE.write_text(json.dumps(baseline | {KEY: found}, indent=1, sort_keys=True) + "\n")
        print(f"saved to {BASELINE.name}")


if __name__ == "__main__":
    main()
