"""What a rack tells about one of its modules, as plain values for its control channel.

``shown_of`` is one row of ``list``: who it is, its state, what surrounds it. ``wear_of`` is the flash as it has worn,
sectors of the same count joined; ``operations_of`` is what was done to it lately. Each looks only when it is asked.

::

    wear        {"sector_bytes": 4096, "runs": [[first sector, sectors, erases], ...], "partitions": [...], ...}
    operations  {"operations": [{"first": 17, "last": 19, "verb": "program", "address": ..., "size_bytes": 768, ...}],
                 "last": 19, "is_gap": false}
"""

from __future__ import annotations

from itertools import groupby
from typing import Any, Final

from moduline.errors import BadOption, Text
from moduline.profiles.module import Partition
from moduline.vmodule.facts import ModuleIdentity
from moduline.vmodule.module import VirtualModule
from moduline.vmodule.world.radio_plan import REGISTRATIONS

REGISTRATION_NAMES: Final = {
    0: "idle",
    4: "unknown",
    **{number: kind for kind, number in REGISTRATIONS.items() if kind != "none"},
    2: "searching",
}
"""What the network has made of a module, by the number of 3GPP TS 27.007 (7.2)."""
AS_PLANNED: Final = "plan"
MOST_RUNS: Final = 512


def shown_of(module: VirtualModule, slug: str) -> dict[str, Any]:
    """One module as ``list`` shows it.

    Args:
        module: which one.
        slug: what it was set up as.
    """
    entry = module.entry()
    return {
        "name": entry.name,
        "rack": entry.rack,
        "module": slug,
        "number": module.identity.number,
        "model": entry.model,
        "imei": entry.imei,
        "slot": entry.slot,
        "state": entry.state,
        "reason": module.reason,
        "version": module.firmware_version,
        "faults": list(module.faults.words),
        "ports": {port.role: port.path for port in entry.ports},
        "is_plugged": not module.is_unplugged,
        "signal": signal_of(module),
    }


def signal_of(module: VirtualModule) -> dict[str, Any]:
    """Card, network and supply of a module as they are now; ``rssi`` as ``AT+CSQ`` counts it."""
    radio = module.world.radio
    return {
        "rssi": radio.rssi,
        "registration": REGISTRATION_NAMES[radio.registration],
        "is_heard": not radio.cell.is_lost,
        "is_sim_in": radio.sim.is_in,
        "has_data": radio.has_data,
        "battery_mv": radio.battery_mv,
    }


def change_signal(module: VirtualModule, wanted: dict[str, Any]) -> None:
    """Change card, network and supply of a module.

    Args:
        module: which one.
        wanted: ``rssi``, ``registration`` and ``battery`` as in the words of faults, or "plan" for what the scenario
            says; ``network`` "on" or "off"; ``sim`` "in" or "out". What is not named stays.

    Raises:
        BadOption: a value that cannot be meant; then nothing of it was done.
    """
    begins, ends = [], []
    for name in ("rssi", "registration", "battery"):
        value = str(wanted.get(name, ""))
        if value == AS_PLANNED:
            ends += [word for word in module.faults.words if word.startswith(f"{name}=")]
        elif value:
            begins.append(f"{name}={value}")
    switches = {
        "network": {"on": "network", "off": "no-network"},
        "sim": {"in": "sim-in", "out": "sim-out"},
    }
    for name, words in switches.items():
        value = str(wanted.get(name, ""))
        if value and value not in words:
            why = Text("use {known}", "可用：{known}")
            raise BadOption(name=name, reason=why, known=", ".join(words))
        if value:
            begins.append(words[value])
    if begins:
        module.fault(",".join(begins))
    if ends:
        module.end_fault(",".join(ends))


def wear_of(module: VirtualModule) -> dict[str, Any]:
    """How often each sector of a module's flash was erased, over all its lives."""
    identity, memory = module.identity, module.file.memory
    unit, wear = identity.geometry.erase_bytes, memory.wear
    runs, at = [], 0
    for erases, group in groupby(wear):
        count = sum(1 for _ in group)
        runs.append([at, count, erases])
        at += count
    return {
        "capacity_bytes": identity.geometry.capacity_bytes,
        "sector_bytes": unit,
        "address": identity.address_of(0),
        "erases": sum(wear),
        "most": max(wear),
        "runs": runs,
        "partitions": [_worn(one, identity, list(wear), unit) for one in _in_order(identity)],
        "since_start": {
            "programs": memory.counts.programs,
            "programmed_bytes": memory.counts.programmed_bytes,
            "erases": memory.counts.erases,
        },
    }


def operations_of(module: VirtualModule, since: int, most: int = MOST_RUNS) -> dict[str, Any]:
    """What was done to a module's flash after operation ``since``, the latest ``most`` runs of it."""
    news, identity = module.file.log.since(max(0, since), max(1, most)), module.identity
    places = _in_order(identity)
    return {
        "operations": [
            {
                "first": run.first,
                "last": run.last,
                "at_s": round(run.at_s, 3),
                "verb": run.verb,
                "address": identity.address_of(run.offset),
                "size_bytes": run.end - run.offset,
                "partition": _role_at(run.offset, places, identity),
            }
            for run in news.runs
        ],
        "last": news.last,
        "is_gap": news.is_gap,
    }


def _in_order(identity: ModuleIdentity) -> list[Partition]:
    return sorted(identity.profile.partitions, key=identity.offset_of)


def _worn(one: Partition, identity: ModuleIdentity, wear: list[int], unit: int) -> dict[str, Any]:
    offset = identity.offset_of(one)
    sectors = wear[offset // unit : (offset + one.size_bytes) // unit]
    return {
        "role": one.role,
        "part": one.part,
        "mount": one.mount,
        "address": one.address,
        "offset": offset,
        "size_bytes": one.size_bytes,
        "erases": sum(sectors),
        "most": max(sectors, default=0),
    }


def _role_at(offset: int, places: list[Partition], identity: ModuleIdentity) -> str:
    """The partition a place lies in; empty between partitions."""
    for one in places:
        if identity.offset_of(one) <= offset < identity.offset_of(one) + one.size_bytes:
            return one.role
    return ""
