"""What every kind of check has in common: settings read from a recipe, and one measurement."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final, Protocol, Self

from moduline.errors import Text
from moduline.line.checks.under_test import Role, UnderTest
from moduline.line.checks.wanted import Key, Measured
from moduline.profiles.schema import Table

LoadFile = Callable[[str], bytes]
"""Gives the content of a file beside the recipe; raises NoSuchFile, StorageFailed."""

AT_OR_REPL: Final = ("at", "repl")
VIA: Final = Key("via", Text("asked on the `at` or the `repl` port", "经 `at` 或 `repl` 口查询"), "at")
POLL_S: Final = 0.25
MAX_SECONDS: Final = 3600.0


class Kind(Protocol):
    """The settings of one check of one kind."""

    TITLE: ClassVar[Text]
    KEYS: ClassVar[tuple[Key, ...]]

    @classmethod
    def read(cls, table: Table, load: LoadFile) -> Self:
        """Take the settings out of a check's table.

        Raises:
            BadRecipe: a setting is missing or wrong.
        """

    @property
    def role(self) -> Role:
        """The port it asks on."""

    @property
    def settle_s(self) -> float:
        """How much longer than its limit a measurement may take, because it waits for the value to become good."""

    async def measure(self, unit: UnderTest, limit_s: float) -> Measured:
        """Ask the module.

        Raises:
            ModulineError: what keeps it from being measured.
        """


def read_via(table: Table) -> Role:
    """The port a check asks on."""
    return "repl" if table.choice("via", AT_OR_REPL, "at") == "repl" else "at"


def read_seconds(table: Table, key: str, default: float, most: float = MAX_SECONDS) -> float:
    """A duration in seconds.

    Raises:
        BadRecipe: negative, or longer than an hour.
    """
    if not table.has(key):
        return default
    seconds = table.amount(key)
    if not 0 <= seconds <= most:
        table.refuse(key, "it must be 0 to {most} seconds", "应为 0 至 {most} 秒", most=f"{most:g}")
    return seconds
