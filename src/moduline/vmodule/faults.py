"""The faults a user can switch on in one module, by short words; live.

::

    cut@N               power cut before flash operation N, counted from now     tear@N:SEED  torn inside it
    cut@download:45%    power cut when that much content was received             cut@download:BYTES
    unplug@download:45% the cable goes out when that much content was received   unplug@download:BYTES
    verify-error@PART   END of that part answers 0x8B; PART is AP, PY_FS_U, NV ... or an address
    silent              the download port answers nothing                         at-silent  nor the AT port
    log-frames          an unasked log frame goes before every answer
    fragment            every byte travels alone
    bad-check-answered  a wrong check value is answered instead of ending in silence
    clear               all of them off

Content counts from the beginning of a stay in download mode. A percentage is one of the content of the last package
that was in the module whole: by the factory or a finished burn.

Source: platform-unisoc 9; style-anchors H32.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from moduline.errors import BadOption, Text
from moduline.nor.faulty import CutSpec, parse_cuts
from moduline.profiles.module import ModuleProfile
from moduline.vmodule.download.events import DownloadFaults
from moduline.vmodule.download.flash_loader import CPIO_ADDRESS, NV_ADDRESS, PHASE_CHECK_ADDRESS

_CONTENT: Final = re.compile(r"(cut|unplug)@download:(?:(\d{1,3}(?:\.\d+)?)%|(\d{1,10}))")
_FLASH: Final = re.compile(r"(cut|tear)@\d")
_VERIFY: Final = re.compile(r"verify-error@(.+)")
_LOGICAL: Final = {"NV": NV_ADDRESS, "PHASECHECK": PHASE_CHECK_ADDRESS, "PREPACK": CPIO_ADDRESS}
FORMS: Final = (
    "cut@N, tear@N:SEED, cut@download:45%, cut@download:BYTES, unplug@download:BYTES, verify-error@PART, "
    "silent, at-silent, log-frames, fragment, bad-check-answered, clear"
)


@dataclass(slots=True)
class Faults:
    """What is switched on.

    Attributes:
        download: of the download session.
        flash: cuts waiting for a flash operation, not yet handed to the flash.
        is_at_silent: the AT port answers nothing.
        is_fragmenting: every byte travels alone.
        words: as given, for listings.
    """

    download: DownloadFaults = field(default_factory=DownloadFaults)
    flash: tuple[CutSpec, ...] = ()
    is_at_silent: bool = False
    is_fragmenting: bool = False
    words: tuple[str, ...] = ()


def add_fault(faults: Faults, word: str, profile: ModuleProfile, content_bytes: int) -> None:
    """Switch on what ``word`` says.

    Args:
        faults: changed.
        word: one of the forms in this file's head; several may be joined by commas.
        profile: knows the parts by name.
        content_bytes: content of a whole package, for percentages; 0 when unknown.

    Raises:
        BadOption: no such fault.
    """
    if _FLASH.match(word):
        faults.flash = parse_cuts(word)
    elif (match := _CONTENT.fullmatch(word)) is not None:
        limit = _limit(match, content_bytes)
        if match[1] == "cut":
            faults.download.cut_at_bytes = limit
        else:
            faults.download.unplug_at_bytes = limit
    elif (match := _VERIFY.fullmatch(word)) is not None:
        faults.download.verify_errors.add(_address_of(match[1], profile))
    elif word == "silent":
        faults.download.is_silent = True
    elif word == "at-silent":
        faults.is_at_silent = True
    elif word == "log-frames":
        faults.download.has_log_frames = True
    elif word == "fragment":
        faults.is_fragmenting = True
    elif word == "bad-check-answered":
        faults.download.is_bad_check_answered = True
    elif word == "clear":
        clear(faults)
        return
    else:
        why = Text("'{word}' is none of: {forms}", "“{word}” 不属于：{forms}")
        raise BadOption(name="SPEC", reason=why, word=word, forms=FORMS)
    faults.words = (*faults.words, word)


def forget_fired(faults: Faults, kind: str) -> None:
    """Take the words of a fault that has happened off the list; ``kind`` is "flash", "cut" or "unplug"."""
    forms = {"flash": _FLASH, "cut": re.compile(r"cut@download"), "unplug": re.compile(r"unplug@download")}
    faults.words = tuple(word for word in faults.words if not forms[kind].match(word))


def clear(faults: Faults) -> None:
    """Switch everything off, in the objects that running sessions hold."""
    fresh = DownloadFaults()
    for name in DownloadFaults.__dataclass_fields__:
        setattr(faults.download, name, getattr(fresh, name))
    faults.flash, faults.is_at_silent, faults.is_fragmenting, faults.words = (), False, False, ()


def _limit(match: re.Match[str], content_bytes: int) -> int:
    if match[3] is not None:
        return int(match[3])
    if not content_bytes:
        why = Text(
            "nothing was ever burnt, so a percentage means nothing; give bytes",
            "尚未烧录过，百分比无意义；请给出字节数",
        )
        raise BadOption(name="SPEC", reason=why)
    return max(1, round(content_bytes * float(match[2]) / 100))


def _address_of(part: str, profile: ModuleProfile) -> int:
    if part.upper() in _LOGICAL:
        return _LOGICAL[part.upper()]
    for partition in profile.partitions:
        if part.lower() in {partition.part.lower(), partition.role}:
            return partition.address
    try:
        return int(part, 0)
    except ValueError:
        known = ", ".join(partition.part for partition in profile.partitions if partition.part)
        why = Text("no part named '{part}'; known: {known}", "没有名为“{part}”的部分；已知：{known}")
        raise BadOption(name="SPEC", reason=why, part=part, known=known) from None
