"""The interpreter's own littlefs as a judge: mount what we wrote, or make what we shall read."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("oracle_script.py")
CLASSES = {"lfs1": "VfsLfs1", "lfs2": "VfsLfs2"}


@dataclass
class Verdict:
    """What the interpreter saw: (path, size or None, sha256 or None), and the image it left."""

    tree: list[tuple[str, int | None, str | None]]
    image: bytes
    errors: list
    statvfs: list
    operations: int


def interpreter() -> str:
    path = Path(sys.executable).with_name("micropython")
    if not path.is_file():
        pytest.skip("no MicroPython wheel for this machine")
    return str(path)


def content(size: int, seed: int) -> bytes:
    """The same bytes that oracle_script.content makes."""
    state, out = seed & 0x3FFFFFFF, bytearray()
    while len(out) < size:
        state = (state * 1103515 + 12345) & 0x3FFFFFFF
        out += state.to_bytes(4, "big") * 16
    return bytes(out[:size])


def summary(entries) -> list[tuple[str, int | None, str | None]]:
    return [
        (path, None, None) if data is None else (path, len(data), hashlib.sha256(data).hexdigest())
        for path, data in entries
    ]


def judge(
    tmp_path: Path,
    image: bytes,
    kind: str,
    *,
    block_bytes: int,
    block_count: int | None = None,
    unit: int = 0,
    ops=(),
    do_format: bool = False,
    bad=(),
    limit: int = -1,
    may_fail: bool = False,
) -> Verdict:
    """Mount (or format) an image in the interpreter, act on it, look at all of it.

    Args:
        unit: read and program size; the block size when 0.
        ops: such as ("write", path, (size, seed)).
        bad: blocks whose cells cannot be changed.
        limit: number of flash operations after which the device only fails.
        may_fail: whether single operations may raise OSError.
    """
    count = len(image) // block_bytes if block_count is None else block_count
    path = tmp_path / "oracle.bin"
    path.write_bytes(image)
    job = {
        "kind": CLASSES[kind],
        "image": str(path),
        "block_bytes": block_bytes,
        "block_count": count,
        "read_bytes": unit or block_bytes,
        "program_bytes": unit or block_bytes,
        "lookahead": -(-count // 64) * 64,
        "ops": list(ops),
        "format": do_format,
        "bad": list(bad),
        "limit": limit,
    }
    job_path = tmp_path / "oracle.json"
    job_path.write_text(json.dumps(job), encoding="utf-8")
    done = subprocess.run(
        [interpreter(), "-X", "heapsize=96M", str(SCRIPT), str(job_path)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    answer = json.loads(done.stdout)
    assert "mount" not in answer, f"does not mount: errno {answer['mount']}"
    assert answer["violations"] == 0
    if not may_fail:
        assert answer["errors"] == []
    return Verdict(
        tree=[tuple(entry) for entry in answer.get("tree", ())],
        image=path.read_bytes(),
        errors=answer["errors"],
        statvfs=answer.get("statvfs", []),
        operations=answer["operations"],
    )
