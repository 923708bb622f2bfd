"""What modules said about themselves when they were asked; kept by the server as long as their ports stay."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

from moduline.errors import ModulineError
from moduline.port.connected import ConnectedModule
from moduline.vmodule import rack_client


@dataclass(frozen=True, slots=True)
class Said:
    """What a module said; empty where it did not say, ``is_silent`` when it did not answer."""

    model: str = ""
    imei: str = ""
    version: str = ""
    is_silent: bool = False


_said: dict[str, tuple[object, Said]] = {}


def mark(module: ConnectedModule) -> object:
    """What changes when the module was away in between."""
    return tuple(sorted((port.path, port.enumeration) for port in module.ports))


def keep(module: ConnectedModule, said: Said) -> None:
    """Remember it until the ports change."""
    _said[module.place] = (mark(module), said)


def said_by(module: ConnectedModule) -> Said:
    """What the module said since its ports appeared."""
    marked, said = _said.get(module.place, (None, Said()))
    return said if marked == mark(module) else Said()


async def ask_racks(modules: Iterable[ConnectedModule]) -> bool:
    """Have racks tell the firmware of their modules, which disturbs nothing; whether anything is new."""
    unknown = [one for one in modules if one.is_virtual and one.state == "running" and said_by(one) == Said()]
    is_new = False
    for rack in {one.rack for one in unknown}:
        with contextlib.suppress(ModulineError):  # a rack that goes down; its modules vanish by themselves
            answer = await asyncio.to_thread(rack_client.ask, rack, "list")
            told = {str(one["name"]): str(one.get("version") or "") for one in answer["modules"]}
            for module in unknown:
                if module.rack == rack and told.get(module.name):
                    keep(module, Said(module.model, module.imei, told[module.name]))
                    is_new = True
    return is_new
