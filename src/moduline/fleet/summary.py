"""What a fleet did, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from moduline.fleet.virtual import VirtualSummary

_PARTS: Final = frozenset({"tally", "virtual"})


@dataclass(slots=True)
class Tally:
    """Counts that grow while a fleet runs.

    Attributes:
        connections: that came online.
        refusals: CONNACK codes other than 0, by code.
        unreached: tries without any connection.
        lost: connections that the server or the network ended.
        broken: connections ended because the server broke the rules of MQTT.
        unreadable: messages of the server that say nothing.
        messages_up, messages_down: of QuecThing.
        bytes_up, bytes_down: of MQTT.
        downloads: ends of downloads, by end.
        downloaded_bytes: of bodies.
        statuses: 0x0114, by code.
        outcomes: ends of upgrades, by outcome.
        reasons: why they failed or were refused.
    """

    connections: int = 0
    refusals: Counter[int] = field(default_factory=Counter)
    unreached: int = 0
    lost: int = 0
    broken: int = 0
    unreadable: int = 0
    messages_up: int = 0
    messages_down: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    downloads: Counter[str] = field(default_factory=Counter)
    downloaded_bytes: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Summary:
    """The end of a run.

    Attributes:
        devices: light ones in the fleet; so are all counts but those of ``virtual``.
        seconds: real ones.
        is_done: every device, light or not, had come to the end of an upgrade.
        reach: devices by how they could be reached at the end.
        phases: devices by how far their upgrade was at the end.
        devices_by_outcome: their last one; "none" for those that had none.
        versions: devices by module version at the end.
        tally: counts of the whole run.
        virtual: full virtual modules; None when there were none.
    """

    devices: int
    seconds: float
    is_done: bool
    reach: dict[str, int]
    phases: dict[str, int]
    devices_by_outcome: dict[str, int]
    versions: dict[str, int]
    tally: Tally
    virtual: VirtualSummary | None = None

    def to_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        facts: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__ if name not in _PARTS}
        for name in Tally.__slots__:
            value = getattr(self.tally, name)
            facts[name] = {str(key): count for key, count in value.items()} if isinstance(value, Counter) else value
        facts["seconds"] = round(self.seconds, 3)
        return facts if self.virtual is None else {**facts, "virtual": self.virtual.to_json()}
