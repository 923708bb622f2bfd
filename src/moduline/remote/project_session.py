"""A project on a running module: send what changed, restart, listen.

The first time everything is compared with what lies on the module, by size and hash. From then on only what changed
*here* is sent: a file that the script itself has rewritten on the module (its settings, its counters) is left alone
until it changes here, too.

Source: device-api 2.2, 2.4 (a module listens to Ctrl-C only a second after main.py started), 4.
"""

from __future__ import annotations

import asyncio
import contextlib
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from moduline.errors import ModulineError, PortGone
from moduline.events import Reporter, silent
from moduline.remote.console import RESTART, Console
from moduline.remote.files import HOME, ModuleFiles
from moduline.remote.repl_session import ReplSession
from moduline.remote.sync import SyncPlan, plan_sync, run_sync

STOP_LIMIT_S: Final = 8.0


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different from what was sent last.

    Attributes:
        files: new or changed content by path in ``/usr``.
        gone: paths that are not there any more.
    """

    files: Mapping[str, bytes]
    gone: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.files or self.gone)


def changes_between(before: Mapping[str, bytes], now: Mapping[str, bytes]) -> Changes:
    """What must be sent so that ``before`` becomes ``now``."""
    changed = {path: data for path, data in now.items() if before.get(path) != data}
    return Changes(changed, tuple(path for path in before if path not in now))


class ProjectSession:
    """One module that a project runs on.

    Args:
        console: listens to its REPL port.
        report: gets progress and notices of the files.
    """

    def __init__(self, console: Console, report: Reporter = silent) -> None:
        self._console = console
        self._report = report

    async def send(self, files: Mapping[str, bytes], gone: tuple[str, ...] = ()) -> SyncPlan:
        """Interrupt what runs, make these files equal, remove those; gives what was done.

        When the port vanishes meanwhile this begins again as soon as it is back.

        Raises:
            ReplBusy: the script does not let itself be interrupted.
            RemoteFull, RemoteFileFailed, RemoteFileDiffers: a file could not be written.
        """
        while True:
            await self._console.wait_there()
            try:
                async with ReplSession(self._console.lend()) as repl:
                    module = ModuleFiles(repl, self._report)
                    plan = await plan_sync(module, dict(files))
                    await run_sync(module, plan, dict(files))
                    for path in gone:
                        if await module.find(posixpath.join(HOME, path)) is not None:
                            await module.remove(posixpath.join(HOME, path))
                    return plan
            except PortGone:
                continue

    async def restart(self) -> None:
        """Soft reset: main.py runs. The module stands at its friendly prompt before."""
        while True:
            await self._console.wait_there()
            try:
                await self._console.write(RESTART)
            except PortGone:
                continue
            return

    async def stop(self) -> bool:
        """Interrupt what runs and leave the module at its prompt; False when it did not let itself be interrupted."""
        if not self._console.is_there:
            return False
        with contextlib.suppress(ModulineError, TimeoutError):
            async with asyncio.timeout(STOP_LIMIT_S):
                async with ReplSession(self._console.lend()):
                    return True
        return False
