"""Every bench runs to its end, with as little as it can be asked for: what nobody runs is broken one day."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
LITTLE = {
    "burn_channels": ["asr-smux", "--rounds", "1", "--channels", "1", "2"],
    "cloud_store": ["--devices", "500", "--reports", "200"],
    "console_devices": ["--rounds", "1"],
    "ddi_polls": [],
    "dispatch": ["50", "1"],
    "download_100mb": [],
    "file_system": [],
    "fleet": ["50", "1"],
    "gang_screen": ["1", "1"],
    "gateway_online": ["50", "1"],
    "images": [],
    "line_records": ["2000"],
    "network": [],
    "pack_build": [],
    "power_on": ["2"],
    "rack_of_64": ["2"],
    "rescue": [],
    "script_window": ["--times", "1"],
    "station_frames": ["2"],
}
LONG = {
    "delta": "compares minutes of encoding with peers; the suite has its own tests of what it measures",
    "delta_arm": "needs qemu and a cross compiler",
}


def test_benches_when_listed_then_every_one_is_here():
    assert {path.stem for path in BENCH.glob("*.py")} == LITTLE.keys() | LONG.keys()


@pytest.mark.sweep
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", sorted(LITTLE))
def test_bench_when_run_with_little_then_ends_well_and_says_something(name):
    done = subprocess.run(
        [sys.executable, BENCH / f"{name}.py", *LITTLE[name]], capture_output=True, text=True, timeout=800, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip()
