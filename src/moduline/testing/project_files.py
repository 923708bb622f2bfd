"""Which files of a project folder go to a module, and which an editor has left there."""

from __future__ import annotations

import re
from typing import Final

from moduline.testing.project import LoadedProject

_OF_EDITORS: Final = re.compile(
    r"\..*|.*~|#.*#|.*\.(?:swp|swx|swo|tmp|bak|orig|part|crdownload|pyc)|4913|.*___jb_(?:tmp|old)___|.*\.py\.[0-9a-f]{8,}"
)
_FOLDERS: Final = frozenset({"__pycache__", "node_modules", "venv", ".git", ".hg", ".venv", ".idea", ".vscode"})


def is_of_an_editor(path: str) -> bool:
    """Whether a path (relative, with ``/``) is a temporary file of an editor or lies in a tool's own folder."""
    parts = path.split("/")
    return bool(_FOLDERS & set(parts[:-1])) or any(_OF_EDITORS.fullmatch(part) for part in parts)


def scripts_of(loaded: LoadedProject) -> dict[str, bytes]:
    """The files of a project that go to the module, without what editors left."""
    return {path: data for path, data in loaded.sources.items() if not is_of_an_editor(path)}
