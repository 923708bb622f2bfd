"""Something decided on the way to a production package, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moduline.errors import Text


@dataclass(frozen=True, slots=True)
class Decision:
    """Something decided, and what it rests on; ``name`` is a stable slug."""

    name: str
    value: str
    reason: Text
    facts: Mapping[str, Any] = field(default_factory=dict)
