"""Sentences of the page "Tokens"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "tokens.title": Text("Tokens", "令牌"),
    "tokens.about": Text("Keys for programs.", "供程序使用的访问令牌。"),
}
