"""What a simulated device keeps in its flash: secret, versions, the upgrade it is in, and what chance has used up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from moduline.errors import BadFormat, Text

FORMAT: Final = "fleet state"


@dataclass(slots=True)
class Task:
    """The one upgrade an SDK remembers.

    Attributes:
        code: last status, as of 0x0114.
        component: identifier.
        type: 0 module, 1 MCU.
        target: wanted version.
    """

    code: int
    component: str
    type: int
    target: str


@dataclass(slots=True)
class Stored:
    """The flash of one device.

    Attributes:
        ds: device secret; None before the first contact.
        module_version: what runs.
        mcus: version by component.
        task: the upgrade in progress.
        failures: downloads in a row that failed.
        loops: starts left before the old firmware comes back.
        said: messages so far, for chance.
        tries: downloads so far, for chance.
        dials: connections so far, for chance.
        boots: starts so far, for chance.
    """

    ds: str | None
    module_version: str
    mcus: dict[str, str] = field(default_factory=dict)
    task: Task | None = None
    failures: int = 0
    loops: int = 0
    said: int = 0
    tries: int = 0
    dials: int = 0
    boots: int = 0

    def to_json(self) -> dict[str, Any]:
        """As `from_json` reads it."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__}
        if self.task is not None:
            values["task"] = [self.task.code, self.task.component, self.task.type, self.task.target]
        return values

    @classmethod
    def from_json(cls, values: Any) -> Stored:
        """What `to_json` gave.

        Raises:
            BadFormat: something else.
        """
        try:
            task = None if values["task"] is None else Task(*values["task"])
            stored = cls(**{**values, "task": task, "mcus": dict(values["mcus"])})
        except (TypeError, KeyError, ValueError) as error:
            raise _bad() from error
        numbers: tuple[object, ...] = (
            stored.failures,
            stored.loops,
            stored.said,
            stored.tries,
            stored.dials,
            stored.boots,
        )
        texts: tuple[object, ...] = (stored.module_version, stored.ds or "", *stored.mcus, *stored.mcus.values())
        if task is not None:
            numbers += (task.code, task.type)
            texts += (task.component, task.target)
        if not all(type(one) is int for one in numbers) or not all(isinstance(one, str) for one in texts):
            raise _bad()
        return stored


def _bad() -> BadFormat:
    return BadFormat(format=FORMAT, reason=Text("not a device of a fleet", "不是设备状态"), offset=0)
