"""A new project folder: settings, two scripts, tests that pass, a CI workflow, a README in both languages.

Source: brief, surface (``moduline new``).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from moduline.errors import BadOption, Text
from moduline.profiles import catalog
from moduline.release.output import write_whole
from moduline.release.starter_texts import FILES

DEFAULT_MODULE: Final = "ec600u"


def create(folder: Path, module: str) -> list[str]:
    """Write the files of a new project; gives their names.

    Args:
        folder: the new folder; it must not exist, or be empty.
        module: slug of the module.

    Raises:
        BadOption: the folder holds something.
        UnknownModule: no such module.
        StorageFailed: it cannot be written.
    """
    slug = catalog.module(module).slug
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        why = Text("{folder} exists and is not empty", "{folder} 已存在且非空")
        raise BadOption(name="DIR", reason=why, folder=str(folder))
    title = folder.resolve().name
    name = re.sub(r"[^A-Za-z0-9]+", "_", title).strip("_").upper()[:40] or "PROJECT"
    for path, text in FILES.items():
        filled = text.replace("{{name}}", name).replace("{{module}}", slug).replace("{{folder}}", title)
        write_whole(folder / path, filled.encode("utf-8"))
    return list(FILES)
