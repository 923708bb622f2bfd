"""The sections about one file: facts, checks, the list of parts, one part, a patch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from nicegui import ui

from moduline.delta import codecs
from moduline.digest import sha256_hex
from moduline.formats.patch import Patch
from moduline.package import Part
from moduline.package.findings import Finding
from moduline.package.flash_map import Place
from moduline.package.remedies import remedy_of
from moduline.web.studio.explorer_open import Opened
from moduline.web.studio.explorer_words import address_word, printable, role_word
from moduline.web.studio.fota_wish import Wish
from moduline.web.texts import t
from moduline.web.viewer import viewer
from moduline.web.widgets import chip, facts, row, section, size, table

CHIPS: Final = {"error": "bad", "warning": "warn", "notice": "info"}


def draw_facts(opened: Opened, wish: Wish) -> None:
    """What the file is."""
    unknown = t("explorer.unknown")
    rows: list[tuple[str, object]] = []
    package = opened.package
    if package is not None:
        rows = [
            (t("explorer.model"), package.model or unknown),
            (t("explorer.version"), package.version or unknown),
            (t("explorer.chip"), package.chip or unknown),
            (t("explorer.container"), package.container),
            (t("explorer.product"), printable(package.product) or unknown),
        ]
        if package.shells:
            rows.append((t("explorer.shells"), " / ".join(printable(one.member) for one in package.shells)))
    rows += [(t("explorer.size"), f"{size(opened.size_bytes)} ({opened.size_bytes:,} B)"), ("SHA-256", opened.sha256)]
    with section(printable(opened.name)).props('data-testid="explorer-facts"'):
        facts(rows)
        if package is not None:
            with row():
                ui.button(t("explorer.update"), icon="difference").props(
                    f'outline no-caps href="{wish.address.replace("&", "&amp;")}" data-testid="explorer-update"'
                )


def draw_findings(findings: tuple[Finding, ...]) -> None:
    """What a check says, and what to do about it."""
    lang = viewer().lang
    with section(t("explorer.checks")).props('data-testid="explorer-checks"'):
        if not any(one.severity != "notice" for one in findings):
            with row():
                chip("good", t("explorer.sound_word"))
                ui.label(t("explorer.sound")).classes("m-grow")
        for one in findings:
            with ui.element("div").classes("ex-finding").props(f'data-slug="{one.slug}"'):
                chip(CHIPS[one.severity], t(f"explorer.severity.{one.severity}"))
                with ui.element("div").classes("m-grow"):
                    where = f"{printable(one.part)}: " if one.part else ""
                    ui.label(where + printable(one.say(lang)))
                    ui.label(remedy_of(one).say(lang)).classes("m-muted m-small")


def draw_parts(opened: Opened, on_choose: Callable[[int], Any]) -> None:
    """Every part, also those without a place in the flash."""
    with section(t("explorer.parts")).props('data-testid="explorer-parts"'):
        rows = []
        for at, part in enumerate(opened.parts):

            def name(at: int = at, part: Part = part) -> None:
                ui.button(printable(part.name), on_click=lambda: on_choose(at)).props(
                    'flat dense no-caps align="left" data-testid="explorer-part-row"'
                ).classes("m-mono")

            room = size(part.size) if part.size and part.kind != "format" else "-"
            content = size(len(part.data)) if part.data else "-"
            made_from = printable(part.file_name)
            rows.append(
                (at + 1, name, role_word(part.role) if part.role else "-", address_word(part), room, content, made_from)
            )
        head = ["#", t("explorer.part"), t("explorer.role"), t("explorer.address"), t("explorer.room")]
        head += [t("explorer.content"), t("explorer.made_from")]
        table(head, rows, caption=t("explorer.parts"), numeric=(0, 4, 5))


def draw_part_facts(part: Part, place: Place | None) -> None:
    """What a part is."""
    ui.label(printable(part.name)).classes("m-strong ex-title")
    rows: list[tuple[str, object]] = [(t("explorer.role"), role_word(part.role))]
    if address_word(part) != "-":
        rows.append((t("explorer.address"), address_word(part)))
    if part.size and part.kind != "format":
        rows.append((t("explorer.room"), f"{size(part.size)} (0x{part.size:x})"))
    if place is not None and place.mount:
        rows.append((t("explorer.mount"), place.mount))
    if part.file_name:
        rows.append((t("explorer.made_from"), printable(part.file_name)))
    content = f"{size(len(part.data))} ({len(part.data):,} B)" if part.data else t("explorer.no_content")
    rows.append((t("explorer.content"), content))
    if part.data:
        rows.append(("SHA-256", sha256_hex(part.data)))
    facts(rows)


def draw_patch(found: Patch) -> None:
    """What a patch is."""
    with section(t("explorer.patch")).props('data-testid="explorer-patch"'):
        rows = [
            (t("explorer.patch_kind"), f"{found.kind} {found.stage}/{found.stage_count}"),
            (t("explorer.from_to"), f"{found.source_version or '?'} → {found.target_version or '?'}"),
            (t("explorer.model"), ", ".join(found.models) or t("explorer.unknown")),
            (t("explorer.spare"), size(found.spare_bytes)),
            (t("explorer.signed"), found.key_id.hex() if found.is_signed else t("explorer.not_signed")),
        ]
        facts(rows)
        head = [
            t("explorer.part"),
            t("explorer.address"),
            t("explorer.before"),
            t("explorer.after"),
            t("explorer.patch"),
        ]
        table(
            head,
            [
                (role_word(one.role), f"0x{one.address:08x}", size(one.old_bytes), size(one.new_bytes),
                 f"{size(len(one.data))} · {codecs.codec_of(one.codec).name}")
                for one in found.regions
            ],
            caption=t("explorer.patch"),
            numeric=(2, 3, 4),
        )  # fmt: skip
