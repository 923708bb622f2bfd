"""The user's own scripts on virtual modules: what the pytest plugin, ``moduline test`` and ``moduline run`` stand on.

::

    test (synchronous) ──▶ ModuleUnderTest ──▶ LoopThread ──▶ HostedModule (asyncio) ──▶ VirtualModule
                                                              HostedModule ──▶ Console, ReplSession, AtSession

Everything of a module lives on one event loop in a background thread; a test calls plain functions, each of which waits
until the loop has done it. One zygote and one programmed flash per model and project serve a whole session.
"""

from __future__ import annotations
