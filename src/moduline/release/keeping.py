"""The two files at the ends of a merge: the stock package that is read, and the production package that is kept."""

from __future__ import annotations

import time
from pathlib import Path

from moduline.errors import NoSuchFile, StorageFailed, Text
from moduline.release import output, twins
from moduline.release.produce import Produced


def now_in_names() -> str:
    """The time of day as vendor tools put it into names of packages, such as ``20211130-1405``."""
    return time.strftime("%Y%m%d-%H%M")


def read_base(path: Path) -> bytes:
    """The bytes of the stock package.

    Raises:
        NoSuchFile: it is not there.
        StorageFailed: it cannot be read.
    """
    if not path.is_file():
        why = Text("not a file", "不是文件") if path.exists() else Text("no such file", "文件不存在")
        raise NoSuchFile(path=str(path), reason=why)
    try:
        return path.read_bytes()
    except OSError as wrong:
        raise StorageFailed(path=str(path), reason=wrong.strerror or str(wrong)) from wrong


def keep(produced: Produced, path: Path) -> None:
    """Write the package, and the twins beside it and where virtual modules look.

    Raises:
        StorageFailed: it cannot be written.
    """
    output.write_whole(path, produced.data)
    if produced.twins:
        twins.keep(produced.twins)
        output.write_whole(twins.path_beside(path), twins.write(produced.twins))
