"""The page "FOTA": two packages, a kind, what changes, the patch, and its rehearsal under power cuts.

What is chosen stands in the address; what runs and what came out are jobs, found again by what they work at.

Source: seed "OTA upgrade, firmware" (order of the dialogue: platform, FOTA type, old and new package, output, OK).
"""

from __future__ import annotations

import asyncio
from pathlib import PurePosixPath
from typing import Any

from nicegui import ui
from starlette.requests import Request

from moduline.delta.make import KINDS
from moduline.errors import ModulineError, Text
from moduline.web.feedback import error_card, guarded
from moduline.web.file_dialog import choose_file
from moduline.web.jobs import Job, JobState, JobView, job_panel, start_job
from moduline.web.shell import page, script, style
from moduline.web.site import site
from moduline.web.studio import fota_sides, fota_work
from moduline.web.studio.fota_choices import choose_stock, options, pick
from moduline.web.studio.fota_result import patch_card, rehearsal_card
from moduline.web.studio.fota_sides import Looked
from moduline.web.studio.fota_wish import STORES, Wish
from moduline.web.texts import t, text
from moduline.web.viewer import viewer
from moduline.web.widgets import chip, empty, facts, icon_button, row, section, size, table

PACKAGES = (".pac", ".zip", ".bin", ".img", ".binpkg")
DEFAULT_CUTS = "100"
ALL = "all"
QUIET = {"out", "spare", "key"}
"""What changes nothing of what a patch would change."""
DEFAULT_PAIRS = 50
MOST_PAIRS = 20_000


@page("/studio/fota")
async def fota_page(request: Request) -> None:
    """An update from the old to the new package, rehearsed before anybody gets it."""
    style("fota.css")
    script("fota.js")
    Desk(Wish.of(request.query_params)).draw()


class Desk:
    """The page of one viewer.

    Args:
        wish: as the address says.
    """

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.looked: Looked | None = None
        self._turn = 0
        self._refused: dict[str, str] | None = None
        self._made_by = ""
        self._picked: object = None
        self._named = ""
        self._sides: dict[str, tuple[ui.element, object]] = {}

    def draw(self) -> None:
        """Everything; packages are read once the browser is there."""
        self._lasting = ui.element("div").props("hidden")
        packages = section(t("fota.packages")).props('data-testid="fota-packages"')
        with packages, ui.element("div").classes("fo-pair"):
            self._pair()
        with section(t("fota.kinds")):
            self._kinds = ui.element("div").classes("m-stack")
            self._fields()
        with section(t("fota.outlook")).props('data-testid="fota-outlook"') as outlook:
            outlook.props('aria-live="polite"')
            self._outlook = ui.element("div").classes("m-stack")
            self._act = ui.button(t("fota.make"), icon="difference", on_click=guarded(self._make)).props(
                'unelevated data-testid="fota-make"'
            )
            self._act.classes("fo-act")
        self._made = ui.element("div").classes("m-stack")
        self._rehearsed = ui.element("div").classes("m-stack")
        self._redraw()
        ui.timer(0.01, self._look, once=True)

    def _change(self, **words: str) -> None:
        """Somebody chose something."""
        self.wish = self.wish.with_other(**words)
        ui.navigate.history.replace(self.wish.address)
        if words.keys() <= QUIET:
            self._draw_picks()
            self._draw_made()
            return
        with self._lasting:  # what is redrawn takes its timers with it
            ui.timer(0.01, self._look, once=True)

    async def _look(self) -> None:
        """Read what is chosen and say what would change; of two looks only the later one shows."""
        self._turn += 1
        turn = self._turn
        self.looked = None
        if not self.wish.is_complete:
            self._redraw()
            return
        self._redraw(is_busy=True)
        try:
            found: Looked | ModulineError = await asyncio.to_thread(fota_sides.look, self.wish)
        except ModulineError as failure:
            found = failure
        if turn != self._turn:
            return
        if isinstance(found, ModulineError):
            self._redraw(failure=found)
            return
        self.looked = found
        self._redraw()

    def _redraw(self, *, is_busy: bool = False, failure: ModulineError | None = None) -> None:
        looked = self.looked
        for which, path in (("old", self.wish.old), ("new", self.wish.new)):
            self._say_side(which, path, None if looked is None else getattr(looked, which))
        self._outlook.clear()
        with self._outlook:
            self._draw_outlook(is_busy, failure)
        self._act.set_enabled(
            looked is not None and bool(looked.outlook.about_bytes) and self.wish.kind not in looked.refusals
        )
        self._draw_kinds()
        self._draw_picks()
        self._draw_made()

    # ---- what is chosen

    def _pair(self) -> None:
        """Both places, once: what can be pressed there stays while packages are chosen and read."""
        self._slot("old")
        icon_button(
            "swap_horiz", t("fota.swap"), lambda: self._change(old=self.wish.new, new=self.wish.old),
            testid="fota-swap",
        ).classes("fo-swap")  # fmt: skip
        self._slot("new")

    def _say_side(self, which: str, path: str, side: Any) -> None:
        """What is chosen, and what was read of it; drawn anew only when it is something else."""
        box, shown = self._sides[which]
        if shown == (path, side):
            return
        self._sides[which] = (box, (path, side))
        box.clear()
        with box:
            ui.label(path or t("fota.nothing_chosen")).classes("fo-slot-name m-mono" if path else "m-muted")
            if side is not None:
                facts(
                    [
                        (t("fota.version"), side.version or t("fota.unknown")),
                        (t("fota.models"), ", ".join(side.models) or t("fota.unknown")),
                        (t("fota.size"), size(sum(len(one.data) for one in side.parts))),
                    ]
                )

    def _slot(self, which: str) -> None:
        async def choose() -> None:
            path = getattr(self.wish, which)
            found = await choose_file(PACKAGES, str(PurePosixPath(path).parent).removeprefix(".") if path else "")
            if found is not None:
                self._change(**{which: found})

        async def stock() -> None:
            found = await choose_stock()
            if found is not None:
                self._change(**{which: found})

        with ui.element("div").classes("fo-slot").props(f'data-testid="fota-{which}"'):
            with ui.element("div").classes("fo-slot-head"):
                ui.label(t(f"fota.{which}")).classes("m-strong")
                ui.label(t(f"fota.{which}_about")).classes("m-muted m-small")
            self._sides[which] = (ui.element("div").classes("fo-side"), None)
            with ui.element("div").classes("fo-acts"):
                for icon, word, act, name in (
                    ("folder_open", "fota.choose", choose, "choose"),
                    ("memory", "fota.stock", stock, "stock"),
                ):
                    ui.button(t(word), icon=icon, on_click=guarded(act)).props(
                        f'outline no-caps data-testid="fota-{which}-{name}"'
                        f' aria-label="{t(f"fota.{which}")}: {t(word)}"'
                    )

    def _draw_kinds(self) -> None:
        """Kinds and stores; drawn anew only when something else can be chosen, so that the focus stays where it is."""
        looked = self.looked
        refusals = {
            kind: t("fota.refused", module=one.module.upper(), able=", ".join(one.able).upper())
            for kind, one in (looked.refusals.items() if looked is not None else ())
        }
        if refusals == self._refused:
            return
        self._refused = refusals
        self._kinds.clear()
        with self._kinds:
            kinds = [(kind, t(f"fota.kind.{kind}"), t(f"fota.kind_about.{kind}")) for kind in KINDS]
            options("kind", t("fota.kind"), kinds, self.wish.kind, lambda kind: self._change(kind=kind), refusals)
            stores = [(one, t(f"fota.store.{one}"), t(f"fota.store_about.{one}")) for one in STORES]
            options("store", t("fota.store"), stores, self.wish.store, lambda store: self._change(store=store))

    def _fields(self) -> None:
        """What is typed; drawn once."""
        with ui.element("div").classes("fo-fields"):
            spare = ui.input(t("fota.spare"), value=self.wish.spare).props(
                f'outlined dense inputmode="numeric" hint="{t("fota.spare_hint")}" data-testid="fota-spare"'
            )
            spare.on("change", lambda: self._change(spare=Wish.of({"spare": str(spare.value or "")}).spare))
            self._out = ui.input(t("fota.out")).props(
                f'outlined dense hint="{t("fota.out_hint")}" data-testid="fota-out"'
            )
            self._out.on("change", self._name_out)
        self._picks = ui.element("div").classes("fo-fields")

    def _name_out(self) -> None:
        self._named = str(self._out.value or "")
        self._change(out=self._named.strip().lstrip("/"))

    def _draw_picks(self) -> None:
        named = self.wish.output if self.wish.new else ""
        if named != self._named:  # somebody may be typing there meanwhile
            self._named = named
            self._out.set_value(named)
        has = self.looked is None or self.looked.has_scripts
        picked = (self.wish.kind == "diff", self.wish.user_fs, self.wish.key, has)
        if picked == self._picked:
            return
        self._picked = picked
        self._picks.clear()
        with self._picks:
            if self.wish.kind != "diff":
                unset = t("fota.user_fs_own") if has else t("fota.user_fs_missing")
                pick("user-fs", t("fota.user_fs"), self.wish.user_fs, unset, lambda path: self._change(user_fs=path))
            pick("key", t("fota.key"), self.wish.key, t("fota.key_none"), lambda path: self._change(key=path))

    # ---- what would change

    def _draw_outlook(self, is_busy: bool, failure: ModulineError | None) -> None:
        if failure is not None:
            error_card(failure)
        elif is_busy:
            with row():
                chip("busy", t("fota.reading"))
        elif self.looked is None:
            empty("difference", t("fota.both_first"))
        else:
            _outlook(self.looked)

    def _make(self) -> None:
        wish = self.wish

        async def work(job: Job) -> dict[str, Any]:
            return await fota_work.make_patch(wish, job)

        names = {"old": PurePosixPath(wish.old).name, "new": PurePosixPath(wish.new).name}
        title = _filled(text("fota.making"), **names)
        start_job(fota_work.MAKE, title, work, key=wish.job_key, page=wish.address, alone=True)
        self._draw_made()

    # ---- what came out

    def _draw_made(self) -> None:
        """Drawn anew only for another job: who reads the picture keeps their place in it."""
        view = site().jobs.latest(fota_work.MAKE, self.wish.job_key) if self.wish.is_complete else None
        made_by = view.id if view is not None else ""
        if made_by == self._made_by:
            return
        self._made_by = made_by
        self._made.clear()
        self._rehearsed.clear()
        if view is None:
            return
        with self._made:
            if view.state is JobState.DONE:
                self._draw_patch(view)
            else:
                job_panel(view.id, on_end=self._draw_patch)

    def _draw_patch(self, view: JobView) -> None:
        if view.state is not JobState.DONE:
            return
        with self._made:
            patch_card(view.result)
        self._draw_rehearsal(view.result)

    def _draw_rehearsal(self, made: dict[str, Any]) -> None:
        key = _rehearsal_key(made)
        self._rehearsed.clear()
        with (
            self._rehearsed,
            section(t("fota.rehearsal"), about=t("fota.rehearsal_about")).props('data-testid="fota-rehearsal"'),
        ):
            with ui.element("div").classes("fo-fields"):
                choices = {n: t("fota.cuts_some", count=n) for n in ("20", DEFAULT_CUTS, "1000")}
                cuts = ui.select(choices | {ALL: t("fota.cuts_all")}, value=DEFAULT_CUTS).props(
                    f'outlined dense label="{t("fota.cuts")}" data-testid="fota-cuts"'
                )
                pairs = ui.number(t("fota.pairs"), value=DEFAULT_PAIRS, min=0, max=MOST_PAIRS, precision=0).props(
                    'outlined dense data-testid="fota-pairs"'
                )

            def start() -> None:
                self._rehearse(made, None if cuts.value == ALL else int(cuts.value), int(pairs.value or 0))

            with row():
                ui.button(t("fota.rehearse"), icon="power_off", on_click=guarded(start)).props(
                    'unelevated data-testid="fota-rehearse"'
                )
            view = site().jobs.latest(fota_work.REHEARSE, key)
            if view is None:
                return
            box = ui.element("div").classes("m-stack")

            def over(now: JobView) -> None:
                if now.state is JobState.DONE:
                    with box:
                        rehearsal_card(now.result)

            with box:
                if view.state is JobState.DONE:
                    rehearsal_card(view.result)
                else:
                    job_panel(view.id, on_end=over)

    def _rehearse(self, made: dict[str, Any], cuts: int | None, pairs: int) -> None:
        wish = Wish(**made["wish"])
        paths = tuple(str(one["path"]) for one in made["files"])
        asked = fota_work.Asked(wish.old, paths, wish.store, wish.spare_bytes, cuts, max(0, min(pairs, MOST_PAIRS)))
        folder = site().data / "fota"

        async def work(job: Job) -> dict[str, Any]:
            return await fota_work.rehearse_patch(asked, folder, job)

        title = _filled(text("fota.rehearsing"), file=PurePosixPath(paths[0]).name)
        key = _rehearsal_key(made)
        start_job(fota_work.REHEARSE, title, work, key=key, page=self.wish.address, alone=True)
        self._draw_rehearsal(made)


def _rehearsal_key(made: dict[str, Any]) -> str:
    """By which a rehearsal is found: the same patch elsewhere has another, whose proof lies beside it."""
    first = made["files"][0]
    return f"{first['path']}:{first['sha256']}"


def _outlook(looked: Looked) -> None:
    """Versions, parts and the estimated need."""
    outlook = looked.outlook
    kinds = {"upgrade": "good", "downgrade": "warn", "same": "warn", "unknown": "info"}
    with row():
        chip(kinds[outlook.direction], t(f"fota.direction.{outlook.direction}"))
        ui.label(f"{looked.old.version or '?'} → {looked.new.version or '?'}").classes("m-mono m-grow")
    rows = []
    for one in outlook.parts:
        share = 100 * one.changed_bytes / max(1, one.new_bytes)
        differs = (
            t("fota.whole")
            if one.is_whole
            else t("fota.same")
            if not one.about_bytes
            else f"{size(one.changed_bytes)} ({share:.1f} %)"
        )
        before = size(one.old_bytes) if one.old_bytes else "-"
        need = size(one.about_bytes) if one.about_bytes else "-"
        rows.append((one.role, before, size(one.new_bytes), differs, need))
    head = [t("fota.part"), t("fota.before"), t("fota.after"), t("fota.differs"), t("fota.about_need")]
    table(head, rows, caption=t("fota.outlook"), numeric=(1, 2, 3, 4))
    for note in outlook.notes:
        with row():
            ui.icon("info").props("aria-hidden=true")
            ui.label(note.say(viewer().lang)).classes("m-grow")
    if not outlook.about_bytes:
        ui.label(t("fota.no_change")).classes("m-strong")
        return
    room = outlook.target.room_bytes
    facts(
        [
            (t("fota.estimate"), size(outlook.about_bytes)),
            (t("fota.room"), t("fota.unknown") if room is None else size(room)),
            (t("fota.erase_unit"), size(outlook.target.block_bytes)),
        ]
    )


def _filled(said: Text, **words: str) -> Text:
    """A sentence with its facts filled in, as one that says exactly that."""
    filled = (said.say(lang, **words).replace("{", "{{").replace("}", "}}") for lang in ("en", "zh"))
    return Text(*filled)
