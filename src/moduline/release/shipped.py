"""Folders that travel with Moduline: on-board sources, firmware recipes, examples.

In an installed wheel they lie in ``moduline/_data``, in a checkout at the root of the repository.
"""

from __future__ import annotations

from pathlib import Path

import moduline
from moduline.errors import StorageFailed, Text


def folder(name: str) -> Path:
    """The folder of that name: ``onboard``, ``firmware`` or ``examples``.

    Raises:
        StorageFailed: it is not installed.
    """
    package = Path(moduline.__file__).resolve().parent
    for place in (package / "_data" / name, package.parent.parent / name):
        if place.is_dir():
            return place
    why = Text("it is not part of this installation; reinstall Moduline", "安装不完整，请重新安装 Moduline")
    raise StorageFailed(path=name, reason=why)
