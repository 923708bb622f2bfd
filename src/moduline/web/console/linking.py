"""Addresses of pages of the console with what they show: the state of a page is in its address."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode


def address(path: str, **asked: Any) -> str:
    """A path with its query; what is None, empty or false is left out."""
    pairs = [(name, value) for name, value in asked.items() if value not in (None, "", False)]
    return f"{path}?{urlencode(pairs, quote_via=quote)}" if pairs else path


def devices_with(**asked: Any) -> str:
    """The page of devices, showing some of them.

    Args:
        asked: ``product``, ``q``, ``online``, ``enabled``, ``version``, ``tag``, ``filter``, ``after``.
    """
    return address("/console/devices", **asked)
