"""Several AT commands with what they are to answer, one a line.

::

    # a line of words for people
    AT                          must end in OK
    AT+CPIN?  => READY          must end in OK and say READY somewhere
    AT+CFUN=9 => ERROR          must end in an error

Upper and lower case are told apart in answers. A pause is written as ``wait 2`` (seconds).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from moduline.errors import BadOption, Text
from moduline.remote.at_session import AtAnswer

MOST: Final = 200
LONGEST_WAIT_S: Final = 600.0
ARROW: Final = "=>"
ANY_ERROR: Final = "ERROR"


@dataclass(frozen=True, slots=True)
class AtStep:
    """A line of a script: a command and what its answer must have, or a pause in seconds."""

    command: str
    expected: str = ""
    wait_s: float = 0.0


def parse_script(text: str) -> list[AtStep]:
    """The steps of a script.

    Raises:
        BadOption: a line is neither command nor pause, or there are none or too many.
    """
    steps = [_step(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if _says(line)]
    if not 0 < len(steps) <= MOST:
        raise BadOption(name="script", reason=Text("1 to {limit} lines", "须为 1 至 {limit} 行"), limit=MOST)
    return steps


def is_met(step: AtStep, answer: AtAnswer) -> bool:
    """Whether an answer is what the step wants."""
    if step.expected == ANY_ERROR:
        return not answer.is_ok
    if not step.expected:
        return answer.is_ok
    said: Sequence[str] = (*answer.lines, answer.result)
    has_it = any(step.expected in line for line in said)
    return has_it and (answer.is_ok or step.expected in answer.result)


def _says(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _step(number: int, line: str) -> AtStep:
    command, _, expected = (part.strip() for part in line.partition(ARROW))
    if command.lower().startswith("wait "):
        try:
            seconds = float(command[5:])
        except ValueError:
            seconds = -1.0
        if not 0 < seconds <= LONGEST_WAIT_S or expected:
            reason = Text("line {line}: wait takes seconds up to {most}", "第 {line} 行：wait 后应为秒数，至多 {most}")
            raise BadOption(name="script", reason=reason, line=number, most=LONGEST_WAIT_S)
        return AtStep("", wait_s=seconds)
    if not command.upper().startswith("AT") or not command.isprintable():
        reason = Text("line {line}: '{given}' is no AT command", "第 {line} 行：“{given}” 不是 AT 指令")
        raise BadOption(name="script", reason=reason, line=number, given=command[:60])
    return AtStep(command, expected)
