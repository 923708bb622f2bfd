"""Products: keys, secrets, settings."""

from __future__ import annotations

import re

import pytest

from moduline.cloud.products import service
from moduline.errors import BadField, NameTaken, RoleTooLow


def test_product_when_made_then_keys_are_as_in_the_seed(rig):
    """Seed 003 shows ``p111xt``; section 1: the secret has 16 characters."""
    one, two = rig.product("a"), rig.product("b")
    assert re.fullmatch(r"p[a-z0-9]{5}", one.pk)
    assert one.pk != two.pk
    assert re.fullmatch(r"[a-z0-9]{16}", rig.act(service.secret, one.id))
    assert one.settings == service.ProductSettings()
    assert one.settings.grid_s == 600


def test_product_when_it_brings_its_keys_then_they_are_kept(rig):
    made = rig.act(service.create, "old fleet", pk="p000aa", ps="0123456789abcdef")
    assert made.pk == "p000aa"
    found = rig.db.read(service.by_keys, ("p000aa", "p000", "x"))
    assert [(product.id, ps) for product, ps in found] == [(made.id, "0123456789abcdef")]
    with pytest.raises(NameTaken):
        rig.act(service.create, "again", pk="p000aa", ps="0123456789abcdef")


def test_keys_when_one_begins_with_another_then_the_longest_comes_first(rig):
    """Section 11.1: split client ids by known keys, the longest that matches."""
    for pk in ("p0", "p000aa", "p000"):
        rig.act(service.create, pk, pk=pk, ps="0" * 16)
    assert [product.pk for product, _ in rig.db.read(service.by_keys, ("p", "p0", "p00", "p000", "p000aa"))] == [
        "p000aa", "p000", "p0",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("", {}), (" a", {}), ("a\nb", {}), ("x" * 101, {}), ("\0", {}),
        ("a", {"pk": "p"}), ("a", {"ps": "0" * 16}), ("a", {"pk": "p-1", "ps": "0" * 16}), ("a", {"pk": "p1", "ps": "0" * 15}),
        ("a", {"settings": service.ProductSettings(grid_s=0)}), ("a", {"settings": service.ProductSettings(grid_s=700)}),
        ("a", {"settings": service.ProductSettings(scheme="ftp")}),
    ],
)  # fmt: skip
def test_product_when_a_field_cannot_be_so_then_bad_field(file_rig, name, more):
    with pytest.raises(BadField):
        file_rig.act(service.create, name, **more)


def test_product_when_changed_then_settings_and_name_and_names_stay_unique(rig):
    one = rig.product("a")
    rig.product("b")
    strict = service.ProductSettings(is_first_only=True, grid_s=300, is_windows_strict=True, scheme="https")
    changed = rig.act(service.change, one.id, strict, name="c")
    assert (changed.settings, changed.name, changed.pk) == (strict, "c", one.pk)
    with pytest.raises(NameTaken):
        rig.act(service.change, one.id, strict, name="b")
    page = rig.see(service.page, limit=1)
    assert [product.name for product in page.items] == ["c"]
    assert [product.name for product in rig.see(service.page, after=page.next_after).items] == ["b"]


def test_secret_when_a_viewer_asks_then_refused(rig):
    from dataclasses import replace

    one = rig.product()
    with pytest.raises(RoleTooLow):
        rig.act(service.secret, one.id, actor=replace(rig.owner, role="releaser"))
