"""One virtual module in this process, ready to use: the verb behind ``async with open_module(...)``.

A rack in the background is ``rack``; this is for scripts and tests that want the module in their own hands.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from moduline.vmodule.factory import program_package, read_firmware
from moduline.vmodule.facts import identity_of
from moduline.vmodule.interpreter.plan import RuntimePlan
from moduline.vmodule.interpreter.runtime import ScriptRuntime
from moduline.vmodule.interpreter.zygote import Zygote
from moduline.vmodule.module import VirtualModule
from moduline.vmodule.module_options import ModuleOptions, Runtime


@asynccontextmanager
async def open_module(
    module: str = "ec600u",
    package: bytes | None = None,
    folder: Path | None = None,
    options: ModuleOptions | None = None,
    name: str = "m1",
) -> AsyncIterator[VirtualModule]:
    """A module without power; it and its interpreter end with the context.

    Args:
        module: slug of its profile.
        package: firmware programmed into a new flash beforehand; None leaves it erased.
        folder: where its flash is kept; None for a temporary one.
        options: how it is set up.
        name: of the module.

    Raises:
        UnknownModule: no such profile.
        InterpreterMissing: no interpreter can run here.
        FormatError: the package is none, or not for this chip.
    """
    identity = identity_of(module, name)
    with tempfile.TemporaryDirectory(prefix="moduline-") as spare:
        place = folder or Path(spare)
        is_new = not (place / "flash.bin").exists()
        zygote = await Zygote.start()

        async def make_runtime(plan: RuntimePlan) -> Runtime:
            return ScriptRuntime(plan, zygote)

        try:
            async with VirtualModule(identity, place, make_runtime, options) as opened:
                if package is not None and is_new:
                    opened.content_bytes = program_package(identity, opened.file.memory, read_firmware(package))
                    opened.file.release_memory()
                yield opened
        finally:
            await zygote.close()
