"""The page "Settings": oneself, how one sees things, one's sessions, and what there is to know of the platform."""

from __future__ import annotations

from typing import Any, Final

from nicegui import ui

from moduline.cloud.edge import ROLES
from moduline.errors import ModulineError
from moduline.web import entry_paths, sessions
from moduline.web.console.forms import Mistake, password_field, require_same, said_of
from moduline.web.console.settings_sessions import sessions_section
from moduline.web.console.settings_webhooks import webhooks_section
from moduline.web.feedback import told
from moduline.web.platform_api import api
from moduline.web.shell import page, style
from moduline.web.site import site
from moduline.web.texts import t
from moduline.web.viewer import THEMES, viewer
from moduline.web.widgets import facts, section

DAY_S: Final = 24 * 3600.0
LANGUAGES: Final = {"en": "English", "zh": "中文"}
HERE: Final = "/console/settings"


@page(HERE)
async def settings_page() -> None:
    """Your account, and this platform."""
    style("people.css")
    me = await api().get("/v1/me")
    with ui.element("div").classes("m-two"):
        with ui.element("div").classes("m-stack"):
            _me()
            _look()
        _password(me)
    await sessions_section()
    await webhooks_section()
    await _platform()


def _me() -> None:
    seen = viewer()
    with section(t("settings.me")):
        facts(
            [
                (t("settings.name"), seen.name),
                (t("settings.role"), t(f"shell.role.{seen.role}")),
                (t("settings.may"), t("settings.and").join(t(f"people.does.{role}") for role in _roles(seen.role))),
            ]
        )


def _roles(role: str) -> tuple[str, ...]:
    """Roles whose acts somebody may do."""
    return ROLES[1 : ROLES.index(role) + 1] or ROLES[:1]


def _look() -> None:
    seen = viewer()
    with section(t("settings.look"), about=t("settings.look_about")):
        for name, options, now in (
            ("lang", LANGUAGES, seen.lang),
            ("theme", {one: t(f"shell.theme.{one}") for one in THEMES}, seen.theme),
        ):
            said = t("settings.language" if name == "lang" else "settings.colours")
            with ui.element("div").classes("m-choices").props(f'role="group" aria-label="{said}"'):
                ui.label(said).classes("m-muted")
                for value, word in options.items():
                    with ui.element("a").classes("m-choice").props(f'data-testid="settings-{name}-{value}"') as link:
                        link.props["href"] = f"{entry_paths.LOOK}?{name}={value}&back={HERE}"
                        if value == now:
                            link.props('aria-current="true"')
                            ui.icon("check").props("aria-hidden=true")
                        ui.label(word)


def _password(me: dict[str, Any]) -> None:
    has_one, is_whole = me["has_password"], me["role"] == me["account_role"]
    about = t("settings.password_about" if has_one else "settings.password_none")
    with section(t("settings.password"), about=about), ui.element("div").classes("m-form"):
        old = password_field(t("settings.old"), "settings-old", is_new=False) if has_one else None
        first = password_field(t("settings.new"), "settings-new", hint=t("people.password_hint"))
        second = password_field(t("settings.again"), "settings-again")
        wrong = ui.label().classes("m-problem").props('role="alert" data-testid="settings-wrong"')
        wrong.set_visibility(False)

        async def change() -> None:
            button.disable()
            try:
                new = require_same(first.value, second.value)
                await api().put("/v1/me/password", {"old": old.value if old else None, "new": new})
            except (Mistake, ModulineError) as failure:
                wrong.set_text(said_of(failure))
                wrong.set_visibility(True)
                return
            finally:
                button.enable()
            sessions.forget(viewer().token)
            if has_one:
                told("settings.changed")
                wrong.set_visibility(False)
                for field in (old, first, second):
                    if field is not None:
                        field.set_value("")
            else:
                ui.navigate.to(HERE)  # with a field for the present one

        button = ui.button(t("settings.change"), on_click=change).props('unelevated data-testid="settings-change"')
        for field in (old, first, second):
            if field is not None:
                field.on("keydown.enter", change)
        if not is_whole:
            button.disable()
            ui.label(t("settings.password_part")).classes("m-muted").props('role="note"')


async def _platform() -> None:
    known = await api().get("/v1/platform")
    elsewhere = t("settings.elsewhere")
    addresses = site().addresses
    kept = known["kept"]
    with ui.element("div").classes("m-two"):
        with section(t("settings.platform")):
            facts(
                [
                    (t("settings.version"), known["version"]),
                    (t("settings.api"), site().api),
                    (t("settings.device_http"), addresses.get("device_http", known["device_url"])),
                    (t("settings.mqtt"), addresses.get("mqtt", elsewhere)),
                ]
            )
            ui.link(f"{t('settings.api')}: {t('settings.api_docs')}", f"{site().api}/docs", new_tab=True)
        with section(t("settings.kept"), about=t("settings.options")):
            facts(
                [
                    (t("settings.kept_log"), _days(kept["log_kept_s"])),
                    (t("settings.kept_events"), _days(kept["events_kept_s"])),
                    (t("settings.kept_jobs"), _days(kept["jobs_kept_s"])),
                    (t("settings.kept_files"), _days(kept["grace_s"])),
                    (t("settings.kept_history"), t("settings.newest", count=kept["history_kept"])),
                    (t("settings.kept_audit"), t("settings.for_ever")),
                ]
            )


def _days(seconds: float) -> str:
    return t("settings.days", count=f"{seconds / DAY_S:g}")
