"""Where a result goes, and how it gets there: all of it or nothing.

Source: brief, decision 2 of the project path (atomic, never over the base).
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from moduline.errors import BadOption, StorageFailed, Text

FILE_ENDINGS = (".pac", ".zip", ".bin", ".binpkg")


def choose_path(wanted: str, name: str) -> Path:
    """The file a result is written to.

    Args:
        wanted: what the user said; a folder when it exists as one, ends in a slash, or has no ending of a package.
        name: how the result is called by itself.
    """
    path = Path(wanted)
    is_folder = path.is_dir() or wanted.endswith(("/", os.sep)) or path.suffix.lower() not in FILE_ENDINGS
    return path / name if is_folder else path


def must_not_be(path: Path, base: Path) -> None:
    """Stop before the base is overwritten.

    Raises:
        BadOption: the result would replace the file it is made from.
    """
    if path.exists() and base.exists() and path.samefile(base):
        raise BadOption(name="-o", reason=Text("this would overwrite the base", "会覆盖基础固件包"))


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it is there as a whole or as it was before; makes its folder.

    Raises:
        StorageFailed: no space, no permission, or the path is a folder.
    """
    fresh = path.with_name(f".{path.name[:40]}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with fresh.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
    except OSError as wrong:
        raise StorageFailed(path=str(path), reason=wrong.strerror or str(wrong)) from wrong
