"""The flasher of ASR chips: runs in memory, is told which flash and which partitions there are, writes and erases.

::

    state      download   (all data in)  partition  flash:P
    idle       receiving  -              .          .
    receiving  receiving  loaded         .          .
    loaded     receiving  -              idle       idle

``erase:P`` is taken in every state. The flash list comes first, then the table; without both nothing is written. An
image may be part of a partition's content (a sparse image whose rest is DONT_CARE); only sectors of its data are
erased, each right before it is programmed.

The texts are those of the real flasher; where a detail has a text of its own, FAIL carries it and the log says which
partition it was. Percentages count within one command and stay below 100, because 100 is what the flasher restarts at:
that is said at ``complete``. How the real one spreads the total weight over commands is unknown.

Source: platform-asr 1.4, 1.5, 4.2, 4.3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from moduline.nor.flash import Flash
from moduline.vmodule.download.asr_program import AbootProgram, AsrRom, CommandRefused
from moduline.vmodule.download.asr_sparse import PartitionWriter, SparseImage
from moduline.vmodule.download.asr_tables import (
    BOOT_PARTITION,
    LIST_MAGIC,
    TABLE_MAGIC,
    WRITABLE,
    ImageRefused,
    Place,
    Places,
    check_flash_list,
    flash_id,
    keep_table,
    read_places,
    stored_table,
)
from moduline.vmodule.download.events import DownloadFaults, PartBegun, PartDone
from moduline.wire.download.asr import AbootAnswer

FLASH_LIMIT_BYTES: Final = 0x100000
FLASH_BASE: Final = 0x80000000
PERCENT_STEP: Final = 10
OUT_OF_RANGE: Final = "failed to flash, address is out of range!"

TRANSFERS: Final[dict[tuple[str, str], str]] = {
    **{(state, "download"): "receiving" for state in ("idle", "receiving", "loaded")},
    ("receiving", "data"): "loaded",
    ("loaded", "partition"): "idle",
    ("loaded", "flash"): "idle",
}
"""State and command to the next state."""


class Flasher(AbootProgram):
    """One life of the flasher.

    Args:
        rom: what the chip says about itself.
        flash: the chip it writes; a FlashCut passes through ``command``.
        faults: switches of this session.
        content_bytes: content received by the programs before.
    """

    transfers = TRANSFERS
    limit_bytes = FLASH_LIMIT_BYTES

    def __init__(self, rom: AsrRom, flash: Flash, faults: DownloadFaults, content_bytes: int = 0) -> None:
        super().__init__("flasher", rom, faults, content_bytes)
        self._flash = flash
        self._is_flash_known = False
        self._table = b""
        self._places: Places = {}

    def own_verbs(self) -> dict[str, Callable[[str], str]]:
        """What only the flasher can do."""
        return {"partition": self._partition, "flash": self._write, "erase": self._erase}

    def variable(self, name: str) -> str:
        """Format and size of a partition.

        Raises:
            CommandRefused: no such variable, or no such partition.
        """
        what, _, partition = name.partition(":")
        if what not in {"partition-type", "partition-size"}:
            return super().variable(name)
        place = self._places.get(partition)
        if place is None:
            raise CommandRefused(f"partition '{partition[:32]}' not found")
        return place.format if what == "partition-type" else f"\t 0x{place.size:x}"

    def _partition(self, argument: str) -> str:
        del argument
        image = bytes(self.image)
        try:
            self._take_description(image)
        except ImageRefused as refused:
            self.state = "idle"
            raise CommandRefused(refused.text) from None
        return ""

    def _take_description(self, image: bytes) -> None:
        if image.startswith(LIST_MAGIC):
            check_flash_list(image, flash_id(self._flash.geometry.capacity_bytes))
            self._is_flash_known = True
            return
        places = read_places(image)
        if not self._is_flash_known:
            raise ImageRefused("flash info is missing")
        assert image.startswith(TABLE_MAGIC)
        self._places, self._table = places, image
        if not keep_table(self._flash, image):
            self.log("no place for the partition table in the flash: it is not kept")

    def _write(self, name: str) -> str:
        place = self._place(name, "writing")
        self.state = "idle"
        address = FLASH_BASE + place.start
        self.events.append(PartBegun(address, len(self.image)))
        try:
            image = SparseImage(bytes(self.image), PartitionWriter(self._flash, place), self._percentages())
            image.write()
        except ImageRefused as refused:
            self.log(f'wrote partition "{name}" failed.')
            raise CommandRefused(refused.text) from None
        if address in self._faults.verify_errors:
            raise CommandRefused(f'wrote partition "{name}" failed.')
        self._keep_table_after(place)
        self.events.append(PartDone(address, image.written_bytes))
        return ""

    def _erase(self, name: str) -> str:
        place = self._place(name, "erasing")
        if (place.start | place.size) % self._flash.geometry.erase_bytes:
            raise CommandRefused(f'erase partition "{name}" failed.')
        self._flash.erase(place.start, place.size)
        return ""

    def _place(self, name: str, act: str) -> Place:
        place = self._places.get(name)
        if place is None or place.format not in WRITABLE:
            raise CommandRefused(f'{act} partition "{name}" not found or not supported.')
        if place.start + place.size > self._flash.geometry.capacity_bytes:
            raise CommandRefused(OUT_OF_RANGE)
        return place

    def _keep_table_after(self, place: Place) -> None:
        """Put the table back when what was written stands over it and brings none of its own."""
        home = self._places.get(BOOT_PARTITION)
        if home is None or not (place.start < home.start + home.size and home.start < place.start + place.size):
            return
        if stored_table(self._flash, home.start, home.size) is None:
            keep_table(self._flash, self._table)

    def _percentages(self) -> Callable[[int], None]:
        """Says every tenth of a command."""
        said = 0

        def say(percent: int) -> None:
            nonlocal said
            if percent >= said + PERCENT_STEP:
                said = percent
                self.say(AbootAnswer("PROG", str(percent)))

        return say
