"""What a scenario says, as frozen values: which modules there are, what surrounds them, and what goes wrong when.

::

    FILE.toml ──read_scenario──▶ Scenario ──▶ ModulePlan per module ──▶ rack: flash, contents, World, faults, timeline
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """Something happens to a module.

    Attributes:
        at_s: seconds of the module's clock after the start of the scenario.
        fault: words of ``faults.words``.
    """

    at_s: float
    fault: str


@dataclass(frozen=True, slots=True)
class ModulePlan:
    """One module of a scenario.

    Attributes:
        name: as in ``virt:NAME``.
        number: its place in the rack, from 1, by the order of the file.
        module: slug of its profile.
        slot: name of the place; empty for ``A<number>``.
        package: firmware in the flash; None for the stock package of our own virtual firmware.
        is_blank: the flash is erased.
        contents: files and folders put into ``/usr`` before the first power-on.
        is_off: without power at first.
        is_realistic: boots as slowly as real modules.
        is_tcp: TCP ports instead of pseudo-terminals.
        seed: decides what is left to chance in this module.
        surroundings: plan of each part of its world that the scenario speaks about, by the name of its table.
        faults: words switched on before the first power-on.
        timeline: what happens later, in the order of the file.
    """

    name: str
    number: int
    module: str
    slot: str = ""
    package: Path | None = None
    is_blank: bool = False
    contents: tuple[Path, ...] = ()
    is_off: bool = False
    is_realistic: bool = False
    is_tcp: bool = False
    seed: int = 0
    surroundings: Mapping[str, object] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    timeline: tuple[TimelineEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """A rack and its story.

    Attributes:
        path: of the file; relative paths in it count from its folder.
        title: one line for people.
        seed: decides what is left to chance.
        modules: by number.
    """

    path: Path
    title: str
    seed: int
    modules: tuple[ModulePlan, ...]
