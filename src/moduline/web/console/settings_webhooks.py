"""Webhooks on the page "Settings": which programs are told what happens, and what has become of it."""

from __future__ import annotations

from typing import Any, Final

from nicegui import ui

from moduline.cloud.outbox.events import KINDS
from moduline.web.console.allowed import act_button, note_why_not
from moduline.web.console.forms import Form, show_once, text_field
from moduline.web.feedback import ask, told
from moduline.web.platform_api import api
from moduline.web.texts import t
from moduline.web.widgets import chip, empty, facts, moment, row, section

NEEDS: Final = "admin"
STATES: Final = {"on": "good", "off": "idle", "failing": "warn", "dead": "bad"}


async def webhooks_section() -> None:
    """Programs that are told what happens."""
    with section(t("webhooks.title"), about=t("webhooks.about")):
        box = ui.element("div").classes("m-stack")

    async def draw() -> None:
        found = await api().every("/v1/webhooks")
        box.clear()
        with box:
            note_why_not(NEEDS)
            with row():
                act_button(t("webhooks.new"), create, needs=NEEDS, testid="webhooks-new", icon="add", look="unelevated")
            if not found:
                empty("webhook", t("webhooks.none"), t("webhooks.none_hint"))
            for one in found:
                _card(one, draw)

    async def create() -> None:
        made = await _create()
        if made:
            await _show_secret(made)
            await draw()

    await draw()


def _card(one: dict[str, Any], draw: Any) -> None:
    state = one["state"]
    since = one["dead_at"] if state == "dead" else one["failing_since"]
    rows = [
        (t("webhooks.url"), one["url"]),
        (t("webhooks.events"), ", ".join(one["kinds"]) or t("webhooks.all_events")),
    ]
    if one["said"] and state in {"failing", "dead"}:
        rows.append((t("webhooks.said"), one["said"]))
    with ui.element("article").classes("m-webhook").props(f'data-testid="webhook-{one["name"]}"'):
        with row():
            ui.label(one["name"]).classes("m-strong").props('role="heading" aria-level="3"')
            chip(STATES[state], t(f"webhooks.state.{state}", at=moment(since) if since else ""))
        facts(rows)
        _acts(one, draw)


def _acts(one: dict[str, Any], draw: Any) -> None:
    name, place = one["name"], f"/v1/webhooks/{one['id']}"
    is_on = one["is_enabled"] and one["state"] != "dead"

    async def try_out() -> None:
        answer = await api().post(f"{place}/test")
        if answer["is_taken"]:
            told("webhooks.taken", name=name, status=answer["status"])
        else:
            ui.notify(
                t("webhooks.not_taken", name=name, said=answer["said"]), type="warning", position="top",
                timeout=8000, classes="m-notice",
            )  # fmt: skip

    async def turn() -> None:
        await api().patch(place, {"is_enabled": not is_on})
        await draw()

    async def renew() -> None:
        question, about = t("webhooks.secret_of", name=name), t("webhooks.secret_about")
        if await ask(question, t("webhooks.secret"), about=about, is_dangerous=True):
            await _show_secret(await api().post(f"{place}/secret"))

    async def delete() -> None:
        question, about = t("webhooks.delete_of", name=name), t("webhooks.delete_about")
        if await ask(question, t("people.delete"), about=about, is_dangerous=True):
            await api().delete(place)
            told("webhooks.deleted", name=name)
            await draw()

    with row():
        for word, act, what in (
            (t("webhooks.test"), try_out, "test"),
            (t("webhooks.turn_off" if is_on else "webhooks.turn_on"), turn, "turn"),
            (t("webhooks.secret"), renew, "secret"),
            (t("people.delete"), delete, "delete"),
        ):
            act_button(word, act, needs=NEEDS, testid=f"webhook-{what}-{name}", about=name)


async def _create() -> dict[str, Any] | None:
    with Form(t("webhooks.new"), t("people.create"), about=t("webhooks.new_about")) as form:
        name = text_field(t("people.name"), "webhooks-name", is_first=True)
        url = text_field(t("webhooks.url"), "webhooks-url", hint=t("webhooks.url_hint"))
        kinds = ui.select(list(KINDS), label=t("webhooks.events"), value=[], multiple=True, clearable=True)
        kinds.props('outlined dense use-chips data-testid="webhooks-kinds"').classes("m-field")
        kinds.props["hint"] = t("webhooks.events_hint")

    async def make() -> dict[str, Any]:
        body = {"name": name.value, "url": url.value, "kinds": kinds.value or []}
        made: dict[str, Any] = await api().post("/v1/webhooks", body)
        return made

    result: dict[str, Any] | None = await form.run(make)
    return result


async def _show_secret(made: dict[str, Any]) -> None:
    title = t("webhooks.secret_title", name=made["name"])
    await show_once(title, t("webhooks.secret_once"), made["secret"])
