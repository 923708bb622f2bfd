"""What speaks for a version package: devices that tried it, rehearsals with their proofs; starting a further one."""

from __future__ import annotations

from typing import Any, Final

from nicegui import ui

from moduline.cloud.artifacts.rules import ComponentType
from moduline.web.console.allowed import act_button
from moduline.web.console.downloads import proof_address
from moduline.web.console.forms import Form, Mistake, choice, text_field
from moduline.web.console.live import follow
from moduline.web.console.plan_words import both, proof_chip, rehearsed_chip
from moduline.web.console.platform_jobs import PlatformJobs
from moduline.web.feedback import told
from moduline.web.platform_api import api
from moduline.web.texts import t
from moduline.web.widgets import chip, empty, moment, row, section, table

REHEARSALS: Final = frozenset({"rehearsal", "module-rehearsal"})
"""Kinds of jobs of the platform."""
ONS: Final = ("module", "flash")


class Proofs:
    """Both cards, live.

    Args:
        one: the package, as the API gives it.
    """

    def __init__(self, one: dict[str, Any]) -> None:
        self._one = one
        number = one["id"]
        self._known: dict[str, Any] = {}
        self._jobs = PlatformJobs(
            lambda job: job["kind"] in REHEARSALS and job["request"].get("artifact_id") == number, self._ended
        )
        with ui.element("div").classes("m-two"):
            with section(t("artifact.verification"), about=t("artifact.verification_about")) as card:
                card.props('data-testid="artifact-verification"')
                self._state = ui.element("div").props('role="status"')
                self._runs = ui.element("div")
                with row():
                    act_button(
                        t("artifact.verify"),
                        lambda: ui.navigate.to(f"/console/verification?artifact={number}"),
                        needs="operator",
                        testid="artifact-verify",
                        icon="verified",
                        look="outline",
                    )
            with section(t("artifact.rehearsals"), about=t("artifact.rehearsals_about")) as card:
                card.props('data-testid="artifact-rehearsals"')
                self._rehearsed = ui.element("div").props('role="status"')
                self._shown = ui.element("div")
                with row():
                    act_button(
                        t("artifact.rehearse"),
                        self._rehearse,
                        needs="operator",
                        testid="artifact-rehearse",
                        icon="theater_comedy",
                        look="outline",
                    )
        follow(self.look, lambda event: event.get("data", {}).get("artifact_id") == number)

    async def look(self) -> None:
        """Ask, and draw what has changed."""
        number = self._one["id"]
        self._one = await api().get(f"/v1/artifacts/{number}")
        runs = await api().every(f"/v1/artifacts/{number}/verifications")
        rehearsals = (await api().get(f"/v1/artifacts/{number}/rehearsals"))["items"]
        for name, facts, place, draw in (
            ("state", self._one["state"], self._state, lambda: proof_chip(self._one["state"])),
            ("runs", runs, self._runs, lambda: _runs(runs)),
            (
                "rehearsed",
                self._one["is_rehearsed"],
                self._rehearsed,
                lambda: rehearsed_chip(self._one["is_rehearsed"]),
            ),
            ("rehearsals", rehearsals, self._shown, lambda: self._rehearsals(rehearsals)),
        ):
            if name not in self._known or self._known[name] != facts:
                self._known[name] = facts
                place.clear()
                with place:
                    draw()
        await self._jobs.look()

    async def _ended(self, job: dict[str, Any]) -> None:
        del job
        await self.look()

    async def _rehearse(self) -> None:
        """Ask how, and have it begin."""
        found = await api().every("/v1/artifacts")
        whole = {
            one["id"]: f"{one['name']} · {one['target']}"
            for one in reversed(found)
            if one["type"] == ComponentType.MODULE and not one["is_delta"] and one["id"] != self._one["id"]
        }
        form = Form(t("artifact.rehearse"), t("artifact.rehearse"), about=t("artifact.rehearsals_about"))
        with form:
            ons = {one: t(f"artifact.on.{one}") for one in ONS[: 2 if self._one["is_delta"] else 1]}
            on = choice(t("artifact.rehearse_on"), ons, "module", "rehearse-on")
            fitting = next(
                (one["id"] for one in reversed(found) if one["id"] in whole and one["target"] == self._one["source"]), 0
            )
            source = choice(
                t("artifact.rehearse_source"), {0: t("artifact.newest"), **whole}, fitting, "rehearse-source"
            )
            cuts = text_field(t("artifact.cuts"), "rehearse-cuts", hint=t("artifact.cuts_hint"))

        async def act() -> Any:
            if on.value == "flash" and not source.value:
                raise Mistake(t("artifact.source_needed"))
            body = {"on": on.value, "source": source.value or None, "cuts": (cuts.value or "").strip()}
            return await api().post(f"/v1/artifacts/{self._one['id']}/rehearsals", body)

        if await form.run(act):
            told("artifact.rehearse_begun")
            await self._jobs.look()

    def _rehearsals(self, found: list[dict[str, Any]]) -> None:
        if not found:
            empty("theater_comedy", t("artifact.rehearsed_none"))
            return
        names = {at: file["name"] for at, file in enumerate(self._one["files"])}
        table(
            [t(f"artifact.{name}") for name in ("when", "kind", "file", "trials", "result", "proof")],
            [self._cells(one, names) for one in found],
            caption=t("artifact.rehearsals"),
            numeric=(3,),
        )

    def _cells(self, one: dict[str, Any], names: dict[int, str]) -> list[object]:
        def result() -> None:
            said = t("artifact.good") if one["is_good"] else t("artifact.bad", count=one["failed"])
            chip("good" if one["is_good"] else "bad", said)
            ui.label(t("artifact.counts" if one["counts"] else "artifact.counts_not")).classes("m-muted m-small")

        def proof() -> None:
            with row():
                ui.link(t("artifact.picture"), proof_address(self._one["id"], one["id"], "html"), new_tab=True).props(
                    'data-testid="artifact-proof"'
                )
                ui.link(t("artifact.as_json"), proof_address(self._one["id"], one["id"], "json")).props("download")

        name = names.get(one["position"], "")
        return [moment(one["rehearsed_at"]), t(f"artifact.on.{one['kind']}"), name, one["trials"], result, proof]


def _runs(runs: list[dict[str, Any]]) -> None:
    if not runs:
        empty("verified", t("artifact.verified_none"))
        return
    table(
        [t(f"artifact.{name}") for name in ("started", "device", "state", "reason")],
        [
            (
                moment(one["started_at"]),
                lambda one=one: ui.link(str(one["device_id"]), f"/console/devices/{one['device_id']}"),
                lambda one=one: proof_chip(one["state"]),
                both(one["reason"]),
            )
            for one in reversed(runs)
        ],
        caption=t("artifact.verification"),
    )
