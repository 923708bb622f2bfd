"""Firmware verification: one device tries a version package before any plan does; live, stage by stage, with a log."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from nicegui import ui

from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.upgrades.states import ComponentStatus
from moduline.web.console.live import Event, follow
from moduline.web.console.monitoring_devices import log_table, show_log
from moduline.web.console.plan_words import both, component_word, proof_chip, rehearsed_chip
from moduline.web.feedback import guarded, told
from moduline.web.platform_api import api
from moduline.web.shell import page, style
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import chip, empty, moment, row, section, table

SLOW_S: Final = 2.0
STAGES: Final = (
    ComponentStatus.RECEIVED,
    ComponentStatus.DOWNLOADING,
    ComponentStatus.UPGRADING,
    ComponentStatus.SUCCEEDED,
)
"""What the developer centre shows of an upgrade: plan received, downloading, (installing,) done."""
_ORDER: Final = list(ComponentStatus)
MOST_DEVICES: Final = 200
RUNS: Final = 20
STATES: Final = {"verifying": "verifying", "passed": "passed", "failed": "failed"}


@page("/console/verification")
async def verification_page(artifact: int = 0, run: int = 0, device: int = 0) -> None:
    """Choose package and device, start, watch, and what was verified before."""
    style("monitoring.css")
    style("wizard.css")
    view = Verification(artifact, run, device)
    await view.build()
    follow(view.look, view.concerns, slow_s=SLOW_S)


class Verification:
    """The verifications on one page.

    Args:
        artifact: the package that is chosen; 0: none.
        run: the verification that is watched; 0: the newest of the package.
        device: the one that is offered first; 0: whichever fits.
    """

    def __init__(self, artifact: int, run: int, device: int = 0) -> None:
        self.artifact, self.watched = artifact, run
        self.device = self._wanted = device
        self.component = "mod"
        self.artifacts: list[dict[str, Any]] = []
        self.devices: list[dict[str, Any]] = []
        self._shown: dict[str, object] = {}

    def concerns(self, event: Event) -> bool:
        """Whether an event may change the page."""
        return str(event["event"]).startswith(("verification.", "artifact.", "upgrade."))

    async def build(self) -> None:
        """Draw the page and fill it."""
        self.artifacts = list(reversed(await api().every("/v1/artifacts")))
        self.devices = (await api().get("/v1/devices", is_online=True, is_enabled=True, limit=MOST_DEVICES))["items"]
        if not self.artifacts:
            empty("inventory", t("verification.no_packages"), t("verification.no_packages_hint"))
            ui.link(t("wizard.to_packages"), "/console/packages")
            return
        with ui.element("div").classes("m-two"):
            if viewer().may("operator"):
                with section(t("verification.new"), about=t("verification.new_about")):
                    self._form()
            with section(t("verification.now")) as made:
                made.props('data-testid="verification-now"')
                self.now = ui.element("div").classes("m-stack").props('aria-live="polite"')
        with section(t("verification.before")) as made:
            made.props('data-testid="verification-runs"')
            self.before = ui.element("div")
        await self.look()

    def _form(self) -> None:
        options = {
            one["id"]: f"{one['name']} · {one['source'] or t('wizard.any_version')} → {one['target']}"
            for one in self.artifacts
        }
        self.artifact = self.artifact if self.artifact in options else next(iter(options))
        ui.select(
            options, value=self.artifact, label=t("verification.package"), with_input=True, on_change=self._choose
        ).props('outlined data-testid="verification-package"').classes("g-field")
        self.facts = row()
        self._draw_facts()
        if not self.devices:
            empty("sensors_off", t("verification.no_devices"), t("verification.no_devices_hint"))
            return
        self.device_field = ui.select(
            {}, label=t("verification.device"), with_input=True,
            on_change=lambda change: setattr(self, "device", change.value or 0),
        ).props('outlined data-testid="verification-device"').classes("g-field")  # fmt: skip
        self.device_field.props["hint"] = t("verification.device_hint")
        self._offer_devices()
        component = ui.input(
            t("wizard.component"),
            value=self.component,
            on_change=lambda change: setattr(self, "component", change.value or ""),
        )
        component.props('outlined data-testid="verification-component"').classes("g-field")
        component.props["hint"] = t("wizard.component_hint")
        ui.button(t("verification.start"), icon="play_arrow", on_click=guarded(self._start)).props(
            'unelevated data-testid="verification-start"'
        ).classes("g-start")

    async def _choose(self, change: Any) -> None:
        self.artifact, self.watched = int(change.value or 0), 0
        self._draw_facts()
        if self.devices:
            self._offer_devices()
        await guarded(self.look)()

    def _draw_facts(self) -> None:
        one = next((one for one in self.artifacts if one["id"] == self.artifact), None)
        self.facts.clear()
        if one is None:
            return
        if one["component"]:
            self.component = one["component"]
        with self.facts:
            kind = "module" if one["type"] == ComponentType.MODULE else "mcu"
            chip("info", t(f"verification.type_{kind}"), icon="memory")
            proof_chip(one["state"])
            rehearsed_chip(one["is_rehearsed"])

    def _offer_devices(self) -> None:
        """Devices that are online, those first whose version the package starts from."""
        one = next((one for one in self.artifacts if one["id"] == self.artifact), None)
        source = one["source"] if one else ""
        fitting = [each for each in self.devices if not source or source in _versions(each)]
        others = [each for each in self.devices if each not in fitting]
        options = {each["id"]: f"{each['dk']} · {', '.join(_versions(each)) or '?'}" for each in (*fitting, *others)}
        self.device = self._wanted if self._wanted in options else next(iter(options))
        self.device_field.set_options(options, value=self.device)

    async def _start(self) -> None:
        wish = {"device": self.device, "component": self.component.strip()}
        made = await api().post(f"/v1/artifacts/{self.artifact}/verifications", wish)
        self.watched = made["id"]
        told("verification.started")
        ui.navigate.history.replace(f"/console/verification?artifact={self.artifact}&run={self.watched}")
        await self.look()

    async def look(self) -> None:
        """Ask for the verifications and show what has changed."""
        if not self.artifacts:
            return
        runs = (await api().get("/v1/verifications", limit=RUNS))["items"]
        mine = [one for one in runs if one["artifact_id"] == self.artifact]
        watched = next((one for one in runs if one["id"] == self.watched), mine[0] if mine else None)
        upgrade, lines = None, []
        if watched is not None:
            upgrade = next(iter((await api().get(f"/v1/plans/{watched['plan_id']}/upgrades", limit=1))["items"]), None)
            lines = await api().every(f"/v1/upgrades/{upgrade['id']}/log") if upgrade else []
        known = {one["artifact_id"]: one["state"] for one in reversed(runs)}
        for one in self.artifacts:
            one["state"] = known.get(one["id"], one["state"])
        if self._shown.get("now") != [watched, upgrade, lines] or "now" not in self._shown:
            self._shown["now"] = [watched, upgrade, lines]
            self.now.clear()
            with self.now:
                self._draw_now(watched, upgrade, lines)
            if viewer().may("operator"):
                self._draw_facts()
        if self._shown.get("runs") != runs:
            self._shown["runs"] = runs
            self.before.clear()
            with self.before:
                self._draw_before(runs)
        await asyncio.sleep(0)

    def _draw_now(
        self, run: dict[str, Any] | None, upgrade: dict[str, Any] | None, lines: list[dict[str, Any]]
    ) -> None:
        if run is None:
            empty("verified", t("verification.none"), t("verification.none_hint"))
            return
        with row():
            proof_chip(STATES[run["state"]]).props(
                f'role="status" data-testid="verification-state" data-state="{run["state"]}"'
            )
            ui.label(run["artifact"]).classes("m-strong")
            ui.label(run["dk"]).classes("m-mono")
        if run["reason"]:
            with ui.element("p").classes("g-why"):
                ui.icon("info").props("aria-hidden=true")
                ui.label(both(run["reason"]))
        status = ComponentStatus(upgrade["components"][0]["status"]) if upgrade and upgrade["components"] else None
        _stages(status)
        log_table(lines)

    def _draw_before(self, runs: list[dict[str, Any]]) -> None:
        if not runs:
            empty("history", t("verification.nothing_before"))
            return
        head = [t(f"verification.{one}") for one in ("state_of", "package", "device", "begun", "reason", "log")]
        rows = [
            (
                lambda one=one: proof_chip(STATES[one["state"]]),
                f"{one['artifact']} → {one['target']}",
                one["dk"],
                moment(one["started_at"]),
                both(one["reason"]) or "–",
                lambda one=one: ui.button(t("monitoring.log"), on_click=guarded(lambda: _show_log(one))).props(
                    "flat dense"
                ),
            )
            for one in runs
        ]
        table(head, rows, caption=t("verification.before"))


async def _show_log(run: dict[str, Any]) -> None:
    found = (await api().get(f"/v1/plans/{run['plan_id']}/upgrades", limit=1))["items"]
    if found:
        await show_log(found[0]["id"], run["dk"])


def _stages(status: ComponentStatus | None) -> None:
    """The stages of an upgrade, and how far it is."""
    reached = -1 if status is None else _ORDER.index(status)
    with ui.element("ol").classes("g-stages").props(f'aria-label="{t("verification.stages")}"'):
        for stage in STAGES:
            is_passed = reached >= _ORDER.index(stage)
            is_failed = status is ComponentStatus.FAILED and stage is STAGES[-1]
            with ui.element("li"):
                if is_failed:
                    chip("bad", component_word(ComponentStatus.FAILED))
                elif status is ComponentStatus.FAILED:
                    chip("idle", component_word(stage))
                elif is_passed:
                    is_now = stage is not STAGES[-1] and not any(
                        reached >= _ORDER.index(each) for each in STAGES[STAGES.index(stage) + 1 :]
                    )
                    chip("busy" if is_now else "good", component_word(stage))
                else:
                    chip("idle", component_word(stage))


def _versions(device: dict[str, Any]) -> list[str]:
    return [one["version"] for one in device["versions"]]
