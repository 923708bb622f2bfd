"""In-place patches of the coder whose window is the old image.

The blocks come first to last, unless last to first takes clearly less spare flash. The stream knows nothing of the
order: it makes the image with its blocks in that order.

Source: delta.md 4 (in place); docs/spec/in-place.md.
"""

from __future__ import annotations

import hashlib
from typing import Final

from moduline.delta import inplace, window
from moduline.delta.inplace import InPlacePatch
from moduline.errors import SpareTooSmall

_CALM_SLOTS: Final = 8
"""With so few copies the other order is not looked at."""
_LESS_SPARE: Final = 0.75
_MORE_STREAM: Final = 1.05


def make(old: bytes, new: bytes, *, block_bytes: int = 4096, spare_bytes: int | None = None) -> InPlacePatch:
    """The patch that makes ``new`` of ``old`` where it stands.

    Args:
        old: what is there before.
        new: what shall be there.
        block_bytes: erase unit of the flash, a power of two from 4096 to 1 MiB.
        spare_bytes: spare flash of the device; None: as little as does not wear it.

    Raises:
        SpareTooSmall: the device has too little spare flash; ``need`` says what is needed.
        TooBig: an image is larger than 16 MiB.
        Unsupported: the native coder was not compiled.
    """
    small: SpareTooSmall | None = None
    forward: InPlacePatch | None = None
    try:
        forward = _planned(old, new, block_bytes, False, spare_bytes)
    except SpareTooSmall as too_small:
        small = too_small
    if forward is not None and forward.plan.slot_count <= _CALM_SLOTS:
        return forward
    try:
        backward = _planned(old, new, block_bytes, True, spare_bytes)
    except SpareTooSmall as too_small:
        if small is not None:
            raise min(small, too_small, key=lambda one: int(one.facts["need"])) from too_small
        assert forward is not None
        return forward
    if forward is None:
        return backward
    is_better = backward.plan.spare_bytes < forward.plan.spare_bytes * _LESS_SPARE
    return backward if is_better and len(backward.stream) <= len(forward.stream) * _MORE_STREAM else forward


def in_stream_order(image: bytes, block_bytes: int, is_descending: bool) -> bytes:
    """The image with its blocks in the order in which they come."""
    blocks = [image[at : at + block_bytes] for at in range(0, len(image), block_bytes)]
    return b"".join(reversed(blocks)) if is_descending else image


def in_place_order(given: bytes, block_bytes: int, is_descending: bool) -> bytes:
    """What ``in_stream_order`` was given."""
    if not is_descending or not given:
        return given
    first = (len(given) - 1) % block_bytes + 1  # the last block of the image, which may be short
    blocks = [given[:first]] + [given[at : at + block_bytes] for at in range(first, len(given), block_bytes)]
    return b"".join(reversed(blocks))


def _planned(old: bytes, new: bytes, block_bytes: int, is_descending: bool, spare_bytes: int | None) -> InPlacePatch:
    stream = window.make(old, in_stream_order(new, block_bytes, is_descending))
    plan = inplace.plan_for(old, stream, len(new), block_bytes, is_descending, spare_bytes)
    return InPlacePatch(plan, stream, hashlib.sha256(old).digest(), hashlib.sha256(new).digest())
