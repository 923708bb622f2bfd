"""The functional test alone: running modules are checked, nothing is burnt; one at an address, or a whole rack at once.

Such a try is a record like any other, with an empty ``package`` and its results in ``checks``.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from moduline.burn.record import Book, BurnRecord, CheckResult, outcome_of
from moduline.errors import CheckFailed, ModulineError, NoModule, Text
from moduline.events import Event, Reporter, Step, silent
from moduline.line.checks.examine import burnt_files
from moduline.line.checks.recipe import Recipe
from moduline.line.checks.run import run_recipe
from moduline.line.checks.under_test import Facts, Opener, UnderTest, ports_at, ports_of
from moduline.line.unit_data import UnitData
from moduline.package import FirmwarePackage
from moduline.port import address as addresses
from moduline.port.listing import PortInfo, is_module
from moduline.port.watch import Watch
from moduline.remote.identify import Identity, identify_by_at, identify_by_repl


@dataclass(frozen=True, slots=True)
class CheckOrder:
    """What is checked, for every slot alike.

    Args:
        recipe: the checks.
        package: what should be on the modules; None: the recipe alone says it.
        units: the units' own data, looked up by what was given before; never given anew.
        order: production order.
        operator: who runs it.
        station: where.
    """

    recipe: Recipe
    package: FirmwarePackage | None = None
    units: UnitData | None = None
    order: str = ""
    operator: str = ""
    station: str = ""


async def check_module(
    address: str, order: CheckOrder, book: Book | None = None, report: Reporter = silent
) -> BurnRecord:
    """Check the one running module at an address; how it went is the record.

    Args:
        address: see ``port.address``; one that names a port is used for every check.
        order: what is checked.
        book: where the record goes; None: nowhere.
        report: gets the Steps of the checks.

    Raises:
        BadAddress, NoModule, SeveralModules: the address does not lead to one module.
        StorageFailed: the record cannot be kept.
    """
    async with Watch() as watch:
        port = addresses.resolve(address, ("at", "repl"), watch.ports)
        opener = ports_at(watch, port.place) if port.location else ports_of(address)
        return await _Try(order, port, opener, book, report).run()


async def check_rack(
    rack: str | None,
    order: CheckOrder,
    book: Book | None = None,
    report: Reporter = silent,
    on_record: Callable[[BurnRecord], None] = lambda _: None,
) -> list[BurnRecord]:
    """Check every running module of a rack at once; their records, in the order of their slots.

    Args:
        rack: None: everything that is connected.
        order: what is checked.
        book: where records go; None: nowhere.
        report: gets the Steps of all slots, ``where`` being the slot.
        on_record: gets each finished record at once.

    Raises:
        NoModule: none is connected.
        StorageFailed: a record cannot be kept.
    """
    async with Watch(rack) as watch:
        ports = {port.place: port for port in reversed(watch.ports) if port.role == "at" and is_module(port)}
        if not ports:
            raise NoModule(address=Text("this rack", "此机架"))

        async def one(port: PortInfo) -> BurnRecord:
            record = await _Try(order, port, ports_at(watch, port.place), book, report).run()
            on_record(record)
            return record

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(ports[place])) for place in sorted(ports)]
        return [task.result() for task in tasks]


@dataclass(slots=True)
class _Try:
    order: CheckOrder
    port: PortInfo
    opener: Opener
    book: Book | None
    report: Reporter
    record: BurnRecord = field(init=False)

    def __post_init__(self) -> None:
        self.record = BurnRecord(
            id=uuid.uuid4().hex,
            imei=self.port.imei,
            model=self.port.model,
            slot=self.port.slot or self.port.name or self.port.place,
            place=self.port.place,
            rack=self.port.rack,
            order=self.order.order,
            operator=self.order.operator,
            station=self.order.station,
            started=time.time(),
            process=os.getpid(),
        )

    async def run(self) -> BurnRecord:
        """Do it; the record of how it went."""
        began = time.monotonic()
        failure: BaseException | None = None
        await self._keep()
        self._tell(Step("check", "begin"))
        try:
            await self._check()
        except asyncio.CancelledError as stopped:
            failure = stopped
        except ModulineError as failed:
            failure = failed
        except Exception as bug:  # noqa: BLE001  one slot must not end the others; the record keeps it
            failure = bug
        seconds = round(time.monotonic() - began, 3)
        self.record = _ended(
            replace(self.record, ended=time.time(), seconds=seconds, steps={"check": seconds}), failure
        )
        self._tell(Step("check", "done" if failure is None else "failed", facts={"outcome": self.record.outcome}))
        await self._keep()
        if isinstance(failure, asyncio.CancelledError):
            raise failure
        return self.record

    async def _check(self) -> None:
        """Ask who it is, then carry out the recipe.

        Raises:
            CheckFailed: a check did not pass.
            NoAnswer, PortGone, BadAnswer, NoModule, PortBusy: it cannot be asked who it is.
        """
        identity = await self._identity()
        known = self.record
        imei, model = identity.imei or known.imei, identity.model or known.model
        told = "at" if imei else ""
        self.record = replace(known, imei=imei, imei_from=told, model=model, version_after=identity.version)
        unit = UnderTest(self.opener, self._facts())
        results = await run_recipe(self.order.recipe, unit, self._tell)
        self.record = replace(self.record, checks=results)
        failed = [one for one in results if one.verdict == "fail"]
        if failed:
            raise failure_of(failed)

    async def _identity(self) -> Identity:
        unit = UnderTest(self.opener)
        try:
            if all(check.settings.role == "repl" for check in self.order.recipe.checks):
                return await identify_by_repl(await unit.repl())
            return await identify_by_at(await unit.at())
        finally:
            await unit.close()

    def _facts(self) -> Facts:
        package, units = self.order.package, self.order.units
        name = units.given_to(self.record.imei) if units is not None else ""
        own = units.of(name) if units is not None and name else None
        self.record = replace(self.record, unit=name)
        files = None
        if package is not None:
            files = burnt_files(package) | dict(own.files if own is not None else {})
        return Facts(
            version=package.version or "" if package is not None else "",
            model=package.model or "" if package is not None else "",
            row=own.values if own is not None else {},
            row_imei=units.imei_of(name) if units is not None and name else "",
            files=files,
        )

    def _tell(self, event: Event) -> None:
        self.report(replace(event, where=self.record.slot))

    async def _keep(self) -> None:
        if self.book is not None:
            await asyncio.to_thread(self.book.write, self.record)


def failure_of(failed: list[CheckResult]) -> CheckFailed:
    """The error of a unit whose checks failed."""
    names = ", ".join(one.name for one in failed)
    return CheckFailed(checks=names, value=failed[0].value or failed[0].detail or "-", limits=failed[0].limits or "-")


def _ended(record: BurnRecord, failure: BaseException | None) -> BurnRecord:
    if failure is None:
        return replace(record, outcome="PASS")
    if isinstance(failure, asyncio.CancelledError):
        return replace(record, outcome="ABORTED", error_message="stopped by the operator")
    if isinstance(failure, ModulineError):
        return replace(
            record,
            outcome=outcome_of(failure),
            error_code=failure.code,
            error_message=failure.message("en"),
            error_facts=dict(failure.facts),
        )
    return replace(record, outcome="ERROR", error_code="ML-E0100", error_message=f"{type(failure).__name__}: {failure}")
