"""The fake module on real pseudo-terminals, in a thread of its own, for commands that open device paths."""

from __future__ import annotations

import asyncio
import threading

from moduline.errors import PortGone
from moduline.port.pty import PtyEnd
from remote.fake_module import FakeModule, MemoryFiles, Variant
from remote.test_at_session import ANSWERS, answer_at


class ModuleOnPty:
    """``with ModuleOnPty() as module``: ``repl`` and ``at`` are paths; ``fake`` is the module."""

    def __init__(self, variant=None, tree=None, modules=None):
        self.files = MemoryFiles()
        self.files.tree |= tree or {}
        self.variant, self.modules = variant or Variant(), modules or {}
        self.is_up = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.serve()))

    async def serve(self):
        self.loop, self.leave = asyncio.get_running_loop(), asyncio.Event()
        repl_end, at_end = PtyEnd(), PtyEnd()
        self.repl, self.at = repl_end.path, at_end.path
        self.fake = FakeModule(repl_end, self.variant, self.files, self.modules)
        tasks = [asyncio.create_task(self.fake.serve()), asyncio.create_task(answer_at(at_end, answers=ANSWERS))]
        self.is_up.set()
        await self.leave.wait()
        await repl_end.close()
        await at_end.close()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, BaseException) and not isinstance(result, PortGone):
                raise result

    def __enter__(self):
        self.thread.start()
        self.is_up.wait(10)
        return self

    def __exit__(self, *exc_info):
        self.loop.call_soon_threadsafe(self.leave.set)
        self.thread.join(10)
