"""The module's own download: every form of a body, every way a server can be wrong or hostile."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from moduline.vmodule.world import http_get
from moduline.vmodule.world.http_get import FetchFailedError, fetch, target_of

BODY = bytes(range(256)) * 40


def served(answer, url="/x.bin", rate=1.0, drop=True):
    """(pieces, stated length, request) of a fetch from a server that sends ``answer`` and hangs up."""
    seen = {"length": "never", "request": b""}
    pieces, talks = [], []

    async def talk(reader, writer):
        talks.append(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            seen["request"] = await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            if not drop:
                await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def connect(host, port, *, tls=None):
        seen["asked"] = (host, port, tls is not None)
        return await asyncio.open_connection("127.0.0.1", seen["port"])

    async def story():
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        seen["port"] = server.sockets[0].getsockname()[1]
        try:
            await fetch(connect, f"http://host.example:8080{url}", lambda n: seen.update(length=n), pieces.append, rate)
        finally:
            await asyncio.gather(*talks)
            server.close()
            await server.wait_closed()

    asyncio.run(story())
    return b"".join(pieces), seen


def failing(answer, **options):
    with pytest.raises(FetchFailedError) as raised:
        served(answer, **options)
    return raised.value.code


def answer(*lines, body=b""):
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode() + body


def chunked(*sizes):
    out, at = b"", 0
    for size in sizes:
        out += f"{size:x}\r\n".encode() + BODY[at : at + size] + b"\r\n"
        at += size
    return out + b"0\r\n\r\n"


def test_body_when_length_is_stated_then_whole():
    body, seen = served(answer(f"Content-Length: {len(BODY)}", body=BODY + b"more"))
    assert (body, seen["length"]) == (BODY, len(BODY))
    assert seen["asked"] == ("host.example", 8080, False)
    assert seen["request"] == (
        b"GET /x.bin HTTP/1.1\r\nHost: host.example:8080\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )


def test_body_when_it_ends_with_the_connection_or_is_chunked_then_whole():
    assert served(answer("Server: x", body=BODY))[0] == BODY
    body, seen = served(answer("Transfer-Encoding: chunked", body=chunked(1, 5000, len(BODY) - 5001)))
    assert (body, seen["length"]) == (BODY, None)
    assert served(answer("content-length:0"))[0] == b""


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"", http_get.BODY_CUT, id="hangs-up"),
        pytest.param(b"HTTP/1.1 404 Not Found\r\n\r\n", http_get.BAD_STATUS, id="404"),
        pytest.param(b"HTTP/1.1 302 Found\r\nLocation: /y\r\n\r\n", http_get.BAD_STATUS, id="redirect"),
        pytest.param(b"HTTP/1.1 206 Partial\r\nContent-Length: 1\r\n\r\nx", http_get.BAD_STATUS, id="206"),
        pytest.param(b"HTTP/1.1\r\n\r\n", http_get.BAD_ANSWER, id="no-status"),
        pytest.param(b"SSH-2.0-x\r\n\r\n", http_get.BAD_ANSWER, id="no-http"),
        pytest.param(b"HTTP/1.1 20\xb2 OK\r\n\r\n", http_get.BAD_ANSWER, id="superscript-digit"),
        pytest.param(answer("X: " + "y" * 20000), http_get.BAD_ANSWER, id="endless-head"),
        pytest.param(b"x" * 200_000, http_get.BAD_ANSWER, id="no-end-of-head"),
        pytest.param(answer("Content-Length: -1"), http_get.BAD_ANSWER, id="negative"),
        pytest.param(answer("Content-Length: 9" + "9" * 30), http_get.BAD_ANSWER, id="huge"),
        pytest.param(answer("Content-Length: 10", body=b"short"), http_get.BODY_CUT, id="short"),
        pytest.param(answer("Transfer-Encoding: chunked", body=b"zz\r\n"), http_get.BAD_ANSWER, id="chunk-no-number"),
        pytest.param(answer("Transfer-Encoding: chunked", body=b"\r\n"), http_get.BAD_ANSWER, id="chunk-empty"),
        pytest.param(
            answer("Transfer-Encoding: chunked", body=b"5\r\nabcdeXX"), http_get.BAD_ANSWER, id="chunk-no-end"
        ),
        pytest.param(answer("Transfer-Encoding: chunked", body=b"5\r\nab"), http_get.BODY_CUT, id="chunk-cut"),
        pytest.param(answer("Transfer-Encoding: chunked", body=b"5\r\nabcde\r\n"), http_get.BODY_CUT, id="chunks-cut"),
    ],
)
def test_answer_when_wrong_then_a_code(data, code):
    assert failing(data) == code


def test_server_when_it_says_nothing_then_given_up_by_the_modules_clock():
    assert failing(b"", drop=False, rate=600.0) == http_get.TOO_SLOW
    assert failing(answer("Content-Length: 10", body=b"abc"), drop=False, rate=600.0) == http_get.TOO_SLOW


@pytest.mark.parametrize(
    "url",
    [
        "", "url1", "ftp://user:pw@host/x", "http://", "http:///x", "//host/x", "http://host:port/", "http://host:99999/",
        "http://h/ x", "http://h/\r\nX: y", "http://h/é", "http://h/" + "x" * 1100, "file:///etc/passwd", "http://[::1",
    ],
)  # fmt: skip
def test_url_when_it_cannot_be_meant_then_refused(url):
    with pytest.raises(FetchFailedError) as raised:
        target_of(url)
    assert raised.value.code == http_get.BAD_URL


def test_url_when_right_then_its_parts():
    found = target_of("https://user:pw@Example.com/a/b?c=d&e#f")
    assert (found.host, found.port, found.path, found.is_tls) == ("example.com", 443, "/a/b?c=d&e", True)
    assert target_of("http://1.2.3.4").path == "/"
    assert target_of("http://h:81").port == 81


def test_connection_when_refused_then_a_code():
    async def connect(host, port, *, tls=None):
        raise OSError(111, "refused")

    with pytest.raises(FetchFailedError) as raised:
        asyncio.run(fetch(connect, "http://h/", lambda _: None, lambda _: None))
    assert raised.value.code == http_get.NO_CONNECTION
