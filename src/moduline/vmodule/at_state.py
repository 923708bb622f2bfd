"""What AT commands share: the module's facts, the port's settings, replies and their errors.

Source: 3GPP TS 27.007 9.1, 9.2 (error results); ITU-T V.250.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from moduline.vmodule.world.radio import Radio


class AtAction(Enum):
    """What a command does to the module, after its answer is out."""

    RESET = "reset"
    POWER_OFF = "power_off"
    ENTER_DOWNLOAD = "enter_download"


@dataclass(frozen=True, slots=True)
class AtFacts:
    """What the AT port says about the module.

    Attributes:
        model: such as ``EC600U``.
        firmware_version: of what runs, not of what was ordered.
        imei: from NV; empty when NV is lost.
        radio: SIM, network, battery and clock.
        serial_number: printed on the label.
        manufacturer: first line of ``ATI``.
        has_download_command: ``AT+QDOWNLOAD`` leads to download mode; some modules only have the pin.
    """

    model: str
    firmware_version: str
    imei: str
    radio: Radio
    serial_number: str = ""
    manufacturer: str = "Quectel"
    has_download_command: bool = True


@dataclass(frozen=True, slots=True)
class AtReply:
    """Answer of one command: information lines, final result, and what happens then."""

    lines: tuple[str, ...] = ()
    result: str = "OK"
    action: AtAction | None = None
    afterwards: str = ""  # an unasked line between the answer and the action

    @property
    def is_good(self) -> bool:
        """Whether the next command of the line is carried out."""
        return self.result == "OK"


NOT_ALLOWED: Final = 3
NOT_SUPPORTED: Final = 4
NO_SIM: Final = 10
PIN_REQUIRED: Final = 11
PUK_REQUIRED: Final = 12
SIM_FAILURE: Final = 13
SIM_BUSY: Final = 14
WRONG_PASSWORD: Final = 16
NO_SERVICE: Final = 30
WRONG_PARAMETER: Final = 50
CME_TEXTS: Final = {
    NOT_ALLOWED: "operation not allowed",
    NOT_SUPPORTED: "operation not supported",
    NO_SIM: "SIM not inserted",
    PIN_REQUIRED: "SIM PIN required",
    PUK_REQUIRED: "SIM PUK required",
    SIM_FAILURE: "SIM failure",
    SIM_BUSY: "SIM busy",
    WRONG_PASSWORD: "incorrect password",
    NO_SERVICE: "no network service",
    WRONG_PARAMETER: "wrong parameters",
}
"""Numbers and texts of ``+CME ERROR``. Source: 3GPP TS 27.007 9.2."""

DEFAULT_ERROR_STYLE: Final = 1


@dataclass(slots=True)
class AtState:
    """One AT port's settings, and what it says.

    Attributes:
        facts: of the module.
        error_style: ``AT+CMEE``: 0 plain ERROR, 1 numbers, 2 texts.
        is_echoing: ``ATE``.
        is_quiet: ``ATQ1``: no results.
        is_verbose: ``ATV1``: results as words.
        operator_format: ``AT+COPS=3``: 0 full name, 1 short name, 2 numbers.
        reporting: level of unasked lines by command (``+CREG`` ...).
    """

    facts: AtFacts
    error_style: int = DEFAULT_ERROR_STYLE
    is_echoing: bool = True
    is_quiet: bool = False
    is_verbose: bool = True
    operator_format: int = 0
    reporting: dict[str, int] = field(default_factory=dict)

    @property
    def radio(self) -> Radio:
        """The module's radio."""
        return self.facts.radio

    def reset(self) -> None:
        """``ATZ`` and ``AT&F``: as after power-on."""
        fresh = AtState(self.facts)
        for name in ("error_style", "is_echoing", "is_quiet", "is_verbose", "operator_format", "reporting"):
            setattr(self, name, getattr(fresh, name))

    def error(self, number: int) -> AtReply:
        """``+CME ERROR`` in the chosen style."""
        if self.error_style == 0:
            return AtReply(result="ERROR")
        return AtReply(result=f"+CME ERROR: {number if self.error_style == 1 else CME_TEXTS[number]}")


AtHandler = Callable[[AtState, str], AtReply]
"""Carries out one form of one command; gets the text after ``=``, or after a basic command."""

AtTable = dict[tuple[str, str], AtHandler]
"""Command and form to what carries it out."""


def split_values(argument: str) -> list[str]:
    """The values of a set form: separated by commas outside quotes, quotes taken off."""
    values, value, is_quoted = [], "", False
    for letter in argument:
        if letter == '"':
            is_quoted = not is_quoted
        elif letter == "," and not is_quoted:
            values.append(value)
            value = ""
        else:
            value += letter
    return [*values, value]
