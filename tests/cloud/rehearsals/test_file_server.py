"""The server that virtual modules fetch from: as the platform's downloads answer, and nothing else."""

from __future__ import annotations

import asyncio

import pytest

from moduline.cloud.rehearsals.file_server import serving

DATA = bytes(range(256)) * 200


def asked(request, *more):
    """What the server says to some bytes on one connection, and to others afterwards."""

    async def story():
        async with serving({"1.bin": DATA}) as port:
            found = []
            for sent in (request, *more):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(sent)
                if not sent.endswith(b"\r\n\r\n"):
                    writer.write_eof()
                found.append(await reader.read())
                writer.close()
            return found

    return asyncio.run(asyncio.wait_for(story(), 60))


def get(name="1.bin", more=""):
    return f"GET /{name} HTTP/1.1\r\nHost: x\r\n{more}\r\n".encode()


@pytest.mark.parametrize(
    ("wanted", "status", "first", "end"),
    [
        ("", b"200 OK", 0, len(DATA)),
        ("Range: bytes=0-\r\n", b"206 Partial Content", 0, len(DATA)),
        ("RANGE:bytes=100-199\r\n", b"206 Partial Content", 100, 200),
        ("Range: bytes=51199-99999\r\n", b"206 Partial Content", 51199, 51200),
    ],
)
def test_file_when_asked_for_then_with_length_and_range(wanted, status, first, end):
    (said,) = asked(get(more=wanted))
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"HTTP/1.1 " + status
    assert body == DATA[first:end]
    assert b"Content-Length: %d" % (end - first) in head.split(b"\r\n")
    assert (b"Content-Range: bytes %d-%d/%d" % (first, end - 1, len(DATA)) in head) == (status[:3] == b"206")


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (get("2.bin"), b"404"),
        (get("../1.bin"), b"404"),
        (get("/1.bin"), b"404"),
        (get("1.bin").replace(b"GET", b"POST"), b"404"),
        (get(more="Range: bytes=51200-\r\n"), b"416"),
        (get(more="Range: bytes=9-3\r\n"), b"416"),
        (b"\r\n\r\n", b"404"),
        (b"\xff" * 50 + b"\r\n\r\n", b"404"),
        (b"GET /1.bin HTTP/1.1\r\n", b""),
        (b"A" * 40_000, b""),
    ],
)
def test_request_when_it_is_none_or_for_something_else_then_refused_and_the_next_is_served(request_bytes, status):
    said, after = asked(request_bytes, get())
    assert said[9:12] == status
    assert after.endswith(DATA)
