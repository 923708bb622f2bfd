"""Where a project comes from: made new, opened, or copied from the shipped example."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from nicegui import ui

from moduline.errors import BadOption, ModulineError
from moduline.image.project import SETTINGS_NAME
from moduline.profiles import catalog
from moduline.release import editing, starter
from moduline.web import host_files
from moduline.web.feedback import guarded
from moduline.web.file_dialog import choose_folder
from moduline.web.texts import t, text
from moduline.web.widgets import empty, section

DEPTH: Final = 3
MOST: Final = 40
_NAME: Final = re.compile(r"[^/\\\0]{1,100}")


def module_names() -> dict[str, str]:
    """Modules that a project may be for, by slug."""
    return {slug: catalog.module(slug).identity.model for slug in catalog.modules()}


def address_of(folder: str) -> str:
    """Address of the page of a project."""
    return f"/studio/project?dir={quote(folder)}"


def known_projects() -> list[str]:
    """Folders below the Studio's folder that hold a moduline.toml, by name."""
    return sorted(_search("", DEPTH))[:MOST]


def _search(folder: str, depth: int) -> Iterator[str]:
    try:
        entries = host_files.listing(folder)
    except ModulineError:
        return
    if folder and any(one.name == SETTINGS_NAME for one in entries):
        yield folder
        return
    for one in entries if depth else ():
        if one.is_folder and host_files.is_without_links(one.path):
            yield from _search(one.path, depth - 1)


async def start_screen() -> None:
    """Three ways to a project, and those that are there."""
    found = await asyncio.to_thread(known_projects)
    with ui.element("div").classes("project-start"):
        _new()
        with section(t("project.open_title"), about=t("project.open_about")):
            ui.button(t("project.open"), icon="folder_open", on_click=guarded(_open)).props(
                'outline data-testid="project-open"'
            )
        with section(t("project.example_title"), about=t("project.example_about")):
            ui.button(t("project.example"), icon="content_copy", on_click=guarded(_example)).props(
                'outline data-testid="project-example"'
            )
    with section(t("project.known")):
        if not found:
            empty("inventory_2", t("project.none"), t("project.none_hint"))
        with ui.element("ul").classes("project-known"):
            for folder in found:
                with ui.element("li"), ui.link(target=address_of(folder)).classes("project-link"):
                    ui.icon("inventory_2").props("aria-hidden=true")
                    ui.label(folder)


def _new() -> None:
    with section(t("project.new_title"), about=t("project.new_about")):
        name = ui.input(t("project.name")).props('outlined dense data-testid="project-name"')
        module = ui.select(
            module_names(), value=starter.DEFAULT_MODULE, label=t("project.module"), with_input=True
        ).props('outlined dense options-dense data-testid="project-new-module"')

        async def make() -> None:
            wanted = (name.value or "").strip()
            if not _NAME.fullmatch(wanted) or wanted.startswith("."):
                raise BadOption(name=wanted or "-", reason=text("project.bad_name"))
            folder = host_files.resolve(wanted)
            await asyncio.to_thread(starter.create, folder, str(module.value))
            ui.navigate.to(address_of(host_files.shown(folder)))

        name.on("keydown.enter", guarded(make))
        ui.button(t("project.create"), icon="add", on_click=guarded(make)).props(
            'unelevated data-testid="project-create"'
        )


async def _open() -> None:
    folder = await choose_folder()
    if folder is not None:
        ui.navigate.to(address_of(folder))


async def _example() -> None:
    for number in range(1, 1000):
        name = editing.EXAMPLE if number == 1 else f"{editing.EXAMPLE}_{number}"
        if not host_files.resolve(name).exists():
            await asyncio.to_thread(editing.copy_example, host_files.resolve(name))
            ui.navigate.to(address_of(name))
            return
