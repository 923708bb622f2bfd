"""Actions: what a client of the DDI knows of an upgrade, as rows.

An action is one offer of one upgrade: an attempt and the artifacts it brings. A retry or the step after a stepping
stone is another action, for clients keep the id across restarts and would take the same id for the same work.

::

    offered ─GET─▶ retrieved ─feedback ...─▶ closed      then 410, but 200 to the same last word for ten minutes
       └── plan terminated ─▶ cancelling ─▶ closed, or refused: goes on

Source: hawkbit-ddi 3.3 to 3.6, 4.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, select, update

from moduline.cloud import tables
from moduline.cloud.device_link.ddi.words import ArtifactFile, Chunk
from moduline.cloud.plans import stored
from moduline.cloud.plans.plan import Plan
from moduline.cloud.plans.rules import Match, Versions, Wait, items_for
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades import rows
from moduline.cloud.upgrades.offer import offered
from moduline.cloud.upgrades.rows import Row
from moduline.cloud.upgrades.states import ComponentStatus
from moduline.cloud.upgrades.upgrade import Phase, UpgradeState

MODULE_PART: Final = "os"
"""What the module is called in a chunk."""
_A, _U, _F, _P = tables.ddi_actions.c, tables.upgrades.c, tables.artifact_files.c, tables.artifacts.c
_COLUMNS: Final = (
    _A.id, _A.upgrade_id, _A.part, _A.retrieved_at, _A.downloads, _A.lines, _A.closed_at, _A.closing, _A.is_success,
    _A.cancel, _A.denied_at,
)  # fmt: skip
_BY_ID: Final = (
    select(*_COLUMNS)
    .join_from(tables.ddi_actions, tables.upgrades)
    .where(_A.id == bindparam("action"), _U.device_id == bindparam("device"))
)
_BY_PART: Final = select(*_COLUMNS).where(_A.upgrade_id == bindparam("upgrade"), _A.part == bindparam("wanted"))
_INSTALLED: Final = (
    select(_A.id)
    .join_from(tables.ddi_actions, tables.upgrades)
    .where(_U.device_id == bindparam("device"), _A.is_success)
    .order_by(_A.id.desc())
    .limit(1)
)
_FILES: Final = (
    select(_P.id, _P.name.label("artifact"), _P.target, _F.name, _F.sha1, _F.md5, _F.sha256, _F.bytes)
    .join_from(tables.artifacts, tables.artifact_files)
    .where(_P.id.in_(bindparam("wanted", expanding=True)))
    .order_by(_F.artifact_id, _F.position)
)


@dataclass(frozen=True, slots=True)
class Action:
    """A row of ``ddi_actions``.

    Args:
        id: what the client calls it.
        upgrade_id: of which upgrade.
        part: attempt and artifacts.
        retrieved_at: when the client read it first.
        downloads: whole ones.
        lines: words of the device that were kept.
        closed_at: when the client said its last word.
        closing: digest of that word.
        is_success: the client said success.
        cancel: "", ``refused`` or ``done``.
        denied_at: when the user said no, on the device.
    """

    id: int
    upgrade_id: int
    part: str
    retrieved_at: float | None
    downloads: int
    lines: int
    closed_at: float | None
    closing: str
    is_success: bool
    cancel: str
    denied_at: float | None


@dataclass(frozen=True, slots=True)
class Held:
    """An action with its upgrade.

    Args:
        action: as the client knows it.
        row: as the platform knows it.
    """

    action: Action
    row: Row

    @property
    def is_current(self) -> bool:
        """Whether the upgrade is in progress with what this action brings."""
        return self.row.state.is_open and self.action.part == part_of(self.row.state)

    @property
    def is_cancelling(self) -> bool:
        """Whether the device is asked to stop: the plan was terminated while it was at work."""
        over = self.row.state.over is Reason.TERMINATED
        return self.is_current and over and self.action.closed_at is None and not self.action.cancel

    @property
    def content(self) -> int:
        """Changes when the answer to the client changes."""
        return zlib.crc32(f"{self.action.part}/{self.action.cancel}".encode()) & 0x7FFFFFFF


def part_of(state: UpgradeState) -> str:
    """Attempt and artifacts of an upgrade that was offered."""
    return _part(state.attempt, [one.artifact_id for one in state.components])


def part_of_plan(plan: Plan, plan_id: int, versions: Versions, attempt: int) -> tuple[str, tuple[int, ...]]:
    """The same for an upgrade that waits to be offered, and the artifacts it needs; two empty values: nothing fits."""
    items = items_for(plan, versions)
    if isinstance(items, Wait):
        return "", ()
    event = offered(plan, Match(plan_id, items), versions)
    every = sorted((*event.items, *event.settled), key=lambda item: item.sort)
    needed = tuple(item.release.artifact_id for item in event.items)
    return _part(attempt, [item.release.artifact_id for item in every]), needed


def _part(attempt: int, artifacts: Sequence[int]) -> str:
    return f"{attempt}:{'-'.join(map(str, artifacts))}"


def by_id(conn: Connection, device_id: int, action_id: int) -> Held | None:
    """An action of a device; None: there is none, or it is another's."""
    found = conn.execute(_BY_ID, {"action": action_id, "device": device_id}).first()
    if found is None:
        return None
    return Held(Action(*found), rows.row_of(rows.SEEN_BY_ID.first(conn, {"upgrade": found.upgrade_id})))


def opened(conn: Connection, device_id: int) -> Held | None:
    """The action of the upgrade in progress; it is made when there is none yet."""
    found = rows.OPEN.first(conn, {"device": device_id})
    if found is None:
        return None
    row = rows.row_of(found)
    return Held(of_part(conn, row.id, part_of(row.state)), row)


def of_part(conn: Connection, upgrade_id: int, part: str) -> Action:
    """The action of an upgrade for these artifacts; it is made when there is none yet."""
    found = conn.execute(_BY_PART, {"upgrade": upgrade_id, "wanted": part}).first()
    if found is not None:
        return Action(*found)
    fresh = {
        "upgrade_id": upgrade_id,
        "part": part,
        "downloads": 0,
        "lines": 0,
        "closing": "",
        "is_success": False,
        "cancel": "",
    }
    number = conn.execute(insert(tables.ddi_actions).returning(_A.id), fresh).scalar_one()
    return Action(int(number), upgrade_id, part, None, 0, 0, None, "", False, "", None)


def change(conn: Connection, action_id: int, **values: Any) -> None:
    """Write columns of an action."""
    conn.execute(update(tables.ddi_actions).where(_A.id == action_id).values(**values))


def installed(conn: Connection, device_id: int) -> int | None:
    """The newest action that the device closed with success; None: none."""
    found = conn.execute(_INSTALLED, {"device": device_id}).scalar()
    return None if found is None else int(found)


def artifacts_of(row: Row) -> tuple[int, ...]:
    """What an action brings: all that was not there already."""
    return tuple(one.artifact_id for one in row.state.components if one.status is not ComponentStatus.NO_UPDATE)


def chunks(conn: Connection, wanted: Sequence[int], names: dict[int, str]) -> tuple[Chunk, ...]:
    """Artifacts as a client sees them.

    Args:
        wanted: artifacts, in order.
        names: artifact -> part.
    """
    found: dict[int, Chunk] = {}
    for row in conn.execute(_FILES, {"wanted": list(wanted)}):
        file = ArtifactFile(row.name, row.sha1, row.md5, row.sha256, row.bytes)
        known = found.get(row.id)
        files = (*known.files, file) if known else (file,)
        found[row.id] = Chunk(names.get(row.id, MODULE_PART), row.target, row.artifact, row.id, files)
    return tuple(found[one] for one in dict.fromkeys(wanted) if one in found)


def parts_of(row: Row) -> dict[int, str]:
    """What each artifact of an upgrade is called in its chunk."""
    return {one.artifact_id: MODULE_PART if not one.type else one.component for one in row.state.components}


def waiting_for_user(conn: Connection, mine: Sequence[Row]) -> tuple[Row, stored.StoredPlan] | None:
    """The newest of a device's upgrades that only lacks the word of its user."""
    for row in mine:
        if row.state.phase is Phase.WAITING and row.state.reason is Reason.WAITING_FOR_USER:
            plan = stored.load(conn, row.plan_id)
            if plan is not None and not plan.plan.is_silent:
                return row, plan
    return None
