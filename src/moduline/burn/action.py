"""What a burn is made of: the plan and its actions, as values; every driver's planner makes them, no driver owns them.

Order is the order of execution. A driver that needs more than an action says makes its own kind of ``BurnPlan``.
Planners import this file, never ``burn.plan``, which imports them.

Source: platform-unisoc 2.8, 2.10, 6.1; platform-asr 1.3, 4.4.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from moduline.errors import Text
from moduline.formats.container.unisoc_scheme import NvItem

Verb = Literal["load", "table", "write", "erase", "format", "keep", "keep_nv", "skip"]
Verify = Literal["device", "areas", "all"]
Only = Literal["", "scripts"]
VERIFIES: Final[tuple[Verify, ...]] = ("device", "areas", "all")
ONLIES: Final[tuple[Only, ...]] = ("", "scripts")

AREA_ROLES: Final = frozenset({"user_fs", "backup_fs", "customer_fs_c", "boot"})
"""Read back after writing unless the user chooses otherwise: what differs per customer, and what a boot needs first."""

# Why 0x1000: device takes up to 0x3000, the vendor's host sends 0x800, other hosts were seen on real modules with up to
# 0x1000. One flash sector per packet halves the round trips and was tried on metal by somebody. Source: 5.8.
DEFAULT_PACKET_BYTES: Final = 0x1000


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What the user chose, the same for every chip; a planner refuses what its chip cannot do.

    Args:
        verify: what is read back afterwards.
        packet_bytes: content bytes per packet of the flash stage, where the wire has packets of the host's choice.
        extra: names of parts that are off by default and wanted nevertheless.
        only: "scripts" leaves out everything but the loaders and the script file systems.
        baud: line rate that the loader and the port change to; 0: they stay as they are.
    """

    verify: Verify = "areas"
    packet_bytes: int = DEFAULT_PACKET_BYTES
    extra: tuple[str, ...] = ()
    only: Only = ""
    baud: int = 0


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that is done to the module.

    Args:
        verb: ``load`` (into RAM), ``table`` (hand over a description of the flash), ``write``, ``erase``, ``format``,
            ``keep`` (read out and store, before anything is erased), ``keep_nv`` (write with the module's own IMEI and
            calibration put in) or ``skip``.
        part: name of the part in the package.
        role: role of the part.
        address: load, flash or logical address.
        size_bytes: bytes sent, or the length erased; the block-device name of a format.
        is_read_back: whether it is read back and compared after everything was written.
        data: content, as it is sent or as what is sent is made from.
        target: name that the module knows the place by; empty where places are addresses.
        room_bytes: size of the place; 0 when nobody says.
        holes: (offset, size) within the place that stay as the module has them; bytes.
        weight: its share of the progress the module is told; 0: its bytes.
    """

    verb: Verb
    part: str
    role: str
    address: int
    size_bytes: int
    is_read_back: bool = False
    data: bytes = field(default=b"", repr=False)
    target: str = ""
    room_bytes: int = 0
    holes: tuple[tuple[int, int], ...] = ()
    weight: int = 0


@dataclass(frozen=True, slots=True)
class BurnPlan:
    """Everything that will happen, in order.

    Args:
        chip: slug as in ``profiles/chips``, or of a family of chips; picks the driver.
        model: what the package is for; None when it does not say.
        version: version the module will report; None when the package does not say.
        actions: in the order of execution, loaders first.
        verify: ``device`` (only the loader's own check), ``areas`` or ``all``.
        nv_items: the XML's list of NV items that are carried over.
        packet_bytes: content bytes per packet.
        losses: what the module had and will not have any more.
        flash_bytes: size of the flash the package is for; 0 when it does not say.
    """

    chip: str
    model: str | None
    version: str | None
    actions: tuple[Action, ...]
    verify: Verify
    nv_items: tuple[NvItem, ...]
    packet_bytes: int
    losses: tuple[Text, ...]
    flash_bytes: int = 0

    @property
    def write_bytes(self) -> int:
        """Content that is sent, loaders included; bytes."""
        return sum(len(action.data) for action in self.actions)

    @property
    def read_back_bytes(self) -> int:
        """Content that is read back; bytes."""
        return sum(len(action.data) for action in self.actions if action.is_read_back)

    def as_facts(self, lang: str) -> dict[str, Any]:
        """The plan as one JSON object."""
        return {
            "chip": self.chip,
            "model": self.model,
            "version": self.version,
            "verify": self.verify,
            "write_bytes": self.write_bytes,
            "read_back_bytes": self.read_back_bytes,
            "packet_bytes": self.packet_bytes,
            "losses": [text.say(lang) for text in self.losses],
            "actions": [
                {
                    "verb": action.verb,
                    "part": action.part,
                    "address": f"0x{action.address:08x}",
                    "size": action.size_bytes,
                    "read_back": action.is_read_back,
                }
                for action in self.actions
            ],
        }
