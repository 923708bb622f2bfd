"""The records over HTTP: a token, pages, figures, the gate, and nothing that writes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from line.records.asgi_client import AsgiClient
from moduline.burn import BurnRecord
from moduline.burn.books import Remark
from moduline.burn.books.database import Database
from moduline.burn.books.store import RecordStore
from moduline.line.records.permit import permit
from moduline.line.records.server import make_app

FAILED = BurnRecord(
    id="f1", outcome="FAIL", imei="861", unit="SN-1", order="A-17", slot="A1", station="S1", started=1000.0, seconds=10.0,
    sha256="ab", error_code="ML-E0901", error_message="no",
)  # fmt: skip
PASSED = replace(FAILED, id="p1", outcome="PASS", started=1100.0, tries=2, error_code="", error_message="")


@pytest.fixture
def store(tmp_path):
    return RecordStore(Database(tmp_path / "line.db"))


@pytest.fixture
def mes(store):
    return AsgiClient(make_app(store, "t0ken"), {"Authorization": "Bearer t0ken"})


def ask(mes, **question):
    answer = mes.post("/v1/permit", json=question)
    assert answer.status_code == 200
    return answer.json()["permit"], answer.json()["reason"]


def test_unit_when_it_asks_at_the_gate_then_the_last_verdict_decides(mes, store):
    assert ask(mes, imei="861", order="A-17") == (False, "unknown")
    store.write(FAILED)
    assert ask(mes, imei="861", order="A-17") == (False, "not-passed")
    store.write(PASSED)
    assert ask(mes, imei="861", order="A-17") == (True, "passed")
    assert ask(mes, unit="SN-1") == (True, "passed")
    assert ask(mes, imei="861", order="B-3") == (False, "unknown")
    assert ask(mes, imei="861", sha256="AB") == (True, "passed")
    assert ask(mes, imei="861", sha256="cd") == (False, "other-image")
    store.write(replace(FAILED, id="f2", started=1200.0))
    assert ask(mes, imei="861", order="A-17") == (False, "not-passed")


@pytest.mark.parametrize(
    ("outcome", "reason"), [("RUNNING", "running"), ("ABORTED", "not-passed"), ("REFUSED", "not-passed")]
)
def test_permit_when_the_last_try_is_no_pass_then_no(outcome, reason):
    answer = permit([PASSED, replace(PASSED, outcome=outcome)])
    assert (answer.is_given, answer.reason) == (False, reason)


def test_records_when_paged_then_each_change_once_and_the_last_page_says_so(mes, store):
    for number in range(5):
        store.write(replace(PASSED, id=f"r{number}"))
    seen, after = [], 0
    while after is not None:
        page = mes.get("/v1/records", params={"limit": 2, "after": after}).json()
        seen += [one["id"] for one in page["records"]]
        after = page["next"]
    assert seen == ["r0", "r1", "r2", "r3", "r4"]


def test_records_when_filtered_then_only_those(mes, store):
    store.write(FAILED)
    store.write(PASSED)
    store.add_remark("p1", Remark("label", 5.0, False, "off"))
    for wanted, names in (
        ({"outcome": "PASS"}, ["p1"]),
        ({"order": "A-17", "since": 1050}, ["p1"]),
        ({"until": 1050}, ["f1"]),
        ({"imei": "861", "slot": "A1", "station": "S1", "unit": "SN-1"}, ["f1", "p1"]),
        ({"order": "' OR 1=1 --"}, []),
    ):
        assert [one["id"] for one in mes.get("/v1/records", params=wanted).json()["records"]] == names, wanted
    one = mes.get("/v1/records/p1").json()
    assert (one["outcome"], one["remarks"]) == ("PASS", [{"kind": "label", "at": 5.0, "ok": False, "detail": "off"}])
    missing = mes.get("/v1/records/p")
    assert (missing.status_code, missing.json()["code"]) == (404, "ML-E0206")
    assert mes.get("/v1/orders").json() == ["A-17"]


def test_figures_when_asked_then_those_of_the_command_line(mes, store):
    store.write(FAILED)
    store.write(PASSED)
    said = mes.get("/v1/statistics", params={"order": "A-17", "by": "slot"}).json()
    assert (said["all"]["units"], said["all"]["first_pass_yield"], said["all"]["final_yield"]) == (1, 0.0, 1.0)
    assert [(one["name"], one["units"]) for one in said["parts"]] == [("A1", 1)]
    assert said["errors"] == [{"code": "ML-E0901", "tries": 1, "share": 1.0, "total": 1.0}]
    assert [one["id"] for one in mes.get("/v1/units").json()] == ["p1"]


@pytest.mark.parametrize("token", [None, "", "t0ke", "t0ken2", "t\u00f6ken"])
@pytest.mark.parametrize(
    "path", ["/v1/records", "/v1/records/x", "/v1/units", "/v1/orders", "/v1/statistics", "/v1/permit"]
)
def test_caller_when_without_the_token_then_401(mes, token, path):
    shown = {} if token is None else {"Authorization": f"Bearer {token}".encode()}
    mes.headers.pop("Authorization")
    call = mes.post(path, json={"imei": "1"}, headers=shown) if path == "/v1/permit" else mes.get(path, headers=shown)
    assert call.status_code == 401


@pytest.mark.parametrize(
    ("path", "words"),
    [("records", "limit=0"), ("records", "limit=99999"), ("records", "outcome=GOOD"), ("records", "after=-1"), ("records", f"after={1 << 70}"),
     ("statistics", "by=colour"), ("records", f"order={'x' * 500}")],
)  # fmt: skip
def test_question_when_it_cannot_be_meant_then_422(mes, path, words):
    assert mes.get(f"/v1/{path}?{words}").status_code == 422


def test_gate_when_no_unit_is_named_then_422(mes):
    assert mes.post("/v1/permit", json={}).status_code == 422
    answer = mes.post("/v1/permit", content=b"\xff", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (422, "ML-E0201")


def test_records_when_they_cannot_be_read_then_the_error_of_the_command_line(mes, store, tmp_path):
    (tmp_path / "line.db").write_bytes(b"no database at all" * 500)
    answer = mes.get("/v1/records")
    assert (answer.status_code, answer.json()["code"]) == (503, "ML-E0102")
    assert mes.get("/health").status_code == 503


def test_server_when_looked_at_then_nothing_writes_and_the_page_needs_no_other_server(mes):
    described = mes.get("/openapi.json").json()["paths"]
    verbs = {(path, verb) for path, verbs in described.items() for verb in verbs}
    assert {path for path, verb in verbs if verb != "get"} == {"/v1/permit"}
    page = mes.get("/docs").text
    assert "swagger" in page
    assert "https://" not in page
    assert mes.get("/health").json()["ok"]
