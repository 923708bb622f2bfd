"""What a station remembers, what records are asked for, what a scanner means, and what the gate answers."""

from __future__ import annotations

import json
from functools import partial

import pytest

from moduline.burn import BurnRecord
from moduline.burn.books import RecordFilter, open_store
from moduline.errors import BadOption
from moduline.web.site import Site, StudioOptions, open_site
from moduline.web.station import gate, live, setup
from moduline.web.station.records_asked import Asked, asked, since_of
from moduline.web.station.scanned import look_up, unit_of
from moduline.web.station.setup import StationSetup, checked, label_of, remember, remembered
from moduline.web.viewer import Viewer
from moduline.web.work import Jobs, JobState

IMEI = "868888777766665"
OTHER = "860000000000003"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A Studio's folders and an empty book."""
    monkeypatch.setenv("MODULINE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MODULINE_RECORDS", raising=False)
    root = tmp_path / "root"
    root.mkdir()
    open_site(Site(StudioOptions(tmp_path / "data", root), Jobs(tmp_path / "data" / "jobs")))
    return tmp_path


def tried(name, outcome="PASS", imei=IMEI, **facts):
    record = BurnRecord(
        id=name, outcome=outcome, imei=imei, slot="A3", place="1-3", station="1", order="A-17", sha256="ab" * 32,
        package="x.pac", started=1000.0, ended=1020.0, seconds=20.0, **facts,
    )  # fmt: skip
    open_store().write(record)
    return record


# ---- the set-up -----------------------------------------------------------------------------------------------------


def test_setup_when_remembered_then_it_comes_back_and_the_last_station_is_the_first(here):
    first, second = StationSetup("L1", "Li", "A-17", "fw/x.pac"), StationSetup("L2", rack="jig", is_auto=False)
    remember(first)
    remember(second)
    assert remembered() == second
    assert remembered("L1") == first
    assert remembered("new") == StationSetup("new")
    assert setup.stations() == ["L1", "L2"]


@pytest.mark.parametrize(
    "kept",
    [
        b"", b"\xff\xfe", b"[]", b"null", b'{"stations": 3}', b'{"stations": {"1": 4}, "last": []}',
        b'{"stations": {"1": {"station": "", "count": "x"}}}', b"[" * 100_000,
        b'{"last": "1", "stations": {"1": {"station": "1", "count": -1}}}',
    ],
)  # fmt: skip
def test_setup_when_its_file_is_broken_then_the_usual_one(here, kept):
    path = here / "data" / "line" / "stations.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(kept)
    assert remembered().station == "1"


@pytest.mark.parametrize(
    "wrong", [{"station": " "}, {"operator": "x" * 81}, {"order": "a\x00b"}, {"count": -1}, {"count": 10**9}]
)
def test_setup_when_it_cannot_be_meant_then_refused(wrong):
    with pytest.raises(BadOption):
        checked(StationSetup(**wrong))


def test_label_when_a_page_names_a_command_then_refused(here):
    """Whoever may burn must not thereby run programs on the server."""
    (here / "root" / "u.zpl").write_text("^XA{imei}^XZ")
    for where in ("command:touch /tmp/x", "folder:../out", ""):
        with pytest.raises(BadOption):
            label_of(StationSetup(label="u.zpl", label_to=where))
    template, target = label_of(StationSetup(label="u.zpl", label_to="folder:out"))
    assert (template.kind, target.where) == ("zpl", str(here / "root" / "out"))
    assert label_of(StationSetup()) is None


# ---- what is asked for ----------------------------------------------------------------------------------------------


def test_address_when_made_and_read_then_the_same_words():
    words = Asked("7777", "A/17 &", "FAIL", "L1", "week", 40)
    assert words.address("/x") == "/x?q=7777&order=A%2F17+%26&result=FAIL&station=L1&span=week&before=40"
    assert asked("7777", "A/17 &", "FAIL", "L1", "week", "40") == words
    assert Asked().address("/x") == "/x"


@pytest.mark.parametrize("before", ["-1", "x", "", "9" * 30, "１２"])
def test_address_when_words_cannot_be_meant_then_left_out(before):
    assert asked("q", "", "MAYBE", "", "aeon", before) == Asked("q")


def test_span_when_named_then_its_beginning():
    assert since_of("day", 100_000.0) == 100_000.0 - 86400.0
    assert since_of("all", 100_000.0) is None
    assert 0 <= 1_700_000_000.0 - since_of("today", 1_700_000_000.0) <= 90_000.0


# ---- what a scanner means -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "unit"),
    [
        (IMEI, IMEI), (f"IMEI:{IMEI};SN:A17-4", IMEI), ("SN 123456789012345 IMEI 490154203237518", "490154203237518"),
        ("A17-00007", "A17-00007"), ("1234567890123456", "1234567890123456"), (" \t", ""),
        ("123456789012345", "123456789012345"),
    ],
)  # fmt: skip
def test_label_when_it_holds_more_than_the_number_then_the_imei_is_found(label, unit):
    assert unit_of(label) == unit


def test_scan_when_badge_unit_or_nonsense_then_each_is_known(here):
    tried("r1")
    heard = partial(look_up, gang=None, seen=Viewer(zone="Asia/Shanghai"), is_idle=True)
    assert (heard("OP: 李伟 ").kind, heard("OP:李伟").value) == ("operator", "李伟")
    found = heard(IMEI)
    assert (found.kind, found.record.id) == ("record", "r1")
    assert "PASS" in found.text.en
    assert "A3" in found.text.zh
    assert "1970-01-01 08:17:00" in found.text.zh, "of whoever scanned, from a thread that belongs to no page"
    for nonsense in ("{0}{x}", "%s", "x" * 5000, "\x00", OTHER):
        assert heard(nonsense).kind == "unknown"


# ---- the gate -------------------------------------------------------------------------------------------------------


def test_gate_when_the_last_try_passed_then_given_noted_and_beside_the_record(here):
    tried("r1", "FAIL", error_code="ML-E0601")
    tried("r2", "PASS")
    unit, answer = gate.judge(f"IMEI {IMEI}", "A-17")
    assert (unit, answer.is_given, answer.record.id) == (IMEI, True, "r2")
    gate.note(unit, "A-17", answer)
    (kept,) = open_store().select(RecordFilter(id="r2"))
    assert [(one.kind, one.is_ok, one.detail) for one in kept.remarks] == [("gate", True, "passed, order A-17")]
    assert [(one.unit, one.is_given, one.record) for one in gate.last()] == [(IMEI, True, "r2")]


@pytest.mark.parametrize(
    ("order", "imei", "reason"),
    [("A-17", OTHER, "unknown"), ("B-1", IMEI, "unknown"), ("A-17", IMEI, "not-passed"), ("", IMEI, "not-passed")],
)
def test_gate_when_the_unit_is_no_good_then_refused_with_the_reason(here, order, imei, reason):
    tried("r1", "PASS")
    tried("r2", "FAIL", error_code="ML-E0601")
    unit, answer = gate.judge(imei, order)
    assert (answer.is_given, answer.reason) == (False, reason)
    gate.note(unit, order, answer)
    assert gate.last()[0].reason == reason


def test_gate_log_when_lines_are_torn_then_the_others_are_read(here):
    _, answer = gate.judge(OTHER, "")
    gate.note(OTHER, "", answer)
    path = here / "data" / "line" / "gate.jsonl"
    path.write_bytes(b'{"at": "x"}\n[1]\n\xff\n' + path.read_bytes() + b'{"at": 1.0, "unit": "y", "or')
    assert [one.unit for one in gate.last()] == [OTHER]


# ---- after a restart ------------------------------------------------------------------------------------------------


def test_gang_when_the_server_was_killed_then_its_board_is_made_again_from_the_records(here):
    folder = here / "data" / "jobs"
    job = {
        "id": "20261122-101500-abcdef", "kind": live.KIND, "title": {"en": "x", "zh": "x"}, "owner": "admin",
        "key": "1", "page": "/line", "started_at": 999.0, "state": "running", "ended_at": None, "step": "",
        "done_bytes": 0, "total_bytes": 0, "result": {}, "error": None,
    }  # fmt: skip
    (folder / f"{job['id']}.json").write_text(json.dumps(job))
    open_site(Site(StudioOptions(here / "data", here / "root"), Jobs(folder)))
    tried("r1", "FAIL", error_code="ML-E0601")
    tried("r2", "PASS", imei=OTHER)
    found = live.known("1")
    assert live.latest("1").state is JobState.INTERRUPTED
    head, slots, totals = found.relay.look()
    assert (head.order, head.image, head.station) == ("A-17", "x.pac", "1")
    assert [(one.slot, one.state, one.imei) for one in slots] == [("A3", "passed", OTHER)]
    assert (totals.units, totals.passed) == (2, 1)
    assert found.relay.look()[2].seconds == totals.seconds  # its clock stands still
