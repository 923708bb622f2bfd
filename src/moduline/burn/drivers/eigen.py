"""Host side of burning an EigenComm module, as a table: state and cue give the next thing to say and the next state.

::

    ROM        ROM_SYNC -> VERSION (chip?) -> SELECT -> VERIFY -> (SIZE -> DATA)* -> DONE      first the head, 0x110
               ROM_SYNC -> ...                                    -> DONE -> agentboot runs    then its body, 0x400 each
    LPC        LPC_SYNC -> CHOOSE -> KEEP* -> ERASE* -> BURN_ONE -> download layer -> STATUS -> LPC_SYNC ...
               -> READ_BACK* -> RESET -> DONE
    download   AG_SYNC -> VERSION -> SELECT -> VERIFY -> (SIZE -> DATA)* -> DONE               head, first block
               AG_SYNC -> (SIZE -> DATA)* -> DONE                                              every block after it

The session knows no port and no clock: it is given bytes and the time, and says what to send (``bytes_to_send``) and
when to wake it (``wake_at``). Failures are raised as errors of the tree and end in FAILED.

Rules. The chip's own version is compared before the agentboot is sent. A module whose agentboot still runs from a try
before (it answers "wrong layer") is taken up there. Echoes and answers nobody waits for are dropped: sync words may be
said more often than they are heard. One packet is on the way at a time; the next one is encoded meanwhile.

Source: platform-eigencomm 3.
"""

from __future__ import annotations

from typing import Final

from moduline.burn.action import Action, BurnPlan
from moduline.burn.drivers.eigen_plan import EigenPlan
from moduline.burn.drivers.eigen_table import (
    DOWNLOAD,
    FIRST_PAIRS_S,
    LIMITS_S,
    MAX_RESYNCS,
    REPEATED,
    RESYNCING,
    RETRIES_S,
    ROM,
    TABLE,
    Cue,
    State,
)
from moduline.burn.session import NvRead
from moduline.errors import BadAnswer, BadFormat, ModulineError, NoAnswer, Text, VerifyFailed, WriteFailed, WrongModule
from moduline.events import Event, Notice, Progress, Step
from moduline.wire.download import eigen as wire
from moduline.wire.download.eigen import Command, Layer, LpcCommand, Request
from moduline.wire.download.eigen_head import ImageId, head_of, pack_head

PROGRESS_PARTS: Final = 200
"""Progress is told at most so many times per burn; the counts are exact each time."""
LOADER_OPTIONS: Final = 1
"""What hosts put into the head of an agentboot: pull up QSPI."""

_COMMANDS: Final = {
    State.ROM_VERSION: Command.GET_VERSION,
    State.ROM_SELECT: Command.SEL_IMAGE,
    State.ROM_VERIFY: Command.VERIFY_IMAGE,
    State.ROM_SIZE: Command.DATA_HEAD,
    State.ROM_DATA: Command.DATA,
    State.ROM_DONE: Command.DONE,
    State.AG_VERSION: Command.GET_VERSION,
    State.AG_SELECT: Command.SEL_IMAGE,
    State.AG_VERIFY: Command.VERIFY_IMAGE,
    State.AG_SIZE: Command.DATA_HEAD,
    State.AG_DATA: Command.DATA,
    State.AG_DONE: Command.DONE,
    State.KEEP: LpcCommand.READ,
    State.ERASE: LpcCommand.ERASE,
    State.BURN_ONE: LpcCommand.BURN_ONE,
    State.STATUS: LpcCommand.BURN_STATUS,
    State.READ_BACK: LpcCommand.READ,
    State.RESET: LpcCommand.SYS_RESET,
}
"""Whose answer a state waits for."""


class Session:
    """One burn of one module.

    Args:
        plan: what to do; executed as it stands.
    """

    def __init__(self, plan: BurnPlan) -> None:
        if not isinstance(plan, EigenPlan):
            raise TypeError(plan)  # a plan of another driver: nobody but a programmer can cause it
        self.state = State.IDLE
        self.wake_at: float | None = None
        self._plan = plan
        self._loader = next(action for action in plan.actions if action.verb == "load")
        self._todo = [action for action in plan.actions if action.verb in {"keep", "erase", "write"}]
        self._compare = [action for action in plan.actions if action.is_read_back]
        self._action = self._loader
        self._image = ImageId.BOOT
        self._layer = Layer.DLBOOT
        self._pieces: list[bytes] = []
        self._piece = memoryview(b"")
        self._is_head = True
        self._has_named = False
        self._sent = 0
        self._index = 0
        self._asked = 0
        self._resyncs = 0
        self._soon: list[float] = []
        self._next_frame: tuple[int, int, bytes] | None = None
        self._kept = bytearray()
        self._at = 0
        self._limit_s = 0.0
        self._out: list[bytes] = []
        self._decoder = wire.AnswerDecoder(Layer.DLBOOT)
        self._answer = wire.Answer(0)
        self._deadline = 0.0
        self._done_bytes = 0
        self._told_bytes = 0
        self._read_bytes = 0
        self._events: list[Event | NvRead] = []
        self._load(self._loader, ImageId.BOOT, baud=self._plan.baud, options=LOADER_OPTIONS)

    # ---- what the loop calls ------------------------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be sent or expected."""
        return self.state in {State.DONE, State.FAILED}

    @property
    def may_lose_port(self) -> bool:
        """Whether the port may vanish now and come back: while the agentboot starts, and at the reset."""
        is_starting = self._action is self._loader and not self._pieces
        return (self.state, Cue.GONE) in TABLE and (is_starting or self.state is State.RESET)

    def start(self, now: float) -> list[Event | NvRead]:
        """Begin; ``now`` is in seconds of any monotonic clock."""
        self._events.append(self._step_of("begin"))
        self._happen(Cue.BEGIN, now)
        return self._take_events()

    def receive(self, data: bytes, now: float) -> list[Event | NvRead]:
        """Take bytes from the module; gives what is to be reported.

        Raises:
            WriteFailed, VerifyFailed, WrongModule, BadAnswer: what the module answered, or read back wrong.
        """
        for event in self._decoder.feed(data):
            if isinstance(event, wire.Answer):
                if self._is_awaited(event):
                    self._answer = event
                    self._happen(self._answer_cue(), now)
            elif isinstance(event, wire.Echo):
                self._echoed(event.layer, now)
            if self.is_over:
                break
        return self._take_events()

    def wake(self, now: float) -> list[Event | NvRead]:
        """The time ``wake_at`` has come.

        Raises:
            NoAnswer: the module has been silent for too long.
        """
        if self.wake_at is not None and now >= self.wake_at:
            is_late = now >= self._deadline or (self.state in RESYNCING and self._resyncs >= MAX_RESYNCS)
            self._happen(Cue.LATE if is_late else Cue.TICK, now)
        return self._take_events()

    def stored(self, now: float, own_nv: bytes | None = None) -> list[Event | NvRead]:
        """What was read out is safe; go on. ``own_nv`` is not used: EigenComm calibration is never written."""
        del own_nv
        self._happen(Cue.STORED, now)
        return self._take_events()

    def gone(self, now: float) -> list[Event | NvRead]:
        """The port vanished at a moment when it may; a new one is opened unless the session is over now."""
        self._out.clear()
        self._decoder.clear()
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
        """Encode the next packet now, while the module works."""
        if self.state is State.AG_SIZE and self._next_frame is None:
            self._next_frame = self._encode_data(min(wire.MAX_DATA_BYTES, len(self._piece) - self._sent))

    # ---- the table ----------------------------------------------------------------------------------------------

    def _happen(self, cue: Cue, now: float) -> None:
        """Do what the table says; refuse what it does not list."""
        row = TABLE.get((self.state, cue))
        if row is None:
            what, self.state, self.wake_at = self._what(), State.FAILED, None
            raise BadAnswer(what=what, answer=cue.name)
        action, following = row
        self._enter(following, now)
        try:
            getattr(self, f"_do_{action}")()
        except ModulineError:
            self.state, self.wake_at = State.FAILED, None
            raise
        if self.state is State.AG_SYNC and self._soon:
            self.wake_at = now + self._soon.pop(0)
        if self.state is State.CHOOSE:
            self._happen(self._choose(), now)

    def _enter(self, following: State, now: float) -> None:
        if following is State.FAILED:  # the action raises and wants to name the state that failed
            self.wake_at = None
            return
        if following is not self.state or following in REPEATED:
            self._limit_s = LIMITS_S.get(following, 0.0)
            self._deadline = now + self._limit_s
        layer = Layer.DLBOOT if following in ROM else Layer.AGBOOT if following in DOWNLOAD else Layer.LPC
        if layer is not self._layer:
            self._layer = self._decoder.layer = layer
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

    def _is_awaited(self, answer: wire.Answer) -> bool:
        """Whether the answer belongs to the question of this state; late ones do not."""
        command = _COMMANDS.get(self.state)
        if answer.command != command:
            return False
        if command == Command.DATA and answer.state == wire.AnswerState.ACK:
            return answer.index == self._index & 0xFF  # counted on when it was sent
        return True

    def _answer_cue(self) -> Cue:
        if self._answer.state != wire.AnswerState.ACK:
            return Cue.REFUSED
        match self.state:
            case State.ROM_DATA | State.AG_DATA:
                self._count_acked()
                return Cue.ACK_LAST if self._sent >= len(self._piece) else Cue.ACK
            case State.ROM_DONE | State.AG_DONE:
                return Cue.ACK if self._pieces else Cue.ACK_LAST
            case State.ROM_SELECT:
                return self._image_cue(ImageId.HEAD if self._is_head else ImageId.BOOT)
            case State.AG_SELECT:
                return self._image_cue(ImageId.HEAD if self._is_head else self._image)
            case State.STATUS:
                if self._answer.code == wire.STATUS_PENDING:
                    return Cue.PENDING
                return Cue.ACK if self._answer.code == wire.STATUS_GOOD else Cue.REFUSED
            case State.ERASE:
                return Cue.ACK_LAST if self._at >= self._action.size_bytes else Cue.ACK
            case State.KEEP | State.READ_BACK:
                whole = self._action.size_bytes if self.state is State.KEEP else len(self._action.data)
                return Cue.ACK_LAST if self._at + len(self._answer.data) >= whole else Cue.ACK
            case _:
                return Cue.ACK

    def _image_cue(self, expected: ImageId) -> Cue:
        """Whether the device wants what comes next.

        Raises:
            BadAnswer: it wants something else.
        """
        wanted = self._answer.code
        if wanted == expected:
            return Cue.ACK
        if self.state is State.ROM_SELECT and self._is_head and wanted == ImageId.BOOT:
            return Cue.ALREADY
        what, self.state, self.wake_at = self._what(), State.FAILED, None
        raise BadAnswer(what=what, answer=self._answer.data.hex(" "))

    def _echoed(self, layer: Layer | None, now: float) -> None:
        if layer is self._layer and (self.state, Cue.ECHO) in TABLE:
            self._soon.clear()
            is_block = self.state is State.AG_SYNC and self._has_named
            self._happen(Cue.ECHO_BLOCK if is_block else Cue.ECHO, now)
        elif layer is None and self.state is State.ROM_SYNC:
            self._happen(Cue.WRONG_LAYER, now)

    def _count_acked(self) -> None:
        if self._is_head:
            return
        self._done_bytes += self._asked
        total = self._plan.write_bytes
        if self._done_bytes - self._told_bytes >= total // PROGRESS_PARTS or self._sent >= len(self._piece):
            self._told_bytes = self._done_bytes
            self._events.append(Progress("burn", self._done_bytes, total))

    # ---- what the plan wants next -------------------------------------------------------------------------------

    def _choose(self) -> Cue:
        if self._todo:
            verbs = {"keep": Cue.WANT_KEEP, "erase": Cue.WANT_ERASE, "write": Cue.WANT_WRITE}
            return verbs[self._todo[0].verb]
        return Cue.WANT_COMPARE if self._compare else Cue.NOTHING_LEFT

    def _load(self, action: Action, image: ImageId, *, baud: int = 0, options: int = 0) -> None:
        """Cut an image into its head and its blocks; an agentboot's body is one block."""
        self._action, self._image = action, image
        address = 0 if action.verb == "load" else self._plan.head_address(action)
        block = len(action.data) if action.verb == "load" else wire.BLOCK_BYTES
        head = pack_head(head_of(image, address, action.data, baud=baud, options=options))
        self._pieces = [head, *(action.data[at : at + block] for at in range(0, len(action.data), block))]
        self._has_named = False
        self._resyncs = 0
        self._open_piece(is_head=True)

    def _open_piece(self, *, is_head: bool) -> None:
        self._piece = memoryview(self._pieces.pop(0))
        self._is_head = is_head
        self._sent = self._index = 0
        self._next_frame = None

    def _step_of(self, state: str) -> Step:
        facts = {"part": self._action.part, "verb": self._action.verb, "bytes": self._action.size_bytes}
        return Step(f"burn.{self._action.part}", state, facts=facts)

    # ---- frames -------------------------------------------------------------------------------------------------

    def _say(self, command: int, data: bytes = b"") -> None:
        self._out.append(wire.encode_request(self._layer, Request(command, 0, data)))

    def _encode_data(self, size: int) -> tuple[int, int, bytes]:
        data = bytes(self._piece[self._sent : self._sent + size])
        return self._sent, size, wire.encode_request(self._layer, Request(Command.DATA, self._index, data))

    # ---- actions of the table -----------------------------------------------------------------------------------

    def _do_wait(self) -> None:
        """Nothing to send."""

    def _do_sync(self) -> None:
        self._out = [self._layer.word * 2]

    def _do_sync_first(self) -> None:
        self._soon = list(FIRST_PAIRS_S)
        self._do_sync()

    def _do_resync(self) -> None:
        self._resyncs += 1
        self._next_frame = None
        self._do_sync()

    def _do_ask_version(self) -> None:
        self._say(Command.GET_VERSION)

    def _do_take_version(self) -> None:
        try:
            found = wire.unpack_version(self._answer.data).rom_version
        except BadFormat as broken:
            raise BadAnswer(what="GET_VERSION", answer=self._answer.data.hex(" ")) from broken
        if found not in self._plan.rom_versions:
            package = f"{self._plan.chip} (ROM {', '.join(self._plan.rom_versions)})"
            raise WrongModule(package=package, module=f"ROM {found}")
        self._do_ask_image()

    def _do_ask_image(self) -> None:
        self._say(Command.SEL_IMAGE)

    def _do_ask_verify(self) -> None:
        self._has_named = not self._is_head
        self._say(Command.VERIFY_IMAGE)

    def _do_skip_head(self) -> None:
        self._open_piece(is_head=False)
        self._do_ask_verify()

    def _do_skip_rom(self) -> None:
        self._events.append(Notice("burn.loader-runs"))
        self._done_bytes += len(self._loader.data)
        self._do_loaded()

    def _do_ask_size(self) -> None:
        self._say(Command.DATA_HEAD, wire.pack_words(len(self._piece) - self._sent))

    def _do_send_data(self) -> None:
        """Send as much as the device asked for.

        Raises:
            BadAnswer: it asked for nothing.
        """
        size = min(self._answer.code or 0, len(self._piece) - self._sent)
        if size <= 0:
            raise BadAnswer(what=self._what(), answer=self._answer.data.hex(" "))
        ready = self._next_frame
        if ready is None or ready[:2] != (self._sent, size):
            ready = self._encode_data(size)
        self._next_frame = None
        self._out.append(ready[2])
        self._asked = size
        self._sent += size
        self._index += 1

    def _do_send_done(self) -> None:
        self._say(Command.DONE)

    def _do_next_piece(self) -> None:
        self._open_piece(is_head=False)
        self._do_sync()

    def _do_loaded(self) -> None:
        self._events.append(self._step_of("done"))
        self._do_sync()

    def _do_burn_one(self) -> None:
        action = self._todo[0]
        image = self._plan.image(action)
        self._load(action, image)
        self._events.append(self._step_of("begin"))
        is_cp = image is ImageId.CP
        where = (wire.CP_FLASH if self._plan.has_cp_flash else wire.AP_FLASH) if is_cp else b""
        self._say(LpcCommand.BURN_ONE, wire.pack_words(image) + where)

    def _do_ask_status(self) -> None:
        self._say(LpcCommand.BURN_STATUS)

    def _do_finish_image(self) -> None:
        self._do_finish()
        self._do_sync()

    def _do_finish(self) -> None:
        self._events.append(self._step_of("done"))
        self._todo.pop(0)

    def _do_keep(self) -> None:
        self._action = self._todo[0]
        self._events.append(self._step_of("begin"))
        self._kept.clear()
        self._at = 0
        self._ask_bytes(self._action.size_bytes)

    def _do_keep_on(self) -> None:
        self._take_kept()
        self._ask_bytes(self._action.size_bytes)

    def _do_hand_out(self) -> None:
        self._take_kept()
        self._events.append(NvRead(bytes(self._kept), "", is_valid=True, part=self._action.part))

    def _take_kept(self) -> None:
        self._some_bytes()
        self._kept += self._answer.data
        self._at = len(self._kept)

    def _ask_bytes(self, whole: int) -> None:
        size = min(wire.MAX_READ_BYTES, whole - self._at)
        self._say(LpcCommand.READ, wire.pack_words(size, self._plan.place(self._action) + self._at))

    def _some_bytes(self) -> None:
        """Nothing when bytes came.

        Raises:
            BadAnswer: none did.
        """
        if not self._answer.data:
            raise BadAnswer(what=self._what(), answer=Text("no data", "无数据"))

    def _do_erase(self) -> None:
        self._action = self._todo[0]
        self._events.append(self._step_of("begin"))
        self._at = 0
        self._do_erase_on()

    def _do_erase_on(self) -> None:
        size = min(wire.MAX_ERASE_BYTES, self._action.size_bytes - self._at)
        self._say(LpcCommand.ERASE, wire.pack_words(size, self._plan.place(self._action) + self._at))
        self._at += size

    def _do_read_back(self) -> None:
        if not self._read_bytes:
            self._events.append(Step("burn.verify", "begin"))
        self._action = self._compare[0]
        self._at = 0
        self._ask_bytes(len(self._action.data))

    def _do_compare(self) -> None:
        self._same()
        self._ask_bytes(len(self._action.data))

    def _do_compare_last(self) -> None:
        self._same()
        self._compare.pop(0)
        self._events.append(Progress("verify", self._read_bytes, self._plan.read_back_bytes))
        if not self._compare:
            self._events.append(Step("burn.verify", "done", facts={"bytes": self._read_bytes}))

    def _same(self) -> None:
        """Compare what was read back.

        Raises:
            VerifyFailed: it is not what was written.
            BadAnswer: nothing was read.
        """
        self._some_bytes()
        data = self._answer.data
        expected = self._action.data[self._at : self._at + len(data)]
        if expected != data[: len(expected)]:
            pairs = enumerate(zip(expected, data, strict=False))
            first = next((index for index, (want, have) in pairs if want != have), len(expected))
            raise VerifyFailed(part=self._action.part, address=self._plan.place(self._action) + self._at + first)
        self._at += len(expected)
        self._read_bytes += len(expected)
        whole = self._plan.read_back_bytes
        if self._read_bytes // (whole // PROGRESS_PARTS + 1) > (self._read_bytes - len(expected)) // (
            whole // PROGRESS_PARTS + 1
        ):
            self._events.append(Progress("verify", self._read_bytes, whole))

    def _do_reset(self) -> None:
        self._events.append(Step("burn.reset", "begin"))
        self._say(LpcCommand.SYS_RESET)

    def _do_done(self) -> None:
        self._events.append(Step("burn.reset", "done"))

    def _do_refuse(self) -> None:
        raise WriteFailed(part=self._action.part, what=self._what(), answer=self._answer_text())

    def _do_give_up(self) -> None:
        raise NoAnswer(what=self._what(), seconds=self._limit_s)

    # ---- words --------------------------------------------------------------------------------------------------

    def _what(self) -> str:
        """The state with its part and offset, for messages."""
        if self.state in {State.ROM_SYNC, State.ROM_VERSION, State.LPC_SYNC, State.RESET}:
            return self.state.name
        if self.state in {State.ERASE, State.KEEP, State.READ_BACK}:
            return f"{self.state.name} {self._action.part}+0x{self._at:x}"
        sent = len(self._action.data) - sum(map(len, self._pieces)) - len(self._piece) + self._sent
        return f"{self.state.name} {self._action.part}" + ("" if self._is_head else f"+0x{sent:x}")

    def _answer_text(self) -> Text:
        code = self._answer.code
        if code is None:
            return Text(f"NAK {self._answer.data.hex(' ')}".rstrip(), f"NAK {self._answer.data.hex(' ')}".rstrip())
        known = wire.CODE_TEXTS.get(code, Text("not documented", "未公开"))
        return Text(f"0x{code:02X} {known.en}", f"0x{code:02X} {known.zh}")
