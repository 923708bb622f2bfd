"""A tap: ports of our own in front of those of a module; every byte is passed on and written down.

::

    any program ◀─▶ virt:tap (a port per role) ◀── tap ──▶ the module's ports
                                                   └──▶ recording

The tap follows its module through restarts and download mode: its ports come and go with those of the module, by the
same roles, so that even a whole burn can be recorded through it. The module's own ports are held by the tap meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from moduline.errors import ModulineError, NoModule, PortBusy, PortGone
from moduline.port.address import open_port
from moduline.port.listing import PortInfo
from moduline.port.offered import Offer, silent
from moduline.port.recording import Recorder
from moduline.port.stream import ByteStream
from moduline.port.watch import Watch

RACK = "taps"
OPEN_TRIES = 20
OPEN_RETRY_S = 0.05


class Tap:
    """Stands between a module and whoever wants to talk to it.

    Args:
        place: of the module, or the path of a single port.
        fixed: the port, when the address named one that no listing shows; None: the watch is followed.
        offer: where the ports appear.
        recorder: writes everything down.
        on_change: told whenever a port came or went, by role and path; empty path for gone.
    """

    def __init__(
        self,
        place: str,
        fixed: PortInfo | None,
        offer: Offer,
        recorder: Recorder,
        on_change: Callable[[str, str], None] = silent,
    ) -> None:
        self._place = place
        self._fixed = fixed
        self._offer = offer
        self._recorder = recorder
        self._on_change = on_change
        self._tapped: dict[str, tuple[PortInfo, asyncio.Task[None]]] = {}

    async def run(self, watch: Watch) -> None:
        """Pass bytes until cancelled, or until a port that nothing can show again is gone.

        Raises:
            StorageFailed: the recording cannot be written.
            PortBusy: another program holds the port.
        """
        try:
            if self._fixed is not None:
                await self._pass(self._fixed)
                return
            while True:
                await self._follow({port.role: port for port in watch.at_place(self._place)})
                await watch.next_change(1.0)
        finally:
            await self._follow({})
            await self._offer.close()

    async def _follow(self, there: dict[str, PortInfo]) -> None:
        """Tap what is there and not tapped, let go of what is gone."""
        for role, (port, task) in tuple(self._tapped.items()):
            if task.done() or there.get(role) is None or there[role].enumeration != port.enumeration:
                if not task.done():
                    task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                del self._tapped[role]
                if not task.cancelled() and (failure := task.exception()) is not None:
                    raise failure
        for role, port in there.items():
            if role not in self._tapped and not role.startswith("uart"):
                self._tapped[role] = port, asyncio.get_running_loop().create_task(self._pass(port))

    async def _pass(self, port: PortInfo) -> None:
        """Hold one port of the module and offer one of ours, until either vanishes."""
        stream = await self._opened(port)
        if stream is None:
            return
        try:
            self._recorder.add("open", port.role, info=port)
            end = await self._offer.open(port.role, port.vid, port.pid, port.product)
            self._on_change(port.role, end.path)
            copies = [
                asyncio.ensure_future(self._copy(stream, end, "module", port.role)),
                asyncio.ensure_future(self._copy(end, stream, "host", port.role)),
            ]
            try:
                await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for copy in copies:
                    copy.cancel()
                results = await asyncio.gather(*copies, return_exceptions=True)
            for result in results:
                if isinstance(result, ModulineError):
                    raise result
        finally:
            self._recorder.add("gone", port.role)
            await self._offer.withdraw(port.role)
            self._on_change(port.role, "")
            await stream.close()

    async def _copy(self, source: ByteStream, target: ByteStream, kind: str, role: str) -> None:
        with contextlib.suppress(PortGone):
            while True:
                data = await source.read_some()
                self._recorder.add("host" if kind == "host" else "module", role, data)
                await target.write_all(data)

    @staticmethod
    async def _opened(port: PortInfo) -> ByteStream | None:
        """The module's port, open; None when it is gone again."""
        for attempt in range(OPEN_TRIES):
            try:
                return await open_port(port)
            except NoModule:
                return None
            except PortBusy:
                if attempt + 1 == OPEN_TRIES:
                    raise
                await asyncio.sleep(OPEN_RETRY_S)
        return None
