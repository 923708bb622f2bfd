"""From the line's records to devices."""

from __future__ import annotations

import pytest

from moduline.burn.record import BurnRecord
from moduline.cloud.devices import DeviceFilter, contact, handover, service
from moduline.errors import BadField
from moduline.line.records.export import as_csv

IMEI = "860000000000001"
PASS = BurnRecord(
    id="a", outcome="PASS", imei=IMEI, version_after="V1", order="PO-7", station="s1", unit="SN1", ended=5.0, started=1.0
)  # fmt: skip
FAIL = BurnRecord(id="b", outcome="FAIL", imei="860000000000002", ended=6.0)
NOBODY = BurnRecord(id="c", outcome="PASS", ended=7.0)


def test_units_when_from_records_then_those_that_passed_with_what_the_line_knows():
    (unit,) = handover.from_records([PASS, FAIL, NOBODY])
    assert (unit.dk, unit.version) == (IMEI, "V1")
    assert unit.attributes == {"line.order": "PO-7", "line.station": "s1", "line.unit": "SN1"}


def test_units_when_from_the_lines_csv_then_the_same():
    records = [PASS, FAIL, NOBODY]
    assert handover.from_csv(as_csv(records)) == handover.from_records(records)


@pytest.mark.parametrize("text", ["", "\0", "a,b\n1,2", "\ufeff", '"'])
def test_csv_when_it_has_no_imei_then_bad_field(text):
    with pytest.raises(BadField):
        handover.from_csv(text)


def test_csv_when_hostile_then_only_what_is_a_key_and_one_line():
    text = "imei,order\n../x,1\n'860000000000009,=1+1\x07\n,\n" + "9" * 40 + ",2\n"
    (unit,) = handover.from_csv(text)
    assert (unit.dk, unit.attributes) == ("860000000000009", {"line.order": "=1+1"})


def test_device_when_handed_over_then_known_before_first_contact_and_found_by_its_order(rig):
    product = rig.product()
    units = handover.from_records([PASS])
    assert rig.act(service.import_line, product.id, units) == (1, 0)
    assert rig.act(service.import_line, product.id, units) == (0, 1)
    page = rig.see(service.page, DeviceFilter(tag="line.order", value="PO-7"))
    (device,) = page.items
    assert (device.dk, device.origin, device.versions) == (IMEI, "line", {(0, ""): "V1"})
    issued = rig.tell(contact.authenticate, product.id, IMEI, is_first_only=True)
    assert (issued.device_id, issued.is_new) == (device.id, False)


def test_device_when_handed_over_again_later_then_its_own_word_stays(rig):
    product = rig.product()
    device = rig.device(product, IMEI, module="V9")
    rig.act(service.tag, [device], {"pilot": ""})
    assert rig.act(service.import_line, product.id, handover.from_records([PASS])) == (0, 1)
    found = rig.look(device)
    assert found.versions == {(0, ""): "V9"}
    assert found.tags == {"pilot": "", "line.order": "PO-7", "line.station": "s1", "line.unit": "SN1"}
