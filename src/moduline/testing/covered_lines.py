"""Coverage of the user's scripts: probes go in, hits come back by call, a ``.coverage`` file and a report come out.

Only copies for virtual modules are ever changed (``line_probes``); the project's own files are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from moduline.testing.line_probes import FILE_STEP, Probed, probe
from moduline.testing.project import LoadedProject
from moduline.vmodule.interpreter import framing
from moduline.vmodule.interpreter.desk import Answer, Desk, DeskContext, Question, fact

DATA_NAME: Final = ".coverage"


@dataclass(slots=True)
class CoveredFile:
    """One script and what was seen of it."""

    path: Path
    probed: Probed
    seen: set[int] = field(default_factory=set)


class CoveredLines:
    """What ran, over all modules and tests of a session."""

    def __init__(self) -> None:
        self._files: list[CoveredFile] = []
        self._numbers: dict[Path, int] = {}

    def instrument(self, loaded: LoadedProject) -> dict[str, bytes]:
        """The project's scripts with probes, by path in ``/usr``; what cannot be parsed is left out."""
        changed = {}
        for path, data in loaded.sources.items():
            place = loaded.place_of(path)
            number = self._numbers.get(place, len(self._files))
            probed = probe(data, number) if path.endswith(".py") else None
            if probed is not None:
                changed[path] = probed.data
                if number == len(self._files):
                    self._numbers[place] = number
                    self._files.append(CoveredFile(place, probed))
        return changed

    def desk(self, context: DeskContext) -> Desk:
        """Hears of lines that ran for the first time in one interpreter's life."""
        del context
        return _LineDesk(self)

    def hit(self, number: int) -> None:
        """A probe was hit.

        Raises:
            framing.BadFrameError: there is no such probe.
        """
        file, line = divmod(number, FILE_STEP)
        if not 0 <= file < len(self._files):
            raise framing.BadFrameError(f"line {number} of no file")
        self._files[file].seen.add(line)

    def hits(self) -> dict[str, list[int]]:
        """Lines that ran by path of the script, as plain values that can travel between processes."""
        return {str(one.path): sorted(one.probed.complete(frozenset(one.seen))) for one in self._files}


class _LineDesk:
    """The questions of one child."""

    def __init__(self, lines: CoveredLines) -> None:
        self._lines = lines

    @property
    def questions(self) -> Mapping[str, Question]:
        """What answers each question."""
        return {"line_ran": self._ran}

    async def close(self) -> None:
        """Nothing was opened."""

    def _ran(self, call: framing.Call) -> Answer:
        self._lines.hit(fact(call, "number", int))
        return True, b""


def merged(parts: Iterable[Mapping[str, Iterable[int]]]) -> dict[str, set[int]]:
    """Hits of several processes as one."""
    whole: dict[str, set[int]] = {}
    for part in parts:
        for path, lines in part.items():
            whole.setdefault(path, set()).update(lines)
    return whole


def write_report(hits: Mapping[str, Iterable[int]], data_file: Path, out: IO[str]) -> float:
    """Write a data file that every coverage tool reads, and print the report; gives the covered percentage.

    Args:
        hits: lines that ran, by path.
        data_file: replaced.
        out: gets the table.
    """
    import coverage  # half a tenth of a second, and only who asks for a report needs it

    data_file.unlink(missing_ok=True)
    measured = coverage.Coverage(data_file=str(data_file), config_file=False)
    data = measured.get_data()
    data.add_lines({path: list(lines) for path, lines in hits.items()})
    data.touch_files(list(hits))
    data.write()
    return measured.report(file=out, show_missing=True, morfs=sorted(hits))
