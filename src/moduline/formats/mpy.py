"""The four bytes that begin a ``.mpy`` file: which interpreter can load it.

::

    0  'M'
    1  version          5 on QuecPython modules of this generation, 6 for the virtual module's interpreter
    2  features         version 5: bit 0 cached look-ups, bit 1 Unicode, bits 2.. native code
                        version 6: bits 0-1 minor version, bits 2.. native code
    3  small integer    bits

Source: micropython-runtime 12 (header bytes of each compiler).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from moduline.errors import BadFormat, Text

MARK: Final = 0x4D
HEADER_BYTES: Final = 4
VERSION_MAX: Final = 6


@dataclass(frozen=True, slots=True)
class MpyHeader:
    """What the header says; ``features`` and ``small_int_bits`` as stored."""

    version: int
    features: int
    small_int_bits: int

    @property
    def minor(self) -> int:
        """Minor version; 0 before version 6."""
        return self.features & 3 if self.version >= 6 else 0

    @property
    def is_native(self) -> bool:
        """Whether the file holds machine code."""
        return bool(self.features >> 2)

    @property
    def has_unicode(self) -> bool:
        """Whether strings count characters; version 6 always does."""
        return self.version >= 6 or bool(self.features & 2)


def read_header(data: bytes) -> MpyHeader:
    """The header of a ``.mpy`` file.

    Raises:
        BadFormat: no such file, or of a version that is not known.
    """
    if len(data) < HEADER_BYTES or data[0] != MARK:
        raise BadFormat(format=".mpy", reason=Text("no header", "缺少文件头"), offset=0)
    header = MpyHeader(data[1], data[2], data[3])
    if not 0 < header.version <= VERSION_MAX:
        raise BadFormat(format=".mpy", reason=Text("unknown version", "未知版本"), offset=1, version=header.version)
    return header
