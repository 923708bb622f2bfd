"""What is switched on in one module: the switches that running sessions look at, and the words as they were given.

Switches are objects that sessions hold, so a fault takes effect in the middle of a conversation.

Source: platform-unisoc 9; style-anchors H32.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from moduline.errors import BadOption, Text
from moduline.nor.faulty import CutSpec
from moduline.profiles.module import ModuleProfile
from moduline.vmodule.download.events import DownloadFaults
from moduline.vmodule.faults.words import (
    ContentFault,
    Fault,
    FlashFault,
    LineFault,
    PartFault,
    SlowFault,
    Surrounding,
    Switch,
    TimedFault,
    TrafficFault,
    address_of,
    parse_faults,
)


@dataclass(slots=True)
class Faults:
    """What is switched on.

    Attributes:
        download: of the download session.
        flash: cuts waiting for a flash operation, not yet handed to the flash.
        is_at_silent: the AT port answers nothing.
        is_fragmenting: every byte travels alone.
        is_reenumerating: the download port vanishes and comes back when the first loader starts.
        is_cut_at_boot: the next boot ends in darkness.
        is_hanging: the interpreter stands still, or will as soon as it runs.
        words: as given, for listings; what has happened is taken off.
    """

    download: DownloadFaults = field(default_factory=DownloadFaults)
    flash: tuple[CutSpec, ...] = ()
    is_at_silent: bool = False
    is_fragmenting: bool = False
    is_reenumerating: bool = False
    is_cut_at_boot: bool = False
    is_hanging: bool = False
    words: tuple[str, ...] = ()


def add_fault(faults: Faults, fault: Fault, profile: ModuleProfile, content_bytes: int) -> None:
    """Switch on what is a switch, and list the word of what is not over at once.

    Args:
        faults: changed.
        fault: from ``words.parse_faults``.
        profile: knows the parts by name.
        content_bytes: content of a whole package, for percentages; 0 when unknown.

    Raises:
        BadOption: it names a part the module has not, or a percentage of nothing.
    """
    if isinstance(fault, FlashFault):
        faults.flash = fault.cuts
    elif isinstance(fault, ContentFault):
        limit = _limit(fault, content_bytes)
        if fault.happening == "cut":
            faults.download.cut_at_bytes = limit
        else:
            faults.download.unplug_at_bytes = limit
    elif isinstance(fault, PartFault):
        faults.download.verify_errors.add(address_of(fault.part, profile))
    elif isinstance(fault, Switch):
        _switch(faults, fault.word, is_on=True)
    elif isinstance(fault, Surrounding):
        _replace_surrounding(faults, fault)
        return
    elif not isinstance(fault, LineFault | SlowFault | TimedFault | TrafficFault):
        return
    faults.words = (*faults.words, fault.word)


def remove_fault(faults: Faults, fault: Fault, profile: ModuleProfile) -> None:
    """Switch off what is a switch, and take the word off the list.

    Args:
        faults: changed; the word is on its list.
        fault: from ``words.parse_faults``.
        profile: knows the parts by name.
    """
    if isinstance(fault, FlashFault):
        faults.flash = ()
        forget_fired(faults, "flash")  # a later word had replaced the cuts of an earlier one
    elif isinstance(fault, ContentFault):
        if fault.happening == "cut":
            faults.download.cut_at_bytes = None
        else:
            faults.download.unplug_at_bytes = None
        forget_fired(faults, fault.happening)
    elif isinstance(fault, PartFault):
        faults.download.verify_errors.discard(address_of(fault.part, profile))
    elif isinstance(fault, Switch):
        _switch(faults, fault.word, is_on=False)
    forget_word(faults, fault.word)


def forget_fired(faults: Faults, kind: str) -> None:
    """Take the words of a fault that has happened off the list; ``kind`` is "flash", or by content "cut", "unplug"."""
    faults.words = tuple(word for word in faults.words if kind != _kind_of(word))


def forget_word(faults: Faults, word: str) -> None:
    """Take one word off the list, once."""
    if word in faults.words:
        at = faults.words.index(word)
        faults.words = faults.words[:at] + faults.words[at + 1 :]


def clear(faults: Faults) -> None:
    """Switch everything off, in the objects that running sessions hold."""
    for held, fresh in ((faults.download, DownloadFaults()), (faults, Faults(download=faults.download))):
        for name in type(held).__dataclass_fields__:
            setattr(held, name, getattr(fresh, name))


def _switch(faults: Faults, word: str, *, is_on: bool) -> None:
    download = faults.download
    if word == "silent":
        download.is_silent = is_on
    elif word == "log-frames":
        download.has_log_frames = is_on
    elif word == "bad-check-answered":
        download.is_bad_check_answered = is_on
    elif word == "greet-anew":
        download.is_greeting_anew = is_on
    elif word == "wrong-model":
        download.is_model_refused = is_on
    elif word == "at-silent":
        faults.is_at_silent = is_on
    elif word == "fragment":
        faults.is_fragmenting = is_on
    elif word == "reenumerate@exec":
        faults.is_reenumerating = is_on
    elif word == "cut@boot":
        faults.is_cut_at_boot = is_on
    elif word == "hang":
        faults.is_hanging = is_on


def _replace_surrounding(faults: Faults, fault: Surrounding) -> None:
    """List what lasts: a card that is out, a network that is gone, a fixed signal or voltage; the latest counts."""
    undone = {"sim-in": "sim-out", "network": "no-network"}.get(fault.name, fault.name)
    faults.words = tuple(word for word in faults.words if word != undone and not word.startswith(f"{undone}="))
    if fault.name in {"sim-out", "no-network", "rssi", "registration", "battery"}:
        faults.words = (*faults.words, fault.word)


def _kind_of(word: str) -> str:
    """``flash``, ``cut`` or ``unplug`` for a word that ``forget_fired`` knows by its kind."""
    (fault, *_) = parse_faults(word)
    if isinstance(fault, FlashFault):
        return "flash"
    return fault.happening if isinstance(fault, ContentFault) else ""


def _limit(fault: ContentFault, content_bytes: int) -> int:
    if not fault.percent:
        return fault.count
    if not content_bytes:
        why = Text(
            "nothing was ever burnt, so a percentage means nothing; give bytes",
            "尚未烧录过，百分比无意义；请给出字节数",
        )
        raise BadOption(name="SPEC", reason=why)
    return max(1, round(content_bytes * fault.percent / 100))
