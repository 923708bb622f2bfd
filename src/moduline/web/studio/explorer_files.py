"""Files inside a part: how full it is, a tree, a look at one, and saving."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

from nicegui import ui

from moduline.package.contents import PartFiles
from moduline.package.text_difference import text_of
from moduline.web.studio.explorer_words import percent, printable
from moduline.web.texts import t
from moduline.web.widgets import icon_button, row, size

SHOWN: Final = 300
TEXT_BYTES: Final = 200_000
HEX_BYTES: Final = 4096
_LINE: Final = 16


def files_box(found: PartFiles) -> None:
    """The files of a part."""
    with ui.element("div").classes("m-stack").props('data-testid="explorer-files"'):
        files = {path: data for path, data in found.files.items() if data is not None}
        with row():
            ui.label(t(f"explorer.fs.{found.kind}")).classes("m-strong")
            said = t("explorer.files_in", count=f"{len(files):,}", size=size(found.content_bytes))
            ui.label(said).classes("m-muted")
        if found.block_count:
            _usage(found)
        if not found.files:
            ui.label(t("explorer.no_files")).classes("m-muted")
            return
        wanted = None
        if len(found.files) > 12:
            wanted = ui.input(t("explorer.filter")).props('outlined dense clearable data-testid="explorer-filter"')
        box = ui.element("ul").classes("ex-files").props('data-testid="explorer-tree"')

        def draw() -> None:
            text = str(wanted.value or "").lower() if wanted is not None else ""
            box.clear()
            with box:
                _rows(found, text)

        draw()
        if wanted is not None:
            wanted.on_value_change(draw)


def _usage(found: PartFiles) -> None:
    share = found.used_blocks / max(1, found.block_count)
    words = {"used": f"{found.used_blocks:,}", "total": f"{found.block_count:,}"}
    free = size((found.block_count - found.used_blocks) * found.block_bytes)
    with ui.element("div").classes("ex-usage").props('aria-hidden="true"'):
        ui.element("span").style(f"width: {100 * min(1.0, share):.2f}%")
    with row():
        ui.label(t("explorer.used", share=percent(share))).classes("m-strong")
        ui.label(t("explorer.blocks", **words, free=free)).classes("m-muted")


def _rows(found: PartFiles, text: str) -> None:
    shown = [(path, data) for path, data in _with_folders(found.files) if not text or text in path.lower()]
    for path, data in shown[:SHOWN]:
        depth = 0 if text else path.strip("/").count("/")
        name = printable(path if text else PurePosixPath(path).name)
        with _item(depth, path):
            ui.icon("folder" if data is None else "draft").props("aria-hidden=true")
            ui.label(name).classes("m-grow m-mono")
            if data is not None:
                ui.label(size(len(data))).classes("m-muted m-number")
                _acts(path, data)
    if len(shown) > SHOWN:
        with ui.element("li"):
            ui.label(t("explorer.more_files", count=f"{len(shown) - SHOWN:,}")).classes("m-muted")


def _item(depth: int, path: str) -> ui.element:
    made = ui.element("li").style(f"padding-left: {8 + 18 * depth}px")
    made.props["data-path"] = printable(path)
    return made


def _acts(path: str, data: bytes) -> None:
    name = printable(PurePosixPath(path).name)
    icon_button("visibility", t("explorer.look", what=name), lambda: show_file(path, data), testid="explorer-look")
    icon_button(
        "download", t("explorer.save", what=name), lambda: ui.download.content(data, name), testid="explorer-save-file"
    )


def _with_folders(files: dict[str, bytes | None]) -> list[tuple[str, bytes | None]]:
    """Sorted so that everything stands below its folder; folders that are only implied are there, too."""
    known: dict[str, bytes | None] = {}
    for path, data in files.items():
        for folder in reversed(PurePosixPath(path).parents):
            if str(folder) not in {".", "/"}:
                known.setdefault(str(folder), None)
        known[path] = data
    return sorted(known.items(), key=lambda one: PurePosixPath(one[0]).parts)


def show_file(path: str, data: bytes) -> None:
    """Show the content of a file: its text, or its first bytes."""
    text = text_of(data)
    with ui.dialog() as dialog, ui.card().classes("m-dialog ex-file"):
        dialog.props["aria-label"] = printable(path)
        ui.label(printable(path)).classes("m-strong m-dialog-title m-mono")
        if text is None:
            ui.label(t("explorer.binary", size=size(min(len(data), HEX_BYTES)))).classes("m-muted")
        shown = text[:TEXT_BYTES] if text is not None else hex_of(data[:HEX_BYTES])
        with ui.element("pre").classes("ex-text").props('tabindex="0" data-testid="explorer-text"'):
            ui.label(shown).classes("ex-pre")
        with ui.row().classes("m-dialog-acts"):
            name = printable(PurePosixPath(path).name)
            ui.button(
                t("explorer.save", what=name), icon="download", on_click=lambda: ui.download.content(data, name)
            ).props("outline no-caps")
            ui.button(t("explorer.close"), on_click=dialog.close).props("flat autofocus")
    dialog.on("hide", dialog.delete)
    dialog.open()


def hex_of(data: bytes) -> str:
    """Bytes as people read them: offset, sixteen bytes, their characters."""
    lines = []
    for at in range(0, len(data), _LINE):
        some = data[at : at + _LINE]
        signs = "".join(chr(one) if 32 <= one < 127 else "." for one in some)
        lines.append(f"{at:06x}  {some.hex(' '):<47}  {signs}")
    return "\n".join(lines)
