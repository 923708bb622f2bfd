"""One version package: its files, who tried it, what was rehearsed, who uses it."""

from __future__ import annotations

from typing import Any, Final

from nicegui import ui

from moduline.cloud.artifacts.rules import ComponentType
from moduline.web.console.allowed import act_button
from moduline.web.console.artifact_proofs import Proofs
from moduline.web.console.downloads import file_address
from moduline.web.console.forms import text_field
from moduline.web.console.plan_words import plan_chip
from moduline.web.feedback import ask, told
from moduline.web.platform_api import api
from moduline.web.shell import page, style
from moduline.web.texts import t
from moduline.web.widgets import chip, copy_button, facts, moment, row, section, size, table

DIGESTS: Final = ("sha256", "sha1", "md5", "crc32_mpeg2")


@page("/console/packages/{artifact}")
async def artifact_page(artifact: int) -> None:
    """Files, digests, verification and rehearsals of one package."""
    style("console.css")
    one = await api().get(f"/v1/artifacts/{artifact}")
    uses = (await api().get(f"/v1/artifacts/{artifact}/uses"))["items"]
    _head(one)
    with section(t("artifacts.files")).props('data-testid="artifact-files"'):
        for position, file in enumerate(one["files"]):
            _file(artifact, position, file)
    proofs = Proofs(one)
    with section(t("artifact.uses")).props('data-testid="artifact-uses"'):
        _uses(uses)
        with row():
            act_button(
                t("artifact.new_plan"),
                lambda: ui.navigate.to(f"/console/plans/new?artifact={artifact}"),
                needs="operator",
                testid="artifact-plan",
                icon="event_note",
            )
    await proofs.look()


def _head(one: dict[str, Any]) -> None:
    kind = t(f"artifacts.type.{ComponentType(one['type']).name.lower()}")
    fits = (
        t("artifact.fits_one", kind=kind, component=one["component"])
        if one["component"]
        else t("artifact.fits_any", kind=kind)
    )
    with ui.element("section").classes("m-card"):
        with row("c-links"):
            ui.link(t("artifact.all"), "/console/packages")
        with row():
            ui.html(f'<h2 class="c-name">{_plain(one["name"])}</h2>', sanitize=False)
            chip("info", t("artifacts.delta" if one["is_delta"] else "artifacts.whole"), icon="inventory_2")
        versions = f"{one['source']} → {one['target']}" if one["is_delta"] else one["target"]
        facts(
            (
                (t("artifacts.versions"), versions),
                (t("artifact.fits"), fits),
                (t("artifacts.size"), size(sum(file["bytes"] for file in one["files"]))),
                (t("artifacts.created"), moment(one["created_at"])),
                (t("artifact.number"), one["id"]),
            )
        )
        with ui.element("div").classes("c-filter"):
            remark = text_field(t("artifacts.remark"), "artifact-remark", value=one["remark"])

            async def save() -> None:
                await api().patch(f"/v1/artifacts/{one['id']}", {"remark": (remark.value or "").strip()})
                told("artifact.saved")

            act_button(t("artifact.save"), save, needs="operator", testid="artifact-save", icon="save", look="outline")

        async def delete() -> None:
            question = t("artifact.delete_ask", name=one["name"])
            if await ask(question, t("artifact.delete"), about=t("artifact.delete_about"), is_dangerous=True):
                await api().delete(f"/v1/artifacts/{one['id']}")
                told("artifact.deleted", name=one["name"])
                ui.navigate.to("/console/packages")

        with row():
            act_button(t("artifact.delete"), delete, needs="operator", testid="artifact-delete", icon="delete")


def _file(artifact: int, position: int, file: dict[str, Any]) -> None:
    with ui.element("article").classes("c-upgrade"):
        with row():
            ui.html(f"<h3>{_plain(file['name'])}</h3>", sanitize=False)
            ui.label(size(file["bytes"])).classes("m-muted")
            said = t("artifact.download", name=file["name"])
            with ui.element("a").classes("c-link-act").props('download data-testid="artifact-download"') as link:
                link.props["href"] = file_address(artifact, position, file["name"])
                link.props["aria-label"] = said
                link.props["title"] = said
                ui.icon("download").props("aria-hidden=true")
            copy_button(file["sha256"], t("artifact.copy_digest", name=file["name"]))
        with (
            ui.expansion(t("artifact.digests"), icon="fingerprint").props("dense").classes("c-help"),
            ui.element("dl").classes("m-facts"),
        ):
            for name in DIGESTS:
                with ui.element("dt"):
                    ui.label(name.upper().replace("_", " "))
                with ui.element("dd").classes("c-digest"):
                    ui.label(_digest(file[name]))


def _digest(value: object) -> str:
    return f"{value:08x}" if isinstance(value, int) else str(value)


def _uses(uses: list[dict[str, Any]]) -> None:
    if not uses:
        ui.label(t("artifact.uses_none")).classes("m-muted")
        return
    table(
        (t("artifact.plan"), t("artifact.state")),
        [
            (
                lambda one=one: ui.link(one["name"], f"/console/plans/{one['id']}"),
                lambda one=one: plan_chip(one["state"]),
            )
            for one in uses
        ],
        caption=t("artifact.uses"),
    )


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
