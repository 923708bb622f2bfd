"""Differences between two packages: parts with byte maps, files inside them, lines of scripts."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from nicegui import ui

from moduline.package import Difference, diff
from moduline.package.comparison import FileDifference, PartDifference, compare_packages
from moduline.package.text_difference import text_difference
from moduline.web.studio.explorer_open import Opened
from moduline.web.studio.explorer_words import percent, printable, role_word
from moduline.web.texts import t
from moduline.web.widgets import chip, row, section, size, table

CHIPS: Final = {"added": "good", "removed": "bad", "changed": "warn", "moved": "info", "same": "idle"}
ICONS: Final = {"added": "add_circle", "removed": "remove_circle", "changed": "change_circle", "moved": "swap_vert"}
SIGNS: Final = {"added": "+", "removed": "-", "same": " ", "place": ""}
SHOWN_FILES: Final = 200
SHOWN_WORDS: Final = 500


@dataclass(frozen=True, slots=True)
class Compared:
    """Two packages.

    Args:
        before: the first.
        after: the second.
        parts: part by part.
        words: as ``pack diff`` says it.
    """

    before: Opened
    after: Opened
    parts: tuple[PartDifference, ...]
    words: tuple[Difference, ...]


def compare(before: Opened, after: Opened) -> Compared | None:
    """What differs; None: one of them is no package. Blocks."""
    if before.package is None or after.package is None:
        return None
    parts = compare_packages(before.package, after.package)
    return Compared(before, after, parts, diff(before.package, after.package))


def differences(found: Compared) -> None:
    """All differences."""
    about = t("explorer.difference_about", before=found.before.name, after=found.after.name)
    with section(t("explorer.differences"), about=about).props('data-testid="explorer-differences"'):
        if found.before.sha256 == found.after.sha256:
            with row():
                chip("good", t("explorer.state.same"))
                ui.label(t("explorer.identical")).classes("m-grow")
            return
        counts = Counter(one.state for one in found.parts)
        words = {name: counts[name] for name in ("changed", "added", "removed", "moved", "same")}
        ui.label(t("explorer.counts", **words)).props('data-testid="explorer-counts"')
        for one in found.parts:
            if one.state != "same":
                _part(found, one)
        same = [one.name for one in found.parts if one.state == "same"]
        if same:
            ui.label(t("explorer.same_parts", names=", ".join(same))).classes("m-muted m-small")
        if found.words:
            _words(found.words)


def _part(found: Compared, one: PartDifference) -> None:
    with ui.element("div").classes("ex-diff").props(f'data-testid="explorer-diff" data-state="{one.state}"') as box:
        box.props["data-part"] = one.name
        with row():
            chip(CHIPS[one.state], t(f"explorer.state.{one.state}"), icon=ICONS.get(one.state, ""))
            ui.label(one.name).classes("m-strong m-mono")
            ui.label(role_word(one.role)).classes("m-muted m-grow")
            ui.label(f"{size(one.old_bytes)} → {size(one.new_bytes)}").classes("m-number")
        if one.byte_map:
            share = one.changed_bytes / max(1, one.old_bytes, one.new_bytes)
            said = t("explorer.byte_map_said", share=percent(share))
            with ui.element("div").classes("ex-bytes"):
                ui.html(byte_map_svg(one.byte_map, said), sanitize=False).classes("ex-bytes-map")
                ui.label(f"{one.changed_bytes:,} B · {percent(share)}").classes("m-muted m-number")
        if one.files:
            _files(found, one)


def byte_map_svg(shares: Sequence[float], said: str) -> str:
    """Where bytes differ: one column a piece, higher where more differ; at least a sixth, so that one byte is seen."""
    bars = "".join(
        f'<rect x="{at}" y="{1 - max(share, 1 / 6):.3f}" width="1" height="{max(share, 1 / 6):.3f}"/>'
        for at, share in enumerate(shares)
        if share
    )
    said = said.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return f'<svg viewBox="0 0 {len(shares)} 1" preserveAspectRatio="none" role="img" aria-label="{said}">{bars}</svg>'


def _files(found: Compared, one: PartDifference) -> None:
    with ui.element("ul").classes("ex-files"):
        for file in one.files[:SHOWN_FILES]:
            with ui.element("li").props(f'data-testid="explorer-diff-file" data-state="{file.state}"') as item:
                item.props["data-path"] = printable(file.path)
                with row("ex-file-row"):
                    chip(CHIPS[file.state], t(f"explorer.state.{file.state}"), icon=ICONS[file.state])
                    ui.label(printable(file.path)).classes("m-mono m-grow")
                    ui.label(f"{size(file.old_bytes)} → {size(file.new_bytes)}").classes("m-muted m-number")
                    lines = ui.element("div").classes("ex-lines")
                    button = ui.button(icon="subject").props('flat dense data-testid="explorer-lines"')
                    what = printable(file.path)
                    button.props["aria-label"] = t("explorer.show_lines", what=what)
                    button.props["title"] = t("explorer.show_lines", what=what)
                    button.on_click(partial(_show_lines, found, one, file, lines, button))
                lines.move(item)
        if len(one.files) > SHOWN_FILES:
            with ui.element("li"):
                ui.label(t("explorer.more_files", count=f"{len(one.files) - SHOWN_FILES:,}")).classes("m-muted")


async def _show_lines(
    found: Compared, one: PartDifference, file: FileDifference, box: ui.element, button: ui.button
) -> None:
    """Show the lines that differ, or put them away again."""
    if box.default_slot.children:
        box.clear()
        button.props('aria-expanded="false"')
        return
    old, new = (_content(side, at, file.path) for side, at in ((found.before, one.before), (found.after, one.after)))
    lines = await asyncio.to_thread(text_difference, old, new)
    button.props('aria-expanded="true"')
    with box:
        if lines is None:
            ui.label(t("explorer.no_lines")).classes("m-muted")
            return
        said = t("explorer.lines_of", what=printable(file.path))
        with ui.element("div").classes("ex-text").props('tabindex="0" role="region"') as text:
            text.props["aria-label"] = said
            for line in lines:
                with ui.element("div").classes(f"ex-line ex-line-{line.state}"):
                    ui.label(SIGNS[line.state]).classes("ex-sign")
                    ui.label(line.text).classes("ex-pre")


def _content(side: Opened, at: int | None, path: str) -> bytes:
    files: Any = side.files.get(at) if at is not None else None
    return (files.files.get(path) if files is not None else None) or b""


def _words(words: Sequence[Difference]) -> None:
    with ui.expansion(t("explorer.all_words"), icon="table_rows").props('data-testid="explorer-words"'):
        head = [t("explorer.place"), t("explorer.field"), t("explorer.what"), t("explorer.before"), t("explorer.after")]
        rows = [
            (one.place, printable(one.name), one.what, printable(one.before[:200]), printable(one.after[:200]))
            for one in words[:SHOWN_WORDS]
        ]
        table(head, rows, caption=t("explorer.all_words"))
