"""Which NV block a burn goes on with: the module's own, a saved one that is proven to be its own, or none.

An NV block carries a unit's IMEI and radio calibration. Writing one unit's block into another makes two modules with
one IMEI, so a saved block is used by itself only where the *IMEI* proves whose it is. Nothing else can: in download
mode these modules have no serial number, and no loader tells a chip or flash id. A USB place proves nothing.

::

    module's block  somebody named a block             nobody did
    --------------  ---------------------------------  ------------------------------------------------------------
    whole           its IMEI is the same, or the       the module's own
                    module has none: the named one;
                    another IMEI: NvForeign
    damaged         the named one, unless AT said      a saved block of the IMEI that AT said just before the
                    another IMEI: NvForeign            switch, or that is still legible in the damaged block;
                                                       else NvDamaged, and nothing has been changed

Source: platform-unisoc 5.5 (0x15 flash uid, 0x1A chip uid: 0x82), 3.6 (PhaseCheck is opaque), 6.3, 8; decision 0012.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from moduline.burn.nv_store import NvFile, SavedNv, last_usable
from moduline.errors import BadFormat, NvDamaged, NvForeign, Text
from moduline.formats import nv


@dataclass(frozen=True, slots=True)
class NvEvidence:
    """What is known when the module's NV has been read.

    Args:
        block: as read; empty when the module does not give it.
        is_valid: whether its check value is right.
        template: the package's own NV block; its IMEI belongs to no unit.
        told_imei: what the module said over AT in this very try, when it has not been out of sight since; else empty.
        place: USB place of the module.
        address: how to name the module on a command line.
    """

    block: bytes
    is_valid: bool
    template: bytes
    told_imei: str
    place: str
    address: str


def choose_nv(
    evidence: NvEvidence, named: NvFile | None, saved: Sequence[SavedNv], *, accepts_loss: bool = False
) -> str | NvFile | None:
    """The block to go on with: a path: that saved file; ``named``; None: the module's own, or (accepted) none at all.

    Args:
        evidence: what is known of the module.
        named: the block somebody asked to have restored.
        saved: every saved block, oldest first.
        accepts_loss: whether somebody has said that a module without an IMEI of its own is wanted.

    Raises:
        NvDamaged: the block is damaged, and no saved one is proven to be this unit's.
        NvForeign: the block asked for is another unit's.
    """
    own = _real(imei_in(evidence.block), evidence)
    if not evidence.is_valid and not is_luhn_right(own):
        own = ""  # damaged where the IMEI stands
    told = _real(evidence.told_imei, evidence)
    if named is not None:
        for theirs in ({own} if evidence.is_valid and own else {own, told}) - {"", named.imei}:
            raise NvForeign(file=named.path, saved=named.imei, module=theirs)
        return named
    if evidence.is_valid:
        return None
    proven = {told, own} - {""}
    if len(proven) == 1 and (found := last_usable(list(saved), imei=proven.pop())) is not None:
        return found.path
    if accepts_loss:
        return None
    here = last_usable(list(saved), place=evidence.place)
    raise NvDamaged(
        state=Text("damaged", "已损坏") if evidence.block else Text("not readable", "无法读取"),
        saved=here.path if here else Text("none", "无"),
        imei=here.imei if here else "-",
        address=evidence.address,
    )


def imei_in(block: bytes) -> str:
    """The IMEI that is legible in a block, whole or damaged; empty when there is none."""
    try:
        return nv.read(block).imei
    except BadFormat:
        return _imei_before_damage(block)


def is_luhn_right(imei: str) -> bool:
    """Whether the last digit is the check digit of the others, as in every IMEI that was ever given out."""
    doubled = [int(digit) * (1 + index % 2) for index, digit in enumerate(imei)]
    return bool(imei) and sum(value // 10 + value % 10 for value in doubled) % 10 == 0


def _imei_before_damage(block: bytes) -> str:
    """The IMEI item of a block whose later items make no sense."""
    at = 4
    while at + 4 <= len(block):
        number, size = int.from_bytes(block[at : at + 2], "little"), int.from_bytes(block[at + 2 : at + 4], "little")
        if number == nv.IMEI_ID:
            return nv.decode_imei(block[at + 4 : at + 4 + size])
        if number == nv.END_ID:
            break
        at += 4 + size + -size % 4
    return ""


def _real(imei: str, evidence: NvEvidence) -> str:
    """The IMEI, unless it belongs to no unit in particular: none, one digit all over, or the package's own."""
    return imei if names_a_unit(imei) and imei != imei_in(evidence.template) else ""


def names_a_unit(imei: str) -> bool:
    """Whether it can be one unit's IMEI: 15 digits, and not what a module without one says, such as all zeros."""
    return len(imei) == nv.IMEI_DIGITS and len(set(imei)) > 1
