"""Who means ill at the operator API: wrong types by its own description, bombs, slow peers, uploads that are no files.

Whatever comes, the answer is a refusal in the one frame, nothing is changed or left, and a good program is served.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import os
import random
import socket
import string
import tracemalloc

import pytest

from moduline.cloud.artifacts.rules import MOST_FILE_BYTES
from moduline.cloud.operator_api import make_app
from moduline.cloud.web_guard import BODY_BYTES, BodyLimits, GuardedProtocol, Pace
from ota_site import OtaSite

FILES = "/v1/artifacts/files"
WAIT_S = 60.0


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = OtaSite(tmp_path_factory.mktemp("site") / "ota", jobs=0)
    site.product()
    yield site
    complaints = [one for one in site.notices if "Error" in str(one.facts)]
    site.stop()
    assert complaints == [], "nothing failed without a word"


@pytest.fixture(autouse=True)
def well(site):
    """After every attack a good program is served, and nothing lies about."""
    yield
    assert site.get("/health")["ok"]
    assert [one["name"] for one in site.get("/v1/products")["items"]] == ["meter"]
    assert list((site.settings.data / "files" / "new").glob("*")) == []


# ---- wrong types, by the API's own description ----------------------------------------------------------------------

ODD = [
    None, True, -1, 0, 2**63, 10**400, 1.5, float("nan"), float("inf"), -1e308, "", "a\0b", "\ud800", "x" * 5000, "\u202egpj",
    "../../etc/passwd", "%00", "' OR 1=1 --", "${jndi:x}", "=1+1", [], {}, [[]], {"": {}}, ["a"] * 300,
]  # fmt: skip


def routes():
    """Every path, method and body of the API, in order."""
    described = make_app(None, None).openapi()
    found = []
    for path, methods in sorted(described["paths"].items()):
        for method, about in sorted(methods.items()):
            body = about.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            found.append((method, path, about.get("parameters", []), body))
    return found, described["components"]["schemas"]


def value_for(lot, schema, schemas, depth=0):
    """A value that may fit a schema, with something odd in it more often than not."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
    if lot.random() < 0.25 or depth > 6:
        return lot.choice(ODD)
    if "anyOf" in schema:
        return value_for(lot, lot.choice(schema["anyOf"]), schemas, depth + 1)
    if "enum" in schema:
        return lot.choice(schema["enum"])
    match schema.get("type"):
        case "object":
            inside = schema.get("additionalProperties")
            made = {name: value_for(lot, one, schemas, depth + 1) for name, one in schema.get("properties", {}).items()}
            if isinstance(inside, dict):
                made["a"] = value_for(lot, inside, schemas, depth + 1)
            return {name: one for name, one in made.items() if lot.random() < 0.9}
        case "array":
            return [value_for(lot, schema.get("items", {}), schemas, depth + 1) for _ in range(lot.randrange(3))]
        case "integer" | "number":
            return lot.choice([1, 1, 2, 0, -1, 10**12, 2**63])
        case "boolean":
            return lot.random() < 0.5
        case _:
            return lot.choice(
                ["meter", "V2", "UTC", "2027-01-15T15:00", "x", "tag==a", "0" * 64, "https://example.com/h"]
            )


def is_safe(method, path):
    """Whether a request may succeed: products and the own account stay; streams do not end."""
    is_own = any(word in path for word in ("accounts", "tokens", "password", "sessions"))
    return not path.endswith(("/stream", "/follow")) and not is_own


@pytest.mark.parametrize(
    "seed", [0, pytest.param(1, marks=pytest.mark.sweep), pytest.param(2, marks=pytest.mark.sweep)]
)
def test_api_when_every_route_gets_odd_values_then_never_fails(site, seed):
    lot = random.Random(seed)
    found, schemas = routes()
    assert len(found) > 40
    told = 0
    for _ in range(2):
        for method, path, parameters, body in found:
            if not is_safe(method, path) or (path, method) in {
                ("/v1/products", "post"),
                ("/v1/products/{product}", "patch"),
            }:
                continue
            where = path
            query = {}
            for one in parameters:
                if one["in"] == "path":
                    text = lot.choice(["1", "2", "999", "0", "-1", "x", str(10**30), "%00", "%2e%2e%2f", "a" * 3000])
                    where = where.replace("{" + one["name"] + "}", text)
                elif one["in"] == "query" and lot.random() < 0.7:
                    query[one["name"]] = lot.choice(["1", "0", "-1", "x", str(10**30), "nan", "a\0", "é" * 900, "true"])
            raw = None
            if body is not None:
                raw = json.dumps(value_for(lot, body, schemas))
                raw = raw[: lot.randrange(len(raw) + 1)] if lot.random() < 0.1 else raw
            if method == "delete" and "products" in path:
                continue
            answer = site.web.request(
                method, where, params=query, content=raw, headers={"content-type": "application/json"}
            )
            assert answer.status_code < 500, (method, where, query, raw, answer.text)
            if answer.status_code >= 400 and answer.headers["content-type"] == "application/json":
                told += "ok" in answer.json() and answer.json()["ok"] is False
    assert told > 60


@pytest.mark.parametrize(
    "raw",
    [b"[" * 100_000, b'{"name":' * 50_000, b'{"name": NaN}', b'{"name": 1e999}', b"\xff\xfe", b"{}{}", b'{"name":"' + b"x" * 10_000_000 + b'"}',
     b'{"name":' + b"9" * 100_000 + b"}", b"\xef\xbb\xbf{}"],
    ids=["deep list", "deep object", "NaN", "infinite", "no UTF-8", "two", "10 MB", "a long number", "a mark"],
)  # fmt: skip
def test_body_when_broken_or_deep_then_refused(site, raw):
    answer = site.web.post("/v1/products", content=raw, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text


# ---- raw HTTP -------------------------------------------------------------------------------------------------------


def reach(site):
    host, port = site.addresses.api.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), WAIT_S)


def said(peer):
    """All that a peer gets until the end."""
    got = b""
    try:
        while piece := peer.recv(65536):
            got += piece
    except ConnectionError:
        pass
    return got


def asked(site, raw):
    with reach(site) as peer:
        try:
            peer.sendall(raw)
            peer.shutdown(socket.SHUT_WR)
        except OSError:
            return b""
        return said(peer)


def statuses(answer):
    return [int(part.split(b" ")[1]) for part in answer.split(b"HTTP/1.1")[1:] for part in [b"HTTP/1.1" + part]]


HEAD = "POST /v1/products HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
SMUGGLED = b"GET /v1/accounts HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "more",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}",
        b"Content-Length: +2\r\n\r\n{}",
        b"Content-Length: -1\r\n\r\n{}",
        b"Content-Length : 2\r\n\r\n{}",
        b"Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}",
        b"Transfer-Encoding: chunked\r\n\r\n2;" + b"x" * 100_000 + b"\r\n{}\r\n0\r\n\r\n",
        b"X: a\r\n Folded: b\r\nContent-Length: 2\r\n\r\n{}",
        b"A\0B: 1\r\n\r\n",
        b"X: \x01\r\n\r\n",
    ],
)
def test_request_when_two_readings_are_possible_then_refused_and_nothing_behind_it_is_heard(site, more):
    answer = asked(site, HEAD.format(token=site.token).encode() + more + SMUGGLED)
    assert 200 not in statuses(answer)
    assert 201 not in statuses(answer)
    assert all(400 <= status < 500 for status in statuses(answer)), answer


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: y\r\n" % at for at in range(20_000)) + b"\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\0" * 5000,
        b"GET http://other/health HTTP/1.1\r\n\r\n", b"CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)  # fmt: skip
def test_head_when_a_bomb_or_no_http_then_refused(site, raw):
    assert all(400 <= status < 500 for status in statuses(asked(site, raw)))


def test_body_when_announced_too_large_then_refused_before_it_is_read(site):
    raw = HEAD.format(token="none") + f"Content-Length: {BODY_BYTES + 1}\r\n\r\n"
    with reach(site) as peer:
        peer.sendall(raw.encode())
        assert statuses(said(peer)) == [413]


def test_body_when_it_grows_too_large_then_cut_off_without_a_token(site):
    """FastAPI reads bodies before it asks who is there: a stranger must not fill the memory."""
    with reach(site) as peer:
        peer.sendall(HEAD.format(token="none").encode() + b"Transfer-Encoding: chunked\r\n\r\n")
        piece = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        sent = 0
        try:
            for _ in range(64):
                peer.sendall(piece)
                sent += 0x100000
        except OSError:
            pass
        answer = said(peer)
    assert sent <= BODY_BYTES + 8 * 0x100000 or statuses(answer) == [413]
    assert 201 not in statuses(answer)


def test_pace_when_a_peer_drips_then_its_time_is_soon_over():
    pace = Pace(100.0, gap_s=30.0, least_per_s=1000.0)
    assert pace.left_s(100.0) == 30.0
    pace.took(60_000)
    assert pace.left_s(110.0) == 30.0, "never longer than the gap"
    assert pace.left_s(185.0) == pytest.approx(5.0)
    assert pace.left_s(200.0) == 0.0


def test_slow_peers_when_they_drip_heads_and_bodies_then_cut_off(site, monkeypatch):
    monkeypatch.setattr(GuardedProtocol, "head_s", 0.5)
    heads = [reach(site) for _ in range(30)]
    for at, peer in enumerate(heads):
        peer.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n"[: at + 1])
    assert [statuses(said(peer)) for peer in heads] == [[]] * 30
    for peer in heads:
        peer.close()


async def drip(limits):
    """A request whose body never ends; status of the answer."""
    answers = []

    pieces = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive():
        while not pieces:
            await asyncio.sleep(3600)
        return pieces.pop()

    async def send(message):
        answers.append(message)

    async def app(scope, receive, send):
        while (await receive())["type"] != "http.disconnect":
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})

    limits._app = app
    await limits({"type": "http", "path": "/v1/products", "headers": []}, receive, send)
    return answers[0]["status"]


def test_body_when_it_never_ends_then_refused_in_time(site):
    limits = BodyLimits(None, gap_s=0.2)
    assert 400 <= site.do(drip(limits)) < 500
    assert limits._held == 0


# ---- uploads --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["..%2F..%2Fetc.bin", "a%2Fb.bin", "a%00.bin", "%E2%80%AEnib.exe.bin", "a%0Ab.bin", "%20.bin", "." * 300 + "bin", "con.bin%20", "a\\b.bin",
     "%FF.bin", "-rf.bin", "b.exe", ".bin", "a" * 300 + ".bin"],
)  # fmt: skip
def test_upload_when_its_name_is_a_trick_then_refused_or_a_plain_name(site, name):
    answer = site.web.put(f"{FILES}/{name}", content=b"firmware" + name.encode())
    if answer.status_code == 201:
        made = site.web.post(
            "/v1/artifacts",
            json={"name": f"trick {name}"[:80], "target": "V9", "files": [{"name": answer.json()["name"], "sha256": answer.json()["sha256"]}]},
        )  # fmt: skip
        if made.status_code == 201:
            (file,) = made.json()["files"]
            assert file["name"].isprintable()
            assert not set(file["name"]) & set("/\\\0\u202e")
            assert site.web.delete(f"/v1/artifacts/{made.json()['id']}").status_code == 200
        else:
            assert 400 <= made.status_code < 500
    else:
        assert 400 <= answer.status_code < 500
    inside = {path.resolve() for path in (site.settings.data / "files").rglob("*")}
    assert all(site.settings.data.resolve() in path.parents for path in inside)


@pytest.mark.sweep
def test_upload_when_it_grows_beyond_the_limit_then_stopped_while_it_streams(site, monkeypatch):
    """100 MB: neither the announced length nor the end of the body is waited for."""
    monkeypatch.setattr(GuardedProtocol, "head_s", 1.0)  # so long it may talk on after the answer
    piece = b"%x\r\n" % (1 << 20) + bytes(1 << 20) + b"\r\n"
    head = f"PUT {FILES}/big.bin HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {site.token}\r\nTransfer-Encoding: chunked\r\n\r\n"
    most = MOST_FILE_BYTES // (1 << 20) + 40
    sent = 0
    with reach(site) as peer:
        peer.sendall(head.encode())
        try:
            while sent < most:
                peer.sendall(piece)
                sent += 1
        except OSError:
            assert sent >= MOST_FILE_BYTES >> 20
        answer = said(peer)
    assert statuses(answer) in ([413], [])
    digest = hashlib.sha256(bytes(1 << 20) * sent).hexdigest()
    assert not (site.settings.data / "files" / digest[:2] / digest).exists()


def test_upload_when_it_breaks_off_then_nothing_is_left(site):
    before = set((site.settings.data / "files").rglob("*"))
    for at in range(6):
        peer = reach(site)
        peer.sendall(
            f"PUT {FILES}/b.bin HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {site.token}\r\nContent-Length: 100000\r\n\r\n".encode()
            + os.urandom(1000 * at)
        )
        if at % 2:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.close()
    new = site.settings.data / "files" / "new"
    site.until(lambda: not list(new.glob("*")))
    assert {path for path in set((site.settings.data / "files").rglob("*")) - before if path.is_file()} == set()


def test_uploads_when_a_dozen_stand_still_then_everybody_else_is_served(site):
    """Each holds a thread; they are threads of their own."""
    peers = [reach(site) for _ in range(12)]
    for peer in peers:
        peer.sendall(
            f"PUT {FILES}/s.bin HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {site.token}\r\nContent-Length: 9999\r\n\r\nabc".encode()
        )
    for _ in range(5):
        assert site.get("/v1/products")["items"]
    for peer in peers:
        peer.close()
    site.until(lambda: not list((site.settings.data / "files" / "new").glob("*")))


def test_upload_when_for_swupdate_or_rauc_then_taken(site):
    for name in ("os.swu", "os.raucb"):
        assert site.web.put(f"{FILES}/{name}", content=b"image").status_code == 201
    assert site.web.put(f"{FILES}/os.exe", content=b"image").status_code == 422


def test_upload_when_multipart_or_encoded_then_kept_as_it_is(site):
    """The body is the file: nothing in it is taken for an envelope, a name, or something to be unpacked."""
    form = b'--b\r\nContent-Disposition: form-data; name="f"; filename="../../x"\r\n\r\nabc\r\n--b--\r\n'
    for kind, more in (("multipart/form-data; boundary=b", {}), ("application/gzip", {"Content-Encoding": "gzip"})):
        answer = site.web.put(f"{FILES}/m.bin", content=form, headers={"content-type": kind, **more})
        assert (answer.status_code, answer.json()["sha256"]) == (201, hashlib.sha256(form).hexdigest())


# ---- all together ---------------------------------------------------------------------------------------------------


def test_memory_when_two_hundred_bad_requests_came_then_not_grown(site):
    lot = random.Random(5)

    def storm(count):
        for _ in range(count):
            body = bytes(lot.choices(string.printable.encode(), k=lot.randrange(20_000)))
            kind = lot.choice(
                [b"Content-Length: %d\r\n\r\n" % len(body), b"Content-Length: 999999\r\n\r\n", b"X: y\r\n\r\n"]
            )
            asked(site, HEAD.format(token=lot.choice([site.token, "x", ""])).encode() + kind + body)

    storm(50)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    storm(150)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 3_000_000
