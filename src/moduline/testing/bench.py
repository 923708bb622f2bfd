"""What a whole test session shares: the event loop, the zygote, the flashes; and the modules that are open now."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self

from moduline.errors import NoSuchFile
from moduline.profiles import catalog
from moduline.testing.covered_lines import CoveredLines
from moduline.testing.factory_flash import FLASH_NAME, RACK, FactoryFlash
from moduline.testing.hosted import HostedModule
from moduline.testing.loop_thread import LoopThread
from moduline.testing.module_under_test import ModuleUnderTest
from moduline.testing.project import DEFAULT_MODULE, Images, LoadedProject, images_of, load_project
from moduline.vmodule.facts import ModuleIdentity, identity_of
from moduline.vmodule.flash_file import FlashFile
from moduline.vmodule.interpreter.zygote import Zygote
from moduline.vmodule.module_options import ModuleOptions
from moduline.vmodule.nv_store import factory_block
from moduline.vmodule.power import REALISTIC, Timings
from moduline.vmodule.scenario import ModulePlan
from moduline.vmodule.scenario.hosting import options_with
from moduline.vmodule.world.world import World

UARTS: Final = (1, 2)
QUICK: Final = Timings(boot_s=0.0, enumerate_s=0.0, answer_s=0.02)  # tests wait for no plug to settle


@dataclass(frozen=True, slots=True)
class Wanted:
    """What module a test wants.

    Attributes:
        module: slug; empty takes the project's, then ec600u.
        project: folder whose files it holds; None for an erased file system.
        replaced: other content for some of its files.
        package: firmware; None for our own.
        uarts: numbers of the UARTs that lead somewhere.
        number: place in the rack, from 1; decides its IMEI.
        name: empty for ``m<number>``.
        plan: what a scenario says about it; wins over module, package, number and name.
    """

    module: str = ""
    project: Path | None = None
    replaced: Mapping[str, bytes] = field(default_factory=dict)
    package: bytes | None = None
    uarts: tuple[int, ...] = UARTS
    number: int = 1
    name: str = ""
    plan: ModulePlan | None = None

    def settled(self) -> Wanted:
        """The same with what the scenario says filled in.

        Raises:
            NoSuchFile: the scenario's package cannot be read.
        """
        plan = self.plan
        if plan is None:
            return replace(self, name=self.name or f"m{self.number}")
        try:
            package = plan.package.read_bytes() if plan.package is not None else None
        except OSError as wrong:
            raise NoSuchFile(path=str(plan.package), reason=wrong.strerror or str(wrong)) from wrong
        return replace(self, module=plan.module, package=package, number=plan.number, name=plan.name)


class TestBench:
    """One per session; ``close`` ends everything it started and removes what it wrote.

    Args:
        has_coverage: put probes into scripts; ``covered`` then knows which lines ran.
    """

    __test__ = False  # not a test itself

    def __init__(self, *, has_coverage: bool = False) -> None:
        self.covered = CoveredLines() if has_coverage else None
        self.folder = Path(tempfile.mkdtemp(prefix="moduline-test-"))
        self.loop = LoopThread()
        self._zygote: Zygote | None = None
        self._flash = FactoryFlash(self.folder)
        self._projects: dict[tuple[Path, str], LoadedProject] = {}
        self._images: dict[tuple[Path, str], Images] = {}
        self._numbers = itertools.count(1)
        self._open: dict[ModuleUnderTest, HostedModule] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def open(self, wanted: Wanted | None = None, world: World | None = None) -> ModuleUnderTest:
        """A fresh module, without power.

        Raises:
            UnknownModule: no such module.
            TooBig: the project does not fit.
            InterpreterMissing: no interpreter can run here.
        """
        wanted = (wanted or Wanted()).settled()
        slug = wanted.module
        loaded = self.project(wanted.project, slug) if wanted.project is not None else None
        slug = catalog.module(slug or (loaded.module if loaded else DEFAULT_MODULE)).slug
        identity = identity_of(slug, wanted.name, RACK, wanted.number, wanted.plan.slot if wanted.plan else "")
        folder = self.folder / str(next(self._numbers))
        replaced = dict(wanted.replaced)
        if self.covered is not None and loaded is not None and wanted.package is None:
            replaced = self.covered.instrument(loaded) | replaced
        if wanted.plan is None or not wanted.plan.is_blank:
            self._flash.place(folder, identity, self._images_of(loaded, slug, replaced), wanted.package)
        if wanted.number != 1 and (folder / FLASH_NAME).exists():
            with FlashFile(folder / FLASH_NAME, identity.geometry) as file:
                block = factory_block(identity.factory_imei, identity.factory_imei, identity.chip.entry.nv_bytes)
                identity.storage(file.flash).nv.write_block(block)
        hosted = self.loop.run(self._hosted(wanted, identity, folder, world))
        module = ModuleUnderTest(hosted, self.loop)
        self._open[module] = hosted
        return module

    def release(self, module: ModuleUnderTest) -> None:
        """End a module and remove its flash; nothing happens when that was done before."""
        hosted = self._open.pop(module, None)
        if hosted is not None:
            self.loop.run(hosted.close())
            shutil.rmtree(hosted.virtual.folder, ignore_errors=True)

    def project(self, folder: Path, module: str = "") -> LoadedProject:
        """A project, read once a session."""
        key = (folder, module)
        if key not in self._projects:
            self._projects[key] = load_project(folder, module)
        return self._projects[key]

    def close(self) -> None:
        """End every module, the interpreters and the event loop; remove all files."""
        for module in list(self._open):
            with contextlib.suppress(Exception):  # one that does not end well must not keep the others
                self.release(module)
        if self._zygote is not None:
            self.loop.run(self._zygote.close())
            self._zygote = None
        self.loop.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def processes(self) -> tuple[int, ...]:
        """Interpreters that run now, by process number."""
        runtimes = [hosted.virtual.runtime for hosted in self._open.values()]
        return tuple(pid for pid in (getattr(one, "pid", None) for one in runtimes) if pid)

    def _images_of(self, loaded: LoadedProject | None, slug: str, replaced: Mapping[str, bytes]) -> Images | None:
        if loaded is None:
            return None
        if replaced:
            return images_of(loaded, slug, replaced)
        key = (loaded.folder, slug)
        if key not in self._images:
            self._images[key] = images_of(loaded, slug)
        return self._images[key]

    async def _hosted(
        self, wanted: Wanted, identity: ModuleIdentity, folder: Path, world: World | None
    ) -> HostedModule:
        if self._zygote is None:
            self._zygote = await Zygote.start()
        options = ModuleOptions(timings=QUICK, uarts=wanted.uarts, world=world or World())
        if wanted.plan is not None:
            timings = REALISTIC if wanted.plan.is_realistic else QUICK
            options = options_with(replace(options, timings=timings), wanted.plan)
        covered = self.covered if wanted.package is None else None
        return await HostedModule(identity, folder, self._zygote, options, covered, wanted.plan).__aenter__()
