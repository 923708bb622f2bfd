"""Full virtual modules among the light devices of a fleet: flash, boot code, real MicroPython, the SDK, a script.

All share one zygote and one flash that was programmed once; each has its own copy, its own world and its own IMEI.
They live in real time, whatever the clock of the light devices does.

Source: brief, decision 5; issue 6, section 8.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from moduline.errors import BadOption, StorageFailed, Text
from moduline.events import Reporter, silent
from moduline.fleet.virtual_member import VirtualDevice, VirtualMember
from moduline.nor.memory import MemoryFlash
from moduline.release.firmware import stock_package
from moduline.vmodule.boot import BootCode, BootSystem
from moduline.vmodule.factory import program_package, read_firmware
from moduline.vmodule.facts import ModuleIdentity, identity_of
from moduline.vmodule.flash_file import FlashFile
from moduline.vmodule.interpreter.plan import RuntimePlan
from moduline.vmodule.interpreter.runtime import ScriptRuntime
from moduline.vmodule.interpreter.zygote import Zygote
from moduline.vmodule.module_options import ModuleOptions, Runtime
from moduline.vmodule.nv_store import factory_block
from moduline.vmodule.scenario.contents import put_contents
from moduline.vmodule.world.cloud_plan import CloudPlan
from moduline.vmodule.world.network_plan import NetworkPlan
from moduline.vmodule.world.world import World

RACK: Final = "fleet"
FLASH_NAME: Final = "flash.bin"
FILES_PER_MODULE: Final = 24
MODULE: Final = "ec600n"


@dataclass(frozen=True, slots=True)
class VirtualPlan:
    """Which full virtual modules there are.

    Attributes:
        count: how many.
        server: URL of the device gateway, such as ``mqtt://127.0.0.1:1883``.
        files: content by path below ``/usr``; ``main.py`` is the script.
        module: slug of their profile.
        package: firmware they leave the factory with; None for our own stock package.
        folder: where their flash stays between runs; None for a temporary one.
        rate: power-ons per second.
        first: number of the first one; decides their IMEIs.
    """

    count: int
    server: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    module: str = MODULE
    package: bytes | None = None
    folder: Path | None = None
    rate: float = 200.0
    first: int = 1


@dataclass(frozen=True, slots=True)
class VirtualSummary:
    """What became of the full virtual modules of a run.

    Attributes:
        devices: each of them.
        is_done: all have come to the end of an upgrade.
        was_online: one of them is known to have reached the platform.
    """

    devices: tuple[VirtualDevice, ...]
    is_done: bool
    was_online: bool

    def to_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {
            "devices": len(self.devices),
            "is_done": self.is_done,
            "devices_by_outcome": dict(Counter(one.outcome for one in self.devices)),
            "versions": dict(Counter(one.version for one in self.devices)),
            "modules": [asdict(one) for one in self.devices],
        }


class VirtualFleet:
    """The modules; ``async with`` makes their flashes, ``start`` gives them power, the end takes everything away.

    Args:
        plan: which ones.
        report: hears of ends of upgrades.
    """

    def __init__(self, plan: VirtualPlan, *, report: Reporter = silent) -> None:
        self.plan = plan
        self.members: tuple[VirtualMember, ...] = ()
        self.version = ""  # of the firmware they leave the factory with
        self._report = report
        self._stack = contextlib.AsyncExitStack()
        self._starting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Make what is missing.

        Raises:
            UnknownModule: no such profile.
            InterpreterMissing: no interpreter can run here.
            FormatError, WrongModule: the package is none, or not for this module.
            BadOption: the package does not boot.
            StorageFailed: no space.
        """
        async with contextlib.AsyncExitStack() as stack:
            folder = self.plan.folder
            if folder is None:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="moduline-fleet-")))
            identities = [
                identity_of(self.plan.module, f"m{number}", RACK, number)
                for number in range(self.plan.first, self.plan.first + self.plan.count)
            ]
            self.version = await asyncio.to_thread(_make_flashes, self.plan, folder, identities)
            zygote = await Zygote.start()
            stack.push_async_callback(zygote.close)

            async def make_runtime(plan: RuntimePlan) -> Runtime:
                return ScriptRuntime(plan, zygote)

            members = []
            for identity in identities:
                options = ModuleOptions(uarts=(), world=self._world(identity.number), seed=identity.number)
                place = folder / identity.name
                members.append(VirtualMember(identity, place, make_runtime, options, self._report))
                stack.push_async_callback(members[-1].close)
            self.members = tuple(members)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait([self._starting])
        await self._stack.aclose()

    def start(self) -> None:
        """Give them power, one after the other; returns at once."""
        self._starting = asyncio.create_task(self._power_on())

    @property
    def is_done(self) -> bool:
        """Whether every module has come to the end of an upgrade."""
        return all(member.is_done for member in self.members)

    def progress(self) -> dict[str, int]:
        """Counts for people who watch."""
        outcomes = Counter(member.device.outcome for member in self.members)
        return {
            "virtual_running": sum(member.module.state == "running" for member in self.members),
            "virtual_upgraded": outcomes["upgraded"],
            "virtual_failed": outcomes["failed"],
        }

    def summary(self) -> VirtualSummary:
        """How they stand."""
        was_online = any(member.is_online_seen for member in self.members)
        return VirtualSummary(tuple(member.device for member in self.members), self.is_done, was_online)

    async def _power_on(self) -> None:
        for member in self.members:
            await member.open()
            await asyncio.sleep(1 / self.plan.rate)

    def _world(self, number: int) -> World:
        reachable = NetworkPlan(allowed=("*",))  # what the platform names is where downloads are
        return World(seed=number, cloud_plan=CloudPlan(server=self.plan.server), network_plan=reachable)


def firmware_version(module: str = MODULE, package: bytes | None = None, name: str = "") -> str:
    """The version that a module runs with a package.

    Args:
        module: slug of its profile.
        package: firmware; None for our own stock package.
        name: of the package's file, for messages.

    Raises:
        UnknownModule: no such profile.
        FormatError, WrongModule: the package is none, or not for this module.
        BadOption: it does not boot.
    """
    identity = identity_of(module, "m1", RACK)
    memory = MemoryFlash(identity.geometry)
    return _program(identity, memory, Path(FLASH_NAME), package, name)


def _program(identity: ModuleIdentity, flash: MemoryFlash, path: Path, package: bytes | None, name: str = "") -> str:
    """Put firmware into a flash; the version that boots from it."""
    program_package(identity, flash, read_firmware(package or stock_package(identity.profile.slug), name))
    booted = BootCode(identity, flash, path).decide()
    if not isinstance(booted, BootSystem):
        reason = Text("it does not boot: {why}", "无法启动：{why}")
        raise BadOption(name="--package", reason=reason, why=booted.reason)
    return booted.firmware_version


def _make_flashes(plan: VirtualPlan, folder: Path, identities: list[ModuleIdentity]) -> str:
    """Program one flash and copy it to every module that has none; the version that boots from it.

    Raises:
        ModulineError: it cannot be made.
    """
    first = identities[0]
    made = folder / ".factory.bin"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        made.unlink(missing_ok=True)
        with FlashFile(made, first.geometry) as file:
            version = _program(first, file.memory, file.path, plan.package)
            if plan.files:
                put_contents(first, file, dict(plan.files))
        for identity in identities:
            _give_flash(made, folder / identity.name / FLASH_NAME, identity)
        made.unlink()
        made.with_name("wear.bin").unlink(missing_ok=True)
    except OSError as cause:
        raise StorageFailed(path=str(folder), reason=cause.strerror or str(cause)) from cause
    return version


def _give_flash(made: Path, place: Path, identity: ModuleIdentity) -> None:
    """A module's own flash, with its own NV; one that has run before keeps what it has."""
    if place.exists():
        return
    place.parent.mkdir(exist_ok=True)
    shutil.copyfile(made, place)
    with FlashFile(place, identity.geometry) as file:
        block = factory_block(identity.factory_imei, identity.factory_imei, identity.chip.entry.nv_bytes)
        identity.storage(file.flash).nv.write_block(block)
