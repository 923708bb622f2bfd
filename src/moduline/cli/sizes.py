"""Sizes as users type them: ``5242880``, ``0x500000``, ``384K``, ``5M``."""

from __future__ import annotations

import re
from typing import Final

from moduline.errors import BadOption, Text

_SIZE: Final = re.compile(r"(0x[0-9a-f]+|[0-9]+)\s*(?:([km])(?:i?b)?)?", re.IGNORECASE)
_UNITS: Final = {"": 1, "k": 1024, "m": 1024 * 1024}


def size_of(text: str, name: str) -> int:
    """The number of bytes a size stands for; K and M are 1024 and 1024 x 1024.

    Raises:
        BadOption: not a size; ``name`` is the option it was given to.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None or len(match[1]) > 20:
        reason = Text(
            f"'{text}' is not a size such as 0x500000, 384K or 5M", f"“{text}” 不是大小，例如 0x500000、384K、5M"
        )
        raise BadOption(name=name, reason=reason)
    return int(match[1], 16 if match[1][:2] in {"0x", "0X"} else 10) * _UNITS[(match[2] or "").lower()]
