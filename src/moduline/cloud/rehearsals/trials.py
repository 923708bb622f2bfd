"""A rehearsal on virtual modules: one undisturbed update, then one module for each moment at which the power goes.

::

    source package ─▶ flash ─▶ first boot ─▶ cells B (before) ─▶ verbs, download ─▶ cells R (restart) ─▶ new version
    trial "download"    cells B ─▶ verbs ─▶ ↯ ─▶ power comes (↯ ─▶ power comes) ─▶ looked at ─▶ verbs anew if it is old
    trial "apply/boot"  cells R ─▶ power comes ─▶ ↯ ─▶ ... the same

What is looked at after every trial: a firmware runs and stays up; every renewed part is old or new to the last byte,
and all of them the same; the version it reports is that of what is there; files that the update does not touch are
unchanged. If it is the old one, the update is begun anew and must then succeed.

Source: issue 6 (a passed rehearsal); docs/design/firmware-update.md (rules that keep it whole).
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, Final

from moduline.cloud.rehearsals.delivery import FIRMWARE_WRITES, Delivery
from moduline.cloud.rehearsals.moments import PHASES, Moment
from moduline.cloud.rehearsals.ward import FIRST_WATCHED_S, WATCHED_S, Ended, Ward
from moduline.errors import Text
from moduline.events import Notice

KEPT_FILE: Final = "rehearsal_kept.bin"
KEPT_BYTES: Final = 2048
AT_A_TIME: Final = 4
"""Modules that are tried beside each other; most of a life is waiting."""
MOST_LIVES: Final = 6
_KEEP: Final = f"f=open('/usr/{KEPT_FILE}','wb')\nf.write(bytes(range(256))*{KEPT_BYTES // 256})\nf.close()"
TRIES: Final = 3
"""Times the update is begun anew when the old version runs."""
UNDISTURBED: Final = "undisturbed"
MakeWard = Callable[[Path, bytes | None], Ward]

_ROM: Final = Text("nothing boots: {reason}", "无法启动：{reason}")
_STUCK: Final = Text("it does not come up", "无法启动完成")
_LOOP: Final = Text("it restarts again and again by itself", "反复自行重启")
_DARK: Final = Text("it goes dark by itself", "自行关机")
_HALF: Final = Text("{part} is neither the old nor the new one", "{part} 既非旧版本也非新版本")
_MIXED: Final = Text("parts of both versions are there", "新旧版本的内容混在一起")
_SAYS: Final = Text("it reports {said}, there is {wanted}", "上报版本为 {said}，实际为 {wanted}")
_LOST: Final = Text("the file {name} is gone or changed", "文件 {name} 丢失或被更改")
_MAIN: Final = Text("main.py ends with: {line}", "main.py 异常结束：{line}")
_OLD: Final = Text("it still runs the old version: {reason}", "仍为旧版本：{reason}")
_SOURCE: Final = Text(
    "the source package reports {said}, the artifact starts from {wanted}",
    "源版本包为 {said}，版本包的源版本为 {wanted}",
)
_TARGET: Final = Text(
    "it reports {said} afterwards, the target of the artifact is {wanted}",
    "升级后上报 {said}，版本包的目标版本为 {wanted}",
)
_OFFLINE: Final = Text("it gets no data call", "无法建立数据连接")
_NOTHING: Final = Text("it did nothing", "没有反应")


class FoundBad(Exception):  # noqa: N818 - a finding about an update, carried to the end of a trial; no error of ours
    """Something about a module is not as it must be.

    Args:
        text: what.
        facts: its facts.
    """

    def __init__(self, text: Text, **facts: Any) -> None:
        super().__init__(text.say("en", **facts))
        self.said = {lang: text.say(lang, **facts) for lang in ("en", "zh")}


@dataclass(frozen=True, slots=True)
class Trial:
    """One module that lost its power, and what became of it.

    Attributes:
        moment: when.
        cuts: how often the power really went away; 0: the moment never came.
        found: ``old`` or ``new``: what ran when it was up again; "": neither.
        complaint: in both languages; None: all is well.
    """

    moment: Moment
    cuts: int
    found: str
    complaint: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """The undisturbed update.

    Attributes:
        before: version that the source reports.
        after: version that is reported at the end.
        operations: flash operations by phase.
        complaint: why it did not succeed; None: it did.
        before_cells: flash before the script calls the verbs.
        restart_cells: flash at the restart after the download; None: it never came to that.
        files: of ``/usr`` before.
        main_fails: main.py of the source ends with a traceback, so nothing is said about that of the new version.
        stopped_in: ``source``, or the phase in which it went wrong; "": it did not.
    """

    before: str = ""
    after: str = ""
    operations: Mapping[str, int] = field(default_factory=dict)
    complaint: Mapping[str, str] | None = None
    before_cells: bytes = field(default=b"", repr=False)
    restart_cells: bytes | None = field(default=None, repr=False)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    main_fails: bool = False
    stopped_in: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the artifact says of itself.

    Attributes:
        source: version it starts from; "": any.
        target: version it leads to.
    """

    source: str
    target: str


class Rehearsal:
    """The modules of one rehearsal.

    Args:
        delivery: the update.
        wanted: what the artifact says of itself.
        program: writes the source package into the flash of a new module.
        make_ward: a module in a folder, with these cells.
        port: of the server that has the files.
        folder: for the modules; each one's is removed when it is done with.
    """

    def __init__(
        self,
        delivery: Delivery,
        wanted: Wanted,
        program: Callable[[Ward], None],
        make_ward: MakeWard,
        port: int,
        folder: Path,
    ) -> None:
        self._delivery = delivery
        self._wanted = wanted
        self._program = program
        self._make_ward = make_ward
        self._verbs = delivery.verbs(port)
        self._folder = folder
        self._numbers = count()
        self._old_digests: dict[str, bytes] = {}
        self._new_scripts: Mapping[str, bytes] = {}

    # ---- undisturbed -------------------------------------------------------------------------------------------------

    async def undisturbed(self) -> Course:
        """One update without cuts; everything later is compared with it."""
        async with self._ward(None) as ward:
            self._program(ward)
            course = Course()
            marks: dict[str, Any] = {}
            try:
                before, main_fails = await self._first_boot(ward)
                course = Course(before, before_cells=ward.cells(), files=ward.files(), main_fails=main_fails)
                self._old_digests = {one.role: ward.digest(one.role, one.old_bytes) for one in self._delivery.firmware}
                if self._wanted.source and self._delivery.renews_firmware and before != self._wanted.source:
                    raise FoundBad(_SOURCE, said=before, wanted=self._wanted.source)
                self._new_scripts = self._delivery.new_scripts()
                return await self._whole_way(ward, course, marks)
            except FoundBad as bad:
                return replace(course, complaint=bad.said, stopped_in=self._place(ward, course, marks))

    def _place(self, ward: Ward, course: Course, marks: Mapping[str, Any]) -> str:
        """Where an undisturbed update stopped."""
        if not course.before or "begun" not in marks:
            return "source"
        if "download" not in marks:
            return "download"
        is_new = False
        with contextlib.suppress(FoundBad):
            is_new = self._side(ward, course) == "new"
        return "boot" if is_new or "apply" in marks else "apply"

    async def _first_boot(self, ward: Ward) -> tuple[str, bool]:
        """Boot what came from the factory, put a file beside its own; version, and whether its main.py fails."""
        ended = await ward.power_on()
        if ended != "up":
            raise _bad(ward, ended)
        watched = await ward.watch(FIRST_WATCHED_S)
        if watched.ended != "up":
            raise FoundBad(_LOOP if watched.restarts else _STUCK)
        version = await ward.version()
        await ward.power_off()
        if await ward.power_on(runs_main=False) != "up":
            raise FoundBad(_STUCK)
        said = await ward.run(_KEEP)
        if said:
            raise FoundBad(_OLD, reason=said)
        await ward.power_off()
        return version, bool(watched.last_line)

    async def _whole_way(self, ward: Ward, course: Course, marks: dict[str, Any]) -> Course:
        flash = ward.module.file.flash

        def restarts() -> None:
            if "begun" in marks and "download" not in marks:
                marks["download"], marks["cells"] = ward.operation, ward.cells()

        def hears(notice: Notice) -> None:
            if notice.slug == "virt.update-done":
                marks["apply"] = ward.operation

        ward.on_booting, ward.on_notice = restarts, hears
        await self._prepare(ward)
        flash.arm(())
        marks["begun"] = True
        await self._begin(ward)
        end = await self._up(ward, course)
        total = ward.operation
        if end != "new":
            raise FoundBad(_OLD, reason=ward.refusal() or _NOTHING.en)
        version = await ward.version()
        if self._delivery.renews_firmware and self._wanted.target and version != self._wanted.target:
            raise FoundBad(_TARGET, said=version, wanted=self._wanted.target)
        applied = marks.get("apply", ward.started_at)  # scripts are copied by the firmware that starts
        spans = (marks["download"], applied - marks["download"], total - applied)
        operations = dict(zip(PHASES, spans, strict=True))
        return replace(course, after=version, operations=operations, restart_cells=marks["cells"])

    # ---- trials ------------------------------------------------------------------------------------------------------

    async def try_all(self, course: Course, moments: Sequence[Moment], hear: Callable[[Trial], None]) -> list[Trial]:
        """One module for each moment, a few at a time; in the order of the moments."""
        waiting = iter(list(enumerate(moments)))
        found: dict[int, Trial] = {}

        async def work(mine: Iterator[tuple[int, Moment]]) -> None:
            for number, moment in mine:
                found[number] = await self.try_out(course, moment)
                hear(found[number])

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_A_TIME):
                group.create_task(work(waiting))
        return [found[number] for number in range(len(moments))]

    async def try_out(self, course: Course, moment: Moment) -> Trial:
        """One module that loses its power at that moment."""
        is_early = moment.phase == "download"
        lost = [0]

        def hears(notice: Notice) -> None:
            lost[0] += notice.slug == "virt.power-cut"

        async with self._ward(course.before_cells if is_early else course.restart_cells) as ward:
            ward.on_notice = hears
            found = ""
            try:
                if is_early:
                    await self._prepare(ward)
                    ward.module.fault(moment.cut)
                    ended = await self._begin(ward)
                else:
                    ward.module.fault(_moved(moment, course))
                    ended = await ward.power_on()
                found = await self._recover(ward, course, "" if is_early else moment.again, ended)
                await self._try_anew(ward, course, found, moment.again if is_early else "")
            except FoundBad as bad:
                return Trial(moment, lost[0], found, bad.said)
            return Trial(moment, lost[0], found)

    async def _try_anew(self, ward: Ward, course: Course, found: str, again: str) -> None:
        """Begin the update anew until the new version runs; the first try may lose its power, too."""
        for left in range(TRIES, -1, -1):
            if found == "new":
                return
            if not left:
                raise FoundBad(_OLD, reason=ward.refusal() or _NOTHING.en)
            await ward.power_off()
            await self._prepare(ward)
            if again:
                ward.module.fault(again)
                again = ""
            found = await self._recover(ward, course, "", await self._begin(ward))

    async def _recover(self, ward: Ward, course: Course, again: str, ended: Ended) -> str:
        """Let the power come back until it is up, the first time perhaps not for long; what runs then."""
        for _ in range(MOST_LIVES):
            if ended != "off":
                break
            if again:
                ward.module.fault(again)
                again = ""
            ended = await ward.power_on()
        if ended == "up" and ward.module.file.flash.has_cuts:  # a cut that waits may still come while it is watched
            await ward.watch()
            ward.module.fault("clear")
            if ward.module.state == "off":
                ended = await ward.power_on()
        if ended != "up":
            raise _bad(ward, ended)
        return await self._look_after(ward, course)

    # ---- steps -------------------------------------------------------------------------------------------------------

    async def _prepare(self, ward: Ward) -> None:
        """At the prompt, on line."""
        ended = await ward.power_on(runs_main=False)
        if ended != "up":
            raise _bad(ward, ended)
        if not await ward.online():
            raise FoundBad(_OFFLINE)

    async def _begin(self, ward: Ward) -> Ended:
        """Call the verbs; until it is up in another life, dark, or has said that it will not."""
        former = ward.module.runtime
        refused = asyncio.Event()
        before = ward.on_notice

        def hears(notice: Notice) -> None:
            before(notice)
            if notice.slug == "virt.update-refused":
                refused.set()

        ward.on_notice = hears
        call = asyncio.create_task(ward.run(self._verbs))
        waits = [asyncio.create_task(one) for one in (ward.settled(former), refused.wait())]
        try:
            await asyncio.wait([call, waits[1]], return_when=asyncio.FIRST_COMPLETED)
            if call.done() and call.result():
                raise FoundBad(_OLD, reason=call.result())
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if waits[0].done():
                return waits[0].result()  # type: ignore[return-value]
            raise FoundBad(_OLD, reason=ward.refusal())
        finally:
            ward.on_notice = before
            for task in (call, *waits):
                task.cancel()
            await asyncio.gather(call, *waits, return_exceptions=True)

    async def _up(self, ward: Ward, course: Course) -> str:
        """What runs, of a module from which no power is taken now."""
        ended: Ended = await ward.settled(None)
        if ended != "up":
            raise _bad(ward, ended)
        return await self._look_after(ward, course)

    async def _look_after(self, ward: Ward, course: Course) -> str:
        """``old`` or ``new``: what runs, whole."""
        watched = await ward.watch(WATCHED_S if course.after else FIRST_WATCHED_S)
        if watched.ended != "up":
            raise FoundBad(_LOOP) if watched.restarts else _bad(ward, watched.ended)
        found = self._side(ward, course)
        version = await ward.version()
        renews = self._delivery.renews_firmware
        wanted = (course.after or self._wanted.target) if renews and found == "new" else course.before
        if version != wanted and (found == "old" or course.after or not renews):
            raise FoundBad(_SAYS, said=version, wanted=wanted)
        if found == "new" and watched.last_line and not course.main_fails:
            raise FoundBad(_MAIN, line=watched.last_line)
        return found

    def _side(self, ward: Ward, course: Course) -> str:
        """Which version is in the flash.

        Raises:
            FoundBad: neither, or something of both, or a user's file is not as it was.
        """
        sides: set[str] = set()
        for one in self._delivery.firmware:
            is_new = ward.digest(one.role, one.new_bytes) == one.new_sha256
            is_old = ward.digest(one.role, one.old_bytes) == self._old_digests[one.role]
            if not (is_new or is_old):
                raise FoundBad(_HALF, part=one.role)
            if is_new != is_old:
                sides.add("new" if is_new else "old")
        files = ward.files()
        for name, data in self._new_scripts.items():
            is_new, is_old = files.get(name) == data, files.get(name) == course.files.get(name)
            if not (is_new or is_old):
                raise FoundBad(_HALF, part=name)
            if is_new != is_old:
                sides.add("new" if is_new else "old")
        if len(sides) > 1:
            raise FoundBad(_MIXED)
        found = sides.pop() if sides else "new"
        if found == "old" or not self._delivery.replaces_scripts:
            for name in (KEPT_FILE, *self._untouched(course)):
                if files.get(name) != course.files.get(name):
                    raise FoundBad(_LOST, name=name)
        return found

    def _untouched(self, course: Course) -> list[str]:
        """Scripts of the source that the update leaves alone; what they write themselves is theirs."""
        return [
            name
            for name in course.files
            if name.endswith((".py", ".mpy")) and name not in self._new_scripts and name not in FIRMWARE_WRITES
        ]

    @contextlib.asynccontextmanager
    async def _ward(self, cells: bytes | None) -> Any:
        folder = self._folder / f"m{next(self._numbers)}"
        try:
            async with self._make_ward(folder, cells) as ward:
                yield ward
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _moved(moment: Moment, course: Course) -> str:
    """The cut of a moment, counted from the restart after the download."""
    ahead = course.operations["apply"] if moment.phase == "boot" else 0
    word, _, rest = moment.cut.partition("@")
    number, colon, seed = rest.partition(":")
    return f"{word}@{int(number) + ahead}{colon}{seed}"


def _bad(ward: Ward, ended: Ended) -> FoundBad:
    """Why a module that should be up is not."""
    if ended == "rom":
        return FoundBad(_ROM, reason=ward.module.reason)
    return FoundBad(_DARK if ended == "off" else _STUCK)
