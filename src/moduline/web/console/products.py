"""The products: what each is, how much there is of it; a new one with its keys."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from nicegui import ui

from moduline.web.console.allowed import act_button
from moduline.web.console.forms import Form, text_field
from moduline.web.feedback import told
from moduline.web.platform_api import api
from moduline.web.shell import page, style
from moduline.web.texts import t
from moduline.web.widgets import chip, copy_button, empty, moment, row, table

MOST_COUNTED: Final = 100
"""Products whose devices are counted; more are too many to look at anyway."""


@page("/console/products")
async def products_page() -> None:
    """What you build; devices, packages and plans belong to one."""
    style("console.css")
    with row():
        act_button(t("products.new"), _create, needs="admin", testid="products-new", icon="add", look="unelevated")
    found = await api().every("/v1/products")
    if not found:
        empty("category", t("products.none"), t("products.none_hint"))
        return
    newest = list(reversed(found))
    asked = [api().get(f"/v1/products/{one['id']}/counts") for one in newest[:MOST_COUNTED]]
    counts = [*await asyncio.gather(*asked), *({} for _ in newest[MOST_COUNTED:])]
    head = ("name", "pk", "devices", "online", "plans", "rules", "created")
    table(
        [t(f"products.{name}") for name in head],
        [_cells(one, count) for one, count in zip(newest, counts, strict=True)],
        caption=t("products.title"),
        numeric=(2, 3, 4),
    ).props('data-testid="products-table"')


def _cells(one: dict[str, Any], counts: dict[str, Any]) -> list[object]:
    def name() -> None:
        ui.link(one["name"], f"/console/products/{one['id']}").classes("m-strong")

    def key() -> None:
        with ui.element("span").classes("c-key"):
            ui.label(one["pk"]).classes("m-mono")
            copy_button(one["pk"], t("products.copy_pk", name=one["name"]))

    def rules() -> None:
        settings = one["settings"]
        with row():
            if settings["needs_verification"]:
                chip("info", t("products.verified"), icon="verified_user")
            if settings["needs_rehearsal"]:
                chip("info", t("products.rehearsed"), icon="theater_comedy")
            if not (settings["needs_verification"] or settings["needs_rehearsal"]):
                ui.label(t("products.no_rules")).classes("m-muted")

    plans = sum(counts.get("plans", {}).values())
    return [name, key, counts.get("devices", ""), counts.get("online", ""), plans, rules, moment(one["created_at"])]


async def _create() -> None:
    form = Form(t("products.new"), t("products.create"), about=t("products.new_about"))
    with form:
        name = text_field(t("products.name"), "products-name", hint=t("products.name_hint"), is_first=True)
        keeps = ui.checkbox(t("products.keeps")).props('data-testid="products-keeps"')
        with ui.element("div").classes("m-stack").bind_visibility_from(keeps, "value"):
            pk = text_field(t("products.pk"), "products-pk")
            ps = text_field(t("products.ps"), "products-ps")

    async def act() -> Any:
        body = {"name": (name.value or "").strip()}
        if keeps.value:
            body |= {"pk": (pk.value or "").strip(), "ps": (ps.value or "").strip()}
        return await api().post("/v1/products", body)

    made = await form.run(act)
    if made:
        told("products.made", name=made["name"])
        ui.navigate.to(f"/console/products/{made['id']}")
