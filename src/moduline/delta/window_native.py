"""The C coder with the old image as its window, called from Python: encoding and decoding.

The library is the one of ``delta.native``: all of ``native/delta`` is compiled together when Moduline is installed.

Source: docs/spec/window-stream.md.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any, Final

from moduline.delta.native_decoder import READ, ReadAt, StreamDecoder, load, must_fit

NAME: Final = "window stream"
CATEGORIES: Final = ("copy or not", "literals", "sources", "lengths")
"""What the bits of a stream are spent on."""
_VERSION: Final = 1


class _CChoice(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint32) for name in ("is_small", "slot_kib", "log_block", "prime_at", "prime_bytes", "passes")
    )


class _CIo(ctypes.Structure):
    _fields_ = (
        ("context", ctypes.c_void_p),
        ("read_old", READ),
        ("read_patch", READ),
        ("read_new", READ),
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
    must_fit(len(old), len(new))
    room = len(new) + len(new) // 4 + 4096
    out, spent = ctypes.create_string_buffer(room), (ctypes.c_uint64 * len(CATEGORIES))()
    what = _CChoice(choice.is_small, choice.slot_kib, choice.log_block, choice.prime_at, choice.prime_bytes, passes)
    size = load(NAME).mdl_window_encode(
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


class Decoder(StreamDecoder):
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

    name = NAME
    prefix = "mdl_window_"

    def __init__(
        self, read_old: ReadAt, old_bytes: int, stream: bytes, new_bytes: int, read_new: ReadAt | None = None
    ) -> None:
        must_fit(old_bytes, new_bytes)
        self._given = None if read_new is not None else bytearray()

        def kept(at: int, count: int) -> bytes:
            assert self._given is not None
            return bytes(self._given[at : at + count])

        super().__init__(
            _CIo(
                None,
                self._reader(read_old),
                self._reader(lambda at, count: stream[at : at + count]),
                self._reader(read_new if read_new is not None else kept),
                old_bytes,
                len(stream),
                new_bytes,
            )
        )

    def read(self, count: int) -> bytes:
        """The next bytes.

        Raises:
            BadFormat: the stream breaks a rule of the format, or holds fewer.
        """
        given = super().read(count)
        if self._given is not None:
            self._given += given
        return given
