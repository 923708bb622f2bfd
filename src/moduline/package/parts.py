"""What a firmware package is to everyone above: parts with roles, the places of file systems, version and model.

A ``FirmwarePackage`` is a reading of its container, never changed by itself: ``source`` is the truth, and every change
(see ``merge``) makes another container and reads it again. Parts are in the order in which a burner works them off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from moduline.errors import BadFormat, Text
from moduline.formats.container.shell import Shell
from moduline.formats.container.unisoc_scheme import NvItem

SCRIPT_ROLES: Final = ("user_fs", "backup_fs", "customer_fs_c")
"""Areas that hold file systems of scripts."""
FIRST_LOGICAL: Final = 0xFE000000
"""Addresses from here on name something to do instead of a place; see platform-unisoc 2.10."""
NO_PLACE: Final = 0xFFFFFFFF
"""Address of a part that has no place in the flash and names nothing to do."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing to do with a module: send this, erase that.

    Attributes:
        name: id in the container, or name of the member; "XML" for the description of a ``.pac``.
        role: what it is for, such as "system"; "" when unknown.
        kind: loader, code, nv, cpio, table (content); erase, format, phasecheck (operations); xml, script (the
            description); unused (a member nothing refers to); unknown.
        data: the content; empty for operations.
        address: where it goes: a flash or load address, or a logical one from 0xFE000001 on.
        size: room at the address, or the length of an erase, or the block-device name of a format; bytes.
        is_default: whether it is done unless the user says otherwise.
        file_name: name of the file the content was made from.
    """

    name: str
    role: str
    kind: str
    data: bytes = field(repr=False)
    address: int
    size: int
    is_default: bool = True
    file_name: str = ""


@dataclass(frozen=True, slots=True)
class FsArea:
    """Where a file system of scripts lives in flash, as the package itself says.

    Attributes:
        name: what the container calls it, such as PY_FS_U or customer_fs.
        role: user_fs, backup_fs or customer_fs_c.
        address: flash address as in the container, such as 0x604E0000.
        size: bytes.
        told_by: what said so: "content", "erase", "table" (the package's own partition table) or "fallback".
    """

    name: str
    role: str
    address: int
    size: int
    told_by: str = "erase"

    @property
    def flash_offset(self) -> int:
        """Offset within the flash chip; bytes."""
        return self.address & 0xFFFFFF


@dataclass(frozen=True, slots=True)
class FirmwarePackage:
    """A package read from its container.

    Attributes:
        container: which kind: a key of ``containers.CONTAINERS``, such as "unisoc" or "asr".
        chip: slug of the chip, as in ``profiles/chips``; "" when the package does not say.
        parts: in the order of execution.
        areas: where the script file systems are; empty when the package does not say.
        version: firmware version, as the module would report it; None when not found.
        model: such as "EG915U-EUAB"; None when not found.
        nv_backup: whether the module's NV must be carried over.
        nv_items: which NV items are carried over.
        name: how the file was called; only for people.
        product: product name in the container.
        source: the container as read, a value of its own kind (``Pac`` for "unisoc").
        shells: what the container was wrapped in, outermost first.
    """

    container: str
    chip: str
    parts: tuple[Part, ...]
    areas: tuple[FsArea, ...]
    version: str | None
    model: str | None
    nv_backup: bool
    nv_items: tuple[NvItem, ...]
    name: str
    product: str
    source: object = field(repr=False)
    shells: tuple[Shell, ...] = field(default=(), repr=False)

    def part(self, name: str) -> Part | None:
        """The part of that id."""
        return next((part for part in self.parts if part.name == name), None)

    def by_role(self, role: str) -> Part | None:
        """The first part of that role."""
        return next((part for part in self.parts if part.role == role), None)

    def need(self, role: str) -> Part:
        """The first part of that role.

        Raises:
            BadFormat: there is none (rule ``part-missing``).
        """
        part = self.by_role(role)
        if part is None:
            why = Text("it has no part for '{role}'", "缺少用途为“{role}”的部分")
            raise BadFormat(format=Text("package", "固件包"), reason=why, offset=0, rule="part-missing", role=role)
        return part

    def area(self, role: str) -> FsArea | None:
        """The area of that role, such as "user_fs"."""
        return next((area for area in self.areas if area.role == role), None)


def file_name_of(index: int, part: Part) -> str:
    """The name under which a part is extracted, in the order of the parts from 1 on; "" for parts without content."""
    if not part.data:
        return ""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", "_".join(filter(None, (part.name, part.file_name))))
    return f"{index:02d}_{plain[:120].strip('._') or 'part'}"
