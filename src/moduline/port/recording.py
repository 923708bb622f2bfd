r"""Recordings: what went over a module's ports, in JSON lines; written by taps and our commands, replayed as a peer.

::

    {"format": "moduline-recording", "version": 1, "address": "virt:m1", "started": 1795260705.5}
    {"t": 0.002, "port": "repl", "event": "open", "vid": 11388, "pid": 2305, "product": "Quectel USB REPL Port"}
    {"t": 0.010, "port": "repl", "from": "host", "text": "\r\u0003"}
    {"t": 0.012, "port": "repl", "from": "module", "base64": "Pj4+IA=="}
    {"t": 1.500, "port": "repl", "event": "gone"}
    {"t": 2.000, "event": "end"}

Every line has its time in seconds since the first; bytes are ``text`` where they are whole UTF-8, else ``base64``. A
recording without ``end`` is that of a recorder that was killed. Every byte is described in docs/spec/recording.md.

Source: issue 3, item 8; style-anchors H31.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TextIO, get_args

from moduline.errors import BadFormat, NoSuchFile, PortGone, StorageFailed, Text
from moduline.port.listing import PortInfo
from moduline.port.stream import READ_LIMIT, ByteStream, React, pump, set_baud

FORMAT: Final = "moduline-recording"
VERSION: Final = 1
MAX_LINE_BYTES: Final = 1 << 20
MAX_FILE_BYTES: Final = 1 << 28
MAX_NAME: Final = 64

Kind = Literal["host", "module", "open", "closed", "gone", "end"]
"""What an entry is: bytes of the host, bytes of the module, or something that happened to a port."""
_EVENTS: Final = ("open", "closed", "gone", "end")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a recording.

    Attributes:
        at_s: seconds since the recording began.
        kind: see ``Kind``.
        port: role of the port, such as ``repl``; empty for ``end``.
        data: bytes of ``host`` and ``module``.
        vid: USB vendor id of a port that was opened, 0 when unknown.
        pid: USB product id.
        product: USB product text.
        line: number of the line in the file, from 1; 0 for an entry that was not read from one.
    """

    at_s: float
    kind: Kind
    port: str = ""
    data: bytes = b""
    vid: int = 0
    pid: int = 0
    product: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole recording.

    Attributes:
        address: what was recorded, as the user named it.
        started: Unix time.
        entries: in order.
        is_whole: it ends as its recorder wanted it to.
    """

    address: str
    started: float
    entries: tuple[Entry, ...] = field(repr=False)
    is_whole: bool = True


def encode_entry(entry: Entry) -> str:
    """One entry as a line of JSON, without the line end."""
    line: dict[str, Any] = {"t": round(entry.at_s, 6)}
    if entry.port:
        line["port"] = entry.port
    if entry.kind in {"host", "module"}:
        line["from"] = entry.kind
        try:
            line["text"] = entry.data.decode("utf-8")
        except UnicodeDecodeError:
            line["base64"] = base64.b64encode(entry.data).decode("ascii")
    else:
        line["event"] = entry.kind
    if entry.vid or entry.pid:
        line |= {"vid": entry.vid, "pid": entry.pid}
    if entry.product:
        line["product"] = entry.product
    return json.dumps(line)


def encode_header(address: str, started: float) -> str:
    """The first line, without its end."""
    return json.dumps({"format": FORMAT, "version": VERSION, "address": address, "started": round(started, 3)})


def read_recording(data: bytes) -> Recording:
    """What a recording file says; any bytes give a value or an error.

    Raises:
        BadFormat: a line is not what the format says; the fact ``offset`` is where it begins.
    """
    if len(data) > MAX_FILE_BYTES:
        raise _broken(0, "the file is too large", "文件过大")
    head, *lines = data.split(b"\n")
    header = _object(head, 0)
    if header.get("format") != FORMAT:
        raise _broken(0, "not a recording", "不是录制文件")
    if header.get("version") != VERSION:
        raise _broken(0, "made by a later version", "由更新的版本生成")
    if lines and lines[-1]:
        raise _broken(len(data) - len(lines[-1]), "the last line is cut off", "最后一行不完整")
    entries: list[Entry] = []
    offset, is_over = len(head) + 1, False
    for number, line in enumerate(lines[:-1], 2):
        if is_over:
            raise _broken(offset, "lines behind the end", "结尾之后仍有内容")
        entry = _entry(_object(line, offset), offset, number)
        if entries and entry.at_s < entries[-1].at_s:
            raise _broken(offset, "time runs backwards", "时间倒退")
        is_over = entry.kind == "end"
        entries.append(entry)
        offset += len(line) + 1
    address, started = header.get("address", ""), header.get("started", 0.0)
    if not isinstance(address, str) or not _is_number(started):
        raise _broken(0, "a header of another kind", "文件头字段类型不符")
    return Recording(address, float(started), tuple(entries), is_over)


def read_recording_file(path: Path) -> Recording:
    """The recording in a file.

    Raises:
        NoSuchFile: it cannot be read.
        BadFormat: see :func:`read_recording`.
    """
    try:
        return read_recording(path.read_bytes())
    except OSError as cause:
        raise NoSuchFile(path=str(path), reason=cause.strerror or str(cause)) from cause


def _broken(offset: int, en: str, zh: str) -> BadFormat:
    return BadFormat(format=Text("recording", "录制文件"), reason=Text(en, zh), offset=offset)


def _object(line: bytes, offset: int) -> dict[str, Any]:
    if len(line) > MAX_LINE_BYTES:
        raise _broken(offset, "a line that is too long", "某行过长")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as wrong:
        raise _broken(offset, "a line that is no JSON object", "某行不是 JSON 对象") from wrong
    if not isinstance(value, dict):
        raise _broken(offset, "a line that is no JSON object", "某行不是 JSON 对象")
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12


def _entry(value: dict[str, Any], offset: int, number: int) -> Entry:
    at_s, port = value.get("t"), value.get("port", "")
    if at_s is None or not _is_number(at_s):
        raise _broken(offset, "an entry without time", "某项缺少时间")
    if not isinstance(port, str) or len(port) > MAX_NAME:
        raise _broken(offset, "an entry without port", "某项缺少端口")
    source, event = value.get("from"), value.get("event")
    if source in {"host", "module"} and event is None and port:
        return Entry(float(at_s), source, port, _bytes_of(value, offset), line=number)
    if source is not None or event not in _EVENTS or (not port and event != "end"):
        raise _broken(offset, "an entry of unknown kind", "未知类型的项")
    vid, pid, product = value.get("vid", 0), value.get("pid", 0), value.get("product", "")
    if not (isinstance(vid, int) and isinstance(pid, int) and isinstance(product, str)):
        raise _broken(offset, "a port of another kind", "端口字段类型不符")
    return Entry(float(at_s), event, port, vid=vid & 0xFFFF, pid=pid & 0xFFFF, product=product[:200], line=number)


def _bytes_of(value: dict[str, Any], offset: int) -> bytes:
    text, coded = value.get("text"), value.get("base64")
    try:
        if isinstance(text, str) and coded is None:
            return text.encode("utf-8")
        if isinstance(coded, str) and text is None:
            return base64.b64decode(coded, validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError) as wrong:
        raise _broken(offset, "bytes that cannot be decoded", "字节内容无法解码") from wrong
    raise _broken(offset, "an entry without bytes", "某项缺少字节内容")


class Recorder:
    """Writes a recording as it happens; every line is in the file at once.

    Args:
        path: the file; replaced when it is there.
        address: what is recorded.
        tick: seconds that never go backwards.

    Raises:
        StorageFailed: the file cannot be written.
    """

    def __init__(self, path: Path, address: str, tick: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._tick = tick
        self._began = tick()
        self._is_over = False
        self.host_bytes = 0
        self.module_bytes = 0
        try:
            self._file: TextIO = path.open("w", encoding="utf-8", newline="\n", buffering=1)
        except OSError as cause:
            raise StorageFailed(path=str(path), reason=cause.strerror or str(cause)) from cause
        self._write(encode_header(address, time.time()))

    def add(self, kind: Kind, port: str = "", data: bytes = b"", info: PortInfo | None = None) -> None:
        """One more entry; nothing after the end.

        Raises:
            StorageFailed: the file cannot be written.
        """
        if self._is_over:
            return
        if kind == "host":
            self.host_bytes += len(data)
        elif kind == "module":
            self.module_bytes += len(data)
        vid, pid, product = (info.vid, info.pid, info.product) if info is not None else (0, 0, "")
        self._write(encode_entry(Entry(self._tick() - self._began, kind, port, data, vid, pid, product)))

    def close(self) -> None:
        """The recording is whole; may be called twice."""
        if not self._is_over:
            self.add("end")
            self._is_over = True
            self._file.close()

    def _write(self, line: str) -> None:
        try:
            self._file.write(line + "\n")
        except OSError as cause:
            raise StorageFailed(path=str(self._path), reason=cause.strerror or str(cause)) from cause


class RecordingStream:
    """A ByteStream that writes down what passes.

    Args:
        stream: where the bytes really go.
        info: the port, for its role and identity.
        recorder: writes them down.
    """

    def __init__(self, stream: ByteStream, info: PortInfo, recorder: Recorder) -> None:
        self._stream = stream
        self._role = info.role
        self._recorder = recorder
        self._is_over = False
        recorder.add("open", self._role, info=info)

    @property
    def name(self) -> str:
        """Where it leads, for messages."""
        return self._stream.name

    async def read_some(self, limit: int = READ_LIMIT) -> bytes:
        """As in ``ByteStream``.

        Raises:
            PortGone: the port vanished or was closed.
        """
        try:
            data = await self._stream.read_some(limit)
        except PortGone:
            self._end("gone")
            raise
        self._recorder.add("module", self._role, data)
        return data

    async def write_all(self, data: bytes | bytearray | memoryview) -> None:
        """As in ``ByteStream``.

        Raises:
            PortGone: the port vanished or was closed.
        """
        self._recorder.add("host", self._role, bytes(data))
        try:
            await self._stream.write_all(data)
        except PortGone:
            self._end("gone")
            raise

    async def set_baud(self, baud: int) -> None:
        """See :func:`moduline.port.stream.set_baud`; rates are not recorded.

        Raises:
            PortGone: the port vanished or was closed.
            PortBusy: it has no such rate.
        """
        await set_baud(self._stream, baud)

    async def pump(self, react: React, idle: Callable[[], None] | None = None) -> None:
        """See :func:`moduline.port.stream.pump`.

        Raises:
            PortGone: the port vanished or was closed.
        """

        def noted(data: bytes) -> bytes | None:
            self._recorder.add("module", self._role, data)
            answer = react(data)
            if answer:
                self._recorder.add("host", self._role, bytes(answer))
            return answer

        try:
            await pump(self._stream, noted, idle)
        except PortGone:
            self._end("gone")
            raise

    async def close(self) -> None:
        """Let go of the port."""
        self._end("closed")
        await self._stream.close()

    def _end(self, kind: Kind) -> None:
        if not self._is_over:
            self._is_over = True
            self._recorder.add(kind, self._role)


class _Session:
    """The recorder that every port this program opens is recorded by, while there is one."""

    recorder: Recorder | None = None


def begin_session(path: Path, address: str = "") -> Recorder:
    """Record every port that this program opens from now on, until ``end_session``.

    Raises:
        StorageFailed: the file cannot be written.
    """
    end_session()
    _Session.recorder = Recorder(path, address)
    return _Session.recorder


def end_session() -> None:
    """The recording of this program's ports is whole; nothing happens when there is none."""
    recorder, _Session.recorder = _Session.recorder, None
    if recorder is not None:
        recorder.close()


def recorded(stream: ByteStream, info: PortInfo) -> ByteStream:
    """``stream``, recorded when this program records."""
    return stream if _Session.recorder is None else RecordingStream(stream, info, _Session.recorder)


assert set(get_args(Kind)) == {"host", "module", *_EVENTS}
