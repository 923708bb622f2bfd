"""Ports that this program offers in the virtual USB tree, so that every address and every watch finds them.

A tap and a replay are seen as a module: ``virt:NAME`` leads to their ports, which appear and vanish as those of the
module behind them do, or did. The tree forgets them when this process ends.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from moduline.port import registry
from moduline.port.pty import PtyEnd
from moduline.port.registry import ModuleEntry, ModuleState, PortEntry
from moduline.port.tcp import TcpEnd, open_tcp_end

PortKind = Literal["pty", "tcp"]


def silent(role: str, path: str) -> None:
    """Tells nobody of a port that appeared (its role and path) or went (an empty path)."""
    del role, path


@dataclass(frozen=True, slots=True)
class Offered:
    """One port on offer: its entry in the tree, and this program's end of it."""

    entry: PortEntry
    end: PtyEnd | TcpEnd


class Offer:
    """A module of ours in the tree.

    Args:
        rack: under which it is shown.
        name: as in ``virt:NAME``.
        kind: ``pty``, or ``tcp`` where there are no pseudo-terminals.
    """

    def __init__(self, rack: str, name: str, kind: PortKind | None = None) -> None:
        self.rack = rack
        self.name = name
        self._kind = kind or ("pty" if hasattr(os, "openpty") else "tcp")
        self._ports: dict[str, Offered] = {}

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles of the ports that are there now."""
        return tuple(self._ports)

    async def open(self, role: str, vid: int = 0, pid: int = 0, product: str = "") -> PtyEnd | TcpEnd:
        """A port of that role appears; in place of one that is there.

        Raises:
            StorageFailed: no pseudo-terminal is left, or the tree cannot be written.
            BadOption: the name is no plain file name.
        """
        await self._drop(role)
        folder = registry.rack_folder(self.rack) / self.name
        end = PtyEnd(folder / role) if self._kind == "pty" else await open_tcp_end()
        location = f"virt-{self.rack}-{self.name}"
        entry = PortEntry(role, end.path, vid, pid, product, location, registry.next_enumeration())
        self._ports[role] = Offered(entry, end)
        self.show()
        return end

    async def withdraw(self, role: str) -> None:
        """The port of that role vanishes; nothing happens when it is not there."""
        if role in self._ports:
            await self._drop(role)
            self.show()

    def end(self, role: str) -> PtyEnd | TcpEnd | None:
        """This program's end of a port; None when there is none."""
        offered = self._ports.get(role)
        return offered.end if offered is not None else None

    def show(self) -> None:
        """Tell the tree what there is.

        Raises:
            StorageFailed: the tree cannot be written.
        """
        state: ModuleState = "download" if "download" in self._ports else "running" if self._ports else "off"
        ports = tuple(offered.entry for offered in self._ports.values())
        registry.publish(ModuleEntry(self.name, self.rack, slot=self.name, state=state, ports=ports))

    async def close(self) -> None:
        """Everything vanishes."""
        for role in tuple(self._ports):
            await self._drop(role)
        registry.withdraw(self.rack, self.name)

    async def _drop(self, role: str) -> None:
        offered = self._ports.pop(role, None)
        if offered is not None:
            await offered.end.close()
