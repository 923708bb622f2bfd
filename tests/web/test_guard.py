"""Who means ill at the pages: other sites, other names, forged and ended sessions, roles that are too low."""

from __future__ import annotations

import json

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from moduline.web.guard import FORM_BYTES
from web.chromium import session_of

LIVE = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket&client_id=x"
POLL = "/_nicegui_ws/socket.io/?EIO=4&transport=polling"


@pytest.fixture
def web(studio):
    """A browser without a session."""
    with httpx.Client(base_url=studio.url, timeout=60) as made:
        yield made


def cookie(studio, session):
    return {"cookie": f"{studio.cookie}={session}"}


def status_of_socket(studio, headers):
    """HTTP status of the answer to a web socket; 101: it stands."""
    address = studio.url.replace("http", "ws", 1) + LIVE
    origin = headers.pop("origin", None)
    try:
        with connect(address, additional_headers=headers, origin=origin, open_timeout=60):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8300", "localhost.evil.example", "127.0.0.1.nip.io", "[::2]", "2130706433", "", "a b", "[", "10.0.0.1"]
)  # fmt: skip
def test_name_when_not_ours_then_refused_whatever_is_asked(studio, web, session, host):
    """DNS rebinding: somebody's name points here, and the browser believes that we are theirs."""
    for path in ("/", "/sign-in", "/studio", "/static/moduline.css", POLL):
        answer = web.get(path, headers=cookie(studio, session) | {"host": host})
        assert answer.status_code in {400, 403}, (host, path)


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "",
        "http://[",
        "https://127.0.0.1.evil.example",
    ],
)
def test_origin_when_of_another_site_then_nothing_that_acts_is_heard(studio, web, session, origin):  # fmt: skip
    headers = cookie(studio, session) | {"origin": origin}
    for method, path in (("POST", "/sign-in"), ("POST", "/first-start"), ("PUT", "/x"), ("POST", POLL), ("GET", POLL)):
        assert web.request(method, path, headers=headers).status_code == 403, (method, path)
    if origin:
        assert status_of_socket(studio, dict(headers)) == 403


def test_form_when_the_browser_tells_no_origin_but_another_site_then_refused(web):
    for told in ("cross-site", "same-site"):
        answer = web.post("/sign-in", data={"name": "admin"}, headers={"sec-fetch-site": told})
        assert answer.status_code == 403


def test_live_connection_when_of_our_own_page_then_stands(studio, session):
    assert status_of_socket(studio, cookie(studio, session) | {"origin": studio.url}) == 101


@pytest.mark.parametrize(
    "forged", ["", "x", "mdl_" + "A" * 40, "mdl_' OR 1=1", "\u0101", "A" * 7000, "../../etc", "mdl_%00"]
)
def test_cookie_when_forged_then_a_stranger(studio, web, forged):  # fmt: skip
    headers = {"cookie": f"{studio.cookie}={forged}".encode()}
    answer = web.get("/studio", headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/studio")
    assert web.get(POLL, headers=headers).status_code == 403
    if forged.isascii():
        assert status_of_socket(studio, {"cookie": f"{studio.cookie}={forged}", "origin": studio.url}) == 403


def test_session_when_ended_then_neither_page_nor_connection(studio, web):
    session = session_of(studio)
    assert web.get("/console", headers=cookie(studio, session)).status_code == 200
    assert web.get("/sign-out", headers=cookie(studio, session)).headers["location"] == "/sign-in"
    assert web.get("/console", headers=cookie(studio, session)).status_code == 303
    assert status_of_socket(studio, cookie(studio, session) | {"origin": studio.url}) == 403


def test_sign_out_when_another_site_links_to_it_then_stays(studio, web):
    session = session_of(studio)
    web.get("/sign-out", headers=cookie(studio, session) | {"sec-fetch-site": "cross-site"})
    assert web.get("/console", headers=cookie(studio, session)).status_code == 200


def test_role_when_too_low_for_a_page_then_told_so_and_nothing_of_the_page_is_there(studio, web):
    token = studio.api("POST", "/v1/tokens", {"name": "guard", "role": "viewer"})["token"]
    made = httpx.post(f"{studio.api_url}/v1/me/sessions", headers={"authorization": f"Bearer {token}"}, timeout=60)
    headers = cookie(studio, made.json()["token"])
    answer = web.get("/studio", headers=headers)
    assert answer.status_code == 200
    assert "This page needs the role operator; yours is viewer." in answer.text
    assert web.get("/console", headers=headers).status_code == 200
    assert web.get("/sign-in", headers=headers).headers["location"] == "/console", "the first page of their own"


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "javascript:alert(1)", "//[", "evil",
        "/\t/evil.example", "/\n/evil.example", "", "/" + "a" * 5000, "https:evil.example", "/\\\\evil.example", "\u0000", " //evil.example",
    ],
)  # fmt: skip
def test_address_when_it_leads_elsewhere_then_the_first_page(studio, web, session, wanted):
    for path, name in (("/sign-in", "next"), ("/look", "back")):
        answer = web.get(path, params={name: wanted}, headers=cookie(studio, session))
        assert (answer.status_code, answer.headers["location"]) == (303, "/studio"), path


def test_form_when_huge_then_refused_before_it_is_kept(web):
    answer = web.post(
        "/sign-in", content=b"name=" + b"x" * FORM_BYTES, headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 413  # fmt: skip

    def endless():
        yield b"name="
        for _ in range(2000):
            yield b"x" * 10_000

    try:
        answer = web.post("/first-start", content=endless())
        assert answer.status_code in {303, 403, 413}
    except httpx.HTTPError as cut:
        assert isinstance(cut, httpx.WriteError | httpx.ReadError | httpx.RemoteProtocolError)  # noqa: PT017
    assert web.get("/sign-in").status_code == 200


def test_text_when_of_a_stranger_then_never_part_of_the_page(web):
    trick = '"><script>alert(1)</script>'
    for answer in (
        web.post("/sign-in", data={"name": trick, "password": "x", "next": "/" + trick}),
        web.get("/sign-in", params={"next": "/" + trick}),
        web.get("/enter/" + trick.replace("/", "")),
    ):
        assert "<script>alert" not in answer.text
        assert "x-frame-options" in answer.headers
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_platform_when_asked_through_the_pages_then_its_own_port_alone_answers(studio, web, session):
    for path in ("/v1/me", "/v1/accounts", "/docs", "/openapi.json", "/_nicegui/auto/static/../../../etc/passwd"):
        answer = web.get(path, headers=cookie(studio, session) | {"authorization": "Bearer x"})
        assert answer.status_code in {303, 404}, path
        assert json.dumps("admin") not in answer.text
