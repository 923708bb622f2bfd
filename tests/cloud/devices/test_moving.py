"""A fleet that comes from another platform: its secrets count from the first contact on; what is known here stays."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from hand_clock import HandClock
from moduline.cloud import tables
from moduline.cloud.bus import LocalBus
from moduline.cloud.device_link.desk import GatewayDesk
from moduline.cloud.device_link.platform import Admitted, Contact, Refused
from moduline.cloud.devices import DeviceFilter, contact, moving, service
from moduline.cloud.devices.fleet_list import Newcomer
from moduline.cloud.devices.handover import Unit
from moduline.cloud.devices.moving import Adopted
from moduline.cloud.edge import Actor
from moduline.cloud.products import service as products
from moduline.errors import BadField, NoSuchObject, RoleTooLow
from moduline.wire.quecthing import credentials
from moduline.wire.quecthing.credentials import DeviceName

DK, DS, OTHER = "860000000000001", "00112233445566778899aabbccddeeff", "ffeeddccbbaa99887766554433221100"
RAND = "A1b2C3d4E5f6G7h8"


def ds_of(rig, device):
    return rig.db.read(lambda conn: conn.execute(select(tables.devices.c.ds).filter_by(id=device)).scalar_one())


def device_of(rig, dk=DK):
    (found,) = rig.see(service.page, DeviceFilter(dk=dk)).items
    return found


def verdict(rig, product, password):
    desk = GatewayDesk(rig.db, LocalBus(), "one", HandClock(rig.now))
    name = credentials.client_id(DeviceName(product.pk, DK))
    return asyncio.run(desk.authenticate(Contact(name, credentials.parse_password(password), 1, "192.0.2.1")))


@pytest.mark.parametrize("is_first_only", [False, True])
def test_device_when_adopted_with_its_secret_then_let_in_with_it_at_first_contact(file_rig, is_first_only):
    rig = file_rig
    product = rig.product(is_first_only=is_first_only)
    ps = rig.act(products.secret, product.id)
    assert isinstance(verdict(rig, product, credentials.later_password(DS, ps, RAND)), Refused)
    assert rig.act(moving.adopt, product.id, [Newcomer(DK, DS)]) == Adopted(new=1, secrets=1)
    found = verdict(rig, product, credentials.later_password(DS, ps, RAND))
    assert isinstance(found, Admitted)
    assert (found.device, found.ds) == (device_of(rig).id, None)
    assert isinstance(verdict(rig, product, credentials.later_password(OTHER, ps, RAND)), Refused)
    anew = verdict(rig, product, credentials.first_password(DeviceName(product.pk, DK), ps, RAND))
    assert isinstance(anew, Refused if is_first_only else Admitted)


def test_device_when_adopted_again_then_what_is_known_here_stays(rig):
    product = rig.product()
    first = [Newcomer(DK, DS, "V1", "c1", {"pilot": "", "site": "Berlin"}), Newcomer("b")]
    assert rig.act(moving.adopt, product.id, first) == Adopted(new=2, secrets=1)
    assert rig.act(moving.adopt, product.id, first) == Adopted(known=2)
    device = device_of(rig)
    rig.tell(contact.report_versions, device.id, "V2", None)
    rig.tell(contact.report_facts, device.id, {"cell": "c7"})
    rig.act(service.tag, [device.id], {"own": "1", "pilot": None})
    later = Newcomer(DK, OTHER, "V1", "c1", {"site": "Kiel"})
    assert rig.act(moving.adopt, product.id, [later]) == Adopted(known=1, kept=1)
    found = device_of(rig)
    assert (found.versions, found.cell, found.tags) == ({(0, ""): "V2"}, "c7", {"own": "1", "site": "Kiel"})
    assert (ds_of(rig, device.id), found.origin) == (DS, "moved")


def test_device_when_it_authenticated_here_then_an_old_secret_does_not_lock_it_out(rig):
    product = rig.product()
    device = rig.device(product, DK)
    before = ds_of(rig, device)
    assert rig.act(moving.adopt, product.id, [Newcomer(DK, DS)]) == Adopted(known=1, kept=1)
    assert ds_of(rig, device) == before


def test_device_when_it_was_here_then_the_line_does_not_write_over_its_version(rig):
    product = rig.product()
    rig.act(moving.adopt, product.id, [Newcomer(DK, DS)])
    device = device_of(rig).id
    rig.online(device)
    rig.tell(contact.report_versions, device, "V2", None)
    rig.act(service.import_line, product.id, [Unit(DK, "V1", {})])
    assert device_of(rig).versions == {(0, ""): "V2"}


@pytest.mark.parametrize("wrong", [Newcomer("two words", DS), Newcomer("b", DS + "f"), Newcomer("b", tags={"": "x"})])
def test_devices_when_one_cannot_be_then_none_is_kept_and_its_secret_is_not_told(rig, wrong):
    product = rig.product()
    with pytest.raises(BadField) as raised:
        rig.act(moving.adopt, product.id, [Newcomer("a", DS), wrong])
    assert raised.value.facts["field"].startswith("devices[1].")
    assert DS not in raised.value.message() + str(raised.value.facts)
    assert rig.see(service.page).items == ()


def test_device_when_it_would_have_too_many_tags_then_none_is_kept(rig):
    product = rig.product()
    rig.act(moving.adopt, product.id, [Newcomer("a", tags={f"t{number}": "" for number in range(40)})])
    with pytest.raises(BadField, match="64"):
        rig.act(moving.adopt, product.id, [Newcomer("b"), Newcomer("a", tags={f"s{at}": "" for at in range(30)})])
    assert [one.dk for one in rig.see(service.page).items] == ["a"]


def test_secrets_when_asked_for_then_only_of_ones_own_and_noted(rig):
    product = rig.product()
    rig.act(moving.adopt, product.id, [Newcomer(DK, DS)])
    device = device_of(rig).id
    rig.act(moving.open_secrets, product.id)
    assert rig.see(moving.secrets_of, [device]) == {device: DS}
    stranger = Actor(999, 999, "stranger", "admin")
    assert rig.see(moving.secrets_of, [device], actor=stranger) == {}
    for verb, args in ((moving.adopt, [Newcomer("b", DS)]), (moving.open_secrets, None)):
        more = () if args is None else (args,)
        with pytest.raises(NoSuchObject):
            rig.act(verb, product.id, *more, actor=stranger)
        with pytest.raises(RoleTooLow):
            rig.act(verb, product.id, *more, actor=Actor(1, 1, "owner", "releaser"))


def test_rows_when_adopted_then_the_secret_is_in_one_column_only(rig):
    product = rig.product()
    rig.act(moving.adopt, product.id, [Newcomer(DK, DS, "V1", "c1", {"pilot": ""})])
    for table in tables.metadata.sorted_tables:
        rows = rig.db.read(lambda conn, table=table: [dict(row._mapping) for row in conn.execute(select(table))])
        for row in rows:
            row.pop("ds", None)
            assert DS not in str(row), table.name
