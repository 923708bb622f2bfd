"""Puts the data folders into a wheel; an editable install finds them in the checkout and lists no file of theirs."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DATA = ("onboard", "firmware", "examples")


class DataHook(BuildHookInterface):
    """MicroPython sources, firmware recipes and examples travel inside the wheel as data."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before a build; ``version`` is ``standard`` or ``editable``."""
        if version == "standard":
            build_data["force_include"].update({name: f"moduline/_data/{name}" for name in DATA})
