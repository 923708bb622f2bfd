"""Saved NV blocks: what a module's own IMEI and calibration are brought back from.

::

    <home>/nv/<try>.bin          the block as it was read, made durable before the first erase
    <home>/nv/index.jsonl        one line per block: when, of which unit, where; appended and synced

A block is never changed or deleted by Moduline. The index is for people and for finding; a block without its line
(power cut between the two) is found all the same, with what its own bytes say.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from moduline.digest import sha256_hex
from moduline.errors import BadChecksum, ModulineError, NoSuchFile, StorageFailed, Text
from moduline.formats import nv
from moduline.port import registry

INDEX: Final = "index.jsonl"
LAST: Final = "last"


@dataclass(frozen=True, slots=True)
class SavedNv:
    """One saved block.

    Args:
        path: of the file.
        imei: the IMEI in it; empty when it holds none or is damaged.
        saved: Unix time, seconds.
        model: as the module said.
        chip: slug of the chip or family.
        slot: position in the rack, else the place.
        place: USB place it was read at.
        rack: rack name.
        part: name of the area; empty for the NV block with the IMEI.
        is_valid: whether its check value was right.
        size: bytes.
        sha256: of the content.
        record: id of the try that saved it.
    """

    path: str
    imei: str = ""
    saved: float = 0.0
    model: str = ""
    chip: str = ""
    slot: str = ""
    place: str = ""
    rack: str = ""
    part: str = ""
    is_valid: bool = False
    size: int = 0
    sha256: str = ""
    record: str = ""

    @property
    def is_usable(self) -> bool:
        """Whether a module's NV can be brought back from it."""
        return self.is_valid and not self.part and bool(self.imei)

    def as_json(self) -> dict[str, Any]:
        """The row as one JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class NvFile:
    """A saved block that somebody chose: where it lies, whose it is, and its content."""

    path: str
    imei: str
    block: bytes = field(repr=False)


def folder() -> Path:
    """Where the blocks lie."""
    return registry.home() / "nv"


def save(block: bytes, facts: SavedNv) -> SavedNv:
    """Make a block and its line durable; gives the line with everything the bytes say filled in.

    Args:
        block: as read.
        facts: what is known; ``path`` is a plain file name inside :func:`folder`.

    Raises:
        StorageFailed: the disk is full or cannot be written.
    """
    path = folder() / facts.path
    filled = replace(facts, path=str(path), size=len(block), sha256=sha256_hex(block))
    index = folder() / INDEX
    try:
        _write_durable(path, block)
        line = json.dumps({**filled.as_json(), "path": path.name}, ensure_ascii=False) + "\n"
        with index.open("ab+", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(end - 1)
                line = line if file.read(1) == b"\n" else "\n" + line
            file.write(line.encode())
            os.fsync(file.fileno())
        _sync_folder(folder())
    except OSError as cause:
        raise StorageFailed(path=str(path), reason=cause.strerror or str(cause)) from cause
    return filled


def all_saved() -> list[SavedNv]:
    """Every saved block whose file is there, oldest first; those without a line in the index, too.

    Raises:
        StorageFailed: the folder cannot be read.
    """
    files: dict[str, Path] = {}
    lines: list[str] = []
    try:
        files = {path.name: path for path in folder().glob("*.bin")}
        lines = (folder() / INDEX).read_bytes().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        lines = []  # no index: the files say what they can
    except OSError as cause:
        raise StorageFailed(path=str(folder()), reason=cause.strerror or str(cause)) from cause
    known: dict[str, SavedNv] = {}
    for line in lines:
        with contextlib.suppress(ValueError, TypeError, AttributeError):  # a torn line tells nothing
            row = _from_json(json.loads(line))
            name = Path(row.path).name
            if name in files:
                known[name] = replace(row, path=str(files[name]))
    for name in sorted(files.keys() - known.keys()):
        with contextlib.suppress(OSError):  # gone meanwhile
            known[name] = _of_file(files[name])
    return sorted(known.values(), key=lambda row: row.saved)


def last_usable(rows: list[SavedNv], *, imei: str = "", place: str = "") -> SavedNv | None:
    """The newest block of this IMEI, or saved at this place, that a module's NV can be brought back from."""
    fitting = [row for row in rows if row.is_usable and imei in {"", row.imei} and place in {"", row.place}]
    return fitting[-1] if fitting else None


def choose(wanted: str, place: str = "") -> NvFile:
    """The block that somebody named.

    Args:
        wanted: a file; ``last``: the newest that was saved at ``place``; an IMEI: the newest of that unit.
        place: USB place of the module it is wanted for; empty: of any.

    Raises:
        NoSuchFile: there is none.
        BadChecksum, BadFormat: it is no whole NV block with an IMEI.
        StorageFailed: it cannot be read.
    """
    path = Path(wanted)
    is_imei = len(wanted) == nv.IMEI_DIGITS and wanted.isascii() and wanted.isdecimal()
    if wanted == LAST or (is_imei and not path.exists()):
        found = last_usable(all_saved(), imei=wanted if is_imei else "", place="" if is_imei else place)
        if found is None:
            reason = Text("no saved NV block of this unit or place", "没有该模组或位置的 NV 备份")
            raise NoSuchFile(path=wanted, reason=reason)
        path = Path(found.path)
    try:
        block = path.read_bytes()
    except FileNotFoundError as cause:
        raise NoSuchFile(path=wanted, reason=Text("no such file", "文件不存在")) from cause
    except OSError as cause:
        raise StorageFailed(path=str(path), reason=cause.strerror or str(cause)) from cause
    return checked(str(path), block)


def checked(path: str, block: bytes) -> NvFile:
    """The block with its IMEI, after a look at it.

    Raises:
        BadChecksum, BadFormat: it is no whole NV block with an IMEI.
    """
    imei = nv.read(block).imei
    if not nv.is_crc_right(block):
        fixed = nv.stored_crc(nv.with_right_crc(block))
        found, expected = f"0x{nv.stored_crc(block):04x}", f"0x{fixed:04x}"
        raise BadChecksum(
            format=Text("NV block", "NV 数据块"), name="CRC-16", found=found, expected=expected, path=path
        )
    if not imei:
        reason = Text("it holds no IMEI", "其中没有 IMEI")
        raise NoSuchFile(path=path, reason=reason)
    return NvFile(path, imei, block)


def _from_json(raw: dict[str, Any]) -> SavedNv:
    names = {one.name for one in fields(SavedNv)}
    row = SavedNv(**{name: value for name, value in raw.items() if name in names})
    return replace(row, saved=float(row.saved))


def _of_file(path: Path) -> SavedNv:
    """What a block says by itself; one of an area, named after its try and the area, is no NV block."""
    block = path.read_bytes()
    record, _, part = path.stem.partition("-")
    is_valid = not part and nv.is_crc_right(block)
    imei = ""
    if is_valid:
        with contextlib.suppress(ModulineError):
            imei = nv.read(block).imei
    saved = path.stat().st_mtime
    sha256 = sha256_hex(block)
    return SavedNv(str(path), imei, saved, part=part, is_valid=is_valid, size=len(block), sha256=sha256, record=record)


def _write_durable(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _sync_folder(path: Path) -> None:
    """Make new names in a folder durable, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
