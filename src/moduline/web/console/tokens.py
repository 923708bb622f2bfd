"""The page "Tokens": keys for programs, shown once and revoked for good."""

from __future__ import annotations

from typing import Any, Final

from nicegui import ui

from moduline.web.console.allowed import act_button, note_why_not
from moduline.web.console.cards import card_table
from moduline.web.console.forms import Form, choice, role_choice, show_once, text_field
from moduline.web.feedback import ask, told
from moduline.web.platform_api import api
from moduline.web.shell import page, style
from moduline.web.site import site
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import chip, empty, moment, row

NEEDS: Final = "admin"
LIFETIMES: Final = (30, 90, 365, 0)
"""Days to choose from; 0: for ever."""
DAY_S: Final = 24 * 3600.0
FIRST: Final = "first"
"""What the platform calls the token of its first start."""


@page("/console/tokens")
async def tokens_page() -> None:
    """Keys for programs."""
    style("people.css")
    box = ui.element("div").classes("m-stack")
    shows_over = False

    async def draw() -> None:
        accounts = {one["id"]: one for one in await api().every("/v1/accounts")}
        found = [(one, _state(one, accounts)) for one in await api().every("/v1/tokens")]
        valid = [one for one in found if one[1] == "valid"]
        over = [one for one in found if one[1] != "valid"]
        box.clear()
        with box:
            note_why_not(NEEDS)
            with row():
                act_button(t("tokens.new"), create, needs=NEEDS, testid="tokens-new", icon="add", look="unelevated")
                if over:
                    ui.switch(
                        t("tokens.over", count=len(over)), value=shows_over, on_change=lambda event: turn(event.value)
                    ).props('data-testid="tokens-over"')
            shown = found if shows_over else valid
            if shown:
                _table(shown, accounts, draw)
            else:
                empty("key_off", t("tokens.none"), t("tokens.none_hint"))

    async def turn(on: bool) -> None:
        nonlocal shows_over
        shows_over = on
        await draw()

    async def create() -> None:
        made = await _create(await api().every("/v1/accounts"))
        if made:
            await show_once(t("tokens.made_title", name=made["name"]), t("tokens.shown_once"), made["token"])
            await draw()

    await draw()


def _state(one: dict[str, Any], accounts: dict[int, dict[str, Any]]) -> str:
    """What has become of a token."""
    if one["revoked_at"] is not None:
        return "revoked"
    if one["expires_at"] is not None and one["expires_at"] <= site().clock.now_s():
        return "expired"
    return "valid" if accounts.get(one["account_id"], {}).get("is_enabled", True) else "account_off"


def _table(found: list[tuple[dict[str, Any], str]], accounts: dict[int, dict[str, Any]], draw: Any) -> None:
    kinds = {"valid": "good", "revoked": "bad", "expired": "warn", "account_off": "idle"}

    def cells(one: dict[str, Any], state: str) -> tuple[object, ...]:
        def name() -> None:
            ui.label(one["name"]).classes("m-strong")
            if one["name"] == FIRST:
                ui.label(t("tokens.first_about")).classes("m-muted m-small m-wrap")

        def acts() -> None:
            if state != "revoked":
                _revoke_button(one, draw)

        ends = t("people.never") if one["expires_at"] is None else moment(one["expires_at"])
        owner = accounts.get(one["account_id"], {}).get("name", "")
        said = t(f"shell.role.{one['role']}")
        return (
            name,
            owner,
            said,
            lambda: chip(kinds[state], t(f"tokens.{state}")),
            ends,
            moment(one["created_at"]),
            acts,
        )

    head = [t("people.name"), t("tokens.account"), t("people.role"), t("people.state"), t("tokens.expires")]
    head += [t("tokens.made"), t("people.acts")]
    card_table(head, [cells(*one) for one in found], caption=t("tokens.title"), testid="tokens-table")


def _revoke_button(one: dict[str, Any], draw: Any) -> None:
    question = t("tokens.revoke_of", name=one["name"])

    async def revoke() -> None:
        if await ask(question, t("tokens.revoke"), about=t("tokens.revoke_about"), is_dangerous=True):
            await api().delete(f"/v1/tokens/{one['id']}")
            told("tokens.done_revoked", name=one["name"])
            await draw()

    act_button(t("tokens.revoke"), revoke, needs=NEEDS, testid=f"tokens-revoke-{one['name']}", about=one["name"])


async def _create(accounts: list[dict[str, Any]]) -> dict[str, Any] | None:
    with Form(t("tokens.new"), t("people.create"), about=f"{t('tokens.new_about')} {t('tokens.role_hint')}") as form:
        name = text_field(t("people.name"), "tokens-name", hint=t("tokens.name_hint"), is_first=True)
        owners = {one["id"]: one["name"] for one in accounts if one["is_enabled"]}
        owner = choice(t("tokens.account"), owners, viewer().account, "tokens-account")
        role = role_choice("operator", "tokens-role")
        spans = {days: t("tokens.days", count=days) if days else t("tokens.for_ever") for days in LIFETIMES}
        days = choice(t("tokens.lifetime"), spans, LIFETIMES[1], "tokens-days")

    async def make() -> dict[str, Any]:
        lifetime_s = days.value * DAY_S if days.value else None
        body = {"name": name.value, "account": owner.value, "role": role.value, "lifetime_s": lifetime_s}
        made: dict[str, Any] = await api().post("/v1/tokens", body)
        return made

    result: dict[str, Any] | None = await form.run(make)
    return result
