"""The inis of EigenComm packages: where the files beside the binpkg go, and what the vendor's tool is told.

::

    [File]                      quec_download_config.ini
    File_Count = 4
    [File_1]                    1 ap_application.bin  2 ap_updater.bin  3 customer_fs.bin  4 customer_backup_fs.bin
    START_ADDR = 0x200000
    MAX_SIZE = 0x1000

The text is the truth: values are readings of it, and a change is an edit of the line where the value stands, so that
order, comments, line ends and keys nobody knows survive. Sections and keys are found without regard to case, the
first one counts, as in the ini functions of Windows.

Source: platform-eigencomm 1.1, 4; a published list of both layouts (which files there are).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

from moduline.errors import BadFormat, Text, TooBig

NAME: Final = "ini"
MAX_BYTES: Final = 1 << 20
FILES: Final = ("ap_application.bin", "ap_updater.bin", "customer_fs.bin", "customer_backup_fs.bin")
"""What the sections [File_1] to [File_4] stand for."""
_SECTION: Final = re.compile(r"^\s*\[([^\]\r\n]*)\]")
_PAIR: Final = re.compile(r"^[ \t]*([^=;#\[\s][^=\r\n]*?)[ \t]*=[ \t]*([^\r\n]*?)[ \t]*(?=\r?\n|\r|$)")
_COMMENT: Final = re.compile(r"[ \t]+[;#].*$")
_BOM: Final = "\ufeff"


@dataclass(frozen=True, slots=True)
class IniValue:
    """One value.

    Attributes:
        section: as written; empty before the first section.
        key: as written.
        value: without white space around it and without a comment behind it.
        start: where it begins in the text.
        end: where it ends.
    """

    section: str
    key: str
    value: str
    start: int = field(repr=False)
    end: int = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ini:
    """A file.

    Attributes:
        text: all of it; bytes that are no UTF-8 are lone surrogates.
        values: in the order of the file.
    """

    text: str = field(repr=False)
    values: tuple[IniValue, ...]

    def find(self, section: str, key: str) -> IniValue | None:
        """The first value of that section and key."""
        wanted = (section.casefold(), key.casefold())
        return next((one for one in self.values if (one.section.casefold(), one.key.casefold()) == wanted), None)

    def get(self, section: str, key: str) -> str:
        """A value as text; empty when there is none."""
        found = self.find(section, key)
        return found.value if found else ""

    def number(self, section: str, key: str) -> int | None:
        """A value as a number, decimal or with 0x; None when there is none.

        Raises:
            BadFormat: it is no number of 32 bits (rule ``ini-number``).
        """
        found = self.find(section, key)
        if found is None:
            return None
        try:
            number = int(found.value, 16 if found.value.lower().startswith("0x") else 10)
        except ValueError:
            number = -1
        if not 0 <= number <= 0xFFFFFFFF:
            why = Text("[{section}] {key} = '{value}' is no number", "[{section}] {key} =“{value}”不是数字")
            facts = {"section": section, "key": key, "value": _shown(found.value)}
            raise BadFormat(format=NAME, reason=why, offset=found.start, rule="ini-number", **facts)
        return number

    def all_of(self, key: str) -> tuple[str, ...]:
        """Values of a key in whatever section."""
        return tuple(one.value for one in self.values if one.key.casefold() == key.casefold())


@dataclass(frozen=True, slots=True)
class DownloadFile:
    """One file beside the binpkg.

    Attributes:
        index: number of its section, from 1.
        file_name: what is written there.
        address: START_ADDR: an offset in the flash, or that with 0x800000 added.
        room_bytes: MAX_SIZE; bytes.
    """

    index: int
    file_name: str
    address: int
    room_bytes: int


def read(data: bytes) -> Ini:
    """The file; any bytes give a value.

    Raises:
        TooBig: more than any ini has.
    """
    if len(data) > MAX_BYTES:
        raise TooBig(what=NAME, need=len(data), have=MAX_BYTES)
    text = data.decode("utf-8", "surrogateescape")
    values, section, at = [], "", len(_BOM) * text.startswith(_BOM)
    for line in re.split(r"(?<=\n)", text[at:]):
        if found := _SECTION.match(line):
            section = found[1].strip()
        elif found := _PAIR.match(line):
            value = _COMMENT.sub("", found[2])
            start = at + found.start(2)
            values.append(IniValue(section, found[1], value, start, start + len(value)))
        at += len(line)
    return Ini(text, tuple(values))


def write(ini: Ini) -> bytes:
    """The file."""
    return ini.text.encode("utf-8", "surrogateescape")


def files_of(ini: Ini) -> tuple[DownloadFile, ...]:
    """The files a quec_download_config.ini names; none when the binpkg carries everything.

    Raises:
        BadFormat: a number is missing or wrong, or more files are named than are known.
    """
    stated = next((one for one in ini.values if one.key.casefold() == "file_count"), None)
    count = (ini.number(stated.section, stated.key) or 0) if stated is not None else 0
    if count > len(FILES):
        why = Text("{count} files; what they are is known for {most}", "{count} 个文件，仅已知 {most} 个的含义")
        raise BadFormat(format=NAME, reason=why, offset=0, rule="ini-count", count=count, most=len(FILES))
    return tuple(_file(ini, index) for index in range(1, count + 1))


def make(files: tuple[DownloadFile, ...]) -> bytes:
    """A quec_download_config.ini that names the files."""
    lines = ["[File]", f"File_Count = {len(files)}"]
    for one in files:
        lines += ["", f"[File_{one.index}]", f"START_ADDR = 0x{one.address:X}", f"MAX_SIZE = 0x{one.room_bytes:X}"]
    return "".join(line + "\r\n" for line in lines).encode("ascii")


def _file(ini: Ini, index: int) -> DownloadFile:
    section = f"File_{index}"
    numbers: dict[str, Any] = {key: ini.number(section, key) for key in ("START_ADDR", "MAX_SIZE")}
    for key, value in numbers.items():
        if value is None:
            why = Text("[{section}] has no {key}", "[{section}] 缺少 {key}")
            raise BadFormat(format=NAME, reason=why, offset=0, rule="ini-missing", section=section, key=key)
    return DownloadFile(index, FILES[index - 1], numbers["START_ADDR"], numbers["MAX_SIZE"])


def _shown(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode()[:40]
