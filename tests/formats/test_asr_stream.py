from __future__ import annotations

import pytest

from moduline.errors import BadFormat
from moduline.formats.container import asr_sparse, asr_stream

# platform-asr 1.7, the worked example of 103 bytes.
EXAMPLE = (
    b"!CRANE! 00000067\ngetvar:version\nOKAY0.5\nprogress:00000001\nOKAY\n"
    b"download:00000004\nDATA00000004\n\x01\x02\x03\x04OKAY\n"
)


def stream(body: bytes) -> bytes:
    return b"!CRANE! %08X\n" % (17 + len(body)) + body


def test_stream_when_the_references_example_then_read_and_the_same_bytes():
    assert len(EXAMPLE) == 103
    found = asr_stream.read(EXAMPLE)
    steps = [(one.command.text, one.answer.text, one.data) for one in found.steps]
    assert steps == [
        (b"getvar:version", b"OKAY0.5", None),
        (b"progress:00000001", b"OKAY", None),
        (b"download:00000004", b"DATA00000004", b"\1\2\3\4"),
    ]
    assert found.steps[2].closing.text == b"OKAY"
    assert asr_stream.write(found) == EXAMPLE


@pytest.mark.parametrize(
    "data",
    [
        stream(b"\n\ngetvar:version\n\nOKAY\n\n\n"),
        stream(b"reboot\nOKAY"),
        stream(b"download:0000000a\nDATA0000000a\n\n\n\n\n\n\n\n\n\n\nOKAY\n"),
        EXAMPLE + bytes(64),
        stream(b""),
    ],
)
def test_stream_when_odd_but_right_then_the_same_bytes(data):
    assert asr_stream.write(asr_stream.read(data)) == data


def test_stream_when_it_flashes_then_partitions_and_places_are_told():
    image = b"\xaa" * 8192
    body = b""
    for sparse in asr_sparse.split(image, 4 * 4096, segment_blocks=1):
        body += b"download:%08x\nDATA%08x\n" % (len(sparse), len(sparse)) + sparse + b"OKAY\nflash:customer_fs\nOKAY\n"
    found = list(asr_stream.flashed(asr_stream.read(stream(body))))
    assert found == [("customer_fs", b"\xaa" * 4096, 0), ("customer_fs", b"\xaa" * 4096, 4096)]


BROKEN = {
    "empty": (b"", "magic"),
    "magic": (b"!CRANF! 00000011\n", "magic"),
    "no-size": (b"!CRANE! 1\n", "magic"),
    "size": (b"!CRANE! 00000012\n", "size"),
    "no-answer": (stream(b"getvar:version\n"), "truncated"),
    "data-cut": (stream(b"download:00000009\nDATA00000009\nabc"), "truncated"),
    "no-closing": (stream(b"download:00000003\nDATA00000003\nabc"), "truncated"),
    "line": (stream(b"a" * 128 + b"\nOKAY\n"), "line"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_stream_when_broken_then_the_rule_is_named(name):
    data, rule = BROKEN[name]
    with pytest.raises(BadFormat) as failure:
        asr_stream.read(data)
    assert failure.value.facts["rule"] == rule
