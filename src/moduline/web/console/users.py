"""The page "Users": accounts, their roles, whether they may come in, and their passwords."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from moduline.cloud.accounts import passwords
from moduline.cloud.edge import ROLES
from moduline.web.console.allowed import act_button, note_why_not
from moduline.web.console.cards import card_table
from moduline.web.console.forms import Form, password_field, require_same, role_choice, text_field
from moduline.web.feedback import ask, told
from moduline.web.platform_api import api
from moduline.web.shell import page, style
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import chip, empty, facts, moment, row, section

NEEDS = "admin"


@page("/console/users")
async def users_page() -> None:
    """Accounts and their roles."""
    style("people.css")
    box = ui.element("div").classes("m-stack")

    async def draw() -> None:
        found = await api().every("/v1/accounts")
        box.clear()
        with box:
            note_why_not(NEEDS)
            with row():
                act_button(
                    t("users.new"), create, needs=NEEDS, testid="users-new", icon="person_add", look="unelevated"
                )
            _table(found, draw)
            ui.label(f"{t('users.main_fixed')} {t('users.own_password')}").classes("m-muted m-small")
            if len(found) == 1:
                empty("group", t("users.alone"), t("users.alone_hint"))
            with section(t("users.roles")):
                facts((t(f"shell.role.{role}"), t(f"people.does.{role}")) for role in ROLES)

    async def create() -> None:
        made = await _create()
        if made:
            told("users.done_made", name=made["name"])
            await draw()

    await draw()


def _table(found: list[dict[str, Any]], draw: Any) -> None:
    head = [
        t("users.account"),
        t("people.role"),
        t("people.state"),
        t("users.password"),
        t("users.made"),
        t("people.acts"),
    ]

    def cells(one: dict[str, Any]) -> tuple[object, ...]:
        def state() -> None:
            chip("good" if one["is_enabled"] else "idle", t("users.on" if one["is_enabled"] else "users.off"))

        def password() -> None:
            has = one["has_password"]
            chip("info" if has else "idle", t("users.has_password" if has else "users.no_password"), icon="password")

        role = t(f"shell.role.{one['role']}")
        if one["id"] == one["main_id"]:
            role = f"{role} · {t('users.main')}"
        return lambda: _name(one), role, state, password, moment(one["created_at"]), lambda: _acts(one, draw)

    card_table(head, [cells(one) for one in found], caption=t("users.title"), testid="users-table")


def _name(one: dict[str, Any]) -> None:
    with row():
        ui.label(one["name"]).classes("m-strong")
        if one["id"] == viewer().account:
            chip("info", t("users.you"), icon="person")


def _acts(one: dict[str, Any], draw: Any) -> None:
    name, number = one["name"], one["id"]

    async def role() -> None:
        chosen = await _ask_role(one)
        if chosen:
            told("users.done_role", name=name, role=t(f"shell.role.{chosen}"))
            await draw()

    async def switch() -> None:
        is_on = one["is_enabled"]
        about = t("users.disable_about")
        if is_on and not await ask(
            t("users.disable_of", name=name), t("users.disable"), about=about, is_dangerous=True
        ):
            return
        await api().patch(f"/v1/accounts/{number}", {"is_enabled": not is_on})
        told("users.done_off" if is_on else "users.done_on", name=name)
        await draw()

    async def password() -> None:
        if await _ask_password(one):
            told("users.done_password", name=name)
            await draw()

    word = t("users.disable" if one["is_enabled"] else "users.enable")
    with row("m-acts"):
        made = [
            act_button(t("users.change_role"), role, needs=NEEDS, testid=f"users-role-{name}",
                       about=name),
            act_button(word, switch, needs=NEEDS, testid=f"users-switch-{name}", about=name),
        ]  # fmt: skip
        if number == one["main_id"]:
            for button in made:
                button.disable()
                button.props["title"] = t("users.main_fixed")
        own = act_button(
            t("users.set_password"), password, needs=NEEDS, testid=f"users-password-{name}",
            about=name,
        )  # fmt: skip
        if number == viewer().account and one["has_password"]:
            own.disable()
            own.props["title"] = t("users.own_password")


async def _create() -> dict[str, Any] | None:
    with Form(t("users.new"), t("people.create"), about=t("users.new_about")) as form:
        name = text_field(t("people.name"), "users-name", is_first=True)
        role = role_choice("operator", "users-role")
        first = password_field(t("users.password_later"), "users-password", hint=t("people.password_hint"))
        second = password_field(t("users.again"), "users-again")

    async def make() -> dict[str, Any]:
        password = require_same(first.value, second.value)
        if password:
            passwords.require_fit(password, name.value)  # before there is an account without one
        made: dict[str, Any] = await api().post("/v1/accounts", {"name": name.value, "role": role.value})
        if password:
            await api().put(f"/v1/accounts/{made['id']}/password", {"new": password})
        return made

    result: dict[str, Any] | None = await form.run(make)
    return result


async def _ask_role(one: dict[str, Any]) -> str | None:
    with Form(t("users.role_of", name=one["name"]), t("people.save"), about=t("users.role_about")) as form:
        role = role_choice(one["role"], "users-role")

    async def change() -> str:
        await api().patch(f"/v1/accounts/{one['id']}", {"role": role.value})
        return str(role.value)

    result: str | None = await form.run(change)
    return result


async def _ask_password(one: dict[str, Any]) -> bool:
    with Form(t("users.password_of", name=one["name"]), t("people.save"), about=t("users.password_about")) as form:
        first = password_field(t("users.password"), "users-password", hint=t("people.password_hint"))
        second = password_field(t("users.again"), "users-again")

    async def change() -> bool:
        password = require_same(first.value, second.value)
        await api().put(f"/v1/accounts/{one['id']}/password", {"new": password})
        return True

    return bool(await form.run(change))
