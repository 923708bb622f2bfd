"""A script area without its main.py: the same files, main.py under another name, so that nothing starts by itself.

This is the last step that frees a module whose firmware does not honour Ctrl-C: the area is read in download mode,
changed here, and written back; not a file is lost. When main.py is on the list of protected files it is taken off, or
the next boot would bring it back.

Source: device-api 2.3, 6.3, T03 (only re-flashing recovers).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from moduline.formats import checksum, littlefs
from moduline.formats.littlefs.volume import Entry, FsGeometry

MAIN: Final = "main.py"
OFF: Final = "main.py.off"
_LISTED: Final = checksum.MOUNT + MAIN


@dataclass(frozen=True, slots=True)
class SetAside:
    """An area whose main.py has another name.

    Attributes:
        image: the whole area.
        renamed_to: what main.py is called now, such as ``main.py.off``.
        was_protected: it was on the list of files that a backup restores.
        kept_files: files in the area, main.py included; none is lost.
    """

    image: bytes = field(repr=False)
    renamed_to: str
    was_protected: bool
    kept_files: int


def set_aside_main(area: bytes, geometry: FsGeometry, backup_list: bytes | None = None) -> SetAside | None:
    """The area with main.py renamed; None when it has no main.py.

    Args:
        area: content of the partition.
        geometry: how the module drives it.
        backup_list: ``checksum.json`` of the backup area; counts where the script area has lost its own.

    Raises:
        FormatError: the area holds no file system of that kind, or a damaged one.
        TooBig: it is so full that the list cannot be written.
    """
    found = littlefs.read_image(area, geometry.kind)
    names = {path for path, _ in found.entries}
    if MAIN not in names:
        return None
    number = 1
    while (off := OFF + (str(number) if number > 1 else "")) in names:
        number += 1
    lists = {path: data for path, data in found.entries if path == checksum.LIST_NAME and data is not None}
    kept_list = lists.get(checksum.LIST_NAME, backup_list)
    shortened = _without_main(kept_list) if kept_list is not None else None
    entries = [_renamed(entry, off, shortened) for entry in found.entries]
    if shortened is not None and checksum.LIST_NAME not in names:
        entries.append((checksum.LIST_NAME, shortened))
    image = littlefs.write_image(entries, geometry, disk_version=found.disk_version)
    return SetAside(image, off, shortened is not None, sum(data is not None for _, data in found.entries))


def _renamed(entry: Entry, off: str, shortened: bytes | None) -> Entry:
    path, data = entry
    if path == MAIN:
        return off, data
    return (path, shortened) if path == checksum.LIST_NAME and shortened is not None else entry


def _without_main(listed: bytes) -> bytes | None:
    """The list without main.py; None when it is not on it, or when no module could read the list either."""
    try:
        rows: Any = json.loads(listed)
    except (ValueError, RecursionError):
        return None
    if not isinstance(rows, list):
        return None
    kept = [row for row in rows if not (isinstance(row, Mapping) and str(row.get("name", "")).lower() == _LISTED)]
    if len(kept) == len(rows):
        return None
    return json.dumps(kept, ensure_ascii=False).encode("utf-8", "surrogateescape")
