"""Topic names and filters: what may be written, and which filter takes which name.

::

    q/2/d/<client id>/ota     a name: levels between slashes, no wildcard
    q/1/d/<client id>/+       a filter: "+" stands for exactly one level,
    q/1/d/#                   "#" for all the rest, and only at the end

Source: MQTT 3.1.1, section 4.7.
"""

from __future__ import annotations

LONGEST_BYTES = 65_535


def is_name(topic: str) -> bool:
    """Whether a message may be published to ``topic``."""
    return 0 < len(topic) <= LONGEST_BYTES and "+" not in topic and "#" not in topic and "\0" not in topic


def is_filter(text: str) -> bool:
    """Whether ``text`` may be subscribed to: wildcards only as whole levels, "#" only as the last."""
    if not text or "\0" in text or len(text) > LONGEST_BYTES:
        return False
    if "+" not in text and "#" not in text:
        return True
    levels = text.split("/")
    if any("#" in level for level in levels[:-1]) or ("#" in levels[-1] and levels[-1] != "#"):
        return False
    return all(level == "+" for level in levels if "+" in level)


def does_match(pattern: str, name: str) -> bool:
    """Whether the filter ``pattern`` takes messages of the topic ``name``.

    "#" also takes the level above it (``a/#`` takes ``a``); names that begin with "$" are not taken by a leading
    wildcard.
    """
    wanted = pattern.split("/")
    given = name.split("/")
    if name.startswith("$") and wanted[0] in {"+", "#"}:
        return False
    for at, level in enumerate(wanted):
        if level == "#":
            return True
        if at >= len(given) or (level not in {"+", given[at]}):
            return False
    return len(wanted) == len(given)
