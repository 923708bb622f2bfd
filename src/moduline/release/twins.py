"""Twins: version-6 bytecode of every version-5 file in a package, so that it can be tried without hardware.

::

    QUEC_TEST_1.0.0.zip           the package; nothing of this is in it
    QUEC_TEST_1.0.0.twins.zip     <sha256 of a version-5 file>.mpy ...   beside the package, for another computer
    <home>/twins/<sha256>.mpy     where a virtual module looks them up

Source: brief, decision 13b.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from moduline.digest import sha256_hex
from moduline.errors import BadFormat, Text
from moduline.formats.container import zip_members
from moduline.port import registry
from moduline.release.output import write_whole

ENDING: Final = ".twins.zip"
_MEMBER: Final = re.compile(r"[0-9a-f]{64}\.mpy")


def pair(real: Mapping[str, bytes], virtual: Mapping[str, bytes]) -> dict[str, bytes]:
    """Virtual bytecode by the SHA-256 of the real one, for paths that have both."""
    return {sha256_hex(data): virtual[path] for path, data in real.items() if path in virtual}


def path_beside(package: Path) -> Path:
    """Where the twins of a package are kept beside it."""
    return package.with_name(package.name.removesuffix(package.suffix) + ENDING)


def write(twins: Mapping[str, bytes]) -> bytes:
    """The file that lies beside a package; the same bytes on every run."""
    return zip_members.write_members([(f"{digest}.mpy", data) for digest, data in sorted(twins.items())])


def read(data: bytes) -> dict[str, bytes]:
    """The twins in such a file.

    Raises:
        BadFormat: no zip, or members that are no twins.
    """
    names = [info.filename for info in zip_members.list_members(data)]
    if not all(map(_MEMBER.fullmatch, names)):
        raise BadFormat(format=ENDING, reason=Text("it holds something else", "包含其他内容"), offset=0)
    return {name.removesuffix(".mpy"): zip_members.read_member(data, name) for name in names}


def keep(twins: Mapping[str, bytes]) -> None:
    """Put twins where virtual modules of this computer look them up.

    Raises:
        StorageFailed: they cannot be written.
    """
    for digest, data in twins.items():
        place = registry.home() / "twins" / f"{digest}.mpy"
        if not place.is_file() or place.read_bytes() != data:
            write_whole(place, data)
