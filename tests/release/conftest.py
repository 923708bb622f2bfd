"""Bases for the host line: our own stock packages, and the real one where it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from moduline.release import firmware
from samples import sample

ROOT = Path(__file__).resolve().parents[2]
REAL = "unisoc/8915DM_cat1_open_EG915UEUABR03A06M08_OCPU_QPY_01.300.01.300_merge.pac"


@pytest.fixture
def example():
    """The seed's example project."""
    return ROOT / "examples" / "quec_test"


@pytest.fixture
def stock():
    """A stock package of our own in a zip, as bytes."""
    return firmware.firmware_file("ec600u", "zip")


@pytest.fixture(params=["own", "real"])
def eg915u(request):
    """A stock package of an EG915U: our own, and the vendor's where it lies beside the repository."""
    if request.param == "own":
        return firmware.stock_package("eg915u")
    return sample(REAL).read_bytes()


@pytest.fixture
def project(tmp_path):
    """Writes files of a project; gives its folder."""

    def write(files):
        for path, data in files.items():
            (tmp_path / "project" / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "project" / path).write_bytes(data.encode() if isinstance(data, str) else data)
        return tmp_path / "project"

    return write
