"""What a client finds when it asks: a poll, the content of an action, the files of it. Verbs in one transaction.

A client that polls is never pushed to, so the grid leaves it out and every poll is its grid: push windows bind it. A
closed window shows no link at all, for SWUpdate takes ``update: skip`` for the end of the action.

Source: hawkbit-ddi 3.1, 3.3, 3.6, 3.7, 7 (traps 1, 3, 10, 11).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, bindparam, null, select, update
from sqlalchemy.dialects import postgresql, sqlite

from moduline.cloud import tables
from moduline.cloud.device_link.ddi import actions
from moduline.cloud.device_link.ddi.actions import Action, Held
from moduline.cloud.device_link.ddi.words import Chunk
from moduline.cloud.device_link.files import Sendable
from moduline.cloud.devices import contact
from moduline.cloud.devices import service as devices
from moduline.cloud.edge import Actor
from moduline.cloud.plans import scope, stored
from moduline.cloud.plans.rules import DeviceStatus, Trigger
from moduline.cloud.plans.stored import StoredPlan
from moduline.cloud.upgrades import people, rows, service
from moduline.cloud.upgrades.confirm import Operation
from moduline.cloud.upgrades.events import Cancelled, DdiFeedback, FileAsked, StatusReported
from moduline.cloud.upgrades.rows import Row
from moduline.cloud.upgrades.states import Code
from moduline.cloud.upgrades.upgrade import Phase
from moduline.errors import StateForbids

DENIED_S: Final = 3600.0
"""A user who said no is not asked again before."""
NO_VERSION_S: Final = 24 * 3600.0
"""A client that told attributes and no version is asked for them again after that."""
LOOP: Final = 3
"""Whole downloads of one action after which the client is believed to go round in circles."""
LOOP_TEXT: Final = "loaded 3 times and never finished: does the device keep what it has begun?"
_D, _C, _T = tables.devices.c, tables.ddi_devices.c, tables.device_versions.c
_ABOUT: Final = select(_C.config_at, _C.auto_confirm).where(_C.device_id == bindparam("device"))
_HAS_VERSION: Final = select(_T.device_id).where(_T.device_id == bindparam("device")).limit(1)
_A, _F = tables.artifacts.c, tables.artifact_files.c
_FILE: Final = (
    select(_F.sha256, _F.sha1, _F.md5, _F.bytes, _F.name, _A.created_at)
    .join_from(tables.artifact_files, tables.artifacts)
    .where(_F.artifact_id == bindparam("artifact"), _F.name == bindparam("wanted"))
)


@dataclass(frozen=True, slots=True)
class Polled:
    """The answer to a poll.

    Args:
        kind: ``deploymentBase``, ``cancelAction``, ``confirmationBase`` or "".
        action_id: of that link.
        content: changes when what it leads to changes.
        installed_id: of the newest finished action.
        wants_config: whether attributes are wanted.
        may_change: whether time alone may bring something.
    """

    kind: str = ""
    action_id: int = 0
    content: int = 0
    installed_id: int | None = None
    wants_config: bool = False
    may_change: bool = False

    @property
    def has_links(self) -> bool:
        """Whether there is anything to look at."""
        return bool(self.kind) or self.installed_id is not None or self.wants_config


@dataclass(frozen=True, slots=True)
class Deployment:
    """What an action is.

    Args:
        action_id: id.
        chunks: one per component.
        is_forced: silent plans, and those that the user confirmed.
        has_windows: whether ``maintenanceWindow`` is said.
        history: status and messages for ``actionHistory``.
    """

    action_id: int
    chunks: tuple[Chunk, ...]
    is_forced: bool = True
    has_windows: bool = False
    history: tuple[str, tuple[str, ...]] | None = None


def polled(conn: Connection, device_id: int, *, now: float) -> Polled:
    """A client polls: note it, offer what the rules give, and say where to look."""
    contact.connect(conn, device_id, contact.POLLING, int(now * 1000), now=now)
    about = conn.execute(_ABOUT, {"device": device_id}).first()
    held = _cleared(conn, device_id, now)
    if held is None:
        service.look(conn, device_id, Trigger.GRID, now=now)
        held = actions.opened(conn, device_id)
    mine = _mine(conn, device_id)
    if held is None and about is not None and about.auto_confirm and _confirmed(conn, device_id, mine, now):
        held = actions.opened(conn, device_id)
    is_claimed = held is not None and any(one.is_claimed for one in held.row.state.components)
    base = Polled(
        installed_id=actions.installed(conn, device_id),
        wants_config=is_claimed or _wants_config(conn, device_id, about, now),
        may_change=held is not None or any(_may_change(row) for row in mine),
    )
    return _linked(conn, device_id, base, held, mine, now)


def _wants_config(conn: Connection, device_id: int, about: Any, now: float) -> bool:
    """Whether attributes are wanted: never told, or without a version a day ago."""
    if about is None or about.config_at is None:
        return True
    is_old = now >= about.config_at + NO_VERSION_S
    return is_old and conn.execute(_HAS_VERSION, {"device": device_id}).first() is None


def _linked(
    conn: Connection, device_id: int, base: Polled, held: Held | None, mine: Sequence[Row], now: float
) -> Polled:
    if held is not None:
        if held.action.closed_at is not None:
            return base
        kind = "cancelAction" if held.is_cancelling else "deploymentBase"
        return _with(base, kind, held.action.id, held.content)
    asked = _asked(conn, device_id, mine)
    if asked is None:
        return base
    action = asked[0]
    if action.denied_at is not None and now < action.denied_at + DENIED_S:
        return base
    return _with(base, "confirmationBase", action.id, Held(action, asked[1]).content)


def _with(base: Polled, kind: str, action_id: int, content: int) -> Polled:
    return Polled(kind, action_id, content, base.installed_id, base.wants_config, base.may_change)


def _cleared(conn: Connection, device_id: int, now: float) -> Held | None:
    """The action in progress; one that was terminated before the client read it is over without a word."""
    held = actions.opened(conn, device_id)
    if held is None or not held.is_cancelling or held.action.retrieved_at is not None:
        return held
    service.hear(conn, device_id, Cancelled(), now=now)
    return actions.opened(conn, device_id)


def _may_change(row: Row) -> bool:
    is_failed = row.state.status is DeviceStatus.FAILED and row.state.over is None
    return row.state.phase is not Phase.FINAL or is_failed


def _mine(conn: Connection, device_id: int) -> list[Row]:
    return [rows.row_of(found) for found in rows.OF_DEVICE.rows(conn, {"device": device_id})]


def _asked(conn: Connection, device_id: int, mine: Sequence[Row]) -> tuple[Action, Row, StoredPlan] | None:
    """The action that waits for the user of a device."""
    found = actions.waiting_for_user(conn, mine)
    if found is None:
        return None
    row, plan = found
    versions = scope.ruled(devices.of_numbers(conn, [device_id])[device_id]).versions
    part, _ = actions.part_of_plan(plan.plan, plan.id, versions, row.state.attempt)
    return (actions.of_part(conn, row.id, part), row, plan) if part else None


def asked(conn: Connection, device_id: int) -> tuple[Action, Row, StoredPlan] | None:
    """The action that waits for the user of a device; None: none does."""
    return _asked(conn, device_id, _mine(conn, device_id))


def _confirmed(conn: Connection, device_id: int, mine: Sequence[Row], now: float) -> bool:
    found = actions.waiting_for_user(conn, mine)
    return found is not None and confirm(conn, device_id, found[0].id, found[1], now=now)


def confirm(conn: Connection, device_id: int, upgrade_id: int, plan: StoredPlan, *, now: float) -> bool:
    """The user said yes on the device; False: it is too late for that."""
    dk = devices.of_numbers(conn, [device_id])[device_id].dk
    user = Actor(plan.account_id, plan.account_id, f"device {dk}", "releaser")
    try:
        people.confirm(conn, upgrade_id, Operation.NOW, actor=user, now=now)
    except StateForbids:
        return False
    return True


def deployment(conn: Connection, device_id: int, action_id: int, history: int, *, now: float) -> Deployment | None:
    """The content of an action in progress, which the client thereby has received; None: it is not (any more)."""
    held = taken_up(conn, device_id, action_id, now=now)
    if held is None or not held.is_current or held.is_cancelling or held.action.closed_at is not None:
        return None
    if held.action.retrieved_at is None:
        actions.change(conn, action_id, retrieved_at=now)
        _received(conn, device_id, held, now)
    return _deployment(conn, held, history)


def taken_up(conn: Connection, device_id: int, action_id: int, *, now: float) -> Held | None:
    """An action that a client comes back to; one whose offer was withdrawn meanwhile is offered again."""
    held = actions.by_id(conn, device_id, action_id)
    if held is None or held.row.state.is_open or not held.row.state.is_lapsed or held.action.closed_at is not None:
        return held
    if held.action.part == actions.part_of(held.row.state) and actions.opened(conn, device_id) is None:
        _received(conn, device_id, held, now)
        return actions.by_id(conn, device_id, action_id)
    return held


def _received(conn: Connection, device_id: int, held: Held, now: float) -> None:
    current = held.row.state.current
    if current is not None:
        service.hear(conn, device_id, StatusReported(Code.RECEIVED, current.type, current.component), now=now)


def installed(conn: Connection, device_id: int, action_id: int, history: int) -> Deployment | None:
    """The content of an action that ended well; None: it did not, or goes on."""
    held = actions.by_id(conn, device_id, action_id)
    return _deployment(conn, held, history) if held is not None and held.action.is_success else None


def confirmation(conn: Connection, device_id: int, action_id: int) -> Deployment | None:
    """The content of an action that waits for the user; None: it does not."""
    found = asked(conn, device_id)
    if found is None or found[0].id != action_id:
        return None
    _, row, plan = found
    versions = scope.ruled(devices.of_numbers(conn, [device_id])[device_id]).versions
    _, wanted = actions.part_of_plan(plan.plan, plan.id, versions, row.state.attempt)
    names = {
        release.artifact_id: actions.MODULE_PART if not one.type else one.component
        for one in plan.plan.components
        for release in one.releases
    }
    return Deployment(action_id, actions.chunks(conn, wanted, names))


def _deployment(conn: Connection, held: Held, history: int) -> Deployment:
    plan = stored.load(conn, held.row.plan_id)
    chunks = actions.chunks(conn, actions.artifacts_of(held.row), actions.parts_of(held.row))
    told = None
    if history:
        one = tables.upgrade_log.c
        query = select(one.text, one.message).where(one.upgrade_id == held.row.id).order_by(one.id.desc())
        found = conn.execute(query.limit(100 if history < 0 else min(history, 100))).all()
        told = (_status(held), tuple(row.message or str(row.text["en"]) for row in found))
    return Deployment(held.action.id, chunks, has_windows=bool(plan and plan.plan.windows), history=told)


def _status(held: Held) -> str:
    if held.action.is_success:
        return "FINISHED"
    if held.action.closed_at is not None:
        return "ERROR"
    return "RUNNING" if any(one.status.is_started for one in held.row.state.components) else "RETRIEVED"


def file_of(conn: Connection, device_id: int, artifact_id: int, name: str) -> tuple[Sendable, str] | None:
    """A file of an artifact that is assigned to a device or installed on it, with its md5; None: none of its."""
    if not _may_load(_mine(conn, device_id), artifact_id):
        return None
    row = conn.execute(_FILE, {"artifact": artifact_id, "wanted": name}).first()
    if row is None:
        return None
    return Sendable(row.sha256, row.sha1, row.bytes, row.name, row.created_at, device_id), row.md5


def chunk_of(conn: Connection, device_id: int, artifact_id: int) -> Chunk | None:
    """An artifact that is assigned to a device or installed on it; None: none of its."""
    if not _may_load(_mine(conn, device_id), artifact_id):
        return None
    return next(iter(actions.chunks(conn, [artifact_id], {})), None)


def _may_load(mine: Sequence[Row], artifact_id: int) -> bool:
    for row in mine:
        is_good = row.state.phase is not Phase.FINAL or row.state.status is DeviceStatus.UPGRADED
        if is_good and any(one.artifact_id == artifact_id for one in row.state.components):
            return True
    return False


def loads(conn: Connection, device_id: int, artifact_id: int, http_status: int, *, now: float) -> bool:
    """A client begins to load a file; False: it has loaded it so often that the action has failed."""
    held = actions.opened(conn, device_id)
    if held is not None and held.action.downloads >= LOOP and artifact_id in actions.artifacts_of(held.row):
        service.hear(conn, device_id, DdiFeedback("closed", "failure", (LOOP_TEXT,)), now=now)
        actions.change(conn, held.action.id, closed_at=now)
        return False
    service.hear(conn, device_id, FileAsked(artifact_id, http_status), now=now)
    return True


def loaded(conn: Connection, device_id: int, artifact_id: int, *, now: float, is_whole: bool) -> None:
    """A download is over: all of the file went out, or it broke off."""
    if not is_whole:
        service.hear(conn, device_id, FileAsked(artifact_id, 200, is_broken=True), now=now)
        return
    held = actions.opened(conn, device_id)
    if held is not None and artifact_id in actions.artifacts_of(held.row):
        actions.change(conn, held.action.id, downloads=held.action.downloads + 1)


def sweep(conn: Connection, before: float, others: Mapping[int, float]) -> int:
    """Clients that have not polled for too long are offline; how many.

    Args:
        before: those that were not seen since then, UTC seconds.
        others: product -> the same for its clients, where their interval is another.
    """
    count = 0
    polls = _D.node == contact.POLLING
    of = [(_D.product_id == product, at) for product, at in others.items()]
    for mine, at in [(_D.product_id.not_in(list(others)), before), *of]:
        gone = update(tables.devices).where(polls, mine, _D.last_seen < at).values(node=None)
        count += conn.execute(gone).rowcount
    return count


def put_about(conn: Connection, device_id: int, **values: Any) -> None:
    """Write what is known of a client over what was there."""
    kind = sqlite.insert if conn.dialect.name == "sqlite" else postgresql.insert
    made: Any = kind(tables.ddi_devices).values(device_id=device_id, **values)
    conn.execute(made.on_conflict_do_update(index_elements=["device_id"], set_=values))


def confirm_by_itself(conn: Connection, device_id: int, how: dict[str, Any] | None) -> None:
    """Switch on or off (None) that a client confirms every upgrade by itself."""
    put_about(conn, device_id, auto_confirm=null() if how is None else how)


def has_polled(conn: Connection, device_id: int) -> bool:
    """Whether a device has ever come by the DDI and told what it is."""
    return conn.execute(_ABOUT, {"device": device_id}).first() is not None


def about(conn: Connection, device_id: int) -> dict[str, Any] | None:
    """Who confirms by itself; None: it asks."""
    row = conn.execute(_ABOUT, {"device": device_id}).first()
    return None if row is None else row.auto_confirm
