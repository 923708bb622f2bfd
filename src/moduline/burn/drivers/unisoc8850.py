"""Host side of burning an 8850, as a table: state and cue give the next thing to send and the next state.

::

    ROM   SYNC (7E 7E 7E until VER) -> CONNECT -> FDL_START -> FDL_CHUNK* -> FDL_END -> FDL_EXEC          CRC-16
    FDL   FDL_SYNC (7E 7E 7E until VER) -> FDL_CONNECT -> CHOOSE -> BAUD? -> PROBE* -> NV_READ* -> NV_HOLD    sum
          -> CHOOSE -> ERASE -> CHOOSE -> START -> CHUNK* -> END -> CHOOSE ... -> READ_BACK* -> RESET -> DONE

The session knows no port and no clock: it is given bytes and the time, and says what to send (``bytes_to_send``) and
when to wake it (``wake_at``). Failures are raised as errors of the tree and end in FAILED.

Who is there? A stage answers its greeting once; a ROM or a loader left over from a try before ignores further flags.
After a second of silence a CONNECT with the loader's check is tried: a loader acknowledges it, a ROM complains with its
own check (0x8B). The other way round would end the burn: a loader that gets a wrong check falls silent for good.

Before the first erase: the last address of the package is read, which a smaller flash refuses; NV is read, handed out
and must be confirmed stored (``stored``). The first erase of another model's package is answered 0x97.

Source: platform-unisoc 5.1, 5.3, 5.4, 5.7, 6.2, 6.3, 6.4, 6.6, 7.
"""

from __future__ import annotations

from typing import Final

from moduline.burn.action import Action, BurnPlan
from moduline.burn.drivers.unisoc8850_plan import Plan8850, reaches
from moduline.burn.drivers.unisoc8850_table import (
    CHUNKING,
    IN_ROM,
    LIMITS_S,
    LISTENING,
    REPEATED,
    RETRIES_S,
    TABLE,
    Cue,
    State,
)
from moduline.burn.drivers.unisoc_content import READ_PACKET_BYTES, ContentSender, ReadBack
from moduline.burn.drivers.unisoc_nv import NvKeeper
from moduline.burn.session import NvRead
from moduline.errors import BadAnswer, ModulineError, NoAnswer, Text, WriteFailed, WrongModule
from moduline.events import Event, Notice, Step
from moduline.wire.download import unisoc as wire
from moduline.wire.download.unisoc import FDL_8850, ROM_8850, BslAnswer, BslCommand, Check

ASK_EVERY: Final = 10
"""Every tenth try of the greeting is a CONNECT instead: once a second."""
PROBE_BYTES: Final = 4

_VERSIONS: Final = {"rom": b"SPRD3", "fdl": b"Spreadtrum Boot Block"}
_OTHER: Final = Text("another model", "其他型号")
_LEFT: Final = Text(
    "another model, says a loader left running by an earlier try; re-power the module to use this package's own",
    "其他型号（由先前残留运行的加载程序判定；请重新上电以使用本固件包的加载程序）",
)
_ACK_FRAME: Final = FDL_8850.encode(BslAnswer.ACK)
_FLASH_STATES: Final = frozenset(State) - IN_ROM - LISTENING


class Session:
    """One burn of one module.

    Args:
        plan: what to do; executed as it stands.
    """

    def __init__(self, plan: BurnPlan) -> None:
        if not isinstance(plan, Plan8850):
            raise TypeError(plan)  # a plan of another driver: nobody but a programmer can cause it
        self.state = State.IDLE
        self.wake_at: float | None = None
        self.line_rate = 0
        """The rate the port must have from now on; 0: as it was opened."""
        self._plan = plan
        self._loader = next(action for action in plan.actions if action.verb == "load")
        self._todo = [action for action in plan.actions if action.verb not in {"load", "keep", "skip"}]
        self._reaches = list(reaches(plan.actions))
        self._nv = NvKeeper(plan)
        self._needs_nv = self._nv.is_wanted
        self._own_nv: bytes | None = None
        self._content = ContentSender(plan.write_bytes)
        self._compare = ReadBack([action for action in plan.actions if action.is_read_back])
        self._action = self._loader
        self._listener = wire.BslListener()
        self._decoder = ROM_8850.host_decoder()
        self._baud = plan.baud
        self._asked = 0
        self._has_asked = False
        self._has_loaded = False
        self._is_left = False
        """Whether the loader was left running by a try before; it may be another package's."""
        self._deadline = 0.0
        self._answer = 0
        self._data = b""
        self._out: list[bytes] = []
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
        if data == _ACK_FRAME and self.state in _FLASH_STATES and self._decoder.is_empty:
            self._answered("sum", wire.BslFrame(BslAnswer.ACK), now)
            return self._take_events()
        if self.state in LISTENING:
            heard = self._listener.feed(data)
        else:
            heard = [(self._check(), event) for event in self._decoder.feed(data)]
        for by, event in heard:
            if not self.is_over and not (isinstance(event, wire.BslFrame) and event.type == BslAnswer.LOG):
                self._answered(by, event, now)
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
            BadFormat, TooBig: the package's NV template cannot be used.
        """
        self._own_nv = own_nv
        self._happen(Cue.STORED, now)
        return self._take_events()

    def leave(self) -> bytes:
        """The loader's own reset: nothing was erased, so the module starts as it did before."""
        return FDL_8850.encode(BslCommand.NORMAL_RESET)

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
        if self.state in {State.FDL_START, State.FDL_CHUNK, State.START, State.CHUNK}:
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

    def _answered(self, check: Check | None, event: wire.BslEvent, now: float) -> None:
        """One event of the decoder that was right when it came; the state may have moved on since."""
        if isinstance(event, wire.BslFrame):
            if self.state not in LISTENING and check != self._check():
                return  # an answer of the stage before
            self._answer, self._data = event.type, event.data
            cue = self._stage_cue(check) if self.state in LISTENING else self._cue()
            if cue is not None:
                self._happen(cue, now)
        elif isinstance(event, wire.BslBadCheck) and check is not None:
            found, expected = f"0x{event.found:04x}", f"0x{event.expected:04x}"
            raise self._failed(Text(f"check {found} instead of {expected}", f"校验为 {found}，应为 {expected}"))

    def _check(self) -> Check:
        """The check function of the stage that is spoken to."""
        return ROM_8850.check if self.state in IN_ROM else FDL_8850.check

    def _stage_cue(self, check: Check | None) -> Cue | None:
        """What a frame says about who is there; None: nothing."""
        if self.state in {State.ROM_QUIET, State.FDL_QUIET}:
            return Cue.MORE
        if self._answer == BslAnswer.VER:
            return self._version_cue(check)
        if self._has_asked and check == "sum" and self._answer == BslAnswer.ACK:
            return Cue.FDL_HEARS
        if self.state is State.SYNC and self._has_asked and check == "crc16" and self._answer == BslAnswer.VERIFY_ERROR:
            return Cue.ROM_HEARS
        return Cue.MORE if self.state is State.FDL_SYNC else None

    def _version_cue(self, check: Check | None) -> Cue:
        """Whose version it is.

        Raises:
            BadAnswer: nobody's we know.
        """
        stage = ROM_8850 if check == "crc16" else FDL_8850
        if not self._data.startswith(_VERSIONS[stage.name]):
            raise self._failed(ascii(self._data[:40]))
        if self._has_asked:
            return Cue.ROM_HEARS if stage is ROM_8850 else Cue.FDL_HEARS
        return Cue.ROM_VERSION if stage is ROM_8850 else Cue.FDL_VERSION

    def _cue(self) -> Cue:
        if self._answer == BslAnswer.ACK:
            if self.state not in CHUNKING:
                return Cue.ACK
            self._events += self._content.take_ack()
            return Cue.ACK_LAST if self._content.is_all_acked else Cue.ACK
        if self._answer == BslAnswer.VER:
            return Cue.ROM_VERSION if self.state in IN_ROM else Cue.FDL_VERSION
        if self._answer == BslAnswer.READ_DATA:
            return Cue.DATA_LAST if self._is_last_data() else Cue.DATA
        if self.state is State.PROBE and self._answer == BslAnswer.INVALID_COMMAND:
            return Cue.OUT_OF_FLASH
        if self.state is State.NV_READ and self._answer == BslAnswer.INVALID_COMMAND and self._nv.has_some:
            self._data = b""  # some loaders answer so at the end of the block
            return Cue.DATA_LAST
        return Cue.REFUSED

    def _is_last_data(self) -> bool:
        if self.state is State.NV_READ:
            return self._nv.is_last(self._data)
        return self.state is not State.READ_BACK or self._compare.is_last(self._data)

    # ---- what the plan wants next -------------------------------------------------------------------------------

    def _choose(self) -> Cue:
        if self._baud:
            return Cue.SPEED_UP
        if self._reaches:
            return Cue.LOOK
        if self._needs_nv:
            return Cue.READ_NV
        if self._todo:
            self._action = self._todo[0]
            return Cue.ERASE if self._action.verb in {"erase", "format"} else Cue.WRITE
        return Cue.NOTHING_LEFT if self._compare.is_over else Cue.COMPARE

    def _step(self, state: str) -> None:
        facts = {"part": self._action.part, "verb": self._action.verb, "bytes": self._action.size_bytes}
        self._events.append(Step(f"burn.{self._action.part}", state, facts=facts))

    # ---- actions of the table: the ROM --------------------------------------------------------------------------

    def _do_wait(self) -> None:
        """Nothing to send."""

    def _do_sync(self) -> None:
        self._out.append(ROM_8850.sync)

    def _do_ask_again(self) -> None:
        self._asked += 1
        if self._asked % ASK_EVERY:
            self._out.append(ROM_8850.sync)
        else:
            self._has_asked = True
            self._out.append(FDL_8850.encode(BslCommand.CONNECT))

    def _do_rom_connect(self) -> None:
        self._decoder = ROM_8850.host_decoder()
        self._out.append(ROM_8850.encode(BslCommand.CONNECT))

    def _do_load(self) -> None:
        self._step("begin")
        self._out.append(self._content.start(self._loader, ROM_8850.host_data_bytes, "crc16"))

    def _do_chunk(self) -> None:
        self._out.append(self._content.packet())

    def _do_rom_end(self) -> None:
        self._out.append(ROM_8850.encode(BslCommand.END_DATA))

    def _do_rom_exec(self) -> None:
        self._out.append(ROM_8850.encode(BslCommand.EXEC_DATA))

    def _do_loaded(self) -> None:
        self._do_started()
        self._do_sync()

    def _do_started(self) -> None:
        self._step("done")
        self._has_loaded = True
        self._asked, self._has_asked = 0, False
        self._listener = wire.BslListener()

    # ---- actions of the table: the loader -----------------------------------------------------------------------

    def _do_connect(self) -> None:
        self._decoder = FDL_8850.host_decoder(READ_PACKET_BYTES + 32)
        self._out.append(FDL_8850.encode(BslCommand.CONNECT))

    def _do_resume(self) -> None:
        if not self._has_loaded:
            self._has_loaded = self._is_left = True
            self._events.append(Notice("burn.loader-runs"))
            self._events += self._content.skip(self._loader)
        self._do_connect()

    def _do_baud(self) -> None:
        self._out.append(FDL_8850.encode(BslCommand.CHANGE_BAUD, wire.pack_words(self._baud)))

    def _do_new_rate(self) -> None:
        """Acknowledged at the old rate; the loop changes the port's before it wakes the session."""
        self.line_rate, self._baud = self._baud, 0

    def _do_keep_rate(self) -> None:
        self._events.append(Notice("burn.baud-refused", facts={"baud": self._baud}))
        self._baud = 0

    def _do_look(self) -> None:
        words = wire.pack_words(self._reaches[0] - PROBE_BYTES, PROBE_BYTES)
        self._out.append(FDL_8850.encode(BslCommand.READ_FLASH, words))

    def _do_looked(self) -> None:
        self._reaches.pop(0)

    def _do_too_small(self) -> None:
        last = f"0x{self._reaches[0] - 1:08x}"
        package = Text(f"a flash that reaches {last}", f"至少到 {last} 的 Flash")
        raise WrongModule(package=package, module=Text("one with a smaller flash", "Flash 较小的型号"))

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

    def _do_start(self) -> None:
        self._step("begin")
        self._out.append(self._content.start(self._action, self._plan.packet_bytes))

    def _do_end(self) -> None:
        self._out.append(FDL_8850.encode(BslCommand.END_DATA))

    def _do_erase(self) -> None:
        self._step("begin")
        words = wire.pack_words(self._action.address, self._action.size_bytes)
        self._out.append(FDL_8850.encode(BslCommand.ERASE_FLASH, words))

    def _do_finish(self) -> None:
        self._step("done")
        self._todo.pop(0)

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
        self._out.append(FDL_8850.encode(BslCommand.NORMAL_RESET))

    def _do_done(self) -> None:
        self._events.append(Step("burn.reset", "done"))

    def _do_refuse(self) -> None:
        if self._answer == BslAnswer.UNKNOWN_DEVICE and self.state in _FLASH_STATES:
            raise WrongModule(package=self._plan.model or self._plan.chip, module=_LEFT if self._is_left else _OTHER)
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
        return f"{self.state.name} {self._action.part}" if self.state is State.ERASE else self.state.name

    def _answer_text(self, cue: Cue) -> Text:
        if cue in {Cue.TICK, Cue.LATE, Cue.STORED, Cue.GONE, Cue.BEGIN}:
            return Text(cue.name, cue.name)
        known = wire.ANSWER_TEXTS.get(self._answer, Text("not documented", "未公开"))
        return Text(f"0x{self._answer:02X} {known.en}", f"0x{self._answer:02X} {known.zh}")
