"""What a merge gave: the package with its SHA-256, what went where, and what each decision rests on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from nicegui import ui

from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import chip, copy_button, facts, row, size, table

BURN: str = "/studio/burn"


def burn_address(path: str) -> str:
    """Address of the burn page with a package filled in."""
    return f"{BURN}?file={quote(path)}"


def result_card(result: dict[str, Any]) -> ui.element:
    """Draw the result of a merge."""
    lang = viewer().lang
    with ui.element("section").classes("m-card").props('data-testid="project-result"') as card:
        ui.html(f"<h3>{t('project.result')}</h3>", sanitize=False)
        facts(
            [
                (t("project.package"), result["path"]),
                (t("project.bytes"), f"{size(result['bytes'])} ({result['bytes']})"),
                ("SHA-256", result["sha256"]),
                (t("project.base"), result["base"]),
                (t("project.free_user"), size(result["free"][0])),
                (t("project.free_backup"), size(result["free"][1])),
            ]
        )
        with row():
            ui.button(
                t("project.burn"), icon="bolt", on_click=lambda: ui.navigate.to(burn_address(result["path"]))
            ).props('unelevated data-testid="project-burn"')
            ui.button(
                t("project.save"),
                icon="download",
                on_click=lambda: ui.download(f"/studio/files/host?path={quote(result['path'])}"),
            ).props('outline data-testid="project-save"')
            copy_button(result["sha256"], t("project.copy_sha"))
        with ui.expansion(t("project.where"), icon="account_tree", value=True).classes("project-more"):
            _where(result)
        with ui.expansion(t("project.why"), icon="rule").classes("project-more"):
            table(
                (t("project.what"), t("project.decided"), t("project.because")),
                [(one["name"], one["value"], one[lang]) for one in result["decisions"]],
                caption=t("project.why"),
            )
        with ui.expansion(t("project.manifest"), icon="list_alt").classes("project-more"):
            table(
                (t("project.part"), t("project.role"), t("project.size"), t("project.state")),
                [(one["name"], one["role"], size(one["bytes"]), _state(one)) for one in result["parts"]],
                caption=t("project.manifest"),
                numeric=(2,),
            )
    return card


def _where(result: dict[str, Any]) -> None:
    lines: list[tuple[object, ...]] = [
        (f"/usr/{one['path']}", size(one["bytes"]), _marks(one)) for one in result["user"]
    ]
    lines += [(f"/bak/{one['path']}", size(one["bytes"]), "") for one in result["backup"]]
    table((t("project.file"), t("project.size"), ""), lines, caption=t("project.where"), numeric=(1,))


def _marks(one: dict[str, Any]) -> Callable[[], None]:
    def draw() -> None:
        with row():
            if one["is_encrypted"]:
                chip("info", t("project.encrypt"), icon="lock")
            if one["is_backed_up"]:
                chip("info", t("project.backup"), icon="backup")

    return draw


def _state(one: dict[str, Any]) -> Callable[[], ui.element]:
    return lambda: (
        chip("good", t("project.part_new"), icon="fiber_new") if one["is_new"] else chip("idle", t("project.part_same"))
    )
