"""Host side of burning an ASR module, as a table: state and cue give the next command and the next state.

::

    any link   OPEN -> CHECK* (require, reject) -> PROGRESS
    ROM        SIZE -> DOWNLOAD -> CONTENT -> VERIFY -> CALL (preboot), SIZE ... CALL (flasher)
    flasher    SIZE -> DOWNLOAD -> CONTENT -> TABLE (flashinfo, partition) -> [KEEP_*] -> TYPE -> (DOWNLOAD -> CONTENT
               -> FLASH)* -> ERASE ... -> REBOOT -> COMPLETE -> PAUSE -> DISCONNECT -> DONE

The session knows no port and no clock. Failures are raised as errors of the tree and end in FAILED.

Rules. Nothing is erased before every check is met. After a ``call`` the same command (``getvar:max-download-size``) is
the next one whatever the module does: one that goes on answers it, one that greets is opened again and asked again, one
that is silent gets a preamble now and then. INFO, PROG, logs and heart-beats are taken at any time; INFO and PROG give
new time. Half of a content counts as done when it was handed over, all of it when the module has accepted it, so
progress neither falls nor waits at its end. ``fuse`` is never sent.

Source: platform-asr 1.3, 4.1 to 4.4.
"""

from __future__ import annotations

from typing import Final

from moduline.burn.action import BurnPlan
from moduline.burn.drivers.asr_events import LinkAnswer, LinkContent, LinkEvent, LinkLost, LinkText, LinkUp
from moduline.burn.drivers.asr_link import AsrLink
from moduline.burn.drivers.asr_plan import HEADER_ROOM_BYTES, PARTITION_TYPES, AsrPlan, Check, files_of
from moduline.burn.drivers.asr_table import ENDING, LIMITS_S, REPEATED, RETRIES_S, TABLE, Cue, State
from moduline.burn.session import NvRead
from moduline.errors import (
    BadAnswer,
    BadFormat,
    ModulineError,
    NoAnswer,
    Text,
    TooBig,
    Unsupported,
    WriteFailed,
    WrongModule,
)
from moduline.events import Event, Progress, Step
from moduline.formats.container.asr_sparse import BLOCK_BYTES
from moduline.wire.download import asr as wire
from moduline.wire.download.asr import AbootCommand

PROGRESS_PARTS: Final = 200
"""Progress is told at most so many times per burn; the counts are exact each time."""
OLD_ROM: Final = "2019.01.15"
"""The ROM that refuses ``call`` on a SMUX link. Source: platform-asr 1.7."""
MAX_LOG_LETTERS: Final = 200

_CHOICES: Final = {"load": Cue.LOAD, "table": Cue.TABLE_NEXT, "keep": Cue.KEEP, "erase": Cue.ERASE}
_ACCEPTED: Final = {"load": Cue.LOADED, "table": Cue.TABLED, "write": Cue.FILLED}


class Session:
    """One burn of one module.

    Args:
        plan: what to do; executed as it stands.
    """

    def __init__(self, plan: BurnPlan) -> None:
        assert isinstance(plan, AsrPlan), plan
        self.state = State.IDLE
        self._plan = plan
        self._link = AsrLink()
        self._checks: list[Check] = list(plan.checks)
        self._is_announced = plan.weight is None
        self._todo = [(a, list(f)) for a, f in zip(plan.actions, plan.files, strict=True) if a.verb != "skip"]
        self._action = self._todo[0][0]
        self._files: list[bytes] = []
        self._begun = False
        self._max_bytes = 0
        self._bootrom = ""
        self._answer = ""
        self._log = ""
        self._upload = bytearray()
        self._upload_bytes = 0
        self._deadline = 0.0
        self._tick_at: float | None = None
        self._total_bytes = plan.write_bytes
        self._done_bytes = 0
        self._part_bytes = 0  # of the present action, accepted
        self._told_bytes = 0
        self._handed_bytes = 0
        self._events: list[Event | NvRead] = []

    # ---- what the loop calls ------------------------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be sent or expected."""
        return self.state in {State.DONE, State.FAILED}

    @property
    def may_lose_port(self) -> bool:
        """Whether the port may vanish now."""
        return (self.state, Cue.GONE) in TABLE

    @property
    def wake_at(self) -> float | None:
        """When ``wake`` is to be called; None: never."""
        if self.state not in LIMITS_S:
            return None
        times = (self._deadline, self._tick_at, self._link.wake_at)
        return min(time for time in times if time is not None)

    @property
    def is_streaming(self) -> bool:
        """Whether ``more_to_send`` has something: content is on its way."""
        return self.state is State.CONTENT and self._link.is_streaming

    def start(self, now: float) -> list[Event | NvRead]:
        """Begin; ``now`` is in seconds of any monotonic clock."""
        self._happen(Cue.BEGIN, now)
        return self._take_events()

    def receive(self, data: bytes, now: float) -> list[Event | NvRead]:
        """Take bytes from the module; gives what is to be reported.

        Raises:
            WriteFailed, WrongModule, BadAnswer, Unsupported, TooBig: what the module answered.
        """
        try:
            events = self._link.receive(data, now)
        except ModulineError:
            self.state = State.FAILED
            raise
        if self.state is State.CONTENT and self._link.handed_bytes != self._handed_bytes:
            self._go_on(now)
        for event in events:
            if not self.is_over:
                self._take(event, now)
        return self._take_events()

    def wake(self, now: float) -> list[Event | NvRead]:
        """The time ``wake_at`` has come.

        Raises:
            NoAnswer: the module has been silent for too long.
        """
        if self._link.wake_at is not None and now >= self._link.wake_at:
            self._link.wake(now)
        if self.state in LIMITS_S and now >= self._deadline:
            self._happen(Cue.LATE, now)
        elif self._tick_at is not None and now >= self._tick_at:
            self._happen(Cue.TICK, now)
        return self._take_events()

    def stored(self, now: float, own_nv: bytes | None = None) -> list[Event | NvRead]:
        """The data of :class:`NvRead` is safe; go on. ``own_nv`` is not used: what was read out is not written."""
        del own_nv
        self._happen(Cue.STORED, now)
        return self._take_events()

    def gone(self, now: float) -> list[Event | NvRead]:
        """The port vanished at a moment when it may."""
        self._happen(Cue.GONE, now)
        return self._take_events()

    def bytes_to_send(self) -> bytes:
        """Bytes for the port, each given once; empty when there is nothing to send."""
        return self._link.take_out()

    def more_to_send(self, now: float) -> tuple[bytes, list[Event | NvRead]]:
        """The next piece of the content that is on its way, the one before being handed over; and what to report."""
        self._go_on(now)
        return self._link.more(now), self._take_events()

    def prepare(self) -> None:
        """Nothing can be worked ahead: pieces are cut when they are wanted."""

    # ---- the table ----------------------------------------------------------------------------------------------

    def _happen(self, cue: Cue, now: float) -> None:
        """Do what the table says; refuse what it does not list."""
        row = TABLE.get((self.state, cue))
        if row is None:
            raise self._failed(self._answer or cue.name)
        action, following = row
        if following is not State.FAILED:  # the actions that raise name the state that failed
            self._enter(following, now)
        try:
            getattr(self, f"_do_{action}")(now)
        except ModulineError:
            self.state = State.FAILED
            raise
        if self.state is State.CHOOSE:
            self._happen(self._choose(), now)

    def _failed(self, answer: Text | str) -> BadAnswer:
        what = self._what()
        self.state = State.FAILED
        return BadAnswer(what=what, answer=answer)

    def _enter(self, following: State, now: float) -> None:
        if following is not self.state or following in REPEATED:
            self._deadline = now + LIMITS_S.get(following, 0.0)
        self.state = following
        retry = RETRIES_S.get(following)
        self._tick_at = None if retry is None else now + retry

    def _take_events(self) -> list[Event | NvRead]:
        events, self._events = self._events, []
        return events

    def _choose(self) -> Cue:
        """What the plan wants next."""
        if self._checks:
            return Cue.ASK
        if not self._is_announced:
            return Cue.ANNOUNCE
        if not self._todo:
            return Cue.NOTHING_LEFT
        if not self._max_bytes:
            return Cue.SIZE
        verb = self._todo[0][0].verb
        if verb == "write":
            return Cue.PIECE if self._begun else Cue.WRITE
        return _CHOICES[verb]

    # ---- answers ------------------------------------------------------------------------------------------------

    def _take(self, event: LinkEvent, now: float) -> None:
        if isinstance(event, LinkUp):
            self._happen(Cue.UP, now)
        elif isinstance(event, LinkLost):
            self._answer = "greeting"
            self._happen(Cue.ANEW, now)
        elif isinstance(event, LinkText):
            self._log = event.text.strip()[-MAX_LOG_LETTERS:] or self._log
        elif isinstance(event, LinkContent):
            self._take_upload(event.data, now)
        else:
            self._take_answer(event, now)

    def _take_answer(self, event: LinkAnswer, now: float) -> None:
        try:
            answer = wire.unpack_answer(event.payload)
        except BadFormat as broken:
            raise self._failed(ascii(event.payload[:40].decode("latin-1"))) from broken
        if answer.kind not in wire.FINAL:
            self._log = answer.text[-MAX_LOG_LETTERS:] if answer.kind == "INFO" else self._log
            self._deadline = max(self._deadline, now + LIMITS_S.get(self.state, 0.0))
            return
        self._answer = answer.text if answer.kind == "OKAY" else f"{answer.kind}{answer.text}"
        if answer.kind == "FAIL":
            is_old = self.state is State.CALL and self._bootrom == OLD_ROM and self._link.kind == "SMUX"
            self._answer = answer.text or self._log or "FAIL"
            self._happen(Cue.REFUSED_OLD_ROM if is_old else Cue.REFUSED, now)
        elif answer.kind == "DATA":
            self._take_data(answer, now)
        else:
            self._happen(_ACCEPTED[self._action.verb] if self.state is State.CONTENT else Cue.OKAY, now)

    def _take_data(self, answer: wire.AbootAnswer, now: float) -> None:
        try:
            size = answer.size_bytes
        except BadFormat as broken:
            raise self._failed(self._answer) from broken
        wanted = (
            self._action.room_bytes if self.state is State.KEEP_UPLOAD else len(self._files[0] if self._files else b"")
        )
        if size != wanted:
            raise self._failed(self._answer)
        self._happen(Cue.DATA, now)

    def _take_upload(self, data: bytes, now: float) -> None:
        if self.state is not State.KEEP_CONTENT:
            raise self._failed(Text("content that nobody asked for", "未请求的数据"))
        self._upload += data
        if len(self._upload) > self._upload_bytes:
            raise self._failed(Text("more content than announced", "数据多于声明长度"))
        self._happen(Cue.UPLOADED_ALL if len(self._upload) == self._upload_bytes else Cue.UPLOADED, now)

    def _go_on(self, now: float) -> None:
        """Content moves: that gives new time, and may be told."""
        self._handed_bytes = self._link.handed_bytes
        self._deadline = now + LIMITS_S[State.CONTENT]
        self._tell_progress()

    # ---- progress -----------------------------------------------------------------------------------------------

    def _tell_progress(self, accepted: int | None = None) -> None:
        """Tell what is done: accepted content, and half of what was handed over of the present one."""
        if accepted is not None:
            self._part_bytes = accepted
            handed = 0
        else:
            share = min(self._link.handed_bytes / len(self._files[0]), 1.0) if self._files else 0.0
            handed = int(self._piece_bytes() * share) // 2
        done = self._done_bytes + self._part_bytes + handed
        if self._todo:  # something follows, if only an erase: not at its end
            done = min(done, self._total_bytes - 1)
        is_step = done - self._told_bytes >= self._total_bytes // PROGRESS_PARTS
        if done > self._told_bytes and (is_step or not self._todo):
            self._told_bytes = done
            self._events.append(Progress("burn", done, self._total_bytes))

    def _piece_bytes(self) -> int:
        """Content of the package in the present file; all of them together are the action's."""
        return (len(self._action.data) - self._part_bytes) // max(len(self._files), 1)

    def _step(self, state: str) -> None:
        facts = {"part": self._action.part, "verb": self._action.verb, "bytes": self._action.size_bytes}
        self._events.append(Step(f"burn.{self._action.part}", state, facts=facts))

    def _begin(self) -> None:
        """The first of the todo becomes the present action."""
        if not self._begun:
            self._action, self._files = self._todo[0]
            self._part_bytes = 0
            self._begun = True
            self._step("begin")

    # ---- actions of the table -----------------------------------------------------------------------------------

    def _send(self, command: AbootCommand, now: float) -> None:
        self._link.send_command(command.pack(), now)

    def _do_wait(self, now: float) -> None:
        """Nothing to send."""

    def _do_open(self, now: float) -> None:
        self._events.append(Step("burn.connect", "begin"))
        self._link.start(now)

    def _do_opened(self, now: float) -> None:
        del now
        self._events.append(Step("burn.connect", "done", facts={"link": self._link.kind}))

    def _do_ask(self, now: float) -> None:
        self._send(AbootCommand("getvar", self._checks[0].name), now)

    def _do_compare(self, now: float) -> None:
        del now
        check = self._checks.pop(0)
        if check.name == "version-bootrom":
            self._bootrom = self._answer
        if not check.is_met(self._answer):
            raise WrongModule(package=f"{check.name} {'|'.join(check.values)}", module=self._answer)

    def _do_compare_unknown(self, now: float) -> None:
        del now
        check = self._checks.pop(0)
        if not check.is_met(None):
            raise WrongModule(package=f"{check.name} {'|'.join(check.values)}", module=self._answer)

    def _do_announce(self, now: float) -> None:
        self._is_announced = True
        self._send(AbootCommand.sized("progress", self._plan.weight or 0), now)

    def _do_ask_size(self, now: float) -> None:
        self._send(AbootCommand("getvar", "max-download-size"), now)

    def _do_knock(self, now: float) -> None:
        del now
        self._link.knock()

    def _do_take_size(self, now: float) -> None:
        del now
        try:
            self._max_bytes = int(self._answer.strip(), 16)
        except ValueError:
            raise BadAnswer(what="getvar:max-download-size", answer=ascii(self._answer[:40])) from None
        if self._max_bytes < BLOCK_BYTES + HEADER_ROOM_BYTES:
            raise BadAnswer(what="getvar:max-download-size", answer=ascii(self._answer[:40]))

    def _do_download(self, now: float) -> None:
        self._begin()
        if len(self._files[0]) > self._max_bytes:
            self._cut_smaller()
        self._send(AbootCommand.sized("download", len(self._files[0])), now)

    def _cut_smaller(self) -> None:
        """Cut what is left of a partition into files that the module takes.

        Raises:
            TooBig: it cannot be cut.
        """
        blocks = (self._max_bytes - HEADER_ROOM_BYTES) // BLOCK_BYTES
        files = list(files_of(self._action, blocks))
        if self._part_bytes or max(len(file) for file in files) > self._max_bytes:
            raise TooBig(what=self._action.part, need=len(self._files[0]), have=self._max_bytes)
        self._files[:] = files

    def _do_send(self, now: float) -> None:
        self._link.send_content(self._files[0], now)

    def _do_verify(self, now: float) -> None:
        self._send(AbootCommand("verify"), now)

    def _do_call(self, now: float) -> None:
        self._send(AbootCommand("call"), now)

    def _do_nop(self, now: float) -> None:
        self._send(AbootCommand("nop"), now)

    def _do_called(self, now: float) -> None:
        self._max_bytes = 0
        self._do_finish(now)

    def _do_table(self, now: float) -> None:
        self._send(AbootCommand("partition"), now)

    def _do_ask_type(self, now: float) -> None:
        self._send(AbootCommand("getvar", f"partition-type:{self._todo[0][0].target}"), now)
        self._begin()

    def _do_take_type(self, now: float) -> None:
        del now
        if self._answer.strip() not in PARTITION_TYPES:
            raise WriteFailed(part=self._action.part, what="getvar:partition-type", answer=self._answer or "OKAY")

    def _do_flash(self, now: float) -> None:
        self._send(AbootCommand("flash", self._action.target), now)

    def _do_piece_done(self, now: float) -> None:
        piece = self._piece_bytes()
        self._files.pop(0)
        if self._files:
            self._tell_progress(self._part_bytes + piece)
        else:
            self._do_finish(now)

    def _do_finish(self, now: float) -> None:
        del now
        self._todo.pop(0)
        self._files = []
        self._tell_progress(len(self._action.data))
        self._done_bytes += len(self._action.data)
        self._part_bytes = 0
        self._begun = False
        self._step("done")

    def _do_erase(self, now: float) -> None:
        self._begin()
        self._send(AbootCommand("erase", self._action.target), now)

    def _do_select(self, now: float) -> None:
        self._begin()
        self._send(AbootCommand("useflash", self._action.target), now)

    def _do_stage(self, now: float) -> None:
        self._send(AbootCommand("ulstage", f"{0:08x}:{self._action.room_bytes:08x}"), now)

    def _do_upload(self, now: float) -> None:
        self._send(AbootCommand("upload"), now)

    def _do_expect(self, now: float) -> None:
        del now
        self._upload = bytearray()
        self._upload_bytes = self._action.room_bytes

    def _do_hold(self, now: float) -> None:
        del now
        self._events.append(NvRead(bytes(self._upload), "", is_valid=True, part=self._action.target))

    def _do_cannot_keep(self, now: float) -> None:
        del now
        reason = Text(
            "{part} holds what only this module has, and its flasher cannot read it out ({answer})",
            "{part} 保存着模组独有的数据，而其烧录器无法读出（{answer}）",
        )
        remedy = Text("burn without naming this part", "请勿指定烧录该部分")
        raise Unsupported(format="aboot", reason=reason, remedy=remedy, part=self._action.target, answer=self._answer)

    def _do_reboot(self, now: float) -> None:
        self._events.append(Step("burn.reset", "begin"))
        self._send(AbootCommand("reboot"), now)

    def _do_complete(self, now: float) -> None:
        self._send(AbootCommand("complete"), now)

    def _do_disconnect(self, now: float) -> None:
        self._send(AbootCommand("disconnect"), now)

    def _do_done(self, now: float) -> None:
        del now
        self._events.append(Step("burn.reset", "done"))

    def _do_refuse(self, now: float) -> None:
        del now
        if self.state is State.TABLE and self._action.role == "flash_list":
            raise WrongModule(package=Text("other flash chips", "其他 Flash 型号"), module=self._answer)
        raise WriteFailed(part=self._action.part, what=self._what(), answer=self._answer)

    def _do_restarted(self, now: float) -> None:
        del now
        answer = Text("the module has started anew", "模组已重新启动")
        raise BadAnswer(what=self._what(), answer=answer)

    def _do_give_up(self, now: float) -> None:
        del now
        raise NoAnswer(what=self._what(), seconds=LIMITS_S[self.state])

    # ---- words --------------------------------------------------------------------------------------------------

    def _what(self) -> str:
        """The state with its part, for messages."""
        is_about_part = self._begun and self.state not in ENDING
        return f"{self.state.name} {self._action.part}" if is_about_part else self.state.name
