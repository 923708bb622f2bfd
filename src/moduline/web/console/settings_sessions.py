"""One's sessions on the page "Settings": in which browsers one is signed in, and how to end that."""

from __future__ import annotations

from typing import Any, Final

from nicegui import ui

from moduline.web.console.allowed import act_button
from moduline.web.console.cards import card_table
from moduline.web.feedback import ask, told
from moduline.web.platform_api import api
from moduline.web.texts import t
from moduline.web.widgets import chip, moment, row, section

BROWSERS: Final = (
    ("Edg/", "Edge"), ("OPR/", "Opera"), ("MicroMessenger/", "WeChat"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"),
    ("Chromium/", "Chromium"), ("Safari/", "Safari"),
)  # fmt: skip
"""What a browser's User-Agent has in it, and its name; the first that fits."""
SYSTEMS: Final = (
    ("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iOS"), ("iPad", "iPadOS"), ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip
MOST: Final = 40
"""Characters of a name that is none of these."""


async def sessions_section() -> None:
    """Browsers that are signed in as whoever looks."""
    with section(t("settings.sessions"), about=t("settings.sessions_about")):
        box = ui.element("div").classes("m-stack")

    async def draw() -> None:
        found = await api().every("/v1/me/sessions")
        box.clear()
        with box:
            _table(found, end)
            others = [one for one in found if not one["is_current"]]
            if others:
                with row():
                    act_button(
                        t("settings.end_others"), lambda: end(others), needs="viewer", testid="sessions-end-others",
                        look="outline", icon="logout",
                    )  # fmt: skip

    async def end(which: list[dict[str, Any]]) -> None:
        for one in which:
            await api().delete(f"/v1/me/sessions/{one['id']}")
        told("settings.ended", count=len(which))
        await draw()

    await draw()


def _table(found: list[dict[str, Any]], end: Any) -> None:
    def cells(one: dict[str, Any]) -> tuple[object, ...]:
        name = browser_of(one["client"])

        async def ask_first() -> None:
            question = t("settings.end_of", browser=name)
            if await ask(question, t("settings.end"), about=t("settings.end_about")):
                await end([one])

        def acts() -> None:
            if one["is_current"]:
                chip("good", t("settings.this_one"), icon="person")
            else:
                act_button(t("settings.end"), ask_first, needs="viewer", testid="sessions-end", about=name)

        times = [moment(one[what]) for what in ("created_at", "seen_at", "expires_at")]
        return name, t(f"shell.role.{one['role']}"), *times, acts

    head = [t("settings.browser"), t("people.role"), t("settings.began"), t("settings.seen"), t("settings.ends")]
    head.append(t("people.acts"))
    card_table(head, [cells(one) for one in reversed(found)], caption=t("settings.sessions"), testid="sessions-table")


def browser_of(agent: str) -> str:
    """Browser and system by what a browser calls itself; what is no browser is called as it calls itself.

    Args:
        agent: the header ``User-Agent``, or the name that a program gave.
    """
    browser, system = names_of(agent)
    if browser and system:
        return t("settings.on", browser=browser, system=system)
    return browser or agent[:MOST] or t("settings.unknown")


def names_of(agent: str) -> tuple[str, str]:
    """Browser and system; "" for what is not known."""
    browser = next((name for part, name in BROWSERS if part in agent), "")
    system = next((name for part, name in SYSTEMS if part in agent), "")
    return browser, system
