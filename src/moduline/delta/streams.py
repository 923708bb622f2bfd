"""Which decoder a stream of an in-place patch is for, by its first byte; both are used in the same way.

Source: docs/spec/delta-stream.md, docs/spec/window-stream.md.
"""

from __future__ import annotations

from moduline.delta import native, window_native
from moduline.delta.native_decoder import ReadAt

Decoder = native.Decoder | window_native.Decoder


def decoder_of(
    read_old: ReadAt, old_bytes: int, stream: bytes, new_bytes: int, read_new: ReadAt | None = None
) -> Decoder:
    """The decoder of a stream, at its beginning.

    Args:
        read_old: gives bytes of the old image: offset, length.
        old_bytes: its length.
        stream: of one of the coders.
        new_bytes: length of the new image.
        read_new: gives bytes that earlier reads gave: offset in the order of the stream, length; None: they are kept in
            memory where they are wanted again.

    Raises:
        BadFormat: the stream breaks a rule of its format.
        TooBig: an image is beyond what the format holds.
    """
    if window_native.is_window(stream):
        return window_native.Decoder(read_old, old_bytes, stream, new_bytes, read_new)
    return native.Decoder(read_old, old_bytes, stream, new_bytes)
