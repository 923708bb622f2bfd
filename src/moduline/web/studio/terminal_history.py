"""Lines that were typed, oldest first, kept in a file for each folder that the Studio shows."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any, Final

from moduline.errors import StorageFailed

KEPT: Final = 1000
LONGEST: Final = 4000


def history_file(data: Path, root: Path, kind: str) -> Path:
    """Where the history of a folder is kept; ``kind`` is ``repl`` or ``at``."""
    mark = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:12]
    return data / "terminal" / f"history-{kind}-{mark}.json"


class History:
    """Typed lines; one that is typed again moves to the end.

    Args:
        path: its file; read now, and written at every line.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: list[str] = _read_lines(path)
        self._at: int | None = None
        self._begun = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """All of them, the latest last."""
        return tuple(self._lines)

    def add(self, line: str) -> None:
        """Remember a line; blank ones and very long ones are not remembered.

        Raises:
            StorageFailed: it cannot be kept.
        """
        self.leave()
        if not line.strip() or len(line) > LONGEST:
            return
        if line in self._lines:
            self._lines.remove(line)
        self._lines = [*self._lines, line][-KEPT:]
        keep_json(self._path, self._lines)

    def earlier(self, typed: str) -> str | None:
        """The line before the one that is shown; None: there is none. ``typed`` comes back behind the latest."""
        if self._at is None:
            self._begun, self._at = typed, len(self._lines)
        if self._at == 0:
            return None
        self._at -= 1
        return self._lines[self._at]

    def later(self) -> str | None:
        """The line behind the one that is shown; None: nothing is looked at."""
        if self._at is None:
            return None
        self._at += 1
        if self._at < len(self._lines):
            return self._lines[self._at]
        self._at = None
        return self._begun

    def leave(self) -> None:
        """Begin at the latest again."""
        self._at = None


def keep_json(path: Path, value: Any) -> None:
    """Write a value, whole or not at all.

    Raises:
        StorageFailed: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(value, file, ensure_ascii=False, indent=1)
        Path(name).replace(path)
    except OSError as cause:
        raise StorageFailed(path=str(path), reason=cause.strerror or str(cause)) from cause


def _read_lines(path: Path) -> list[str]:
    """The lines of a file; none when there is no such file, or it was damaged."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return [one for one in found if isinstance(one, str)][-KEPT:] if isinstance(found, list) else []
