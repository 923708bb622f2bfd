"""The C coder with the old image as its window, called from Python: encoding and decoding.

The library is the one of ``delta.native``: all of ``native/delta`` is compiled together when Moduline is installed.

Source: docs/spec/window-stream.md.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from typing import Any, Final

from moduline.delta import native
from moduline.delta.native import ReadAt
from moduline.errors import BadFormat, Text, Unsupported

NAME: Final = "window stream"
CATEGORIES: Final = ("copy or not", "literals", "sources", "lengths")
"""What the bits of a stream are spent on."""
_VERSION: Final = 1


class _CChoice(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint32) for name in ("is_small", "slot_kib", "log_block", "prime_at", "prime_bytes", "passes")
    )


_READ = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint8), ctypes.c_uint32
)


class _CIo(ctypes.Structure):
    _fields_ = (
        ("context", ctypes.c_void_p),
        ("read_old", _READ),
        ("read_patch", _READ),
        ("read_new", _READ),
        ("old_bytes", ctypes.c_uint32),
        ("patch_bytes", ctypes.c_uint32),
        ("new_bytes", ctypes.c_uint32),
    )


@dataclass(frozen=True, slots=True)
class Choice:
    """How a stream is coded.

    Attributes:
        is_small: fewer contexts, for a decoder in an interpreter.
        slot_kib: RAM for histories, KiB, 1 to 56.
        log_block: 0, or the blocks of a file system are of 1 << this bytes; 8 to 20.
        prime_at: offset in the old image of what the models learn from before the first byte.
        prime_bytes: length of that.
    """

    is_small: bool = False
    slot_kib: int = 46
    log_block: int = 0
    prime_at: int = 0
    prime_bytes: int = 0


@cache
def _library() -> Any:
    """The loaded library.

    Raises:
        Unsupported: it was not compiled.
    """
    folder = files("moduline.delta")
    for name in native.LIBRARIES:
        found = folder / name
        if found.is_file():
            with as_file(found) as path:
                library = ctypes.CDLL(str(path))
            library.mdl_window_encode.restype = ctypes.c_uint32
            return library
    raise Unsupported(
        format=NAME,
        reason=Text("the native coder was not compiled", "本地编码库未编译"),
        remedy=Text("install a C compiler and install Moduline again", "请安装 C 编译器后重新安装 Moduline"),
    )


def is_window(stream: bytes) -> bool:
    """Whether a stream is of this coder, by its first byte."""
    return stream[:1] != b"" and stream[0] >> 4 == _VERSION


def suffixes(window: bytes) -> Any:
    """The suffix array of old and new image, one behind the other."""
    import numpy as np
    from pydivsufsort import divsufsort  # slow to load: only when differences are made

    if not window:
        return np.zeros(1, dtype=np.int32)
    return np.ascontiguousarray(divsufsort(np.frombuffer(window, dtype=np.uint8).copy()), dtype=np.int32)


def encode(
    old: bytes, new: bytes, choice: Choice, sorted_window: Any, passes: int = 2
) -> tuple[bytes, dict[str, float]]:
    """The stream that makes ``new`` of ``old``, and the bytes spent on each category.

    Args:
        old: what is there before.
        new: what shall be there.
        choice: how it is coded.
        sorted_window: ``suffixes(old + new)``.
        passes: how many times the tokens are chosen, each with the prices that the time before left.

    Raises:
        TooBig: an image is beyond what the format holds.
    """
    native.must_fit(len(old), len(new))
    room = len(new) + len(new) // 4 + 4096
    out, spent = ctypes.create_string_buffer(room), (ctypes.c_uint64 * len(CATEGORIES))()
    what = _CChoice(choice.is_small, choice.slot_kib, choice.log_block, choice.prime_at, choice.prime_bytes, passes)
    size = _library().mdl_window_encode(
        old + new,
        ctypes.c_uint32(len(old)),
        ctypes.c_uint32(len(new)),
        sorted_window.ctypes.data_as(ctypes.c_void_p),
        ctypes.byref(what),
        out,
        ctypes.c_uint32(room),
        spent,
    )
    if not size:
        raise MemoryError
    return out.raw[:size], {name: parts / 2048 for name, parts in zip(CATEGORIES, spent, strict=True)}


class Decoder:
    """Gives a new image from an old one and a stream, in the order of the stream.

    What it gave is read again: by ``read_new`` if there is one, which must know all that earlier calls of ``read``
    gave, else it is kept here.

    Args:
        read_old: gives bytes of the old image: offset, length.
        old_bytes: its length.
        stream: from ``encode``.
        new_bytes: length of the new image.
        read_new: gives bytes that were given before: offset in the order of the stream, length.

    Raises:
        BadFormat: the stream breaks a rule of the format.
        TooBig: an image is beyond what the format holds.
    """

    def __init__(
        self, read_old: ReadAt, old_bytes: int, stream: bytes, new_bytes: int, read_new: ReadAt | None = None
    ) -> None:
        native.must_fit(old_bytes, new_bytes)
        self._failure: BaseException | None = None
        self._given = None if read_new is not None else bytearray()

        def kept(at: int, count: int) -> bytes:
            assert self._given is not None
            return bytes(self._given[at : at + count])

        def reader(get: ReadAt) -> Any:
            def fill(_: Any, at: int, to: Any, count: int) -> int:
                return self._copy(lambda: get(at, count), to, count)

            return _READ(fill)

        self._io = _CIo(
            None,
            reader(read_old),
            reader(lambda at, count: stream[at : at + count]),
            reader(read_new if read_new is not None else kept),
            old_bytes,
            len(stream),
            new_bytes,
        )
        need = ctypes.c_uint32()
        self._check(_library().mdl_window_need(ctypes.byref(self._io), ctypes.byref(need)))
        self.ram_bytes = need.value
        """RAM that decoding takes."""
        self._ram = (ctypes.c_uint32 * ((self.ram_bytes + 3) // 4))()
        self._check(_library().mdl_window_begin(self._ram, need, ctypes.byref(self._io)))

    @property
    def left(self) -> int:
        """Bytes not given yet."""
        return int(_library().mdl_window_left(self._ram))

    def read(self, count: int) -> bytes:
        """The next bytes.

        Raises:
            BadFormat: the stream breaks a rule of the format, or holds fewer.
        """
        to = ctypes.create_string_buffer(max(count, 1))
        self._check(_library().mdl_window_read(self._ram, ctypes.byref(self._io), to, ctypes.c_uint32(count)))
        given = to.raw[:count]
        if self._given is not None:
            self._given += given
        return given

    def state(self) -> bytes:
        """All that decoding needs to go on from here, with the same images, stream and kind of computer.

        Keep a check value beside it: ``restore`` only refuses what could do harm.
        """
        return bytes(self._ram)

    def restore(self, state: bytes) -> None:
        """Go on from a state; what was given before it must be known to ``read_new``.

        Raises:
            BadFormat: it is none of this stream.
        """
        if len(state) != len(bytes(self._ram)):
            raise BadFormat(
                format=NAME, reason=Text("a state of another stream", "状态不属于此数据"), offset=0, rule="state"
            )
        kept = bytes(self._ram)
        ctypes.memmove(self._ram, state, len(state))
        try:
            self._check(
                _library().mdl_window_resume(self._ram, ctypes.c_uint32(self.ram_bytes), ctypes.byref(self._io))
            )
        except BadFormat:
            ctypes.memmove(self._ram, kept, len(kept))
            raise

    def _copy(self, get: Callable[[], bytes], to: Any, count: int) -> int:
        """Fill a buffer of the library; what fails is raised once the library has come back."""
        try:
            data = get()
        except Exception as failure:  # noqa: BLE001  it must not unwind through C; raised in _check
            self._failure = failure
            return 1
        if len(data) != count:
            return 1
        ctypes.memmove(to, data, count)
        return 0

    def _check(self, result: int) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        if result == 0:
            return
        reasons = {
            1: Text("it breaks a rule of the format", "违反格式规则"),
            2: Text("no state of this stream", "状态无效"),
            3: Text("bytes could not be read", "无法读取数据"),
            4: Text("it holds fewer bytes", "数据不足"),
        }
        raise BadFormat(format=NAME, reason=reasons[result], offset=0, rule="stream")
