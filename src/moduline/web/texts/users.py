"""Sentences of the page "Users"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "users.title": Text("Users", "用户"),
    "users.about": Text("Accounts and their roles.", "账号及其角色。"),
}
