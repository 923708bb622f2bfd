"""The two ticks of a file of a project, *encrypt* and *backup*, as vendor tools show them beside each file.

::

    moduline.toml                                     ticks
    encrypt = true                                    every script but main.py
    encrypt_files = ["a.py"]                          a.py
    backup = ["all"]                                  every file
    backup = ["a.py", "data"]                         a.py, and all in data/

``ticks`` reads them off the settings; ``encrypt_ticked`` and ``backup_ticked`` give the settings that hold other ticks.
Ticking every file is not the same as asking for all: files that come later are ticked only by the latter.

Source: seed S0, step 3 of the production text.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from moduline.errors import Text
from moduline.image import project as image_project
from moduline.image import protect
from moduline.image.project import ALL, Project, ProjectSettings
from moduline.image.settings_text import Value


@dataclass(frozen=True, slots=True)
class FileTicks:
    """A file of ``/usr`` with its ticks.

    Attributes:
        path: on the module, below ``/usr``.
        origin: in the project folder.
        size_bytes: of its content.
        is_encrypted: it becomes bytecode.
        is_backed_up: the module restores it by itself.
        why_plain: why it cannot be encrypted; None when it can.
    """

    path: str
    origin: str
    size_bytes: int
    is_encrypted: bool
    is_backed_up: bool
    why_plain: Text | None


def ticks(project: Project, settings: ProjectSettings, entry_file: str) -> tuple[FileTicks, ...]:
    """Every file with its ticks, in the order of the merge.

    Args:
        project: the files.
        settings: from its moduline.toml.
        entry_file: stays source.
    """
    all_scripts = protect.plan(project.tree, entry_file)
    why = {one.path: one.reason for one in all_scripts.kept}
    is_asked = settings.encrypt or bool(settings.encrypt_files)
    encrypted = set(protect.plan(project.tree, entry_file, settings.encrypt_files).scripts) if is_asked else set()
    backed_up, _ = image_project.backed_up(project, project.tree, settings.backup)
    return tuple(
        FileTicks(path, project.origins.get(path, path), len(data), path in encrypted, path in backed_up, why.get(path))
        for path, data in project.tree.files().items()
    )


def encrypt_ticked(files: Collection[FileTicks], path: str, *, is_on: bool) -> dict[str, Value]:
    """The settings with one script's *encrypt* changed; what is no script of the project any more is forgotten."""
    named = [one.path for one in files if one.why_plain is None and (is_on if one.path == path else one.is_encrypted)]
    return {"encrypt": bool(named), "encrypt_files": named or None}


def encrypt_all(*, is_on: bool) -> dict[str, Value]:
    """The settings with *encrypt* of every script, also of those that come later."""
    return {"encrypt": is_on, "encrypt_files": None}


def backup_ticked(files: Collection[FileTicks], path: str, *, is_on: bool) -> dict[str, Value]:
    """The settings with one file's *backup* changed; what is no file of the project any more is forgotten."""
    return {"backup": [one.path for one in files if (is_on if one.path == path else one.is_backed_up)]}


def backup_all(*, is_on: bool) -> dict[str, Value]:
    """The settings with *backup* of every file, also of those that come later."""
    return {"backup": [ALL] if is_on else []}
