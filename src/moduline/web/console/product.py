"""One product: its keys, what runs on its devices, its rules, its polling clients, and what keeps it from going."""

from __future__ import annotations

from typing import Any, Final

from nicegui import ui

from moduline.cloud.devices.device import MODULE
from moduline.web.console.allowed import act_button
from moduline.web.console.forms import choice, text_field
from moduline.web.console.linking import devices_with
from moduline.web.feedback import ask, told
from moduline.web.platform_api import api
from moduline.web.shell import page, style
from moduline.web.site import site
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import copy_button, empty, moment, row, section, table

SWITCHES: Final = (
    "needs_verification", "needs_rehearsal", "rehearses_uploads", "is_first_only", "is_windows_strict",
)  # fmt: skip
GRIDS: Final = (10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
"""Periods that are offered; each divides a day."""
TRUSTS: Final = ("auto", "always", "never")
SHOWN: Final = 12
"""Versions that are shown; the others are on the page of devices."""


@page("/console/products/{product}")
async def product_page(product: int) -> None:
    """Components, secrets and rules of one product."""
    style("console.css")
    one = await api().get(f"/v1/products/{product}")
    counts = await api().get(f"/v1/products/{product}/counts")
    facets = await api().get("/v1/devices/facets", product=product)
    terms = await api().get(f"/v1/products/{product}/ddi")
    plans = sum(counts["plans"].values())
    ui.html(f'<h2 class="c-name">{_plain(one["name"])}</h2>', sanitize=False).props('data-testid="product-name"')
    with row("c-links"):
        ui.link(t("product.all"), "/console/products")
        ui.link(
            t("product.devices", count=counts["devices"], online=counts["online"]), devices_with(product=product)
        ).props('data-testid="product-devices"')
        ui.link(t("product.packages"), "/console/packages")
        ui.link(t("product.plans", count=plans), f"/console/plans?product={product}")
        if viewer().may("operator"):
            ui.link(t("product.new_plan"), f"/console/plans/new?product={product}")
    with ui.element("div").classes("m-two"):
        with ui.element("div").classes("m-stack c-stack"):
            _keys(one)
            _rules(one)
        with ui.element("div").classes("m-stack c-stack"):
            _runs(product, counts["devices"], facets)
            _polling(one, terms)
    _end(one, counts["devices"], plans)


def _keys(one: dict[str, Any]) -> None:
    with section(t("product.keys"), about=t("product.keys_about")), ui.element("dl").classes("m-facts"):
        with ui.element("dt"):
            ui.label(t("product.pk"))
        with ui.element("dd").classes("c-key"):
            ui.label(one["pk"]).classes("m-mono").props('data-testid="product-pk"')
            copy_button(one["pk"], t("product.copy_pk"))
        with ui.element("dt"):
            ui.label(t("product.ps"))
        with ui.element("dd").classes("c-key") as secret:
            _hidden(secret, one["id"])
        known = site().addresses
        reached = {"server": known["mqtt"], "ddi_server": f"{known['device_http']}/{one['pk']}"} if known else {}
        for slug, value in (*reached.items(), ("created", moment(one["created_at"]))):
            with ui.element("dt"):
                ui.label(t(f"product.{slug}"))
            with ui.element("dd"):
                ui.label(value)


def _hidden(place: ui.element, product: int) -> None:
    """The secret as dots, with a button that shows it."""

    async def reveal() -> None:
        secret = (await api().post(f"/v1/products/{product}/secret"))["ps"]
        place.clear()
        with place:
            ui.label(secret).classes("m-mono").props('data-testid="product-ps"')
            copy_button(secret, t("product.copy_ps"))
            ui.button(t("product.hide"), icon="visibility_off", on_click=lambda: _hidden(place, product)).props(
                'flat dense data-testid="product-hide"'
            )

    place.clear()
    with place:
        ui.label("••••••••").classes("m-mono").props("aria-hidden=true")
        act_button(t("product.reveal"), reveal, needs="admin", testid="product-reveal", icon="visibility")
        ui.label(t("product.reveal_note")).classes("m-muted m-small")


def _runs(product: int, devices: int, facets: dict[str, Any]) -> None:
    with section(t("product.runs"), about=t("product.runs_about")).props('data-testid="product-runs"'):
        if not facets["components"]:
            empty("memory", t("product.runs_none"), t("product.runs_none_hint"))
            return
        table(
            [t("product.component"), t("product.kind"), t("product.told")],
            [
                (one["component"] or t("product.module"), _kind(one["type"]), one["count"])
                for one in facets["components"]
            ],
            caption=t("product.component"),
            numeric=(2,),
        )
        table(
            [t("product.version"), t("product.told"), t("product.share")],
            [
                (
                    lambda one=one: ui.link(one["name"], devices_with(product=product, version=one["name"])).classes(
                        "m-mono"
                    ),
                    one["count"],
                    f"{100 * one['count'] / max(devices, 1):.1f} %",
                )
                for one in facets["versions"][:SHOWN]
            ],
            caption=t("product.version"),
            numeric=(1, 2),
        )


def _kind(number: int) -> str:
    return t("product.module") if number == MODULE else "MCU"


def _rules(one: dict[str, Any]) -> None:
    settings = one["settings"]
    with section(t("product.settings")):
        name = text_field(t("product.name"), "product-rename", value=one["name"])
        switches = {
            slug: ui.switch(t(f"product.{slug}"), value=settings[slug]).props(f'data-testid="product-{slug}"')
            for slug in SWITCHES
        }
        grids = {known: str(known) for known in sorted({*GRIDS, settings["grid_s"]})}
        grid = choice(t("product.grid_s"), grids, settings["grid_s"], "product-grid")
        scheme = choice(t("product.scheme"), {"http": "http", "https": "https"}, settings["scheme"], "product-scheme")

        async def save() -> None:
            wanted = {slug: bool(switch.value) for slug, switch in switches.items()}
            wanted |= {"grid_s": grid.value, "scheme": scheme.value}
            made = await api().patch(f"/v1/products/{one['id']}", {"name": name.value, "settings": wanted})
            one.update(made)
            told("product.saved")

        with row():
            act_button(t("product.save"), save, needs="admin", testid="product-save", icon="save", look="unelevated")


def _polling(one: dict[str, Any], terms: dict[str, Any]) -> None:
    with section(t("product.ddi"), about=t("product.ddi_about")):
        polls = {
            name: ui.number(t(f"product.{name}"), value=terms[name], min=0, max=86399, precision=0)
            .props(f'outlined dense data-testid="product-{name}"')
            .classes("m-field")
            for name in ("poll_s", "busy_poll_s")
        }
        attribute = text_field(t("product.version_attribute"), "product-attribute", value=terms["version_attribute"])
        trust = choice(
            t("product.trust"), {name: t(f"product.trust.{name}") for name in TRUSTS}, terms["trust"], "product-trust"
        )

        async def save() -> None:
            wanted: dict[str, Any] = {name: int(field.value or 0) for name, field in polls.items()}
            wanted |= {"version_attribute": attribute.value or "", "trust": trust.value}
            await api().patch(f"/v1/products/{one['id']}/ddi", wanted)
            told("product.ddi_saved")

        with row():
            act_button(
                t("product.ddi_save"), save, needs="admin", testid="product-ddi-save", icon="save", look="outline"
            )


def _end(one: dict[str, Any], devices: int, plans: int) -> None:
    with section(t("product.danger")):
        if devices or plans:
            ui.label(t("product.delete_held", devices=devices, plans=plans)).props('data-testid="product-held"')
            return
        ui.label(t("product.delete_takes", pk=one["pk"]))

        async def delete() -> None:
            question = t("product.delete_ask", name=one["name"])
            if await ask(
                question, t("product.delete"), about=t("product.delete_takes", pk=one["pk"]), is_dangerous=True
            ):
                await api().delete(f"/v1/products/{one['id']}")
                told("product.deleted", name=one["name"])
                ui.navigate.to("/console/products")

        with row():
            act_button(
                t("product.delete"), delete, needs="admin", testid="product-delete", icon="delete", look="outline"
            )


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
