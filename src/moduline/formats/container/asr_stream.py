"""``firmware.bin`` of ASR packages: the recorded commands that a small client plays to the module.

::

    !CRANE! 00000067            size of the whole file
    getvar:version              command
    OKAY0.5                     expected answer; only its first four characters are compared
    download:00000004
    DATA00000004                so many raw bytes follow, and one more expected answer
    <4 bytes>OKAY

Lines end with LF and have at most 127 characters; blank lines are skipped, and kept. One known writer states a size 64
bytes too small (EG912Y R03); what stands behind the last answer is kept as ``tail``.

Source: platform-asr 1.7 (source of the vendor's client; no public file).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from moduline.errors import BadFormat, Text
from moduline.formats.container import asr_sparse

MAGIC: Final = b"!CRANE!"
MAX_LINE: Final = 127
TRAILER_BYTES: Final = 64
NAME: Final = "ASR command stream"
_DATA: Final = re.compile(rb"DATA([0-9A-Fa-f]{8})")
_FIRST: Final = re.compile(rb"!CRANE! ([0-9A-Fa-f]{8})")


@dataclass(frozen=True, slots=True)
class StreamLine:
    """One line; ``lead`` are the blank lines before it, ``end`` its line feed (missing only at the end of the file)."""

    text: bytes
    lead: bytes = b""
    end: bytes = b"\n"


@dataclass(frozen=True, slots=True)
class StreamStep:
    """One command; ``data`` and ``closing`` only for a download."""

    command: StreamLine
    answer: StreamLine
    data: bytes | None = field(default=None, repr=False)
    closing: StreamLine | None = None


@dataclass(frozen=True, slots=True)
class CommandStream:
    """A whole stream; ``stated_bytes`` where the size is not that of the file, else None."""

    steps: tuple[StreamStep, ...]
    lead: bytes = b""
    tail: bytes = field(default=b"", repr=False)
    stated_bytes: int | None = None
    first_case: bytes = b""


def is_stream(data: bytes) -> bool:
    """Whether the magic stands there."""
    return data.startswith(MAGIC)


def read(data: bytes) -> CommandStream:
    """The stream.

    Raises:
        BadFormat: no first line, a size that is neither the file's nor 64 bytes less, a line too long, or an end
            within a pair or its bytes (rules magic, size, line, truncated).
    """
    first, at = _line(data, 0)
    match = _FIRST.fullmatch(first.text) if first and not first.lead else None
    if match is None or first is None or not first.end:
        raise _broken("magic", "its first line is not '!CRANE! <size>'", "首行不是“!CRANE! <大小>”", 0)
    stated = int(match[1], 16)
    if len(data) - stated not in {0, TRAILER_BYTES}:
        raise _broken("size", "it says {stated} bytes, there are {actual}", "声明 {stated} 字节，实际 {actual} 字节", 8,
                      stated=stated, actual=len(data))  # fmt: skip
    body, tail = data[:stated], data[stated:]
    steps: list[StreamStep] = []
    while True:
        command, after = _line(body, at)
        if command is None:
            break
        step, at = _step(body, command, after)
        steps.append(step)
    return CommandStream(tuple(steps), body[at:], tail, first_case=match[1])


def write(stream: CommandStream) -> bytes:
    """The file; the size is computed, and written as it was when it is unchanged."""
    parts: list[bytes] = []
    for step in stream.steps:
        parts += [_bytes(step.command), _bytes(step.answer)]
        if step.data is not None and step.closing is not None:
            parts += [step.data, _bytes(step.closing)]
    parts.append(stream.lead)
    body = b"".join(parts)
    total = len(MAGIC) + 1 + 8 + 1 + len(body)
    same = len(stream.first_case) == 8 and int(stream.first_case, 16) == total
    size = stream.first_case if same else b"%08x" % total
    return b"".join([MAGIC, b" ", size, b"\n", body, stream.tail])


def flashed(stream: CommandStream) -> Iterator[tuple[str, bytes, int]]:
    """What the stream writes, as (partition, bytes, offset in the partition); raw images at 0.

    Raises:
        BadFormat: a sparse image in it is damaged.
    """
    held = b""
    for step in stream.steps:
        if step.data is not None:
            held = step.data
        elif step.command.text.startswith(b"flash:"):
            name = step.command.text[6:].decode("ascii", "backslashreplace")
            if asr_sparse.is_sparse(held):
                for at, content in asr_sparse.pieces(asr_sparse.read(held)):
                    yield name, content, at
            else:
                yield name, held, 0


def _step(body: bytes, command: StreamLine, at: int) -> tuple[StreamStep, int]:
    answer, at = _line(body, at)
    if answer is None:
        raise _broken("truncated", "a command without its answer", "命令缺少应答", len(body))
    match = _DATA.fullmatch(answer.text)
    if match is None or not command.text.startswith(b"download:"):
        return StreamStep(command, answer), at
    size = int(match[1], 16)
    if at + size > len(body):
        raise _broken("truncated", "it ends within a download", "在下载数据内结束", len(body))
    closing, end = _line(body, at + size)
    if closing is None:
        raise _broken("truncated", "a download without its answer", "下载缺少应答", len(body))
    return StreamStep(command, answer, body[at : at + size], closing), end


def _line(data: bytes, at: int) -> tuple[StreamLine | None, int]:
    """The next line that is not blank, and where the one behind it begins."""
    start = at
    while data[at : at + 1] == b"\n":
        at += 1
    if at >= len(data):
        return None, start
    end = data.find(b"\n", at, at + MAX_LINE + 1)
    if end < 0:
        if len(data) - at > MAX_LINE:
            raise _broken("line", "a line is longer than 127 characters", "存在超过 127 个字符的行", at)
        return StreamLine(data[at:], data[start:at], b""), len(data)
    return StreamLine(data[at:end], data[start:at]), end + 1


def _bytes(line: StreamLine) -> bytes:
    return line.lead + line.text + line.end


def _broken(rule: str, en: str, zh: str, offset: int, **facts: Any) -> BadFormat:
    return BadFormat(format=NAME, reason=Text(en, zh), offset=offset, rule=rule, **facts)
