"""Real vendor files for tests: read where they lie, beside the repository; tests skip where they are absent."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def sample(name: str) -> Path:
    """Path of a sample such as ``unisoc/CSDK_RDA8910.pac``; skips the test with the reason when it is not here."""
    path = SHARED / "samples" / name
    if not path.is_file():
        pytest.skip(f"vendor sample {name} is not beside the repository (third-party data, never committed)")
    return path


def corpus(name: str) -> tuple[bytes, bytes]:
    """Old and new image of a real pair; skips where the corpus is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "corpus" / name
    if not folder.is_dir():
        pytest.skip(f"no firmware corpus: {folder}")
    return (folder / "old.bin").read_bytes(), (folder / "new.bin").read_bytes()
