"""A virtual module of one's own for a single command: with the project in its flash, gone at the end."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from moduline.events import Reporter, silent
from moduline.formats.littlefs import read_image, write_image
from moduline.port.pty import open_pty
from moduline.port.stream import ByteStream
from moduline.profiles.module import USER_FS
from moduline.testing.factory_flash import RACK, FactoryFlash, write_area
from moduline.testing.project import LoadedProject, images_of
from moduline.vmodule.facts import identity_of
from moduline.vmodule.interpreter.plan import RuntimePlan
from moduline.vmodule.interpreter.runtime import ScriptRuntime
from moduline.vmodule.interpreter.zygote import Zygote
from moduline.vmodule.module import VirtualModule
from moduline.vmodule.module_options import ModuleOptions, Runtime

NAME: Final = "m1"


async def put_files(module: VirtualModule, files: Mapping[str, bytes], gone: Iterable[str]) -> None:
    """Change files of ``/usr`` in the flash and start the module anew, for firmware that no Ctrl-C stops.

    Raises:
        TooBig: they do not fit.
        BadFormat: the file system is damaged.
    """
    await module.power_off()
    identity = module.identity
    partition = identity.profile.partition(USER_FS)
    assert partition is not None, "a module that runs scripts has a place for them"
    geometry = identity.profile.fs.geometry(partition.size_bytes)
    cells = module.file.memory.read(identity.offset_of(partition), partition.size_bytes)
    tree: dict[str, bytes | None] = dict(read_image(cells, geometry.kind).entries) | dict(files)
    for path in gone:
        tree.pop(path, None)
    write_area(module.file, identity, USER_FS, write_image(tuple(tree.items()), geometry))
    await module.power_on()


@asynccontextmanager
async def private_module(
    loaded: LoadedProject, report: Reporter = silent
) -> AsyncIterator[tuple[VirtualModule, Callable[[], Awaitable[ByteStream]]]]:
    """A module with the project's files, without power, and what opens its REPL port as soon as there is one.

    Raises:
        TooBig: the files do not fit.
        InterpreterMissing: no interpreter can run here.
    """
    identity = identity_of(loaded.module, NAME, RACK)
    with tempfile.TemporaryDirectory(prefix="moduline-run-") as spare:
        folder = Path(spare) / NAME
        FactoryFlash(Path(spare)).place(folder, identity, images_of(loaded, loaded.module), None)
        zygote = await Zygote.start()

        async def make_runtime(plan: RuntimePlan) -> Runtime:
            return ScriptRuntime(plan, zygote)

        try:
            async with VirtualModule(identity, folder, make_runtime, ModuleOptions(report=report)) as module:

                async def open_repl() -> ByteStream:
                    await module.wait_until(lambda: bool(module.port_path("repl")))
                    return open_pty(module.port_path("repl"))

                yield module, open_repl
        finally:
            await zygote.close()
