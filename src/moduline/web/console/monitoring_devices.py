"""Devices of a plan, page by page: status, components, reason; their log, and what people do for one or for many."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse, StreamingResponse
from nicegui import app, ui

from moduline.cloud.plans.rules import DeviceStatus
from moduline.cloud.plans.states import PlanState
from moduline.cloud.plans.zone import check_local, local_of, to_utc
from moduline.cloud.upgrades.confirm import Operation
from moduline.errors import ModulineError
from moduline.web import sessions
from moduline.web.console.monitoring_parts import not_judged
from moduline.web.console.plan_words import both, component_kind, component_word, status_chip, status_word
from moduline.web.feedback import answered, ask, guarded, told
from moduline.web.live_table import Cell, Drawn, LiveTable, Parts
from moduline.web.platform_api import PlatformApi, api
from moduline.web.site import site
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import chip, empty, icon_button, moment, row, table

SHOWN: Final = 25
"""Devices of a page."""
AT_ONCE: Final = 500
"""Devices that one call confirms."""
SAID: Final = ("nothing", "now", "appointed", "cancelled", "seen")
"""What a user has said, by its number."""
EXPORTS: Final = {"upgrades": "upgrades/export", "log": "log/export"}


class DeviceList:
    """The devices of one plan on one page.

    Args:
        plan_id: number of the plan.
        again: shows the whole page anew, after something was done.
    """

    def __init__(self, plan_id: int, again: Callable[[], Awaitable[None]]) -> None:
        self.path = f"/v1/plans/{plan_id}"
        self.plan: dict[str, Any] = {}
        self.status = ""
        self.dk = ""
        self._again = again
        self._starts = [0]
        self._next: int | None = None
        self._waiting = 0
        self._buttons: dict[str, ui.button] = {}

    async def build(self, plan: dict[str, Any]) -> None:
        """Draw the filters and the place of the list."""
        self.plan = plan
        with row("g-filters"):
            options = {"": t("plans.all")} | {one.name.lower(): status_word(one.name.lower()) for one in DeviceStatus}
            ui.select(options, value="", label=t("monitoring.status"), on_change=self._by_status).props(
                'outlined dense data-testid="devices-status"'
            )
            ui.input(t("monitoring.dk"), on_change=self._by_dk).props(
                'outlined dense clearable debounce=300 data-testid="devices-dk"'
            )
            ui.element("div").classes("m-space")
            for what in EXPORTS:
                ui.link(t(f"monitoring.export_{what}"), f"/console/plans/{plan['id']}/export/{what}").props(
                    f'download data-testid="export-{what}"'
                )
        self.asked = ui.element("div")
        with ui.element("div") as self._nothing:
            empty("sensors_off", t("monitoring.no_devices"), t("monitoring.no_devices_hint"))
        self.box = ui.element("div").classes("m-stack").props('data-testid="plan-devices"')
        head = ["dk", "status", "components_of", "reason", *([] if plan["is_silent"] else ["user"]), "acts"]
        with self.box:
            self._table = LiveTable([t(f"monitoring.{one}") for one in head], caption=t("monitoring.devices"))
        with row():
            for name, act, more in (
                ("before", self._before, "icon=arrow_back"),
                ("after", self._after, 'icon-right=arrow_forward data-testid="devices-next"'),
            ):
                made = ui.button(t(f"monitoring.{name}"), on_click=guarded(act)).props(f"flat dense {more}")
                made.set_visibility(False)
                self._buttons[name] = made

    async def look(self, plan: dict[str, Any]) -> None:
        """Ask for this page of devices and show what has changed."""
        self.plan = plan
        status = DeviceStatus[self.status.upper()] if self.status else None
        asked = {"status": None if status is None else int(status), "dk": self.dk}
        found = await api().get(f"{self.path}/upgrades", **asked, after=self._starts[-1], limit=SHOWN)
        asks: dict[str, Any] = {"items": [], "waiting": 0}
        if not plan["is_silent"]:
            asks = await api().get(
                f"{self.path}/confirmations", language=viewer().lang, after=self._starts[-1], limit=SHOWN
            )
        self._draw(found, {one["upgrade"]: one for one in asks["items"]}, asks["waiting"])

    def _draw(self, found: dict[str, Any], said: dict[int, dict[str, Any]], waiting: int) -> None:
        if waiting != self._waiting:
            self._waiting = waiting
            self.asked.clear()
            with self.asked:
                self._draw_asked(waiting)
        self._nothing.set_visibility(not found["items"])
        self.box.set_visibility(bool(found["items"]))
        self._table.show([(one["id"], self._cells(one, said.get(one["id"]))) for one in found["items"]])
        self._next = found["next_after"]
        self._buttons["before"].set_visibility(len(self._starts) > 1)
        self._buttons["after"].set_visibility(self._next is not None)

    def _draw_asked(self, waiting: int) -> None:
        if not waiting:
            return
        with row("g-asked").props('data-testid="plan-waiting-users"'):
            chip("info", t("overview.users", count=waiting), icon="person")
            if viewer().may("releaser"):
                ui.button(t("monitoring.confirm_all"), on_click=guarded(self._confirm_all)).props(
                    'outline dense data-testid="confirm-all"'
                )

    def _cells(self, one: dict[str, Any], said: dict[str, Any] | None) -> list[Cell]:
        status, phase = one["status_name"], one["phase"]
        reason = both(one["reason"]) or (not_judged(self.plan, status) if phase == "waiting" else "–")
        user = t(f"monitoring.said.{SAID[said['status']]}") if said else "–"
        is_over = PlanState(self.plan["state"]).is_final
        return [
            Drawn(one["dk"], lambda: ui.link(one["dk"], f"/console/devices/{one['device']}").classes("m-mono")),
            Drawn(status, lambda: status_chip(status)),
            Drawn(one["components"], lambda: _components(one)),
            reason,
            *([] if self.plan["is_silent"] else [user]),
            Parts(
                lambda: row("g-acts").props(f'data-testid="device-acts-{one["dk"]}"'),
                (
                    Drawn(one["dk"], lambda: _log_button(one)),
                    Drawn((status, phase, is_over), lambda: None if is_over else self._acts(one)),
                ),
            ),
        ]

    def _acts(self, one: dict[str, Any]) -> None:
        """What may be done about a device in its state."""
        if not viewer().may("releaser"):
            return
        dk = one["dk"]
        is_waiting = one["status_name"] == "not_upgraded"
        if is_waiting and one["phase"] == "waiting" and not self.plan["is_silent"]:
            ui.button(t("monitoring.confirm"), on_click=guarded(lambda: self._confirm(one))).props(
                f'flat dense data-testid="confirm-{dk}"'
            )
        if one["phase"] == "open" and one["status_name"] in {"not_upgraded", "upgrading"}:
            icon_button("undo", t("monitoring.cancel_of", dk=dk), guarded(lambda: self._shift(one, "cancel")))
        if one["status_name"] == "failed":
            icon_button(
                "replay",
                t("monitoring.retry_of", dk=dk),
                guarded(lambda: self._shift(one, "retry")),
                testid=f"retry-{dk}",
            )

    async def _shift(self, one: dict[str, Any], verb: str) -> None:
        about = t(f"monitoring.{verb}_one_about")
        if await ask(t(f"monitoring.{verb}_one_ask", dk=one["dk"]), t(f"monitoring.{verb}_one"), about=about):
            await api().post(f"/v1/upgrades/{one['id']}/{verb}")
            told(f"monitoring.{verb}_one_done", dk=one["dk"])
            await self._again()

    async def _confirm(self, one: dict[str, Any]) -> None:
        wish = await ask_wish(t("monitoring.confirm_ask", dk=one["dk"]), self.plan["zone"])
        if wish is not None:
            await api().post(f"/v1/upgrades/{one['id']}/confirm", wish)
            told("monitoring.confirmed", count=1)
            await self._again()

    async def _confirm_all(self) -> None:
        waiting = int(DeviceStatus.NOT_UPGRADED)
        numbers = [one["id"] for one in await api().every(f"{self.path}/upgrades", status=waiting)]
        wish = await ask_wish(t("monitoring.confirm_all_ask", count=len(numbers)), self.plan["zone"])
        if wish is None:
            return
        done: list[dict[str, Any]] = []
        for at in range(0, len(numbers), AT_ONCE):
            some = wish | {"upgrades": numbers[at : at + AT_ONCE]}
            done += (await api().post("/v1/upgrades/confirm", some))["items"]
        refused = sum(not one["ok"] for one in done)
        told(
            "monitoring.confirmed_but" if refused else "monitoring.confirmed",
            count=len(done) - refused,
            refused=refused,
        )
        await self._again()

    async def _by_status(self, change: Any) -> None:
        self.status, self._starts = str(change.value or ""), [0]
        await guarded(self.look)(self.plan)

    async def _by_dk(self, change: Any) -> None:
        self.dk, self._starts = str(change.value or "").strip(), [0]
        await guarded(self.look)(self.plan)

    async def _before(self) -> None:
        self._starts.pop()
        await self.look(self.plan)

    async def _after(self) -> None:
        if self._next is not None:
            self._starts.append(self._next)
            await self.look(self.plan)


def _components(one: dict[str, Any]) -> None:
    with ui.element("div").classes("g-components"):
        for part in one["components"]:
            with ui.element("div").classes("m-row"):
                ui.label(f"{part['component']} {part['source'] or '?'} → {part['target']}").classes("m-mono")
                chip(component_kind(part["status"]), component_word(part["status"]))
        if not one["components"]:
            ui.label("–")


async def ask_wish(question: str, zone: str) -> dict[str, Any] | None:
    """Ask what a user wants: now, at a time, or not now; as the API takes it, None: nothing.

    Args:
        question: the whole question.
        zone: of the times.
    """
    now = local_of(site().clock.now_s(), zone).replace(tzinfo=None)
    with ui.dialog() as dialog, ui.card().classes("m-dialog").props('role="alertdialog"'):
        dialog.props["aria-label"] = question
        ui.label(question).classes("m-strong m-dialog-title")
        options = {
            int(one): t(f"monitoring.wish.{one.name.lower()}")
            for one in (Operation.NOW, Operation.APPOINT, Operation.CANCEL)
        }
        choice = ui.radio(options, value=int(Operation.NOW)).props('data-testid="wish"')
        with row().bind_visibility_from(choice, "value", value=int(Operation.APPOINT)):
            fields = [
                ui.input(t(f"monitoring.wish_{name}", zone=zone), value=_shape(now)).props(
                    "outlined type=datetime-local stack-label"
                )
                for name in ("from", "until")
            ]
        with ui.row().classes("m-dialog-acts"):
            ui.button(t("shell.cancel"), on_click=lambda: dialog.submit(None)).props("flat")
            ui.button(t("monitoring.do_it"), on_click=lambda: dialog.submit(choice.value)).props(
                'unelevated data-testid="wish-yes"'
            )
    answer = await answered(dialog)
    times = [str(one.value or "") for one in fields]
    if answer is None:
        return None
    wish: dict[str, Any] = {"operation": int(answer)}
    if answer == Operation.APPOINT and not any(check_local("from", one) for one in times):
        wish |= {"start_at": to_utc(times[0], zone), "end_at": to_utc(times[1], zone)}
    return wish


def _shape(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M")


def _log_button(one: dict[str, Any]) -> None:
    dk = one["dk"]
    ui.button(t("monitoring.log"), on_click=guarded(lambda: show_log(one["id"], dk))).props(
        f'flat dense data-testid="log-{dk}"'
    )


async def show_log(upgrade: int, dk: str) -> None:
    """Show all that happened to a device in a plan, live while it is open."""
    with ui.dialog() as dialog, ui.card().classes("m-dialog g-log-dialog"):
        dialog.props["aria-label"] = t("monitoring.log_of", dk=dk)
        ui.label(t("monitoring.log_of", dk=dk)).classes("m-strong m-dialog-title")
        box = ui.element("div").props('data-testid="upgrade-log"')
        shown: list[dict[str, Any]] = []

        async def look() -> None:
            found = await api().every(f"/v1/upgrades/{upgrade}/log")
            if found != shown or not found:
                shown[:] = found
                box.clear()
                with box:
                    log_table(found)

        await look()
        ui.timer(2.0, guarded(look), immediate=False)
        with ui.row().classes("m-dialog-acts"):
            ui.button(t("shell.close"), on_click=dialog.close).props("flat autofocus")
    await answered(dialog)


def log_table(lines: list[dict[str, Any]]) -> None:
    """Lines of a log, oldest first."""
    if not lines:
        empty("hourglass_empty", t("monitoring.log_empty"), t("monitoring.log_empty_hint"))
        return
    head = [t(f"monitoring.{one}") for one in ("at", "from", "component", "what", "code")]
    rows = [
        (
            moment(one["at"]),
            t(f"monitoring.source.{one['source']}"),
            one["component"] or "–",
            _said(one),
            one["code"] or "–",
        )
        for one in lines
    ]
    table(head, rows, caption=t("monitoring.log"))


def _said(one: dict[str, Any]) -> str:
    return both(one["text"]) + (f" ({one['message']})" if one["message"] else "")


@app.get("/console/plans/{plan}/export/{what}", include_in_schema=False)
async def export(request: Request, plan: int, what: str) -> Response:
    """The platform's file of a plan, in the name of whoever asks."""
    seen = await sessions.viewer_of(request)
    if not seen.name or what not in EXPORTS:
        return PlainTextResponse("", 404 if seen.name else 401)
    pieces = PlatformApi(seen.token, seen.lang).fetch(f"/v1/plans/{plan}/{EXPORTS[what]}")
    try:
        first = await anext(pieces, b"")
    except ModulineError as failure:
        return PlainTextResponse(failure.message(seen.lang), failure.http_status)

    async def sent() -> Any:
        yield first
        async for piece in pieces:
            yield piece

    name = f"plan-{plan}{'' if what == 'upgrades' else '-log'}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(sent(), media_type="text/csv; charset=utf-8", headers=headers)
