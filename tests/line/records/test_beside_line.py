"""What goes on beside a gang: an MES hears, labels are printed, and neither holds anything up."""

from __future__ import annotations

from line.records.mes import Mes
from moduline.burn import BurnRecord, book
from moduline.burn.books import open_store, outbox
from moduline.line.records import beside_line
from moduline.line.records.labels import qr_template
from moduline.line.records.printing import LabelTarget

UNIT = BurnRecord(id="abc1", outcome="PASS", imei="861234567890123", order="A-17")


def test_line_when_a_unit_passes_then_its_label_is_printed_and_the_mes_has_heard_when_it_ends(tmp_path):
    label = qr_template("{imei}"), LabelTarget("folder", str(tmp_path / "labels"))
    with Mes() as mes:
        outbox.add_hook(open_store().database, outbox.Hook(mes.url))
        with beside_line(label) as is_told:
            book("A-17").write(UNIT)
            is_told(UNIT)
        assert mes.taken == ["abc1"]
    assert [one.name for one in (tmp_path / "labels").iterdir()] == ["861234567890123-abc1.svg"]
    (kept,) = open_store().select()
    assert [one.is_ok for one in kept.remarks] == [True]


def test_line_when_printer_and_mes_are_down_then_told_and_the_record_stands():
    told = []
    outbox.add_hook(open_store().database, outbox.Hook("http://127.0.0.1:1/"))
    with beside_line((qr_template("{imei}"), LabelTarget("tcp", "127.0.0.1:1")), told.append) as is_told:
        book("A-17").write(UNIT)
        is_told(UNIT)
    assert [one.slug for one in told] == ["label.failed"]
    (kept,) = open_store().select()
    assert (kept.record, [one.is_ok for one in kept.remarks]) == (UNIT, [False])


def test_line_when_nobody_is_to_be_told_then_nothing_is_made():
    with beside_line() as is_told:
        is_told(UNIT)
    assert open_store().select() == []
