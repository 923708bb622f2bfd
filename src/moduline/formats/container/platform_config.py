"""``platform_config.json``: the word with which a zip says for which platform it is, ``{"platform": "ASR1606"}``.

Source: platform-asr 1.1; platform-eigencomm 1.1.
"""

from __future__ import annotations

import json
from typing import Any, Final

from moduline.errors import BadFormat, Text

CONFIG_NAME: Final = "platform_config.json"
MAX_BYTES: Final = 64 << 10


def platform_of(config: bytes | None, container: Text) -> str:
    """The word, in lower case; empty when there is no such file, or it says none.

    Args:
        config: the file; None when the package has none.
        container: name of the format it stands in, for the error.

    Raises:
        BadFormat: it is no JSON (rule ``platform-config``).
    """
    if config is None or len(config) > MAX_BYTES:  # the reader of shells has already refused a wrong one at the top
        return ""
    try:
        value: Any = json.loads(config)
    except (ValueError, RecursionError) as wrong:
        why = Text("platform_config.json is no JSON", "platform_config.json 不是 JSON")
        raise BadFormat(format=container, reason=why, offset=0, rule="platform-config") from wrong
    word = value.get("platform") if isinstance(value, dict) else None
    return word.strip().lower() if isinstance(word, str) else ""
