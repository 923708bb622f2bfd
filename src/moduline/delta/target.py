"""What a module has for an update: where the patch lies, and how much flash is left for copies of old blocks.

::

    fp   update_store (fota_pkg):  records | containers | spare: what they leave
    fs   the same, and the patch must fit into the file system of scripts first: a script reads it there and hands it
         to ``fota.write``, which puts it into update_store

Where update_store is and how large stands in the package: in our own system image, or in the partition table of an ASR
package; else in the profile of the module that the package is for. So it is known while building whether a restore that
no power cut can break has room.

Source: seed S1 (``-l``: the check while building); docs/spec/patch.md (where it lies); delta.md 1, 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from moduline.delta.side import SCRIPT_ROLE, Side
from moduline.errors import Text, TooBig
from moduline.formats.container.asr import AsrPackage
from moduline.formats.patch import HEADER, REGION, TRAILER
from moduline.profiles import catalog

BLOCK_BYTES: Final = 4096
STORE_ROLE: Final = "update_store"
RECORD_BLOCKS: Final = 2
"""Blocks of the store that hold the records of an update."""
ASR_STORE: Final = "fota_pkg"


@dataclass(frozen=True, slots=True)
class Target:
    """The module that a patch is made for.

    Attributes:
        place: ``fs``, ``fp`` or empty: where the patch is to lie.
        block_bytes: erase unit of its flash.
        spare_given: spare flash as the user says; None: it follows from the store.
        store_bytes: partition of updates; None where nothing says it.
        fs_bytes: file system of scripts; None where nothing says it.
        told_by: what said so: ``package``, a module's slug, or empty.
    """

    place: str = ""
    block_bytes: int = BLOCK_BYTES
    spare_given: int | None = None
    store_bytes: int | None = None
    fs_bytes: int | None = None
    told_by: str = ""

    @property
    def room_bytes(self) -> int | None:
        """The store without its records: for containers and copies; None where it is not known."""
        return None if self.store_bytes is None else max(0, self.store_bytes - RECORD_BLOCKS * self.block_bytes)

    def spare_bytes(self, sizes: Sequence[int]) -> int | None:
        """Spare flash beside containers of these sizes; None where nobody knows."""
        if self.spare_given is not None:
            return self.spare_given
        if self.room_bytes is None:
            return None
        return max(0, self.room_bytes - sum(self._blocks(size) for size in sizes))

    def must_hold(self, sizes: Sequence[int]) -> None:
        """Stop when containers of these sizes have no room where they are to lie.

        Raises:
            TooBig: they have none.
        """
        if not self.place:
            return
        if self.place == "fs" and self.fs_bytes is not None and sum(sizes) > self.fs_bytes:
            raise TooBig(
                what=Text(f"the patch in {SCRIPT_ROLE}", f"{SCRIPT_ROLE} 中的差分包"),
                need=sum(sizes),
                have=self.fs_bytes,
            )
        need = sum(self._blocks(size) for size in sizes)
        if self.room_bytes is not None and need > self.room_bytes:
            what = Text(f"the patch in {STORE_ROLE}", f"{STORE_ROLE} 中的差分包")
            raise TooBig(what=what, need=need, have=self.room_bytes)

    def _blocks(self, size: int) -> int:
        return -(-size // self.block_bytes) * self.block_bytes


def target_of(side: Side, place: str = "", block_bytes: int = 0, spare_given: int | None = None) -> Target:
    """What the module of a firmware has.

    Args:
        side: what runs on it.
        place: ``fs``, ``fp`` or empty.
        block_bytes: erase unit of its flash; 0: that of its chip.
        spare_given: spare flash as the user says.
    """
    store, scripts, told_by = _said_by_package(side)
    profile = side.profile
    if profile is not None:
        sizes = {one.role: one.size_bytes for one in profile.partitions}
        told_by = told_by or (profile.slug if STORE_ROLE in sizes else "")
        store, scripts = store or sizes.get(STORE_ROLE), scripts or sizes.get(SCRIPT_ROLE)
    if not block_bytes:
        block_bytes = catalog.chip_of(profile).flash.erase_bytes if profile is not None else BLOCK_BYTES
    return Target(place, block_bytes, spare_given, store, scripts, told_by)


def container_bytes(blocks: Sequence[int]) -> int:
    """Length of a container with data blocks of these lengths."""
    return HEADER.total_bytes + len(blocks) * REGION.total_bytes + sum(blocks) + TRAILER.total_bytes


def _said_by_package(side: Side) -> tuple[int | None, int | None, str]:
    """Sizes of store and scripts, as the firmware itself says, and what said it."""
    scripts = side.script_room_bytes or None
    own = side.system.partition(STORE_ROLE) if side.system is not None else None
    if own is not None:
        return own.size_bytes, scripts, "package"
    source = side.package.source if side.package is not None else None
    entry = source.table.entry(ASR_STORE) if isinstance(source, AsrPackage) else None
    return (entry.size, scripts, "package") if entry is not None else (None, scripts, "")
