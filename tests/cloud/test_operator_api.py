"""The operator API as programs see it: every right has a route, every route says what it does; what is sent whole."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import functools
import hashlib
import hmac
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from sqlalchemy import func, select

from cloud_hand import CloudHand
from moduline.cloud import tables
from moduline.cloud.accounts import service as accounts
from moduline.cloud.accounts.door import Door
from moduline.cloud.edge import OF_ONESELF, PERMISSIONS, ROLES
from moduline.cloud.operator_api import make_app
from moduline.cloud.outbox import api, events
from moduline.cloud.views.spelling import harmless
from ota_site import WAIT_S, OtaSite

HOSTILE = "=cmd|' /C calc'!A0"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = OtaSite(tmp_path_factory.mktemp("site") / "ota", webhook_networks=("127.0.0.0/8",), jobs=0)
    yield site
    site.stop()


@pytest.fixture(scope="module")
def product(site):
    return site.product()[0]


@pytest.fixture(scope="module")
def plan(site, product):
    """A plan of three devices: one that failed, one that was upgraded, one that waits."""
    hand = CloudHand(site)
    devices = [hand.online(f"86000000000000{at}", "V1", product["id"]) for at in range(3)]
    plan = site.plan(product, site.package(), name="=march")
    site.activate(plan)
    for device in devices[:2]:
        hand.requests(device, "V1")
    hand.ends(devices[0], "V2")
    hand.fails(devices[1])
    return plan


class Receiver:
    """Somebody else's program that keeps what it is posted and answers as it was told."""

    def __init__(self, status=204):
        self.seen = []
        receiver = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.seen.append((dict(self.headers), body))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_):
                """Nothing on the terminal."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self._server.server_port}/ota"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@functools.cache
def described():
    """The description of the API."""
    return make_app(None, None).openapi()


def operations():
    """(method, path, operation) of every route of the description."""
    return [(method, path, one) for path, ways in described()["paths"].items() for method, one in ways.items()]


def test_right_when_given_by_a_role_then_a_route_asks_for_it():
    asked = {verb for _, _, one in operations() for verb in one.get("x-permissions", ())}
    assert asked == set(PERMISSIONS)


def test_route_when_described_then_says_what_it_does_and_who_may():
    for method, path, one in operations():
        assert one.get("tags"), path
        assert one.get("description"), (method, path)
        if method != "get":
            assert one.get("x-permissions") or one.get("x-public"), (method, path)
        if "x-permissions" in one:
            assert any(role in one["responses"]["403"]["description"] for role in ROLES)


def test_route_when_it_asks_for_no_token_then_one_of_these():
    assert {path for _, path, one in operations() if one.get("x-public")} == {"/v1/login", "/v1/first-start"}


def test_route_when_the_token_is_of_a_viewer_then_refused_by_each_that_changes_something(site):
    """Whatever is asked: nobody learns whether a thing is there before their right is looked at, and nothing changes."""
    token = site.post("/v1/tokens", name="screen", role="viewer")["token"]
    with httpx.Client(base_url=site.addresses.api, headers={"Authorization": f"Bearer {token}"}) as web:
        for method, path, one in operations():
            if set(one.get("x-permissions", OF_ONESELF)) <= OF_ONESELF:
                continue
            address = path.replace("{name}", "x.bin")
            while "{" in address:
                address = address[: address.index("{")] + "1" + address[address.index("}") + 1 :]
            body = _example(one) if "requestBody" in one else None
            answer = web.request(method, address, json=body, params={"product": 1})
            assert answer.status_code in {403, 404}, (method, path, answer.text)
            if answer.status_code == 403:
                assert answer.json()["code"] == "ML-E1511"


def _example(operation):
    """The smallest body that a route takes."""
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return _value(schema, described()["components"]["schemas"])


def _value(schema, known):
    if "$ref" in schema:
        return _value(known[schema["$ref"].rpartition("/")[2]], known)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type")
    if kind == "object":
        return {name: _value(schema["properties"][name], known) for name in schema.get("required", ())}
    if kind == "array":
        return [_value(schema["items"], known)] * schema.get("minItems", 0)
    if kind == "string":
        return "0" * 64 if "pattern" in schema else "x"
    return {"integer": 1, "number": 1.0, "boolean": True}[kind]


def test_user_when_asked_then_in_their_language_and_the_result_is_seen_once_it_is_there(site, product):
    hand = CloudHand(site)
    for at in (5, 6):
        hand.online(f"86000000000000{at}", "V1", product["id"])
    texts = {"zh": "升级", "en": "an update", "de": "Neues"}
    keys = ["860000000000005", "860000000000006"]
    plan = site.plan(product, site.package("asked"), name="asks", is_silent=False, texts=texts, white=keys)
    place = f"/v1/plans/{plan['id']}/confirmations"
    assert site.get(place)["waiting"] == 0
    site.activate(plan)
    for language, text in (("de", "Neues"), ("fr", "an update"), ("zh", "升级")):
        assert {one["components"][0]["text"] for one in site.get(place, language=language)["items"]} == {text}
    first, second = [one["upgrade"] for one in site.get(place)["items"]]
    assert site.get(place)["waiting"] == 2
    made = site.post("/v1/upgrades/confirm", 200, upgrades=[first, 999_999, second], operation=1)["items"]
    assert [one["ok"] for one in made] == [True, False, True]
    assert (made[1]["code"], made[1]["upgrade"]) == ("ML-E0207", 999_999)
    assert site.get(place)["waiting"] == 0
    assert site.post(f"/v1/upgrades/{first}/seen", 200) == {"status": 1}
    hand.fails(site.get("/v1/devices", dk=keys[0])["items"][0]["id"])
    assert site.post(f"/v1/upgrades/{first}/seen", 200) == {"status": 4}
    assert [one["status"] for one in site.get(place)["items"]] == [4, 1]
    assert [one["dk"] for one in site.get(f"/v1/plans/{plan['id']}/upgrades", dk=keys[1])["items"]] == [keys[1]]


# -- events


def told(site):
    """Everything that has happened, once all of it has its place."""
    events_ = tables.outbox
    unplaced = select(func.count()).select_from(events_).where(events_.c.seq.is_(None))
    site.until(lambda: not site.platform.db.read(lambda conn: conn.execute(unplaced).scalar_one()))
    return site.get("/v1/events", limit=1000)


def test_events_when_paged_then_all_and_once(site, plan):
    every = told(site)
    assert (every["first"], every["last"]) == (1, every["items"][-1]["id"])
    found, after = [], 0
    while after is not None:
        page = site.get("/v1/events", limit=3, after=after)
        found += page["items"]
        after = page["next_after"]
    assert found == every["items"]
    kinds = ["plan.activated", "upgrade.finished"]
    some = site.get("/v1/events", kind=kinds, limit=1000)["items"]
    assert some == [one for one in every["items"] if one["event"] in kinds]
    assert {one["event"] for one in some} == set(kinds)
    assert site.web.get("/v1/events", params={"kind": "nonsense"}).status_code == 422


def streamed(site, count, **headers):
    """The first events of a stream, with their ids and kinds as the lines say them."""
    found = []
    with site.web.stream("GET", "/v1/events/stream", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        fields = {}
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            fields[name] = value
            if not line and "data" in fields:
                found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
                fields = {}
                if len(found) == count:
                    return found
    return found


def test_stream_when_resumed_by_last_event_id_then_nothing_twice_and_nothing_missed(site, plan):
    every = told(site)["items"]
    first = streamed(site, 3, **{"Last-Event-ID": "0"})
    rest = streamed(site, len(every) - 3, **{"Last-Event-ID": str(first[-1][0])})
    assert [data for _, _, data in first + rest] == every
    assert all((place, kind) == (data["id"], data["event"]) for place, kind, data in first + rest)
    for wrong in ("x", "-1", "9" * 30, ""):
        answer = site.web.get("/v1/events/stream", headers={"Last-Event-ID": wrong})
        assert answer.status_code == 422, wrong


def test_stream_when_the_platform_ends_then_ends_at_once(tmp_path):
    site = OtaSite(tmp_path / "ota", jobs=0)
    lines = []

    async def listens():
        headers = {"Authorization": f"Bearer {site.token}"}
        client = httpx.AsyncClient(base_url=site.addresses.api, headers=headers, timeout=WAIT_S)
        async with client as web, web.stream("GET", "/v1/events/stream") as answer:
            async for line in answer.aiter_lines():
                lines.append(line)
                if line.startswith("retry"):
                    stopping.set()

    stopping = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(listens()))
    thread.start()
    assert stopping.wait(WAIT_S)
    site.stop()
    thread.join(WAIT_S)
    assert not thread.is_alive()
    assert lines[0] == "retry: 2000"


def test_stream_when_its_token_is_revoked_then_ends_and_says_so(site):
    made = site.post("/v1/tokens", name="listener", role="viewer")

    async def asks():
        async def still():
            return await site.platform.db.read_soon(accounts.comer_of, made["token"], now=site.clock.now_s())

        return [line async for line in api.told(site.platform.feed, 1, None, (), still, set(), beat_s=0.0, look_s=0.0)]

    site.web.delete(f"/v1/tokens/{made['id']}")
    assert site.do(asks())[-1].startswith("event: token.refused")


def test_stream_when_there_are_too_many_then_the_next_is_refused(site):
    door = Door(site.platform.db, site.platform.store, site.settings, site.clock, None, None, None)
    app = make_app(door, site.platform.feed)
    app.state.streams |= {object() for _ in range(api.MOST_STREAMS)}

    async def asks():
        headers = {"Authorization": f"Bearer {site.token}"}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here", headers=headers) as web:
            return await web.get("/v1/events/stream")

    answer = site.do(asks())
    assert (answer.status_code, answer.json()["code"]) == (409, "ML-E1513")


def test_stream_when_nothing_happens_then_a_sign_of_life_now_and_then(site):
    async def listens():
        async with contextlib.aclosing(site.platform.feed.blocks(1, beat_s=0.01)) as blocks:
            return [await anext(blocks) for _ in range(3)]

    assert site.do(listens()) == [(), (), ()]


# -- webhooks


def test_webhook_when_tried_out_then_signed_and_the_answer_is_told(site, receiver):
    made = site.post("/v1/webhooks", 201, name="trial", url=receiver.url, kinds=["job.done"])
    assert site.post(f"/v1/webhooks/{made['id']}/test", 200) == {"is_taken": True, "status": 204, "said": ""}
    headers, body = receiver.seen[0]
    assert json.loads(body)["event"] == "webhook.test"
    said = headers["X-Moduline-Timestamp"].encode() + b"." + body
    wanted = "sha256=" + hmac.new(made["secret"].encode(), said, hashlib.sha256).hexdigest()
    assert headers["X-Moduline-Signature"] == wanted
    shown = site.get(f"/v1/webhooks/{made['id']}")
    assert "secret" not in shown
    assert made["secret"] not in json.dumps(site.get("/v1/audit", limit=1000))
    again = site.post(f"/v1/webhooks/{made['id']}/secret", 200)["secret"]
    assert again != made["secret"]
    site.post(f"/v1/webhooks/{made['id']}/test", 200)
    headers, body = receiver.seen[1]
    said = headers["X-Moduline-Timestamp"].encode() + b"." + body
    assert headers["X-Moduline-Signature"] == "sha256=" + hmac.new(again.encode(), said, hashlib.sha256).hexdigest()


def test_webhook_when_something_happens_then_told_by_the_running_platform(site, product, receiver):
    site.post("/v1/webhooks", 201, name="told", url=receiver.url, kinds=["device.created"])
    site.post("/v1/devices", 201, product=product["id"], dk="told-1")
    site.until(lambda: receiver.seen)
    assert json.loads(receiver.seen[0][1])["data"]["dk"] == "told-1"


def test_webhook_when_the_address_is_inside_then_refused_when_made_and_when_tried(site):
    answer = site.web.post("/v1/webhooks", json={"name": "in", "url": "http://169.254.169.254/latest"})
    assert (answer.status_code, answer.json()["facts"]["field"]) == (422, "url")
    answer = site.web.post("/v1/webhooks", json={"name": "in", "url": "http://[::ffff:10.0.0.1]/"})
    assert answer.status_code == 422


# -- exports and imports


def table(site, path, **query):
    answer = site.web.get(path, params={"form": "csv"} | query)
    assert answer.status_code == 200, answer.text
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert "attachment" in answer.headers["content-disposition"]
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def test_export_when_as_csv_then_the_rows_of_the_plan_and_no_formula(site, plan):
    rows = {one["dk"]: one for one in table(site, f"/v1/plans/{plan['id']}/upgrades/export")}
    statuses = [rows[f"86000000000000{at}"]["status"] for at in range(3)]
    assert statuses == ["upgraded", "failed", "not_upgraded"]
    log = table(site, f"/v1/plans/{plan['id']}/log/export")
    assert [one["dk"] for one in log] == sorted(one["dk"] for one in log)
    assert {one["dk"] for one in log} >= {"860000000000000", "860000000000001"}
    names = [one["name"] for one in table(site, "/v1/audit/export", kind="plan")]
    assert "'=march" in names


def test_export_when_as_json_lines_then_the_objects_of_the_api(site, plan):
    answer = site.web.get(f"/v1/plans/{plan['id']}/upgrades/export", params={"form": "jsonl"})
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines == site.get(f"/v1/plans/{plan['id']}/upgrades", limit=1000)["items"]
    assert site.web.get(f"/v1/plans/{plan['id']}/upgrades/export", params={"form": "xlsx"}).status_code == 422
    assert site.web.get("/v1/plans/999/upgrades/export").status_code == 404
    assert site.web.get("/v1/plans/999/log/export").status_code == 404


def test_export_when_longer_than_a_block_then_every_device_once(site):
    """1,203 devices: three blocks."""
    many = site.post("/v1/products", name="many")
    units = [{"dk": f"m{at:05}", "attributes": {"line.order": HOSTILE}} for at in range(1203)]
    assert site.post("/v1/devices/import", product=many["id"], units=units) == {"new": 1203, "known": 0}
    rows = table(site, "/v1/devices/export", product=many["id"])
    assert [one["dk"] for one in rows] == [one["dk"] for one in units]
    assert rows[0]["tags"] == f"line.order={HOSTILE}"
    some = table(site, "/v1/devices/export", product=many["id"], filter="dk==*7")
    assert [one["dk"] for one in some] == [one["dk"] for one in units if one["dk"].endswith("7")]
    assert site.get("/v1/devices/count", product=many["id"], filter="dk==*7") == {"count": 120}
    with site.web.stream("GET", "/v1/devices/export", params={"product": many["id"], "form": "jsonl"}) as answer:
        assert answer.headers["transfer-encoding"] == "chunked"  # nobody knew how long it would be
        assert sum(piece.count(b"\n") for piece in answer.iter_raw()) == len(units)


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "'\t=1"),
        ("  =1", "'  =1"), ("\r=1", "'\r=1"), ("＝1+1", "'＝1+1"), ("\u3000＠x", "'\u3000＠x"), ("\ufeff=1", "'\ufeff=1"),
        ("V1", "V1"), ("", ""), (" ", " "), (-70, -70), (None, ""), (True, "true"), ("a\0b", "a\u2400b"), ("a=b", "a=b"),
    ],
)  # fmt: skip
def test_cell_when_a_spreadsheet_would_run_it_then_a_text(cell, shown):
    assert harmless(cell) == shown


def test_import_when_from_the_lines_csv_then_devices_with_their_order(site):
    made = site.post("/v1/products", name="line")
    body = "\ufeffimei,outcome,order,version_after\r\n'861,PASS,A-17,V1\r\n862,FAIL,A-17,V1\r\n".encode()
    answer = site.web.post("/v1/devices/import/csv", params={"product": made["id"]}, content=body)
    assert answer.json() == {"new": 1, "known": 0}
    (found,) = site.get("/v1/devices", product=made["id"])["items"]
    assert (found["dk"], found["origin"], found["tags"]) == ("861", "line", {"line.order": "A-17"})
    assert found["versions"] == [{"type": 0, "component": "", "version": "V1"}]


@pytest.mark.parametrize(
    "unit",
    [
        {"dk": "../x"}, {"dk": ""}, {"dk": "9" * 40}, {"dk": "a", "version": "x" * 200}, {"dk": "a", "version": "a\nb"},
        {"dk": "a", "attributes": {"line.order": ""}}, {"dk": "a", "attributes": {"line.order": "\0"}},
        {"dk": "a", "attributes": {"pilot": "1"}}, {"dk": "a", "attributes": {"line.x": "1"}},
        {"dk": "a", "attributes": {"line.order": "x" * 300}}, {"dk": "a", "more": 1}, {},
    ],
)  # fmt: skip
def test_import_when_a_unit_cannot_be_then_none_is_taken(site, product, unit):
    before = site.get("/v1/devices/count", product=product["id"])
    body = {"product": product["id"], "units": [{"dk": "fine-1"}, unit]}
    assert site.web.post("/v1/devices/import", json=body).status_code == 422
    assert site.get("/v1/devices/count", product=product["id"]) == before


def test_devices_when_filtered_then_pages_have_only_those(site, product, plan):
    found, after = [], 0
    while after is not None:
        page = site.get(
            "/v1/devices",
            product=product["id"],
            filter="version==V1;dk=in=(860000000000001,860000000000002)",
            limit=1,
            after=after,
        )
        found += [one["dk"] for one in page["items"]]
        after = page["next_after"]
    assert found == ["860000000000001", "860000000000002"]
    answer = site.web.get("/v1/devices", params={"filter": "version=="})
    assert (answer.status_code, answer.json()["facts"]["field"]) == (422, "filter")


def test_events_kinds_when_listed_then_the_test_of_a_webhook_is_none():
    assert "webhook.test" not in events.KINDS
