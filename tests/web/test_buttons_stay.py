"""What can be pressed stays while what it stands beside is read: a click under way is not lost."""

from __future__ import annotations

import pytest
from nicegui import Client, ui
from nicegui.page import page

from moduline.port.connected import ConnectedModule
from moduline.port.listing import PortInfo
from moduline.web.studio import modules_known
from moduline.web.studio.fota import Desk
from moduline.web.studio.fota_wish import Wish
from moduline.web.studio.modules_card import ModuleCard
from moduline.web.studio.modules_known import Said

PORTS = (PortInfo("/dev/at", "at"), PortInfo("/dev/repl", "repl"))
MODULE = ConnectedModule("card-1", "usb:card-1", "running", "", "", "", "", "", PORTS)


@pytest.fixture
def client():
    with Client(page("")) as made:
        yield made


def found(element, kind):
    return [one for one in element.descendants() if isinstance(one, kind)]


def words(element):
    return [one.text for one in found(element, ui.label)]


def test_card_when_the_module_says_what_it_is_then_the_buttons_stay(client):
    card = ModuleCard(MODULE, lambda: None)
    before = [one for one in found(card.element, ui.button) if one.props.get("data-testid")]
    assert [one.props["data-testid"] for one in before] == ["identify", "stop", "rescue"]
    modules_known.keep(MODULE, Said("EC600U", "860000000000003", "V9"))
    card.show()
    assert {"EC600U", "860000000000003", "V9"} <= set(words(card.element))
    assert [one for one in found(card.element, ui.button) if one in before] == before
    modules_known.keep(MODULE, Said(is_silent=True))
    card.show()
    assert card.element.props["data-state"] == "silent"
    assert "V9" not in words(card.element)
    assert [one for one in found(card.element, ui.button) if one in before] == before


def test_places_when_a_package_is_chosen_and_read_then_their_buttons_stay(client):
    desk = Desk(Wish())
    desk.draw()
    place = client.content.descendants
    (old,) = [one for one in place() if one.props.get("data-testid") == "fota-old"]
    before = found(old, ui.button)
    assert len(before) == 2
    desk.wish = desk.wish.with_other(old="fota/v1.zip")
    desk._redraw(is_busy=True)
    desk._redraw()
    assert "fota/v1.zip" in words(old)
    assert found(old, ui.button) == before
