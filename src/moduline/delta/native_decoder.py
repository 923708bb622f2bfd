"""What the decoders of every C coder share: the library, reading through call-backs, a state that can be kept.

::

    native.Decoder ────────┐
                           ├─▶ StreamDecoder ─▶ mdl_NAME_need, _begin, _left, _read, _resume of the library
    window_native.Decoder ─┘

All of ``native/delta`` is compiled into one library when Moduline is installed.

Source: native/delta/mdl_delta.h, window.h.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from importlib.resources import as_file, files
from typing import Any, ClassVar, Final

from moduline.errors import BadFormat, Text, TooBig, Unsupported

LIBRARIES: Final = ("mdl_delta.so", "mdl_delta.dylib", "mdl_delta.dll")
MAX_IMAGE_BYTES: Final = 1 << 24
READ: Final = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint8), ctypes.c_uint32
)
"""Call-back of the library: context, offset, buffer, count; 0 when the buffer is full."""

ReadAt = Callable[[int, int], bytes]

_REASONS: Final = {
    1: Text("it breaks a rule of the format", "违反格式规则"),
    2: Text("no state of this stream", "状态无效"),
    3: Text("bytes could not be read", "无法读取数据"),
    4: Text("it holds fewer bytes", "数据不足"),
}


@cache
def load(name: str) -> Any:
    """The loaded library.

    Args:
        name: of the coder that is wanted, for the error.

    Raises:
        Unsupported: it was not compiled.
    """
    folder = files("moduline.delta")
    for file in LIBRARIES:
        found = folder / file
        if found.is_file():
            with as_file(found) as path:
                library = ctypes.CDLL(str(path))
            for verb in ("mdl_encode", "mdl_pack", "mdl_window_encode"):
                getattr(library, verb).restype = ctypes.c_uint32
            library.mdl_search.restype = ctypes.c_int32
            return library
    raise Unsupported(
        format=name,
        reason=Text("the native coder was not compiled", "本地编码库未编译"),
        remedy=Text("install a C compiler and install Moduline again", "请安装 C 编译器后重新安装 Moduline"),
    )


def must_fit(*sizes: int) -> None:
    """Refuse images that the formats cannot hold.

    Raises:
        TooBig: one is larger than 16 MiB.
    """
    if max(sizes) > MAX_IMAGE_BYTES:
        raise TooBig(what=Text("image", "镜像"), need=max(sizes), have=MAX_IMAGE_BYTES)


class StreamDecoder:
    """Gives a new image from a stream, in the order of the stream.

    A coder's own class says which verbs of the library it uses and what the library is given to read.

    Args:
        io: the structure of call-backs and lengths that the coder's verbs take.

    Raises:
        BadFormat: the stream breaks a rule of the format.
    """

    name: ClassVar[str]
    """Of the format, in errors."""
    prefix: ClassVar[str]
    """What the names of the coder's verbs begin with."""

    def __init__(self, io: ctypes.Structure) -> None:
        self._io = io
        self._failure: BaseException | None = None
        need = ctypes.c_uint32()
        self._check(self._verb("need")(ctypes.byref(self._io), ctypes.byref(need)))
        self.ram_bytes = need.value
        """RAM that decoding takes."""
        self._ram = (ctypes.c_uint32 * ((self.ram_bytes + 3) // 4))()
        self._check(self._verb("begin")(self._ram, need, ctypes.byref(self._io)))

    @property
    def left(self) -> int:
        """Bytes not given yet."""
        return int(self._verb("left")(self._ram))

    def read(self, count: int) -> bytes:
        """The next bytes.

        Raises:
            BadFormat: the stream breaks a rule of the format, or holds fewer.
        """
        to = ctypes.create_string_buffer(max(count, 1))
        self._check(self._verb("read")(self._ram, ctypes.byref(self._io), to, ctypes.c_uint32(count)))
        return to.raw[:count]

    def state(self) -> bytes:
        """All that decoding needs to go on from here, with the same images, stream and kind of computer.

        Keep a check value beside it: ``restore`` only refuses what could do harm.
        """
        return bytes(self._ram)

    def restore(self, state: bytes) -> None:
        """Go on from a state.

        Raises:
            BadFormat: it is none of this stream.
        """
        kept = bytes(self._ram)
        if len(state) != len(kept):
            reason = Text("a state of another stream", "状态不属于此数据")
            raise BadFormat(format=self.name, reason=reason, offset=0, rule="state")
        ctypes.memmove(self._ram, state, len(state))
        try:
            self._check(self._verb("resume")(self._ram, ctypes.c_uint32(self.ram_bytes), ctypes.byref(self._io)))
        except BadFormat:
            ctypes.memmove(self._ram, kept, len(kept))
            raise

    def _reader(self, get: ReadAt) -> Any:
        """A call-back that reads by ``get``; what fails is raised once the library has come back."""

        def fill(_: Any, at: int, to: Any, count: int) -> int:
            try:
                data = get(at, count)
            except Exception as failure:  # noqa: BLE001  it must not unwind through C; raised in _check
                self._failure = failure
                return 1
            if len(data) != count:
                return 1
            ctypes.memmove(to, data, count)
            return 0

        return READ(fill)

    def _verb(self, name: str) -> Any:
        return getattr(load(self.name), self.prefix + name)

    def _check(self, result: int) -> None:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        if result:
            raise BadFormat(format=self.name, reason=_REASONS[result], offset=0, rule="stream")
