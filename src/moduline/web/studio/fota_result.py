"""What came out: the patch with its sizes, and the rehearsal with its picture."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlencode

from nicegui import ui

from moduline.web import host_files
from moduline.web.feedback import guarded
from moduline.web.site import site
from moduline.web.studio.fota_picture import Picture, picture_html, use_word
from moduline.web.texts import either, t
from moduline.web.widgets import copy_button, facts, row, section, size, table


def patch_card(result: dict[str, Any]) -> ui.element:
    """The patch that was made: its size against the full package, what it needs, where it is."""
    share = result["patch_bytes"] / max(1, result["full_bytes"])
    with section(t("fota.result")).props('data-testid="fota-result"') as card:
        with ui.element("div"):
            ui.label(size(result["patch_bytes"])).classes("fo-big").props('data-testid="fota-patch-size"')
            ui.label(t("fota.of_full", share=_percent(share))).classes("m-muted")
        with ui.element("div").classes("fo-bar-rows"):
            _bar(t("fota.bar_patch"), result["patch_bytes"], share, "")
            _bar(t("fota.bar_full"), result["full_bytes"], 1.0, "fo-bar-full")
        for warning in result["warnings"]:
            with row():
                ui.icon("warning").props("aria-hidden=true")
                ui.label(either(**warning)).classes("m-grow")
        have = result["spare_have"]
        rows = [
            (t("fota.version"), f"{result['source'] or '?'} → {result['target'] or '?'}"),
            (t("fota.spare_need"), size(result["spare_bytes"])),
            (t("fota.spare_have"), t("fota.unknown") if have is None else size(have)),
            (t("fota.erase_unit"), size(result["block_bytes"])),
            (t("fota.signed"), result["signed_by"] or t("fota.key_none")),
        ]
        facts(rows)
        _regions(result)
        for one in result["files"]:
            _file(one)
    return card


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share >= 0.001 else f"{100 * share:.3f} %"


def _bar(word: str, count: int, share: float, kind: str) -> None:
    ui.label(word)
    with ui.element("div").classes("fo-bar").props('aria-hidden="true"'):
        ui.element("span").classes(kind).style(f"width: {100 * min(1.0, share):.3f}%")
    ui.label(f"{count:,} B").classes("m-number")


def _regions(result: dict[str, Any]) -> None:
    """Which codec each part got, and why."""
    head = [t("fota.part"), t("fota.codec"), t("fota.in_patch"), t("fota.after"), t("fota.spare_need"), t("fota.why")]
    rows = []
    for one in result["regions"]:
        tried = sorted(one["tried"].items(), key=lambda pair: pair[1])
        listed = " · ".join(f"{name} {size(count)}" for name, count in tried)
        why = t("fota.why_smallest", list=listed) if len(tried) > 1 else t("fota.why_only")
        codec = t(f"fota.codec.{one['codec']}")
        rows.append(
            (one["role"], codec, size(one["patch_bytes"]), size(one["new_bytes"]), size(one["spare_bytes"]), why)
        )
    table(head, rows, caption=t("fota.codec"), numeric=(2, 3, 4))


def _file(one: dict[str, Any]) -> None:
    path = str(one["path"])
    name = PurePosixPath(path).name

    async def save() -> None:
        ui.download.content(await asyncio.to_thread(host_files.read, path), name)

    with ui.element("div").classes("fo-slot").props('data-testid="fota-file"'):
        with row():
            ui.icon("description").props("aria-hidden=true")
            ui.label(path).classes("m-mono m-grow")
            ui.label(size(one["bytes"])).classes("m-muted")
        with row("fo-sha"):
            ui.label(f"SHA-256 {one['sha256']}").classes("m-mono m-grow")
            copy_button(str(one["sha256"]))
        with row():
            ui.button(t("fota.save", file=name), icon="download", on_click=guarded(save)).props(
                'outline no-caps data-testid="fota-save"'
            )
            ui.button(t("fota.upload"), icon="cloud_upload").props(
                f'flat no-caps href="/console/packages?{urlencode({"file": path})}" data-testid="fota-upload"'
            )


def rehearsal_card(result: dict[str, Any]) -> None:
    """What was rehearsed, one picture a file."""
    for number, one in enumerate(result["files"]):
        with ui.element("div").classes("m-stack").props('data-testid="fota-rehearsed"'):
            ui.html(f"<h3>{_name_of(one)}</h3>", sanitize=True) if len(result["files"]) > 1 else None
            _verdict(one)
            _counts(one)
            box = ui.element("div").classes("m-stack")
            _draw_picture(box, one, f"fp{number}")
            _rehearsal_facts(one)


def _name_of(one: dict[str, Any]) -> str:
    return PurePosixPath(str(one["path"])).name.replace("&", "&amp;").replace("<", "&lt;")


def _verdict(one: dict[str, Any]) -> None:
    trials = sum(one["trials"].values())
    is_good = bool(one["is_good"])
    with ui.element("div").classes("fo-verdict" if is_good else "fo-verdict fo-verdict-bad").props('role="status"'):
        ui.icon("verified" if is_good else "dangerous").props("aria-hidden=true")
        said = (
            t("fota.survived", count=f"{trials:,}")
            if is_good
            else t("fota.not_survived", failed=f"{one['failed']:,}", count=f"{trials:,}")
        )
        ui.label(said).props('data-testid="fota-verdict"')


def _counts(one: dict[str, Any]) -> None:
    with ui.element("div").classes("fo-counts"):
        for name, count in one["outcomes"].items():
            with ui.element("span").props(f'data-testid="fota-count-{name}"'):
                ui.element("i").classes(f"fp-mark fp-{name}").props('aria-hidden="true"')
                ui.label(f"{t(f'fota.outcome.{name}')}: {count:,}")
    ui.label(t("fota.never_back")).classes("m-muted m-small")


def _draw_picture(box: ui.element, one: dict[str, Any], name: str) -> None:
    """The picture; absent once its marks were cleared away with the data folder."""
    path = site().data / "fota" / PurePosixPath(str(one["picture"])).name
    try:
        picture = Picture.of_json(json.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError):
        return
    with box:
        ui.html(picture_html(picture, name), sanitize=False)
        with ui.expansion(t("fota.as_table"), icon="table_rows").props('data-testid="fota-as-table"'):
            head = [t("fota.cut_kind"), t("fota.purpose"), t("fota.outcome"), t("fota.count"), t("fota.range")]
            rows = [
                (
                    t(f"fota.kind_of_cut.{kind}"),
                    use_word(what),
                    t(f"fota.outcome.{outcome}"),
                    f"{count:,}",
                    f"{a:,} - {b:,}",
                )
                for kind, what, outcome, count, a, b in picture.table()
            ]
            table(head, rows, caption=t("fota.as_table"), numeric=(3, 4))


def _rehearsal_facts(one: dict[str, Any]) -> None:
    wear = one["wear"]
    words = {"worst": f"{wear['worst']:,}", "total": f"{wear['erases']:,}", "blocks": f"{wear['blocks']:,}"}
    facts(
        [
            (t("fota.wear"), t("fota.wear_target" if wear["is_target"] else "fota.wear_spare", **words)),
            (t("fota.erase_unit"), size(one["block_bytes"])),
            (t("fota.spare_need"), size(one["spare_bytes"])),
        ]
    )
    if one["failures"]:
        head = [t("fota.replay"), t("fota.outcome"), ""]
        rows = [
            (one["cuts"], one["complaint"], lambda cuts=one["cuts"]: copy_button(cuts, t("fota.copy_replay")))
            for one in one["failures"]
        ]
        table(head, rows, caption=t("fota.failures"))
    with row():
        for path, word in ((one["proof"], t("fota.save_proof")), (one["page"], t("fota.save_page"))):
            ui.button(word, icon="download", on_click=guarded(_saves(str(path)))).props("outline no-caps")


def _saves(path: str) -> Callable[[], Any]:
    async def save() -> None:
        ui.download.content(await asyncio.to_thread(host_files.read, path), PurePosixPath(path).name)

    return save
