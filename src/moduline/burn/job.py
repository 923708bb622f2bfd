"""One job: one module and one package, from its AT port to the version it reports afterwards.

::

    find -> ask who it is -> refuse or switch to download mode -> burn -> reset -> ask again -> record

Whatever happens, a job ends in a BurnRecord: a cable pulled at any byte, a power cut, a silent module and a bug all
have their outcome, and a module that lost its port is burnt again after re-powering.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from moduline.burn.action import BurnPlan
from moduline.burn.conversation import converse
from moduline.burn.drivers import session_for
from moduline.burn.enter import ASK_LIMIT_S, PIN_LIMIT_S, WINDOW_S, Entered, enter, is_same_name
from moduline.burn.nv_choice import NvEvidence, choose_nv, names_a_unit
from moduline.burn.nv_store import NvFile, SavedNv, all_saved, choose, save
from moduline.burn.record import Book, BurnRecord, CheckResult, outcome_of
from moduline.burn.session import NvRead
from moduline.errors import (
    BadOption,
    CheckFailed,
    IdentityLost,
    ModulineError,
    NoAnswer,
    NoModule,
    PortBusy,
    PortGone,
    Text,
    UnitDataConflict,
    WrongUnit,
    WrongVersion,
)
from moduline.events import Event, Progress, Reporter, Step, silent
from moduline.port import address as addresses
from moduline.port.listing import PortInfo
from moduline.port.stream import ByteStream
from moduline.port.watch import Watch
from moduline.remote.at_session import AtSession
from moduline.remote.identify import Identity, identify_by_at

BOOT_LIMIT_S = 60.0
"""How long a freshly burnt module may take until its AT port answers; the first boot formats file systems."""
REOPEN_LIMIT_S = 5.0
"""How long a port that vanished while the loader started may take to come back."""
GONE_LIMIT_S = 1.0
"""How long the watch may take to notice that a port is gone; its old name may already belong to somebody else."""
OPEN_RETRY_S = 0.1


@dataclass(frozen=True, slots=True)
class UnitPlan:
    """What one unit gets.

    Args:
        plan: the order's plan with the unit's own content in it.
        unit: which unit's data that is, such as its serial number.
    """

    plan: BurnPlan
    unit: str


@dataclass(frozen=True, slots=True)
class Examined:
    """A burnt and booted unit, for the functional test.

    Args:
        record: what is known of it.
        watch: who is connected.
        report: gets Steps and Notices.
    """

    record: BurnRecord
    watch: Watch
    report: Reporter


OwnData = Callable[[BurnRecord, BurnPlan], Awaitable[UnitPlan]]
"""Gives a unit its own data; raises an error of the tree when there is none left for it."""
Examine = Callable[[Examined], Awaitable[Sequence[CheckResult]]]
"""Tests a unit; a result with the verdict "fail" fails the try."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to burn and how, the same for every slot of a gang.

    Args:
        plan: what will be done to each module.
        package: file name, for the records.
        sha256: of the package file.
        order: production order.
        operator: who runs it.
        station: name of the place where it is done.
        force: burn although the module says it is another model.
        window_s: see ``burn.enter``.
        ask_limit_s: see ``burn.enter``.
        pin_limit_s: see ``burn.enter``.
        boot_limit_s: how long the module may take to answer after the burn.
        is_checked: whether the module is asked for its version and IMEI after the burn.
        restore_nv: the NV block to bring back into the module, chosen by somebody who knows whose it is.
        accepts_nv_loss: burn a module whose NV is damaged although no saved block is known to be its own.
        own_data: gives each unit's own plan, asked once the module is known and before anything is changed.
        examine: the functional test of the booted module.
    """

    plan: BurnPlan
    package: str = ""
    sha256: str = ""
    order: str = ""
    operator: str = ""
    station: str = ""
    force: bool = False
    window_s: float = WINDOW_S
    ask_limit_s: float = ASK_LIMIT_S
    pin_limit_s: float = PIN_LIMIT_S
    boot_limit_s: float = BOOT_LIMIT_S
    is_checked: bool = True
    restore_nv: NvFile | None = None
    accepts_nv_loss: bool = False
    own_data: OwnData | None = None
    examine: Examine | None = None


@dataclass(slots=True)
class Job:
    """One try at one module; ``run`` gives its record and raises nothing but cancellation.

    Args:
        order: what to burn.
        port: the module, from :func:`~moduline.burn.enter.find_module` or a watch.
        watch: who is connected.
        book: where the record goes; None: nowhere.
        report: gets Steps, Progress and Notices, ``where`` being the slot.
        before: the try before at the same place, when it did not pass.
        on_open: called whenever a port of the module was opened.
    """

    order: Order
    port: PortInfo
    watch: Watch
    book: Book | None = None
    report: Reporter = silent
    before: BurnRecord | None = None
    on_open: Callable[[], None] = lambda: None
    record: BurnRecord = field(init=False)
    _begun: dict[str, float] = field(init=False, default_factory=dict)
    _steps: dict[str, float] = field(init=False, default_factory=dict)
    _told_imei: str = field(init=False, default="")
    _unit_imei: str = field(init=False, default="")
    _arrivals: int = field(init=False, default=0)
    _nv_template: bytes = field(init=False, default=b"")

    def __post_init__(self) -> None:
        before, plan = self.before, self.order.plan
        self.record = BurnRecord(
            id=uuid.uuid4().hex,
            imei=self.port.imei,
            imei_from="at" if self.port.imei else "",
            model=self.port.model,
            slot=self.port.slot or self.port.name or self.port.place,
            place=self.port.place,
            rack=self.port.rack,
            package=self.order.package,
            sha256=self.order.sha256,
            package_version=plan.version or "",
            order=self.order.order,
            operator=self.order.operator,
            station=self.order.station,
            started=time.time(),
            tries=before.tries + 1 if before else 1,
            process=os.getpid(),
        )
        if before is not None and not self.record.imei and before.imei:
            self.record = replace(self.record, imei=before.imei, imei_from="previous")

    async def run(self) -> BurnRecord:
        """Do it; the record of how it went."""
        began = time.monotonic()
        failure: BaseException | None = None
        try:
            await self._burn()
        except asyncio.CancelledError as stopped:
            failure = stopped
        except ModulineError as failed:
            failure = failed
        except Exception as bug:  # noqa: BLE001  one slot must not end the others; the record keeps it
            failure = bug
        ended = replace(self.record, ended=time.time(), seconds=round(time.monotonic() - began, 3))
        ended = replace(ended, steps=dict(self._steps) | dict.fromkeys(self._begun, -1.0))
        self.record = _with_outcome(ended, failure)
        await self._write_record()
        if isinstance(failure, asyncio.CancelledError):
            raise failure
        return self.record

    async def _burn(self) -> None:
        await self._write_record()
        self._tell(Step("burn.enter", "begin", facts={"port": self.port.address}))
        entered = await enter(
            self.port,
            self.order.plan,
            self.watch,
            self._tell,
            force=self.order.force,
            window_s=self.order.window_s,
            ask_limit_s=self.order.ask_limit_s,
            pin_limit_s=self.order.pin_limit_s,
            on_identity=self._identified,
        )
        self._tell(Step("burn.enter", "done", facts={"imei": self.record.imei, "model": self.record.model}))
        if self.order.examine is not None and not entered.port.location:
            raise BadOption(
                name="--recipe", reason=Text("this port has no USB place to test at", "该端口没有可供检测的 USB 位置")
            )
        plan = await self._unit_plan()
        await self._write_record()  # from here on the module may be changed
        self._told_imei = entered.identity.imei if entered.identity else ""
        self._nv_template = next((action.data for action in plan.actions if action.verb == "keep_nv"), b"")
        session = session_for(plan)
        self._arrivals = self.watch.arrivals(self.port.place)
        stream = await self._open(entered.port)
        await converse(session, stream, self._tell, self._store_nv, lambda: self._reopen(entered))
        if self.order.is_checked and entered.port.location:
            await self._check()
        if self.order.examine is not None and entered.port.location:
            await self._examine(self.order.examine)

    async def _unit_plan(self) -> BurnPlan:
        """The plan with the unit's own data, if it gets any."""
        if self.order.own_data is None:
            return self.order.plan
        self._tell(Step("burn.unit", "begin"))
        own = await self.order.own_data(self.record, self.order.plan)
        self.record = replace(self.record, unit=own.unit)
        self._unit_imei = self.record.imei
        self._tell(Step("burn.unit", "done", facts={"unit": own.unit}))
        return own.plan

    async def _examine(self, examine: Examine) -> None:
        """Let the functional test look at the booted module.

        Raises:
            CheckFailed: a check did not pass; all results are in the record.
        """
        self._tell(Step("burn.examine", "begin"))
        results = await examine(Examined(self.record, self.watch, self._tell))
        self.record = replace(self.record, checks=tuple(results))
        failed = [one for one in results if one.verdict == "fail"]
        if failed:
            names, first = ", ".join(one.name for one in failed), failed[0]
            self._tell(Step("burn.examine", "failed", facts={"checks": names}))
            raise CheckFailed(checks=names, value=first.value or first.detail or "-", limits=first.limits or "-")
        self._tell(Step("burn.examine", "done", facts={"checks": len(results)}))

    async def _check(self) -> None:
        """Ask the booted module for its version and IMEI.

        Raises:
            NoAnswer: it does not come back.
            WrongVersion, IdentityLost, WrongUnit: it is not what it should be.
        """
        self._tell(Step("burn.check", "begin"))
        identity = await self._ask_again()
        before = self.record
        self.record = replace(
            before,
            version_after=identity.version,
            model=identity.model or before.model,
            imei=identity.imei or before.imei,
            imei_from="after" if identity.imei else before.imei_from,
        )
        if self._unit_imei and identity.imei and identity.imei != self._unit_imei:  # another one stood here before
            raise WrongUnit(before=self._unit_imei, after=identity.imei)
        is_told = before.imei_from in {"at", "nv"} or bool(self._unit_imei)
        is_known = names_a_unit(before.imei) and is_told
        if is_known and identity.imei != before.imei:
            raise IdentityLost(before=before.imei, after=identity.imei or "-")
        expected = self.order.plan.version
        if expected and identity.version and not is_same_name(expected, identity.version):
            raise WrongVersion(found=identity.version, expected=expected)
        self._tell(Step("burn.check", "done", facts={"version": identity.version, "imei": identity.imei}))

    async def _ask_again(self) -> Identity:
        loop = asyncio.get_running_loop()
        limit = loop.time() + self.order.boot_limit_s
        while (left_s := limit - loop.time()) > 0:
            port = await self.watch.wait_for(self.record.place, ["at"], left_s)
            if port is None:
                break
            with contextlib.suppress(NoAnswer, PortGone, NoModule, PortBusy):
                async with AtSession(await self._open(port)) as session:
                    identity = await identify_by_at(session)
                    if identity.version or identity.imei:
                        return identity
            await asyncio.sleep(OPEN_RETRY_S)
        raise NoAnswer(what=Text("the AT port after the burn", "烧录后的 AT 口"), seconds=self.order.boot_limit_s)

    async def _open(self, port: PortInfo) -> ByteStream:
        """The port, tried for a second: a port that has just appeared may still be held by the system."""
        for _ in range(10):
            with contextlib.suppress(PortBusy, NoModule):
                stream = await addresses.open_port(port)
                self.on_open()
                return stream
            await asyncio.sleep(OPEN_RETRY_S)
        stream = await addresses.open_port(port)
        self.on_open()
        return stream

    async def _reopen(self, entered: Entered) -> ByteStream:
        place = entered.port.place
        await self.watch.wait_gone(place, "download", GONE_LIMIT_S)
        port = await self.watch.wait_for(place, ["download"], min(REOPEN_LIMIT_S, self.order.window_s))
        if port is None:
            raise PortGone(port=entered.port.path)
        return await self._open(port)

    def _identified(self, identity: Identity) -> None:
        record = self.record
        self.record = replace(
            record,
            imei=identity.imei or record.imei,
            imei_from="at" if identity.imei else record.imei_from,
            model=identity.model or record.model,
            version_before=identity.version,
        )

    async def _store_nv(self, read: NvRead) -> bytes | None:
        """Keep what was read; the block to go on with instead of it, when it is of no use and its own one is known.

        Raises:
            StorageFailed: it cannot be kept.
            NvDamaged, NvForeign: see ``burn.nv_choice``.
        """
        if read.block:
            facts = SavedNv(
                path=self.record.id + (f"-{read.part}" if read.part else "") + ".bin",
                imei=read.imei,
                saved=time.time(),
                model=self.record.model,
                chip=self.order.plan.chip,
                slot=self.record.slot,
                place=self.record.place,
                rack=self.record.rack,
                part=read.part,
                is_valid=read.is_valid,
                record=self.record.id,
            )
            kept = await asyncio.to_thread(save, read.block, facts)
            self.record = replace(self.record, nv_file=kept.path)
        if read.part:
            await self._write_record()
            return None
        self._know(read.imei)
        await self._write_record()
        chosen = choose_nv(
            NvEvidence(
                block=read.block,
                is_valid=read.is_valid,
                template=self._nv_template,
                told_imei=self._told_imei if self._is_in_sight() else "",
                place=self.record.place,
                address=self.port.address,
            ),
            self.order.restore_nv,
            await asyncio.to_thread(all_saved),
            accepts_loss=self.order.accepts_nv_loss,
        )
        if chosen is None:
            return None
        restored = chosen if isinstance(chosen, NvFile) else await asyncio.to_thread(choose, chosen)
        self.record = replace(self.record, imei=restored.imei, imei_from="nv")
        await self._write_record()
        return restored.block

    def _know(self, imei: str) -> None:
        """Note the IMEI that the NV block holds; without one, what the try before had is not known of this unit.

        Raises:
            UnitDataConflict: the plan holds the data of another unit, which the IMEI was thought to be.
        """
        if self._unit_imei and imei and imei != self._unit_imei:
            reason = Text("the module in this place is {other}", "此位置的模组是 {other}")
            raise UnitDataConflict(unit=self.record.unit, imei=self._unit_imei, reason=reason, other=imei)
        if self.record.imei_from in {"at", "after"} and self.record.imei:
            return
        self.record = replace(self.record, imei=imei, imei_from="nv" if imei else "")

    def _is_in_sight(self) -> bool:
        """Whether the module has not left its place since it was led to download mode.

        A loader that starts may make it leave and come back; then nobody can tell whether it is the same one.
        """
        return self.watch.arrivals(self.port.place) == self._arrivals

    async def _write_record(self) -> None:
        if self.book is not None:
            await asyncio.to_thread(self.book.write, self.record)

    def _tell(self, event: Event) -> None:
        """Note bytes and step times, pass the event on with the slot's name."""
        if isinstance(event, Progress) and event.what == "burn":
            self.record = replace(self.record, bytes=event.done_bytes)
        elif isinstance(event, Step):
            now = time.monotonic()
            if event.state == "begin":
                self._begun[event.name] = now
            elif event.name in self._begun:
                self._steps[event.name] = round(now - self._begun.pop(event.name), 3)
        self.report(replace(event, where=self.record.slot))


def _with_outcome(record: BurnRecord, failure: BaseException | None) -> BurnRecord:
    if failure is None:
        return replace(record, outcome="PASS")
    if isinstance(failure, asyncio.CancelledError):
        return replace(record, outcome="ABORTED", error_message="stopped by the operator")
    outcome = outcome_of(failure)
    if isinstance(failure, ModulineError):
        return replace(
            record,
            outcome=outcome,
            error_code=failure.code,
            error_message=failure.message("en"),
            error_facts=dict(failure.facts),
        )
    return replace(record, outcome=outcome, error_code="ML-E0100", error_message=f"{type(failure).__name__}: {failure}")
