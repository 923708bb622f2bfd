"""What is done to many devices at once: those that are chosen, or all that match, with their number said first."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

from nicegui import ui

from moduline.events import Progress, Step
from moduline.web.console.allowed import act_button, why_not
from moduline.web.console.device_asked import Asked
from moduline.web.console.downloads import DEVICES_CSV
from moduline.web.console.forms import Form, Mistake, text_field
from moduline.web.console.linking import address
from moduline.web.feedback import ask, guarded, told
from moduline.web.jobs import Job, JobView, job_panel, start_job
from moduline.web.platform_api import PlatformApi, api, api_of_job
from moduline.web.texts import filled, t
from moduline.web.viewer import viewer

BLOCK: Final = 1000
"""Devices of one call."""
AT_ONCE: Final = 200
"""So many are changed while one waits; more are a job."""
STEP: Final = "console.devices"
Found = tuple[Asked, int, list[int]]
"""What is asked, how many match, and who is chosen."""


class Acts:
    """The buttons.

    Args:
        found: gives what they are about.
        look: shows the devices anew.
    """

    def __init__(self, found: Callable[[], Found], look: Callable[[], Awaitable[None]]) -> None:
        self._found = found
        self._look = look
        with ui.element("div").classes("m-row c-acts").props('role="group"') as group:
            self._about = ui.label().classes("m-muted").props('data-testid="devices-acts-about"')
            self._buttons = [
                act_button(t(f"devices.do_{name}"), act, needs="operator", testid=f"devices-do-{name}", icon=icon)
                for name, icon, act in (
                    ("tag", "sell", self._tag),
                    ("on", "toggle_on", functools.partial(self._switch, True)),
                    ("off", "toggle_off", functools.partial(self._switch, False)),
                )
            ]
            self._export = ui.element("a").classes("c-link-act").props('download data-testid="devices-export"')
            with self._export:
                ui.icon("download").props("aria-hidden=true")
                ui.label(t("devices.export"))
        self._panel = ui.element("div")
        group.props["aria-label"] = t("devices.acts_label")

    def refresh(self, *_: object) -> None:
        """Say what the buttons are about now."""
        asked, count, chosen = self._found()
        number = len(chosen) or count
        slug = "devices.act_chosen" if chosen else "devices.act_all"
        self._about.set_text(t(slug, count=f"{number:,}") if number else "")
        for button in self._buttons:
            button.set_enabled(bool(number) and not why_not("operator"))
        wanted = {name: value for name, value in asked.query().items() if value is not None}
        href = address(DEVICES_CSV, **{name: _said(value) for name, value in wanted.items()})
        if self._export.props.get("href") != href:
            self._export.props["href"] = href

    async def _tag(self) -> None:
        number = self._number()
        form = Form(
            t("devices.tag_title", count=f"{number:,}"),
            t("devices.tag_yes", count=f"{number:,}"),
            about=t("devices.tag_about"),
        )
        with form:
            give = text_field(t("devices.tag_give"), "devices-tag-give", is_first=True)
            take = text_field(t("devices.tag_take"), "devices-tag-take")

        async def read() -> dict[str, str | None]:
            tags = tags_of(give.value or "", take.value or "")
            if not tags:
                raise Mistake(t("devices.tag_nothing"))
            return tags

        tags = await form.run(read)
        if tags:
            await self._do("tag", "/v1/devices/tags", {"tags": tags})

    async def _switch(self, is_enabled: bool) -> None:
        name = "on" if is_enabled else "off"
        question = t(f"devices.{name}_ask", count=f"{self._number():,}")
        about = t(f"devices.{name}_about")
        if await ask(question, t(f"devices.do_{name}"), about=about, is_dangerous=not is_enabled):
            await self._do(name, "/v1/devices/change", {"is_enabled": is_enabled})

    def _number(self) -> int:
        _, count, chosen = self._found()
        return len(chosen) or count

    async def _do(self, name: str, path: str, body: dict[str, Any]) -> None:
        """Few at once, many as a job that goes on when the page is left."""
        asked, count, chosen = self._found()
        if chosen and len(chosen) <= AT_ONCE:
            made = await api().post(path, {"devices": chosen, **body})
            told("devices.changed", count=made["changed"])
            await self._look()
            return
        seen, query = viewer(), asked.query()
        title = filled(f"devices.job.{name}", count=f"{len(chosen) or count:,}")

        async def work(job: Job) -> dict[str, Any]:
            async with api_of_job(seen) as platform:
                job.report(Step(STEP, "begin"))
                numbers = chosen or await numbers_of(platform, query)
                changed = 0
                for block in blocks(numbers):
                    changed += (await platform.post(path, {"devices": block, **body}))["changed"]
                    job.report(Progress(STEP, numbers.index(block[-1]) + 1, len(numbers)))
                job.report(Step(STEP, "done", facts={"changed": changed}))
                return {"changed": changed}

        job_id = start_job("devices", title, work, page=asked.address)
        self._panel.clear()
        with self._panel:
            job_panel(job_id, on_end=self._over, with_log=False)

    def _over(self, view: JobView) -> None:
        """It is over; the devices are asked for in the next turn."""
        ui.timer(0.05, guarded(functools.partial(self._ended, view)), once=True)

    async def _ended(self, view: JobView) -> None:
        if "changed" in view.result:
            told("devices.changed", count=view.result["changed"])
        await self._look()


async def numbers_of(platform: PlatformApi, query: dict[str, Any]) -> list[int]:
    """Numbers of all devices that a question means, as they are now."""
    return [one["id"] for one in await platform.every("/v1/devices", **query)]


def blocks(numbers: list[int]) -> Iterator[list[int]]:
    """As many as one call takes."""
    for begin in range(0, len(numbers), BLOCK):
        yield numbers[begin : begin + BLOCK]


def tags_of(give: str, take: str) -> dict[str, str | None]:
    """Tags as people write them: names and ``name=value`` with commas between; the taken ones are None."""
    parts = [one.strip().partition("=") for one in give.replace("，", ",").split(",") if one.strip()]
    tags: dict[str, str | None] = {name.strip(): value.strip() for name, _, value in parts}
    return tags | {one.strip(): None for one in take.replace("，", ",").split(",") if one.strip()}


def _said(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
