"""Devices as rows of a table that is drawn by the browser: one message per change, however many cells."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any, Final

from nicegui import ui

from moduline.cloud.devices.device import MODULE
from moduline.cloud.devices.service import UNIT
from moduline.web.texts import t
from moduline.web.widgets import moment

COLUMNS: Final = ("dk", "state", "product", "versions", "tags", "seen")
SHOWN_TAGS: Final = 6
"""Tags of a row; the others are on the page of the device."""
_HEAD: Final = """
<q-tr :props="props">
  <q-th auto-width scope="col"><q-checkbox v-model="props.selected" dense aria-label="{all}"
    data-testid="devices-choose-all"/></q-th>
  <q-th v-for="col in props.cols" :key="col.name" :props="props" scope="col">{{{{ col.label }}}}</q-th>
</q-tr>
"""
_BODY: Final = """
<q-tr :props="props" :data-dk="props.row.dk">
  <q-td auto-width><q-checkbox v-model="props.selected" dense :aria-label="props.row.choose"/></q-td>
  <q-td><a class="m-mono" :href="'/console/devices/' + props.row.id">{{ props.row.dk }}</a>
    <div v-if="props.row.unit" class="m-muted m-small">{{ props.row.unit }}</div></q-td>
  <q-td><span :class="'m-chip m-chip-' + props.row.kind"><q-icon :name="props.row.icon" aria-hidden="true"/>
    {{ props.row.state }}</span></q-td>
  <q-td>{{ props.row.product }}</q-td>
  <q-td><div v-for="one in props.row.versions.split('\\n')" class="m-mono m-small">{{ one }}</div></q-td>
  <q-td><span class="c-tags"><span v-for="one in props.row.tags.split('\\n').filter(Boolean)"
    class="c-tag">{{ one }}</span></span></q-td>
  <q-td class="c-seen">{{ props.row.seen }}</q-td>
</q-tr>
"""


def device_table() -> ui.table:
    """The table, empty; ``rows`` are of ``device_row``."""
    columns = [{"name": name, "label": t(f"devices.{name}"), "field": name, "align": "left"} for name in COLUMNS]
    made = ui.table(rows=[], columns=columns, row_key="id", selection="multiple", pagination=0)
    made.props('flat hide-bottom hide-selected-banner data-testid="devices-table" table-class="c-devices"')
    made.classes("c-devices-box")
    made.add_slot("header", _HEAD.format(all=html.escape(t("devices.choose_all"), quote=True)))
    made.add_slot("body", _BODY)
    return made


def device_row(one: Mapping[str, Any], products: Mapping[int, str]) -> dict[str, Any]:
    """A device of the API as a row.

    Args:
        one: as the API gives it.
        products: names by number.
    """
    kind, icon, said = state_of(one)
    tags = [tag_text(name, value) for name, value in one["tags"].items() if not name.startswith("line.")]
    more = [f"+{len(tags) - SHOWN_TAGS}"] if len(tags) > SHOWN_TAGS else []
    return {
        "id": one["id"],
        "dk": one["dk"],
        "unit": one["tags"].get(UNIT, ""),
        "choose": t("devices.choose", dk=one["dk"]),
        "kind": kind,
        "icon": icon,
        "state": said,
        "product": products.get(one["product_id"], ""),
        "versions": "\n".join(version_text(part) for part in one["versions"]),
        "tags": "\n".join(tags[:SHOWN_TAGS] + more),
        "seen": t("devices.never") if one["last_seen"] is None else moment(one["last_seen"]),
    }


def state_of(one: Mapping[str, Any]) -> tuple[str, str, str]:
    """Kind of the chip, icon and word of a device's state."""
    if not one["is_enabled"]:
        return "bad", "block", t("devices.off")
    if one["is_online"]:
        return "good", "wifi", t("devices.online.yes")
    return "idle", "wifi_off", t("devices.online.no")


def version_text(part: Mapping[str, Any]) -> str:
    """A component with its version; the module's goes without a name."""
    return str(part["version"]) if part["type"] == MODULE else f"{part['component']} {part['version']}"


def tag_text(name: str, value: str) -> str:
    """A tag, or an attribute with its value."""
    return f"{name}={value}" if value else name
