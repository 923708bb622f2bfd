"""Lines of a running main.py on the terminal: time, colour, and the project's own file names in tracebacks."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from moduline.clock import Clock, SystemClock
from moduline.remote.main_output import LineKind, OutputLine, place_in

USR: Final = "usr/"
_COLOURS: Final = {
    LineKind.WARNING: "\x1b[33m",
    LineKind.ERROR: "\x1b[31m",
    LineKind.TRACEBACK: "\x1b[31m",
    LineKind.EXCEPTION: "\x1b[1;31m",
}
_DIM: Final = "\x1b[2m"
_PLAIN: Final = "\x1b[0m"


class LogView:
    """Shows output lines.

    Args:
        places: where each file of ``/usr`` lies on this computer.
        write: gets finished text; None: stdout.
        has_colour: None: when stdout is a terminal and NO_COLOR is not set.
        clock: for the time in front of each line.
    """

    def __init__(
        self,
        places: Mapping[str, Path],
        write: Callable[[str], object] | None = None,
        *,
        has_colour: bool | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.places = places
        self._write = write or _to_stdout
        self._has_colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR") if has_colour is None else has_colour
        self._clock = clock or SystemClock()

    def show(self, line: OutputLine) -> None:
        """One line, with the time in front."""
        stamp = _stamp(self._clock.now_s())
        text = _printable(self.mapped(line.text) if line.kind is LineKind.TRACEBACK else line.text)
        if self._has_colour:
            colour = _COLOURS.get(line.kind, "")
            text = f"{colour}{text}{_PLAIN}" if colour else text
            stamp = f"{_DIM}{stamp}{_PLAIN}"
        self._write(f"{stamp} {text}\n")

    def mapped(self, text: str) -> str:
        """A line of a traceback with the file of this computer in it, so that a terminal can lead there."""
        place = place_in(text)
        if place is None:
            return text
        here = self.places.get(place.file.lstrip("/").removeprefix(USR))
        if here is None or not place.file.lstrip("/").startswith(USR):
            return text
        return text[: place.start] + shown_path(here) + text[place.end :]


def shown_path(path: Path) -> str:
    """A path as the user would type it: relative when it lies below the working directory."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _stamp(now_s: float) -> str:
    import time  # only for turning a number into local hours

    return f"{time.strftime('%H:%M:%S', time.localtime(now_s))}.{int(now_s % 1 * 1000):03d}"


def _printable(text: str) -> str:
    """A module's output must not drive the terminal: control characters but tab are shown as escapes."""
    return "".join(one if one.isprintable() or one == "\t" else ascii(one)[1:-1] for one in text)


def _to_stdout(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
