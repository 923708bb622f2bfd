"""Host side of burning an 8910, as a table: state and cue give the next thing to send and the next state.

::

    ROM        PDL_CONNECT (again every second) -> [PDL_QUIET] -> PDL_START -> PDL_CHUNK* -> PDL_END -> exec, no answer
    FDL1       SYNC (raw 7E until VER) -> CONNECT -> LOADER_CONNECT -> LOADER_START -> LOADER_CHUNK* -> LOADER_END
               -> LOADER_EXEC, answered by FDL2
    FDL2       CHOOSE -> NV_READ* -> NV_HOLD -> CHOOSE -> START -> CHUNK* -> END -> CHOOSE -> ERASE -> CHOOSE ...
               -> READ_BACK* -> CHOOSE -> RESET -> DONE

The session knows no port and no clock: it is given bytes and the time, and says what to send (``bytes_to_send``) and
when to wake it (``wake_at``). Failures are raised as errors of the tree and end in FAILED.

Rules. NV is read, handed out and must be confirmed stored (``stored``) before the first erase. One packet is on the
way at a time; the next one is encoded while the module works (``prepare``). Content counts as done when the module
has acknowledged it. CHANGE_BAUD is left out: USB ignores the rate.

Source: platform-unisoc 5, 6.1, 6.3, 6.4, 6.6, 7.
"""

from __future__ import annotations

from typing import Final

from moduline.burn.action import Action, BurnPlan
from moduline.burn.drivers.unisoc_content import READ_PACKET_BYTES, ContentSender, ReadBack
from moduline.burn.drivers.unisoc_nv import NvKeeper
from moduline.burn.drivers.unisoc_table import CHUNKING, IN_ROM, LIMITS_S, REPEATED, RETRIES_S, TABLE, Cue, State
from moduline.burn.session import NvRead
from moduline.errors import BadAnswer, BadFormat, ModulineError, NoAnswer, Text, WriteFailed, WrongModule
from moduline.events import Event, Step
from moduline.wire.download import unisoc as wire
from moduline.wire.download.unisoc import BslAnswer, BslCommand, PdlCommand

LOADER_PACKET_BYTES: Final = 0x800

_ACK_FRAME: Final = wire.encode_bsl(BslAnswer.ACK)
_LOADED: Final = frozenset(State) - IN_ROM - {State.SYNC}


class Session:
    """One burn of one module.

    Args:
        plan: what to do; executed as it stands.
    """

    def __init__(self, plan: BurnPlan) -> None:
        self.state = State.IDLE
        self.wake_at: float | None = None
        self._plan = plan
        self._nv = NvKeeper(plan)
        self._needs_nv = self._nv.is_wanted
        self._own_nv: bytes | None = None
        loads = [action for action in plan.actions if action.verb == "load"]
        self._first, self._second = loads
        self._todo = [action for action in plan.actions if action.verb not in {"load", "keep", "skip"}]
        self._compare = ReadBack([action for action in plan.actions if action.is_read_back])
        self._action = self._first
        self._content = ContentSender(plan.write_bytes)
        self._pieces = 0
        self._out: list[bytes] = []
        self._pdl = wire.PdlDecoder()
        self._bsl = wire.BslDecoder("sum", max_data_bytes=READ_PACKET_BYTES + 32)
        self._deadline = 0.0
        self._asked = 0
        self._answer = 0
        self._data = b""
        self._events: list[Event | NvRead] = []

    # ---- what the loop calls ------------------------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be sent or expected."""
        return self.state in {State.DONE, State.FAILED}

    @property
    def may_lose_port(self) -> bool:
        """Whether the port may vanish now and come back, and the burn go on over the new one."""
        return (self.state, Cue.GONE) in TABLE

    def start(self, now: float) -> list[Event | NvRead]:
        """Begin; ``now`` is in seconds of any monotonic clock."""
        self._happen(Cue.BEGIN, now)
        return self._take_events()

    def receive(self, data: bytes, now: float) -> list[Event | NvRead]:
        """Take bytes from the module; gives what is to be reported.

        Raises:
            WriteFailed, VerifyFailed, WrongModule, BadAnswer: what the module answered, or read back wrong.
        """
        if data == _ACK_FRAME and self._bsl.is_empty and self.state is not State.SYNC and self.state in _LOADED:
            self._answer = BslAnswer.ACK
            self._happen(self._ack_cue(), now)
            return self._take_events()
        for event in self._decode(data):
            if isinstance(event, wire.BslFrame) and event.type == BslAnswer.LOG:
                continue
            self._answered(event, now)
        return self._take_events()

    def wake(self, now: float) -> list[Event | NvRead]:
        """The time ``wake_at`` has come.

        Raises:
            NoAnswer: the module has been silent for too long.
        """
        if self.wake_at is not None and now >= self.wake_at:
            self._happen(Cue.LATE if now >= self._deadline else Cue.TICK, now)
        return self._take_events()

    def stored(self, now: float, own_nv: bytes | None = None) -> list[Event | NvRead]:
        """The NV block of :class:`NvRead` is safe; go on, with ``own_nv`` where the one read is of no use.

        Raises:
            BadFormat: the package's NV template cannot be read.
        """
        self._own_nv = own_nv
        self._happen(Cue.STORED, now)
        return self._take_events()

    def leave(self) -> bytes:
        """The loader's own reset: nothing was erased, so the module starts as it did before."""
        return wire.encode_bsl(BslCommand.NORMAL_RESET)

    def gone(self, now: float) -> list[Event | NvRead]:
        """The port vanished at a moment when it may; a new one is opened unless the session is over now."""
        self._out.clear()
        self._happen(Cue.GONE, now)
        return self._take_events()

    def bytes_to_send(self) -> bytes:
        """Bytes for the port, each given once; empty when there is nothing to send."""
        if not self._out:
            return b""
        out = self._out[0] if len(self._out) == 1 else b"".join(self._out)
        self._out = []
        return out

    def prepare(self) -> None:
        """Encode the next packet now, while the module works on the last one."""
        if self.state in {State.CHUNK, State.START, State.LOADER_CHUNK}:
            self._content.prepare()

    # ---- the table ----------------------------------------------------------------------------------------------

    def _happen(self, cue: Cue, now: float) -> None:
        """Do what the table says; refuse what it does not list."""
        row = TABLE.get((self.state, cue))
        if row is None:
            raise self._failed(self._answer_text(cue))
        action, following = row
        self._enter(following, now)
        try:
            getattr(self, f"_do_{action}")()
        except ModulineError:
            self.state, self.wake_at = State.FAILED, None
            raise
        if self.state is State.CHOOSE:
            self._happen(self._choose(), now)

    def _failed(self, answer: Text | str) -> BadAnswer:
        """The error of an answer that the protocol does not allow here; the session is over."""
        what = self._what()
        self.state, self.wake_at = State.FAILED, None
        return BadAnswer(what=what, answer=answer)

    def _enter(self, following: State, now: float) -> None:
        if following is State.FAILED:  # the action raises and wants to name the state that failed
            self.wake_at = None
            return
        if following is not self.state or following in REPEATED:
            self._deadline = now + LIMITS_S.get(following, 0.0)
        self.state = following
        limit = LIMITS_S.get(following)
        retry = RETRIES_S.get(following)
        self.wake_at = None if limit is None else self._deadline if retry is None else min(self._deadline, now + retry)

    def _take_events(self) -> list[Event | NvRead]:
        if not self._events:
            return []
        events, self._events = self._events, []
        return events

    # ---- answers ------------------------------------------------------------------------------------------------

    def _decode(self, data: bytes) -> list[wire.PdlEvent | wire.BslEvent]:
        if self.state in IN_ROM:
            return list(self._pdl.feed(data))
        if self.state is State.SYNC:  # the ROM may still refuse to start the loader
            refusals = [event for event in self._pdl.feed(data) if isinstance(event, wire.PdlPacket)]
            return [*refusals, *self._bsl.feed(data)]
        return list(self._bsl.feed(data))

    def _answered(self, event: wire.PdlEvent | wire.BslEvent, now: float) -> None:
        if isinstance(event, wire.PdlDropped | wire.BslDropped | wire.BslSync):
            return
        if isinstance(event, wire.BslBadCheck):
            found, expected = f"0x{event.found:04x}", f"0x{event.expected:04x}"
            raise self._failed(Text(f"check {found} instead of {expected}", f"校验为 {found}，应为 {expected}"))
        if isinstance(event, wire.PdlPacket):
            try:
                self._answer = wire.unpack_pdl_answer(event).code
            except BadFormat as broken:
                raise self._failed(event.payload[:16].hex(" ")) from broken
            cue = self._ack_cue() if self._answer == wire.PdlCode.ACK else Cue.REFUSED
            if self.state is State.SYNC and cue is not Cue.REFUSED:
                return
        else:
            self._answer, self._data = event.type, event.data
            cue = self._bsl_cue()
        self._happen(cue, now)

    def _bsl_cue(self) -> Cue:
        if self._answer == BslAnswer.ACK:
            return self._ack_cue()
        if self._answer == BslAnswer.VER:
            return Cue.VERSION
        if self._answer == BslAnswer.READ_DATA:
            return Cue.DATA_LAST if self._is_last_data() else Cue.DATA
        if self._answer == BslAnswer.INVALID_COMMAND and self.state is State.NV_READ and self._nv.has_some:
            self._data = b""  # some loaders answer so at the end of the block
            return Cue.DATA_LAST
        return Cue.REFUSED

    def _ack_cue(self) -> Cue:
        if self.state in CHUNKING:
            self._events += self._content.take_ack()
            return Cue.ACK_LAST if self._content.is_all_acked else Cue.ACK
        if self.state is State.PDL_CONNECT and self._asked > 1:
            return Cue.ACK_AGAIN
        return Cue.ACK

    def _is_last_data(self) -> bool:
        if self.state is State.NV_READ:
            return self._nv.is_last(self._data)
        return self.state is not State.READ_BACK or self._compare.is_last(self._data)

    # ---- what the plan wants next -------------------------------------------------------------------------------

    def _choose(self) -> Cue:
        if self._needs_nv:
            return Cue.READ_NV
        if self._todo:
            self._action = self._todo[0]
            return Cue.ERASE if self._action.verb in {"erase", "format"} else Cue.WRITE
        return Cue.NOTHING_LEFT if self._compare.is_over else Cue.COMPARE

    def _step(self, state: str) -> None:
        facts = {"part": self._action.part, "verb": self._action.verb, "bytes": self._action.size_bytes}
        self._events.append(Step(f"burn.{self._action.part}", state, facts=facts))

    # ---- actions of the table -----------------------------------------------------------------------------------

    def _do_wait(self) -> None:
        """Nothing to send."""

    def _do_pdl_connect(self) -> None:
        self._asked += 1
        self._out = [wire.encode_pdl_request(wire.PdlRequest(PdlCommand.CONNECT))]

    def _do_pdl_start(self) -> None:
        self._content.take(self._first, wire.MAX_CHUNK_BYTES)
        self._step("begin")
        size = len(self._first.data)
        request = wire.PdlRequest(PdlCommand.START_DATA, self._first.address, size, wire.START_TAG)
        self._out.append(wire.encode_pdl_request(request))

    def _do_pdl_chunk(self) -> None:
        chunk = self._content.piece()
        request = wire.PdlRequest(PdlCommand.MID_DATA, self._pieces, len(chunk), chunk)
        self._out.append(wire.encode_pdl_request(request))
        self._pieces += 1

    def _do_pdl_end(self) -> None:
        self._out.append(wire.encode_pdl_request(wire.PdlRequest(PdlCommand.END_DATA, data=wire.END_TAG)))

    def _do_pdl_exec(self) -> None:
        self._step("done")
        self._out.append(wire.encode_pdl_request(wire.PdlRequest(PdlCommand.EXEC_DATA)))

    def _do_sync(self) -> None:
        self._out.append(wire.FLAG)

    def _do_connect(self) -> None:
        if self.state is State.CONNECT and self._data.startswith(wire.VERSION_ROM.rstrip(b"\0")):
            raise WrongModule(package=self._plan.chip, module="unisoc8850")
        if self.state is State.CONNECT and not self._data.startswith(b"Spreadtrum Boot Block"):
            raise BadAnswer(what="CHECK_BAUD", answer=ascii(self._data[:40]))
        self._out.append(wire.encode_bsl(BslCommand.CONNECT))

    def _do_load(self) -> None:
        self._action = self._second
        self._step("begin")
        self._out.append(self._content.start(self._second, LOADER_PACKET_BYTES))

    def _do_chunk(self) -> None:
        self._out.append(self._content.packet())

    def _do_end(self) -> None:
        self._out.append(wire.encode_bsl(BslCommand.END_DATA))

    def _do_exec(self) -> None:
        self._out.append(wire.encode_bsl(BslCommand.EXEC_DATA))

    def _do_loaded(self) -> None:
        self._step("done")

    def _do_start(self) -> None:
        self._step("begin")
        self._out.append(self._content.start(self._action, self._plan.packet_bytes))

    def _do_erase(self) -> None:
        self._step("begin")
        words = wire.pack_words(self._action.address, self._action.size_bytes)
        self._out.append(wire.encode_bsl(BslCommand.ERASE_FLASH, words))

    def _do_finish(self) -> None:
        self._step("done")
        self._todo.pop(0)

    def _do_read_nv(self) -> None:
        self._events.append(Step("burn.nv_backup", "begin"))
        self._out.append(self._nv.ask())

    def _do_take_nv(self) -> None:
        self._nv.take(self._data)
        self._out.append(self._nv.ask())

    def _do_take_last_nv(self) -> None:
        self._nv.take(self._data)
        self._events.append(self._nv.as_read())

    def _do_take_no_nv(self) -> None:
        """The module refuses to read its NV; what came so far is all there is."""
        self._events.append(self._nv.as_read())

    def _do_settle_nv(self) -> None:
        """What was read is stored; replace the action by what is really sent, if there is one."""
        self._needs_nv = False
        for index, old in enumerate(self._todo):
            if old.verb == "keep_nv":
                merged, notices = self._nv.merge(old.data, self._own_nv)
                self._events += notices
                self._todo[index] = Action(old.verb, old.part, old.role, old.address, len(merged), data=merged)
        self._events.append(Step("burn.nv_backup", "done"))

    def _do_read_back(self) -> None:
        if not self._compare.read_bytes:
            self._events.append(Step("burn.verify", "begin"))
        self._action = self._compare.action
        self._out.append(self._compare.ask())

    def _do_compare(self) -> None:
        self._events.append(self._compare.compare(self._data))
        self._out.append(self._compare.ask())

    def _do_compare_last(self) -> None:
        self._events.append(self._compare.compare(self._data))
        if self._compare.is_over:
            self._events.append(Step("burn.verify", "done", facts={"bytes": self._compare.read_bytes}))

    def _do_reset(self) -> None:
        self._events.append(Step("burn.reset", "begin"))
        self._out.append(wire.encode_bsl(BslCommand.NORMAL_RESET))

    def _do_done(self) -> None:
        self._events.append(Step("burn.reset", "done"))

    def _do_refuse(self) -> None:
        if self._answer == BslAnswer.UNKNOWN_DEVICE and self.state in _LOADED:
            raise WrongModule(package=self._plan.model or self._plan.chip, module=Text("another model", "其他型号"))
        raise WriteFailed(part=self._action.part, what=self._what(), answer=self._answer_text(Cue.REFUSED))

    def _do_give_up(self) -> None:
        raise NoAnswer(what=self._what(), seconds=LIMITS_S[self.state])

    # ---- words --------------------------------------------------------------------------------------------------

    def _what(self) -> str:
        """The state with its part and offset, for messages."""
        if self.state in {*CHUNKING, State.START, State.END}:
            return f"{self.state.name} {self._action.part}+0x{self._content.acked:x}"
        if self.state is State.READ_BACK:
            return f"{self.state.name} {self._action.part}+0x{self._compare.at:x}"
        return self.state.name

    def _answer_text(self, cue: Cue) -> Text:
        if cue in {Cue.TICK, Cue.LATE, Cue.STORED, Cue.GONE, Cue.BEGIN}:
            return Text(cue.name, cue.name)
        is_pdl = self.state in IN_ROM or (self.state is State.SYNC and self._answer < 0x80)
        texts = wire.CODE_TEXTS if is_pdl else wire.ANSWER_TEXTS
        known = texts.get(self._answer, Text("not documented", "未公开"))
        number = str(self._answer) if is_pdl else f"0x{self._answer:02X}"
        return Text(f"{number} {known.en}", f"{number} {known.zh}")
