"""Choosing on the page: options as cards, a file, virtual stock firmware."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nicegui import ui

from moduline.release import firmware, firmware_recipe, output
from moduline.web import host_files
from moduline.web.feedback import answered, guarded
from moduline.web.file_dialog import choose_file
from moduline.web.texts import t
from moduline.web.widgets import icon_button, row

STOCK_FOLDER = "stock"


def options(
    name: str,
    title: str,
    choices: Sequence[tuple[str, str, str]],
    chosen: str,
    on_choose: Callable[[str], Any],
    refusals: Mapping[str, str] | None = None,
) -> ui.element:
    """One of several, as cards.

    Args:
        name: of the group; test ids are ``fota-NAME-VALUE``.
        title: its legend.
        choices: value, word, explanation.
        chosen: value.
        on_choose: called with the value that somebody chose.
        refusals: why a value cannot be chosen.
    """
    refusals = refusals or {}
    with ui.element("fieldset").classes("fo-options") as made:
        with ui.element("legend"):
            ui.label(title)
        for value, word, about in choices:
            with ui.element("label").classes("fo-option"):
                box = ui.element("input").props(f'type="radio" name="{name}" data-testid="fota-{name}-{value}"')
                if value == chosen:
                    box.props("checked")
                if value in refusals:
                    box.props("disabled")
                box.on("change", lambda _, value=value: on_choose(value), args=[])
                ui.label(word).classes("m-strong")
                ui.label(about).classes("m-muted m-small")
                if value in refusals:
                    ui.label(refusals[value]).classes("fo-why")
    return made


def pick(
    name: str,
    title: str,
    value: str,
    unset: str,
    on_choose: Callable[[str], Any],
    suffixes: Sequence[str] = (),
) -> None:
    """A file that may be left out.

    Args:
        name: test ids are ``fota-NAME`` and ``fota-NAME-clear``.
        title: what it is.
        value: its path; "": none.
        unset: what is said instead.
        on_choose: called with the path, or "".
        suffixes: endings that are offered.
    """

    async def choose() -> None:
        found = await choose_file(suffixes)
        if found is not None:
            on_choose(found)

    with ui.element("div").classes("fo-pick"):
        ui.label(title).classes("m-strong")
        ui.label(value or unset).classes("fo-pick-value" if value else "fo-pick-value m-muted")
        with row():
            ui.button(t("fota.choose"), icon="folder_open", on_click=guarded(choose)).props(
                f'outline dense no-caps data-testid="fota-{name}" aria-label="{t("fota.choose")}: {title}"'
            )
            if value:
                icon_button("close", t("fota.clear", what=title), lambda: on_choose(""), testid=f"fota-{name}-clear")


async def choose_stock() -> str | None:
    """Have the viewer choose a recipe; its firmware is written below the root. Its path; None when they do not."""
    names = {name: name.upper() for name in firmware_recipe.recipes()}
    with ui.dialog() as dialog, ui.card().classes("m-dialog"):
        dialog.props(f'aria-label="{t("fota.stock_title")}"')
        ui.label(t("fota.stock_title")).classes("m-strong m-dialog-title")
        ui.label(t("fota.stock_about")).classes("m-muted")
        module = ui.select(names, value="ec600u" if "ec600u" in names else next(iter(names))).props(
            f'outlined dense label="{t("fota.stock_module")}" data-testid="fota-stock-module"'
        )
        version = ui.input(t("fota.stock_version")).props('outlined dense data-testid="fota-stock-version"')
        version.classes("m-mono")

        def said() -> None:
            recipe = firmware_recipe.find_recipe(str(module.value))
            version.props(f'placeholder="{recipe.version}"')

        said()
        module.on_value_change(said)
        with ui.row().classes("m-dialog-acts"):
            ui.button(t("shell.cancel"), on_click=lambda: dialog.submit(None)).props("flat")
            write = ui.button(t("fota.stock_write")).props('unelevated data-testid="fota-stock-write"')

        async def written() -> None:
            write.props("loading")
            try:
                path = await asyncio.to_thread(write_stock, str(module.value), str(version.value or "").strip())
            finally:
                write.props(remove="loading")
            dialog.submit(path)

        write.on_click(guarded(written))
    answer = await answered(dialog)
    return None if answer is None else str(answer)


def write_stock(name: str, version: str) -> str:
    """Write the virtual firmware of a recipe below the root; its path. Blocks.

    Raises:
        BadOption: no such recipe, or a version of the wrong form.
        StorageFailed: it cannot be written.
    """
    recipe = firmware_recipe.find_recipe(name)
    data = firmware.firmware_file(name, "", version)
    path = f"{STOCK_FOLDER}/{recipe.alias or recipe.name}_{version or recipe.version}.{firmware.native_shell(name)}"
    output.write_whole(host_files.resolve(path), data)
    return path
