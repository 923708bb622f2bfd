"""The options of a burn: what is read back, what is left out, which NV the module gets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from nicegui import ui

from moduline import burn as burning
from moduline.burn import NvFile, Order
from moduline.burn.enter import PIN_LIMIT_S
from moduline.burn.nv_store import SavedNv, choose
from moduline.burn.plan import VERIFIES, Verify
from moduline.web.feedback import guarded
from moduline.web.texts import t
from moduline.web.widgets import moment

KEEP: Final = ""
SAVED_SHOWN: Final = 30
MOST_PIN_S: Final = 600


@dataclass(frozen=True, slots=True)
class Wishes:
    """What somebody chose.

    Args:
        verify: as ``burn.make_order``.
        is_only_scripts: nothing but the script areas.
        baud: as ``burn.make_order``.
        pin_limit_s: as ``burn.make_order``.
        force: as ``burn.make_order``.
        accepts_nv_loss: as ``burn.make_order``.
        nv_path: of the saved NV block to bring back; "": the module keeps its own.
    """

    verify: Verify = "areas"
    is_only_scripts: bool = False
    baud: int = 0
    pin_limit_s: float = PIN_LIMIT_S
    force: bool = False
    accepts_nv_loss: bool = False
    nv_path: str = KEEP

    def order(self, package: bytes, name: str, operator: str) -> Order:
        """The order for a package; blocking.

        Raises:
            FormatError, BadOption: as ``burn.make_order``.
            NoSuchFile, BadChecksum: the saved NV block is of no use.
        """
        return burning.make_order(
            package,
            name,
            verify=self.verify,
            only="scripts" if self.is_only_scripts else "",
            baud=self.baud,
            operator=operator,
            force=self.force,
            pin_limit_s=self.pin_limit_s,
            restore_nv=self.nv(),
            accepts_nv_loss=self.accepts_nv_loss,
        )

    def nv(self) -> NvFile | None:
        """The NV block that is brought back; blocking.

        Raises:
            NoSuchFile, BadChecksum, BadFormat, StorageFailed: it is of no use.
        """
        return choose(self.nv_path) if self.nv_path else None


class OptionsForm:
    """The form; ``wishes`` is what it says now.

    Args:
        changed: called after a change.
    """

    def __init__(self, changed: Callable[[], Awaitable[Any]]) -> None:
        self._changed = guarded(changed)
        with ui.expansion(t("burn.options"), icon="tune") as box:
            box.classes("m-card m-burn-expansion").props('data-testid="burn-options"')
            ui.label(t("burn.options_about")).classes("m-muted m-burn-options-about")
            with ui.element("div").classes("m-burn-options"):
                verify = {one: t(f"burn.verify.{one}") for one in VERIFIES}
                self._verify = self._select(verify, "areas", "burn.verify")
                self._nv = self._select({KEEP: t("burn.nv.keep")}, KEEP, "burn.nv")
                self._baud = self._number("burn.baud", 0, 4_000_000)
                self._pin = self._number("burn.pin_wait", PIN_LIMIT_S, MOST_PIN_S)
                self._only = ui.checkbox(t("burn.only_scripts"), on_change=self._changed)
                self._force = ui.checkbox(t("burn.force"), on_change=self._changed)
                self._accepts = ui.checkbox(t("burn.accept_loss"), on_change=self._changed)
        self._only.props('data-testid="only-scripts"')

    async def fill(self) -> None:
        """Fetch the saved NV blocks to choose from."""
        saved = [one for one in await asyncio.to_thread(burning.all_saved) if one.is_usable]
        newest: dict[str, SavedNv] = {one.imei: one for one in saved}
        rows = list(newest.values())[-SAVED_SHOWN:][::-1]
        options = {one.path: t("burn.nv.saved", imei=one.imei, at=moment(one.saved)) for one in rows}
        self._nv.set_options({KEEP: t("burn.nv.keep")} | options, value=KEEP)

    @property
    def wishes(self) -> Wishes:
        """What it says now."""
        return Wishes(
            verify=self._verify.value,
            is_only_scripts=bool(self._only.value),
            baud=int(self._baud.value or 0),
            pin_limit_s=float(self._pin.value or PIN_LIMIT_S),
            force=bool(self._force.value),
            accepts_nv_loss=bool(self._accepts.value),
            nv_path=str(self._nv.value or ""),
        )

    def _select(self, options: dict[Any, str], value: str, slug: str) -> ui.select:
        made = ui.select(options, value=value, label=t(slug), on_change=self._changed)
        return made.props(f'outlined dense data-testid="{slug.replace(".", "-")}"')

    def _number(self, slug: str, value: float, most: float) -> ui.number:
        made = ui.number(t(slug), value=value, min=0, max=most, precision=0, on_change=self._changed)
        return made.props(f'outlined dense debounce=500 data-testid="{slug.replace(".", "-")}"')
