"""The rack: one process in the background that hosts virtual modules and does what its control channel says.

Started by ``rack_client.start`` as ``python -m moduline.vmodule.rack NAME``; ends with ``down`` or SIGTERM. All modules
share one event loop, one zygote for interpreters and one erased flash file to copy from. When the process is killed,
the flash files keep what was programmed, and the entries it left in the virtual USB tree are recognised as stale.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import os
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from moduline.errors import (
    BadOption,
    ModulineError,
    NoAnswer,
    NoModule,
    NoSuchFile,
    PortBusy,
    StorageFailed,
    Text,
    VirtualRackDown,
)
from moduline.events import Event, Notice, to_json
from moduline.port import registry
from moduline.vmodule import rack_views, rack_wire
from moduline.vmodule.factory import Firmware, program_package, read_firmware
from moduline.vmodule.facts import identity_of
from moduline.vmodule.interpreter.plan import RuntimePlan
from moduline.vmodule.interpreter.rom import builtin_rom
from moduline.vmodule.interpreter.runtime import ScriptRuntime
from moduline.vmodule.interpreter.zygote import Zygote
from moduline.vmodule.module import VirtualModule
from moduline.vmodule.module_options import ModuleOptions, Runtime
from moduline.vmodule.power import REALISTIC, Timings
from moduline.vmodule.reburn import USER_MOUNT, set_main_aside
from moduline.vmodule.scenario import hosting
from moduline.vmodule.scenario.plan import ModulePlan

LOG_BYTES: Final = 4 << 20
READY_LIMIT_S: Final = 60.0
UNREACHABLE_CHECK_S: Final = 2.0

Request = dict[str, Any]
Answer = dict[str, Any]


@dataclass(slots=True)
class Place:
    """One module of the rack and what it was set up as."""

    module: VirtualModule
    slug: str


class Rack:
    """The modules of one rack.

    Args:
        name: of the rack.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.folder = registry.rack_folder(name)
        self.places: dict[str, Place] = {}
        self.is_over = asyncio.Event()
        self._zygote: Zygote | None = None
        self._zygote_lock = asyncio.Lock()
        self._log = rack_wire.log_path(name).open("a", encoding="utf-8", buffering=1)
        self._packages: dict[str, Firmware] = {}

    # ---- control channel ---------------------------------------------------------------------------------------------

    async def answer(self, request: Request) -> Answer:
        """Do what one request says.

        Raises:
            ModulineError: it cannot be done.
        """
        doings: dict[str, Callable[[Request], Awaitable[Answer]]] = {
            "add": self._add,
            "list": self._list,
            "power": self._power,
            "fault": self._fault,
            "cable": self._cable,
            "signal": self._signal,
            "wear": self._wear,
            "operations": self._operations,
            "set_aside": self._set_aside,
            "down": self._down,
        }
        if self.is_over.is_set():
            raise VirtualRackDown(rack=self.name)
        do = doings.get(str(request.get("do")))
        if do is None:
            raise BadOption(name="do", reason=Text("no such request", "没有该请求"))
        return await do(request)

    async def _add(self, request: Request) -> Answer:
        """Make modules, or find those that are there, and give them power."""
        plans = hosting.plans_of(request)
        before = set(self.places)
        asked = [self._place_of(wanted, plans.get(str(wanted["name"]))) for wanted in request["modules"]]
        self._packages.clear()
        for place in asked:
            plan = plans.get(place.module.identity.name)
            if plan is not None and plan.name not in before:
                hosting.begin(place.module, plan, self._options())
        if not request.get("is_off"):
            dark = {plan.name for plan in plans.values() if plan.is_off}
            await self._all_up([place.module for place in asked if place.module.identity.name not in dark])
        return {"ok": True, "modules": [self._shown(place) for place in asked]}

    def _options(self) -> ModuleOptions:
        """What every module of the rack has."""
        return ModuleOptions(on_change=self._publish, report=self._write_log)

    def _place_of(self, wanted: Request, plan: ModulePlan | None = None) -> Place:
        name, slug = str(wanted["name"]), str(wanted["module"]).lower()
        present = self.places.get(name)
        if present is not None:
            is_to_change = (
                any(wanted.get(key) for key in ("is_new_package", "is_blank", "is_fresh")) or plan is not None
            )
            if present.slug != slug or is_to_change:
                why = Text("it is up already, as a {slug}; take it down first", "已在运行（{slug}）；请先 down")
                raise PortBusy(port=name, reason=why, slug=present.slug)
            return present
        number = self._free_number(int(wanted["number"]))
        identity = identity_of(slug, name, self.name, number, str(wanted.get("slot", "")))
        folder = self.folder / name
        kept = folder / "module"
        is_same = kept.is_file() and kept.read_text(encoding="utf-8") == slug
        if folder.exists() and not (is_same and not wanted.get("is_fresh")):
            shutil.rmtree(folder)
        is_new = not (folder / "flash.bin").exists()
        options = replace(
            self._options(),
            timings=REALISTIC if wanted.get("is_realistic") else Timings(),
            is_language_strict=bool(wanted.get("is_language_strict")),
            port_kind="pty" if hasattr(os, "openpty") and wanted.get("ports") != "tcp" else "tcp",
            template=self.folder / f".erased-{identity.geometry.capacity_bytes}",
        )
        module = VirtualModule(identity, folder, self._make_runtime, hosting.options_with(options, plan))
        kept.write_text(slug, encoding="utf-8")
        try:
            if not wanted.get("is_blank") and wanted.get("package") and (is_new or wanted.get("is_new_package")):
                memory = module.file.memory
                module.content_bytes = program_package(identity, memory, self._package(str(wanted["package"])))
            elif wanted.get("is_blank") and not is_new:
                _blank(module)
            if plan is not None and is_new:
                hosting.fill(module, plan)
        except ModulineError:
            module.file.close()
            shutil.rmtree(folder, ignore_errors=True)
            raise
        module.file.release_memory()
        place = Place(module, slug)
        self.places[name] = place
        self._publish(module.entry())
        return place

    def _free_number(self, wanted: int) -> int:
        """The wanted number, or one above all others: it is the module's USB place, and two must never share one."""
        taken = {place.module.identity.number for place in self.places.values()}
        return wanted if wanted not in taken else max(taken) + 1

    async def _all_up(self, modules: list[VirtualModule]) -> None:
        for module in modules:
            await module.power_on()
        await self._settled(modules, "running", "download")

    async def _settled(self, modules: list[VirtualModule], *states: registry.ModuleState) -> None:
        for module in modules:
            await self._until(module, partial(_is_seen, module, states))

    async def _until(self, module: VirtualModule, is_true: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(READY_LIMIT_S):
                await module.wait_until(is_true)
        except TimeoutError as late:
            raise NoAnswer(what=Text("power", "上电"), seconds=READY_LIMIT_S) from late

    async def _list(self, request: Request) -> Answer:
        del request
        return {"ok": True, "rack": self.name, "modules": [self._shown(place) for place in self.places.values()]}

    async def _power(self, request: Request) -> Answer:
        modules = self._named(str(request["name"]))
        action = str(request["action"])
        for module in modules:
            if action == "on":
                await module.put_in_cable()
                await module.power_on()
            elif action == "off":
                await module.power_off()
            elif action == "reset":
                before = module.starts
                await module.reset()
                await self._until(module, partial(_has_begun_since, module, before))
            elif action == "boot-pin":
                await module.power_off()
                await module.put_in_cable()
                await module.power_on(boot_pin=True)
            else:
                known = "on, off, reset, boot-pin"
                raise BadOption(name="ACTION", reason=Text("use one of {known}", "可用：{known}"), known=known)
        if action == "boot-pin":
            await self._settled(modules, "download")
        elif action in {"on", "reset"}:
            await self._settled(modules, "running", "download")
        return self._answer_of(modules)

    async def _fault(self, request: Request) -> Answer:
        modules = self._named(str(request["name"]))
        for module in modules:
            if request.get("is_off"):
                module.end_fault(str(request["spec"]))
            else:
                module.fault(str(request["spec"]))
            await module.fault_acted()
        return self._answer_of(modules)

    async def _cable(self, request: Request) -> Answer:
        modules = self._named(str(request["name"]))
        if request["way"] not in {"in", "out"}:
            raise BadOption(name="WAY", reason=Text("use one of {known}", "可用：{known}"), known="in, out")
        for module in modules:
            await (module.put_in_cable() if request["way"] == "in" else module.pull_cable())
        return self._answer_of(modules)

    async def _signal(self, request: Request) -> Answer:
        modules = self._named(str(request["name"]))
        for module in modules:
            rack_views.change_signal(module, request)
        return self._answer_of(modules)

    async def _wear(self, request: Request) -> Answer:
        (module,) = self._named(str(request["name"]))[:1]
        return {"ok": True, "name": module.identity.name, **rack_views.wear_of(module)}

    async def _operations(self, request: Request) -> Answer:
        (module,) = self._named(str(request["name"]))[:1]
        since, most = int(request.get("since", 0)), int(request.get("most", rack_views.MOST_RUNS))
        return {"ok": True, "name": module.identity.name, **rack_views.operations_of(module, since, most)}

    async def _set_aside(self, request: Request) -> Answer:
        """Rename main.py in a module's flash, with its power off; see ``reburn``."""
        (module,) = self._named(str(request["name"]))[:1]
        await module.power_off()
        done = set_main_aside(module)
        await self._all_up([module])
        renamed_to = f"{USER_MOUNT}/{done.renamed_to}" if done is not None else ""
        return {"ok": True, "renamed_to": renamed_to, "was_protected": done is not None and done.was_protected}

    async def _down(self, request: Request) -> Answer:
        names = [one.identity.name for one in self._named(str(request.get("name") or "all"))]
        for name in names:
            await self.places.pop(name).module.close()
            registry.withdraw(self.name, name)
            if request.get("is_deleting"):
                shutil.rmtree(self.folder / name, ignore_errors=True)
        if not self.places:
            self.is_over.set()
        return {"ok": True, "modules": names, "is_over": not self.places}

    # ---- modules -----------------------------------------------------------------------------------------------------

    def _named(self, name: str) -> list[VirtualModule]:
        if name == "all":
            return [place.module for place in self.places.values()]
        if name not in self.places:
            raise NoModule(address=f"virt:{name}")
        return [self.places[name].module]

    def _shown(self, place: Place) -> Answer:
        return rack_views.shown_of(place.module, place.slug)

    def _answer_of(self, modules: list[VirtualModule]) -> Answer:
        return {"ok": True, "modules": [self._shown(self.places[one.identity.name]) for one in modules]}

    def _package(self, path: str) -> Firmware:
        if path not in self._packages:
            try:
                data = Path(path).read_bytes()
            except OSError as cause:
                raise NoSuchFile(path=path, reason=cause.strerror or str(cause)) from cause
            self._packages[path] = read_firmware(data, Path(path).name)
        return self._packages[path]

    async def _make_runtime(self, plan: RuntimePlan) -> Runtime:
        async with self._zygote_lock:
            if self._zygote is None:
                self._zygote = await Zygote.start()
            if plan.rom is None:
                await asyncio.to_thread(builtin_rom)
        return ScriptRuntime(plan, self._zygote)

    def _publish(self, entry: registry.ModuleEntry) -> None:
        """Show a module in the virtual USB tree; a full disk must not stop the modules."""
        try:
            registry.publish(entry)
        except StorageFailed as failed:
            self._write_log(Notice("virt.storage-failed", entry.name, failed.facts))

    def _write_log(self, event: Event) -> None:
        line = json.dumps({"at": round(time.time(), 3), **to_json(event)}, ensure_ascii=False, default=str)
        with contextlib.suppress(OSError):  # a full disk: the log has a gap, the modules go on
            self._log.write(line + "\n")

    async def close(self) -> None:
        """Take everything down."""
        for name in list(self.places):
            await self.places.pop(name).module.close()
            registry.withdraw(self.name, name)
        if self._zygote is not None:
            await self._zygote.close()
        self._log.close()


def _has_begun_since(module: VirtualModule, starts: int) -> bool:
    """Whether it has started again; a module that cannot has lost its power meanwhile."""
    return module.starts > starts or module.state == "off"


def _is_seen(module: VirtualModule, states: tuple[registry.ModuleState, ...]) -> bool:
    """Whether it has arrived, or a fault of its scenario keeps it from doing so."""
    if module.state == "off":
        return module.reason == "power-cut"
    return module.state in states and (module.has_ports or module.is_unplugged)


def _blank(module: VirtualModule) -> None:
    """Erase what a package writes; NV stays, as it does in a new module."""
    factory = module.identity.profile.partition("factory")
    end = module.identity.offset_of(factory) if factory is not None else module.identity.geometry.capacity_bytes
    module.file.memory.erase(0, end)


class ControlServer:
    """The rack's control channel.

    Args:
        rack: does what requests say.
    """

    def __init__(self, rack: Rack) -> None:
        self._rack = rack
        self._token = secrets.token_hex(16)
        self._server: asyncio.Server | None = None
        self._path: Path | None = None

    async def open(self) -> None:
        """Begin to listen and say where."""
        if hasattr(asyncio, "start_unix_server"):
            self._path = rack_wire.socket_path(self._rack.name)
            self._path.unlink(missing_ok=True)
            before = os.umask(0o077)
            try:
                self._server = await asyncio.start_unix_server(
                    self._serve, str(self._path), limit=rack_wire.MAX_LINE_BYTES
                )
            finally:
                os.umask(before)
            control = rack_wire.Control(str(self._path), 0, self._token, os.getpid())
        else:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=rack_wire.MAX_LINE_BYTES)
            port = self._server.sockets[0].getsockname()[1]
            control = rack_wire.Control("", port, self._token, os.getpid())
        rack_wire.write_control(self._rack.name, control)

    def close(self) -> None:
        """Stop listening; running answers are still sent."""
        if self._server is not None:
            self._server.close()
        rack_wire.control_path(self._rack.name).unlink(missing_ok=True)
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.LimitOverrunError, ValueError):
            while line := await reader.readline():
                writer.write(rack_wire.encode(await self._answer(line)))
                await writer.drain()
        writer.close()

    async def _answer(self, line: bytes) -> Answer:
        try:
            request = json.loads(line)
            if not hmac.compare_digest(str(request.pop("token", "")), self._token):
                raise PortBusy(port=self._rack.name, reason=Text("wrong token", "令牌错误"))
            return await self._rack.answer(request)
        except ModulineError as failure:
            return rack_wire.failure_as_message(failure)
        except (ValueError, KeyError, TypeError, AttributeError) as wrong:
            return rack_wire.failure_as_message(BadOption(name="request", reason=f"{type(wrong).__name__}: {wrong}"))


async def run(name: str) -> None:
    """Host a rack until it is taken down.

    Raises:
        StorageFailed: the rack's folder cannot be used.
    """
    rack = Rack(name)
    server = ControlServer(rack)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, rack.is_over.set)
    await server.open()
    try:
        await _until_over(rack)
        await asyncio.sleep(0.05)  # let the answer to `down` out
    finally:
        server.close()
        await rack.close()


async def _until_over(rack: Rack) -> None:
    """Return when the rack was taken down, or when nobody can reach it any more: its control file is gone."""
    while not rack.is_over.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(UNREACHABLE_CHECK_S):
                await rack.is_over.wait()
        control = rack_wire.read_control(rack.name)
        if control is None or control.process != os.getpid():
            return


def _hold_lock(folder: Path) -> int | None:
    """A descriptor that holds the rack's lock for the life of this process; None when another process has it."""
    if sys.platform == "win32":
        return -1
    import fcntl

    descriptor = os.open(folder / "rack.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _raise_descriptor_limit() -> None:
    """A module takes about fifteen descriptors; the usual soft limit of 1024 would end at sixty."""
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main(argv: list[str]) -> int:
    """Host the rack named on the command line; 5 when it is hosted already."""
    name = argv[0] if argv else "default"
    folder = registry.rack_folder(name)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if _hold_lock(folder) is None:
        return PortBusy.exit_code
    log = rack_wire.log_path(name)
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    _raise_descriptor_limit()
    asyncio.run(run(name))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
