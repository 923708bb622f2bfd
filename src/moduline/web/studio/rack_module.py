"""One module of a rack as pages know it, and what can be done with it; blocking calls go to threads."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from moduline.errors import Text
from moduline.vmodule import rack_client, rack_finding
from moduline.vmodule.rack_words import STATES, reason_of
from moduline.web.texts import either

NO_SIGNAL: Final = 99
CHIPS: Final = {
    "off": ("idle", "power_settings_new"),
    "booting": ("busy", "autorenew"),
    "running": ("good", "check_circle"),
    "download": ("info", "download"),
}
"""Kind of chip and icon of each state."""
POWER_ACTS: Final = ("on", "off", "reset", "boot-pin")


@dataclass(frozen=True, slots=True)
class Shown:
    """A module as a rack tells it.

    Args:
        facts: of ``rack_views.shown_of``.
    """

    facts: dict[str, Any]

    @property
    def rack(self) -> str:
        """Its rack."""
        return str(self.facts["rack"])

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.facts["name"])

    @property
    def key(self) -> str:
        """What it is called in addresses of pages."""
        return f"{self.rack}/{self.name}"

    @property
    def address(self) -> str:
        """What commands call it."""
        return f"virt:{self.key}"

    @property
    def state(self) -> str:
        """One of ``CHIPS``."""
        return str(self.facts["state"])

    @property
    def is_plugged(self) -> bool:
        """Whether its cable is in."""
        return bool(self.facts.get("is_plugged", True))

    @property
    def signal(self) -> dict[str, Any]:
        """Card, network and supply."""
        return dict(self.facts.get("signal", {}))

    @property
    def faults(self) -> list[str]:
        """Words of what is on."""
        return list(self.facts["faults"])

    def state_words(self) -> str:
        """Its state, and why it is so."""
        word = said(STATES[self.state])
        reason = str(self.facts["reason"])
        return f"{word} · {said(reason_of(reason))}" if reason else word

    async def power(self, action: str) -> None:
        """Switch it: one of ``POWER_ACTS``.

        Raises:
            ModulineError: the rack is gone, or the module does not come up.
        """
        await self.ask("power", action=action)

    async def ask(self, do: str, **wanted: Any) -> dict[str, Any]:
        """Ask its rack.

        Raises:
            ModulineError: what the rack answered.
        """
        return await asyncio.to_thread(rack_client.ask, self.rack, do, name=self.name, **wanted)


async def look() -> tuple[list[Shown], list[str]]:
    """Every module that is up, and racks that died.

    Raises:
        ModulineError: a rack does not answer.
    """
    modules, dead = await asyncio.to_thread(rack_finding.all_modules)
    return [Shown(one) for one in modules], dead


def said(text: Text) -> str:
    """A text of a room below in the language of the viewer."""
    return either(text.en, text.zh)
