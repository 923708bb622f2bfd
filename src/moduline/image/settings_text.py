"""Changing single settings of a ``moduline.toml``; every comment, blank line and other setting stays as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import tomlkit
from tomlkit.exceptions import TOMLKitError

from moduline.errors import BadRecipe, Text
from moduline.image.project import SETTINGS_NAME, read_settings

Value = str | bool | Sequence[str] | None
LINE_CHARS: Final = 100
"""A list that is longer stands one item a line."""


def changed(data: bytes, changes: Mapping[str, Value], path: str = SETTINGS_NAME) -> bytes:
    """The file with some settings set, and those that are None taken out.

    Args:
        data: as it is; empty for a project without one.
        changes: value by key.
        path: how messages call it.

    Raises:
        BadRecipe: the file, or what it would become, is not a moduline.toml.
    """
    try:
        document = tomlkit.parse(data.decode("utf-8-sig"))
        for key, value in changes.items():
            if value is None:
                document.pop(key, None)
            elif key not in document or document[key] != value:
                document[key] = _written(value)
        made = tomlkit.dumps(document).encode("utf-8")
    except (TOMLKitError, UnicodeDecodeError) as wrong:
        raise BadRecipe(path=path, key="-", reason=Text(str(wrong), str(wrong))) from wrong
    read_settings(made, path)
    return made


def _written(value: str | bool | Sequence[str]) -> object:
    if isinstance(value, str | bool):
        return value
    made = tomlkit.array()
    made.extend(value)
    if sum(len(one) + 4 for one in value) > LINE_CHARS:
        made.multiline(True)
    return made
