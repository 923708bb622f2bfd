"""Small parts that pages are made of: state chips, rows of facts, empty states, tables, sizes and times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from nicegui import ui

from moduline.web.texts import t
from moduline.web.viewer import Viewer, viewer

CHIPS: Final = {
    "good": "check_circle",
    "bad": "cancel",
    "warn": "warning",
    "busy": "autorenew",
    "idle": "radio_button_unchecked",
    "info": "info",
}
"""Kinds of state with their icons; each has its colours in the style sheet."""
_KIB: Final = 1024
_DROP_HEAD: Final = """
<div class="m-drop-head"><q-btn flat no-caps icon="upload_file" label="SAID" @click="props.pickFiles"/>
  <span v-if="props.isUploading" role="status">{{ props.uploadProgressLabel }}</span>
  <span hidden><q-uploader-add-trigger/></span></div>
"""
"""The field that the browser needs is hidden, for it has no name that could be read out; the button has."""


def chip(kind: str, word: str, *, icon: str = "") -> ui.element:
    """A state: its word, an icon and a colour.

    Args:
        kind: of ``CHIPS``.
        word: what it is called.
        icon: another icon.
    """
    with ui.element("span").classes(f"m-chip m-chip-{kind}") as made:
        ui.icon(icon or CHIPS[kind]).props("aria-hidden=true")
        ui.label(word)
    return made


def facts(rows: Iterable[tuple[str, object]]) -> ui.element:
    """Names and values, one a row."""
    with ui.element("dl").classes("m-facts") as made:
        for name, value in rows:
            with ui.element("dt"):
                ui.label(name)
            with ui.element("dd"):
                ui.label(str(value))
    return made


def section(title: str, *, about: str = "", classes: str = "") -> ui.element:
    """A card with a heading; use it with ``with``."""
    made = ui.element("section").classes(f"m-card {classes}")
    with made:
        ui.html(f"<h2>{_escaped(title)}</h2>", sanitize=False)
        if about:
            ui.label(about).classes("m-muted")
    return made


def row(classes: str = "") -> ui.element:
    """Things beside each other that wrap; use it with ``with``."""
    return ui.element("div").classes(f"m-row {classes}")


def grid(classes: str = "") -> ui.element:
    """Cards side by side, as many as fit; use it with ``with``."""
    return ui.element("div").classes(f"m-grid {classes}")


def empty(icon: str, said: str, hint: str = "") -> ui.element:
    """What stands where nothing is yet: that it is so, and what to do next."""
    with ui.element("div").classes("m-empty") as made:
        ui.icon(icon).props("aria-hidden=true")
        ui.label(said).classes("m-strong")
        if hint:
            ui.label(hint).classes("m-muted")
    return made


def copy_button(what: str, label: str = "") -> ui.button:
    """Copies a text to the clipboard."""
    said = label or t("shell.copy")

    def copy() -> None:
        ui.clipboard.write(what)
        ui.notify(t("shell.copied"), type="positive", position="top", timeout=1500)

    return ui.button(icon="content_copy", on_click=copy).props(f'flat dense aria-label="{said}" title="{said}"')


def icon_button(icon: str, said: str, act: Callable[..., Any], *, testid: str = "") -> ui.button:
    """A button that is an icon; its name is read out and shown on hovering."""
    made = ui.button(icon=icon, on_click=act).props(f'flat dense aria-label="{said}" title="{said}"')
    if testid:
        made.props(f'data-testid="{testid}"')
    return made


def table(
    head: Sequence[str], rows: Iterable[Sequence[object]], *, caption: str, numeric: Sequence[int] = ()
) -> ui.element:
    """A plain table of texts that scrolls in its own box.

    Args:
        head: names of the columns.
        rows: texts, or functions that draw a cell.
        caption: what it is, read out.
        numeric: positions of columns that stand at the right.
    """
    made = table_frame(head, caption=caption, numeric=numeric)
    with made, ui.element("tbody"):
        for cells in rows:
            _table_row(cells, numeric)
    return made


def table_frame(head: Sequence[str], *, caption: str, numeric: Sequence[int] = ()) -> ui.element:
    """A table with its head, in its own box; its body is the caller's."""
    box = ui.element("div").classes("m-table-box")
    box.props(f'tabindex="0" role="region" aria-label="{_escaped(caption)}"')
    with box, ui.element("table").classes("m-table") as made, ui.element("thead"), ui.element("tr"):
        for at, name in enumerate(head):
            with ui.element("th").props('scope="col"').classes("m-number" if at in numeric else ""):
                ui.label(name)
    return made


def _table_row(cells: Sequence[object], numeric: Sequence[int]) -> None:
    with ui.element("tr"):
        for at, cell in enumerate(cells):
            with ui.element("td").classes("m-number" if at in numeric else ""):
                if callable(cell):
                    cell()
                else:
                    ui.label(str(cell))


def drop_zone(
    said: str,
    on_upload: Callable[..., Any],
    *,
    testid: str,
    most_bytes: int,
    multiple: bool = False,
    accept: str = "",
    on_rejected: Callable[..., Any] | None = None,
) -> ui.upload:
    """Where files are dropped, or chosen by a button; each is sent to this server at once.

    Args:
        said: what to drop here.
        on_upload: gets each file when it is here.
        testid: for tests.
        most_bytes: of a file.
        multiple: whether several may be dropped together.
        accept: endings that are offered, with commas between.
        on_rejected: is told of a file that is too big or of another kind.
    """
    made = ui.upload(
        on_upload=on_upload, on_rejected=on_rejected, auto_upload=True, multiple=multiple, max_file_size=most_bytes
    )
    made.props(f'flat bordered data-testid="{testid}"').classes("m-upload m-drop")
    if accept:
        made.props(f'accept="{accept}"')
    made.add_slot("header", _DROP_HEAD.replace("SAID", _escaped(said)))
    return made


def size(count: float) -> str:
    """Bytes for people, such as ``1.5 MiB``."""
    if count < _KIB:
        return f"{count:.0f} B"
    for unit in ("KiB", "MiB", "GiB"):
        count /= _KIB
        if count < _KIB or unit == "GiB":
            return f"{count:.1f} {unit}" if count < 100 else f"{count:.0f} {unit}"
    raise AssertionError(count)


def lasted(seconds: float) -> str:
    """A time span, such as ``1:05`` or ``8.2 s``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def moment(at: float, seen: Viewer | None = None) -> str:
    """A moment on the wall clock of whoever looks, such as ``2026-11-22 10:15:00``.

    Args:
        at: UTC seconds.
        seen: who looks; needed in threads, which belong to no page.
    """
    return (seen or viewer()).local(at).strftime("%Y-%m-%d %H:%M:%S")


def time_of_day(at: float) -> str:
    """The same without the day, such as ``10:15:00``."""
    return viewer().local(at).strftime("%H:%M:%S")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
