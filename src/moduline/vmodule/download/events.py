"""What a download session tells the module around it, and the faults that can be switched on while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

Stage = Literal["rom", "fdl1", "fdl2", "fdl", "preboot", "flasher", "agentboot"]
FIRST_LOADERS: Final[frozenset[Stage]] = frozenset({"fdl1", "fdl", "preboot", "agentboot"})
"""What the boot ROM starts: the port may enumerate anew then."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The host's first CONNECT in the ROM: the window for it is over."""


@dataclass(frozen=True, slots=True)
class StageEntered:
    """Another program runs now."""

    stage: Stage


@dataclass(frozen=True, slots=True)
class PartBegun:
    """A transfer begins.

    Attributes:
        address: logical address as the host gave it.
        size_bytes: announced size.
    """

    address: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PartDone:
    """A transfer ended well: in flash and read back."""

    address: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A command was answered with an error.

    Attributes:
        stage: who answered.
        command: number of the command.
        answer: number of the answer.
    """

    stage: Stage
    command: int
    answer: int


@dataclass(frozen=True, slots=True)
class CommandFailed:
    """A command in words was answered with a failure.

    Attributes:
        stage: who answered.
        command: as the host sent it.
        answer: the text of the failure.
    """

    stage: Stage
    command: str
    answer: str


@dataclass(frozen=True, slots=True)
class FusesKept:
    """The host asked for one-time fuses to be written; that is never modelled, and was refused."""

    command: str


@dataclass(frozen=True, slots=True)
class Panicked:
    """The program stopped; it answers nothing until the power is cycled. ``why`` is a slug."""

    why: str


@dataclass(frozen=True, slots=True)
class BaudChanged:
    """The host chose another rate; meaningless over USB."""

    rate: int


@dataclass(frozen=True, slots=True)
class ResetWanted:
    """The module restarts, once the answer is out."""


@dataclass(frozen=True, slots=True)
class PowerOffWanted:
    """The module switches itself off, once the answer is out."""


@dataclass(frozen=True, slots=True)
class CutReached:
    """As much content as a pending cut asked for was received: the power goes away now."""


@dataclass(frozen=True, slots=True)
class UnplugReached:
    """As much content as a pending unplug asked for was received: the cable goes out now."""


DownloadEvent = (
    Connected
    | StageEntered
    | PartBegun
    | PartDone
    | Refused
    | CommandFailed
    | FusesKept
    | Panicked
    | BaudChanged
    | ResetWanted
    | PowerOffWanted
    | CutReached
    | UnplugReached
)


@dataclass(slots=True)
class DownloadFaults:
    """Faults of the download session; changed live.

    Attributes:
        is_silent: nothing is answered.
        is_bad_check_answered: a wrong check value is answered with 0x8B instead of silence.
        has_log_frames: an unasked 0xFF frame goes before every answer.
        verify_errors: logical addresses whose END is answered with 0x8B.
        cut_at_bytes: power goes away when so much content was received; None for never.
        unplug_at_bytes: the cable goes out when so much content was received; None for never.
        is_greeting_anew: a loader that was just called forgets the link and greets again.
        is_model_refused: the 8850's loader takes every package for one of another model.
    """

    is_silent: bool = False
    is_bad_check_answered: bool = False
    has_log_frames: bool = False
    verify_errors: set[int] = field(default_factory=set)
    cut_at_bytes: int | None = None
    unplug_at_bytes: int | None = None
    is_greeting_anew: bool = False
    is_model_refused: bool = False
