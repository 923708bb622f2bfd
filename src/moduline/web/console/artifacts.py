"""The version packages: what there is, adding one, and patches that the platform makes of two."""

from __future__ import annotations

from typing import Any, Final

from nicegui import ui

from moduline.cloud.artifacts.making import KINDS, PLACES
from moduline.cloud.artifacts.rules import ComponentType
from moduline.web.console.allowed import act_button
from moduline.web.console.artifact_upload import Upload
from moduline.web.console.forms import Form, Mistake, choice, text_field
from moduline.web.console.plan_words import proof_chip, rehearsed_chip
from moduline.web.console.platform_jobs import PlatformJobs
from moduline.web.feedback import told
from moduline.web.platform_api import api
from moduline.web.shell import page, style
from moduline.web.texts import t
from moduline.web.widgets import empty, moment, row, size, table

HEAD: Final = ("name", "kind", "versions", "size", "verified", "rehearsed", "created")
DEBOUNCE_MS: Final = 80


@page("/console/packages")
async def artifacts_page() -> None:
    """What devices are upgraded to."""
    style("console.css")
    asked = ui.context.client.request.query_params
    shown = _Packages(asked.get("q", ""))
    with row():
        act_button(
            t("artifacts.patch"),
            shown.make_patch,
            needs="operator",
            testid="artifacts-patch",
            icon="difference",
            look="outline",
        )
    shown.jobs = PlatformJobs(lambda job: job["kind"] == "patch", shown.made)
    Upload(asked.getlist("file"), shown.look)
    shown.place()
    await shown.look()
    await shown.jobs.look()


class _Packages:
    """The list.

    Args:
        wanted: what is searched for at first.
    """

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted
        self._found: list[dict[str, Any]] = []
        self.jobs: PlatformJobs | None = None

    def place(self) -> None:
        """Put it here."""
        self._search = ui.input(t("artifacts.search"), value=self._wanted, on_change=self._typed).classes("m-field")
        self._search.props(f'outlined dense clearable debounce={DEBOUNCE_MS} data-testid="artifacts-search"')
        self._box = ui.element("div").props('data-testid="artifacts-list"')

    async def look(self) -> None:
        """Ask for all, and show them, the newest first."""
        self._found = list(reversed(await api().every("/v1/artifacts")))
        self._draw()

    async def made(self, job: dict[str, Any]) -> None:
        """A patch has been made."""
        del job
        await self.look()

    def _typed(self) -> None:
        self._wanted = self._search.value or ""
        self._draw()

    def _draw(self) -> None:
        word = self._wanted.strip().casefold()
        found = [one for one in self._found if word in f"{one['name']}\n{one['source']}\n{one['target']}".casefold()]
        self._box.clear()
        with self._box:
            if not self._found:
                empty("inventory", t("artifacts.none"), t("artifacts.none_hint"))
            elif not found:
                empty("search_off", t("artifacts.none_match"))
            else:
                table(
                    [t(f"artifacts.{name}") for name in HEAD],
                    [_cells(one) for one in found],
                    caption=t("artifacts.title"),
                    numeric=(3,),
                )

    async def make_patch(self) -> None:
        """Ask which, and have it made."""
        whole = {
            one["id"]: f"{one['name']} · {one['target']}"
            for one in self._found
            if one["type"] == ComponentType.MODULE and not one["is_delta"] and len(one["files"]) == 1
        }
        form = Form(t("artifacts.patch"), t("artifacts.patch_yes"), about=t("artifacts.patch_about"))
        with form:
            if len(whole) < 2:
                form.complain(t("artifacts.patch_needs"))
            numbers = list(whole)
            old = choice(t("artifacts.patch_old"), whole, numbers[1] if len(numbers) > 1 else None, "patch-old")
            new = choice(t("artifacts.patch_new"), whole, numbers[0] if numbers else None, "patch-new")
            kind = choice(
                t("artifacts.patch_kind"),
                {one: t(f"artifacts.patch_kind.{one}") for one in KINDS},
                "diff",
                "patch-kind",
            )
            stay = choice(
                t("artifacts.patch_place"),
                {one: t(f"artifacts.patch_place.{one or 'any'}") for one in PLACES},
                "fp",
                "patch-place",
            )
            name = text_field(t("artifacts.name"), "patch-name")

        async def act() -> Any:
            if old.value is None or new.value is None:
                raise Mistake(t("artifacts.patch_needs"))
            body = {"old": old.value, "new": new.value, "kind": kind.value, "place": stay.value}
            return await api().post("/v1/artifacts/patches", body | {"name": (name.value or "").strip()})

        job = await form.run(act)
        if job is None:
            return
        if job["state"] == "done":
            ui.navigate.to(f"/console/packages/{job['result']['artifact_id']}")
            return
        told("artifacts.patch_begun")
        if self.jobs is not None:
            await self.jobs.look()


def _cells(one: dict[str, Any]) -> list[object]:
    def versions() -> None:
        ui.label(f"{one['source']} → {one['target']}" if one["is_delta"] else one["target"]).classes("m-mono")

    return [
        lambda: ui.link(one["name"], f"/console/packages/{one['id']}").classes("m-strong"),
        t("artifacts.delta" if one["is_delta"] else "artifacts.whole"),
        versions,
        size(sum(file["bytes"] for file in one["files"])),
        lambda: proof_chip(one["state"]),
        lambda: rehearsed_chip(one["is_rehearsed"]),
        moment(one["created_at"]),
    ]
