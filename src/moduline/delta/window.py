"""Differences of scripts, file systems and other images: copies from the old image, and literals.

What machine code needs (``delta.mapped``: addresses that moved) is lost on texts. Here the old image and what was
already given are one window; the stream says which part of it comes next, and codes what is nowhere. The blocks of a
file system may lie in another order, and begin with pointers to each other: copies that end at the edge of a block and
pointers of a list that lies in order cost next to nothing.

``small`` is for a decoder in an interpreter: fewer contexts, and a fifth of the RAM.

Source: delta.md 3 and 4; docs/spec/window-stream.md.
"""

from __future__ import annotations

import lzma
from dataclasses import dataclass, replace
from typing import Final

from moduline.delta import window_native
from moduline.delta.window_native import Choice, Decoder
from moduline.digest import sha256_hex
from moduline.errors import BadChecksum, BadOption, Text

PROFILES: Final = {"full": Choice(is_small=False, slot_kib=46), "small": Choice(is_small=True, slot_kib=8)}
LOG_BLOCK: Final = 12
"""Of the file systems on every known module."""
LEAST_BLOCKS: Final = 4
PRIME_BYTES: Final = (4096, 16384)
"""Beginnings of the old image from which models may learn beforehand; a small decoder does the first alone."""
_TRIAL_BYTES: Final = 1 << 17
"""Above this the choice of how to learn is not tried: it changes next to nothing."""
_LONG_BYTES: Final = 1 << 20
"""Below this a try costs a second or two, and is made whatever may come of it."""
_HOPELESS: Final = 3
"""The stream of ``make`` is 0.6 to 0.9 of what a plain coder makes of new behind old; a third is out of its reach."""


@dataclass(frozen=True, slots=True)
class Coded:
    """A stream and how it came about.

    Attributes:
        stream: the bytes.
        choice: how it was coded.
        spent: bytes by category.
    """

    stream: bytes
    choice: Choice
    spent: dict[str, float]


def make(old: bytes, new: bytes, *, profile: str = "full") -> bytes:
    """The smallest stream that makes ``new`` of ``old``; decoded and compared.

    Args:
        old: what is there before.
        new: what shall be there.
        profile: ``full`` for a decoder in C, ``small`` for one in an interpreter.

    Raises:
        BadOption: no such profile.
        TooBig: an image is larger than 16 MiB.
        Unsupported: the native coder was not compiled.
    """
    return coded(old, new, profile=profile).stream


def coded(old: bytes, new: bytes, *, profile: str = "full") -> Coded:
    """As ``make``, with how it came about."""
    if profile not in PROFILES:
        why = Text("'{profile}' is not full or small", "“{profile}”不是 full 或 small")
        raise BadOption(name="profile", reason=why, profile=profile)
    first = PROFILES[profile]
    whole = len(new) % (1 << LOG_BLOCK) == 0 and len(new) >= LEAST_BLOCKS << LOG_BLOCK
    choices = [replace(first, log_block=LOG_BLOCK if whole else 0)]
    if len(new) <= _TRIAL_BYTES:
        primes = {min(most, len(old)) for most in PRIME_BYTES[: 1 if first.is_small else None]}
        choices = [
            replace(first, log_block=log, prime_bytes=count)
            for log in ((LOG_BLOCK, 0) if whole else (0,))
            for count in sorted({0} | primes)
        ]
    sorted_window = window_native.suffixes(old + new)
    made = [(*window_native.encode(old, new, choice, sorted_window), choice) for choice in choices]
    stream, spent, choice = min(made, key=lambda one: len(one[0]))  # the first of equals
    best = Coded(stream, choice, spent)
    if apply(old, best.stream, len(new)) != new:
        raise BadChecksum(format=window_native.NAME, name="SHA-256", found="other", expected=sha256_hex(new))
    return best


def may_beat(old: bytes, new: bytes, best_bytes: int) -> bool:
    """Whether ``make`` could give less than another coder did; False spares half a minute on 3 MB of machine code.

    Args:
        old: what is there before.
        new: what shall be there.
        best_bytes: the smallest so far.
    """
    return len(new) < _LONG_BYTES or best_bytes * _HOPELESS > _plain_bytes(old + new) - _plain_bytes(old)


def apply(old: bytes, stream: bytes, new_bytes: int) -> bytes:
    """The new image.

    Raises:
        BadFormat: the stream breaks a rule of the format.
        TooBig: an image is beyond what the format holds.
    """
    return Decoder(lambda at, count: old[at : at + count], len(old), stream, new_bytes).read(new_bytes)


def _plain_bytes(data: bytes) -> int:
    size = max(1 << 16, 1 << (len(data) - 1).bit_length()) if data else 1 << 16
    return len(
        lzma.compress(data, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA1, "preset": 1, "dict_size": size}])
    )
