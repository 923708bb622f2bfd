"""The two stages an 8850 speaks BSL in: its boot ROM with CRC-16, the loader (FDL) with the sum; for both ends.

::

    power on -- ROM  crc16  7E 7E 7E -> VER "SPRD3"                   takes the FDL, EXEC answered, then jumps
             -- FDL  sum    7E 7E 7E -> VER "Spreadtrum Boot Block.." does all the flash work

A frame's limits do not depend on the check, so a host that does not know which stage is alive hears both at once with
:class:`BslListener`. It must not speak both: an FDL that gets a wrong check panics and stays silent, a ROM answers
0x8B. Ask with raw flags first, then with a sum frame.

Source: platform-unisoc 2.9, 5.1, 5.4, 5.7, 5.8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from moduline.wire.download.unisoc_bsl import (
    FLAG,
    MAX_DATA_BYTES,
    VERSION_LOADER,
    VERSION_ROM,
    BslDecoder,
    BslEvent,
    BslFrame,
    Check,
    encode_bsl,
)

FDL_ADDRESS: Final = 0x50800000
"""The only address the ROM of an 8850 loads to."""
MIN_FDL_BYTES: Final = 256
MAX_FDL_BYTES: Final = 0x14000


@dataclass(frozen=True, slots=True)
class BslStage:
    """How one stage of an 8850 speaks.

    Args:
        name: ``rom`` or ``fdl``.
        check: the check function, in both directions.
        sync_flags: flags in a row that make the device answer VER; any other byte resets its count.
        version: data of VER.
        max_data_bytes: longest content of one packet that the device takes.
        host_data_bytes: content of one packet as the vendor's host sends it.
    """

    name: str
    check: Check
    sync_flags: int
    version: bytes
    max_data_bytes: int
    host_data_bytes: int

    @property
    def sync(self) -> bytes:
        """What a host sends to be answered VER."""
        return FLAG * self.sync_flags

    def encode(self, frame_type: int, data: bytes = b"") -> bytes:
        """One frame of this stage as wire bytes."""
        return encode_bsl(frame_type, data, self.check)

    def device_decoder(self) -> BslDecoder:
        """A decoder for the device's end: waits for the flags first, takes no more than the device does."""
        return BslDecoder(self.check, self.sync_flags, self.max_data_bytes)

    def host_decoder(self, max_data_bytes: int = MAX_DATA_BYTES) -> BslDecoder:
        """A decoder for the host's end."""
        return BslDecoder(self.check, max_data_bytes=max_data_bytes)


ROM_8850: Final = BslStage("rom", "crc16", 3, VERSION_ROM, 0x410, 0x210)
FDL_8850: Final = BslStage("fdl", "sum", 3, VERSION_LOADER, MAX_DATA_BYTES, 0x800)


class BslListener:
    """Hears both check functions at once: for a host that does not know which stage is alive."""

    def __init__(self, max_data_bytes: int = MAX_DATA_BYTES) -> None:
        self._sum = BslDecoder("sum", max_data_bytes=max_data_bytes)
        self._crc16 = BslDecoder("crc16", max_data_bytes=max_data_bytes)

    def feed(self, data: bytes) -> list[tuple[Check | None, BslEvent]]:
        """Events that ``data`` completes, each with the check that fits it; None for what is no intact frame."""
        heard: list[tuple[Check | None, BslEvent]] = []
        for by_sum, by_crc in zip(self._sum.feed(data), self._crc16.feed(data), strict=True):
            if isinstance(by_sum, BslFrame):
                heard.append(("sum", by_sum))
            elif isinstance(by_crc, BslFrame):
                heard.append(("crc16", by_crc))
            else:
                heard.append((None, by_sum))
        return heard
