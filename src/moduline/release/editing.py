"""Changing a project folder piece by piece: a setting, a file more, a file less, a copy of the shipped example.

Every file is replaced as a whole or stays as it was. A new file goes where the project keeps its files: into ``usr/``
where there is one, else beside ``main.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from moduline.errors import BadOption, NoSuchFile, StorageFailed, Text
from moduline.image import entry_file
from moduline.image import ticks as ticking
from moduline.image.project import ALL, SETTINGS_NAME, USER_FOLDER, ProjectSettings, read_settings
from moduline.image.settings_text import Value, changed
from moduline.image.ticks import FileTicks
from moduline.profiles import catalog
from moduline.release import shipped
from moduline.release.output import write_whole

EXAMPLE: Final = "quec_test"
_BAD_NAME: Final = Text("not a file name inside the project", "不是工程内可用的文件名")


def change_settings(folder: Path, changes: Mapping[str, Value]) -> None:
    """Set settings of a project; comments and all other settings stay.

    Raises:
        BadRecipe: its moduline.toml is wrong, or would become so.
        UnknownModule: the module is none.
        StorageFailed: it cannot be read or written.
    """
    module = changes.get("module")
    if isinstance(module, str):
        catalog.module(module)
    place = folder / SETTINGS_NAME
    try:
        before = place.read_bytes() if place.is_file() else b""
    except OSError as wrong:
        raise StorageFailed(path=str(place), reason=wrong.strerror or str(wrong)) from wrong
    after = changed(before, changes)
    if after != before:
        write_whole(place, after)


def place_for(folder: Path, name: str) -> Path:
    """Where a new file of ``/usr`` belongs in a project folder.

    Args:
        folder: the project.
        name: below ``/usr``, with ``/``.

    Raises:
        BadOption: the name leads elsewhere.
    """
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or ".." in parts or name.startswith("/") or "\0" in name or parts == (".",):
        raise BadOption(name=name, reason=_BAD_NAME)
    is_flat = (folder / "main.py").is_file() or not (folder / USER_FOLDER).is_dir()
    return (folder if is_flat else folder / USER_FOLDER).joinpath(*parts)


def add_file(folder: Path, name: str, data: bytes) -> Path:
    """Put a file into a project, or replace the one of that name; gives where it is.

    Raises:
        BadOption: the name leads elsewhere.
        StorageFailed: it cannot be written.
    """
    place = place_for(folder, name)
    write_whole(place, data)
    return place


def remove_file(folder: Path, files: tuple[FileTicks, ...], path: str) -> None:
    """Take a file out of a project, and its ticks out of the settings where they name it.

    Args:
        folder: the project.
        files: of the project, as ``image.ticks.ticks`` gives them.
        path: of one of these.

    Raises:
        NoSuchFile: it is none of them, or gone.
        StorageFailed: it cannot be removed.
    """
    one = next((one for one in files if one.path == path), None)
    if one is None:
        raise NoSuchFile(path=path, reason=Text("not a file of the project", "不是工程中的文件"))
    rest = tuple(other for other in files if other is not one)
    try:
        (folder / one.origin).unlink()
    except FileNotFoundError as gone:
        raise NoSuchFile(path=one.origin, reason=gone.strerror) from gone
    except OSError as wrong:
        raise StorageFailed(path=one.origin, reason=wrong.strerror or str(wrong)) from wrong
    place = folder / SETTINGS_NAME
    settings = read_settings(place.read_bytes()) if place.is_file() else ProjectSettings()
    changes: dict[str, Value] = {}
    if one.is_encrypted and settings.encrypt_files:
        changes |= ticking.encrypt_ticked(rest, "", is_on=False)
    if one.is_backed_up and ALL not in settings.backup:
        changes |= ticking.backup_ticked(rest, "", is_on=False)
    if changes:
        change_settings(folder, changes)


def set_version(folder: Path, origin: str, name: str, value: str) -> None:
    """Change the constant in the entry file that gives the project its version, or its name.

    Args:
        folder: the project.
        origin: entry file within it.
        name: of the constant, such as ``PROJECT_VERSION``.
        value: the new text.

    Raises:
        BadOption: the value cannot be part of a file name, or the file has no such constant.
        NoSuchFile: there is no entry file.
        StorageFailed: it cannot be written.
    """
    place = folder / origin
    try:
        before = place.read_bytes()
    except OSError as gone:
        raise NoSuchFile(path=origin, reason=gone.strerror or str(gone)) from gone
    after = entry_file.with_constant(before, name, value)
    if after != before:
        write_whole(place, after)


def copy_example(folder: Path) -> list[str]:
    """Copy the shipped example into a new folder; gives the names of its files.

    Raises:
        BadOption: the folder holds something.
        StorageFailed: it cannot be written, or the example is not installed.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        why = Text("{folder} exists and is not empty", "{folder} 已存在且非空")
        raise BadOption(name="DIR", reason=why, folder=folder.name)
    source = shipped.folder("examples") / EXAMPLE
    files = sorted(path for path in source.iterdir() if path.is_file() and not path.name.startswith("."))
    for path in files:
        write_whole(folder / path.name, path.read_bytes())
    return [path.name for path in files]
