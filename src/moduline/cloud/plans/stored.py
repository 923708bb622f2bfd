"""A plan as rows and back.

What a plan says does not change once it is activated, so it is read once per process and revision. Its lists may name a
hundred thousand devices and are therefore not part of what is read: ``LivePlan.plan`` knows *whether* there is a white
list, and ``listing`` says for some devices where they stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, bindparam, delete, insert, select

from moduline.cloud import tables
from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.plans.filters import parse_filter
from moduline.cloud.plans.plan import Plan, PlanComponent, Release, Stage, Strategy
from moduline.cloud.plans.rules import LivePlan
from moduline.cloud.plans.states import PlanState
from moduline.cloud.plans.zone import Window

PLAN: Final = "plan"
"""Kind of what operators call a plan."""
VERIFICATION: Final = "verification"
"""Kind of the plan of one device that a verification is; it is in no list."""
_P: Final = tables.plans.c
_BY_ID: Final = select(tables.plans).where(_P.id == bindparam("plan"))
_LOCKED: Final = _BY_ID.with_for_update(key_share=True)
_KEPT: Final[WeakKeyDictionary[Engine, dict[tuple[int, int], Plan]]] = WeakKeyDictionary()
_KEPT_MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan that is kept.

    Args:
        id: number in the database.
        account_id: main account it belongs to.
        kind: ``plan`` or ``verification``.
        plan: what it says, without its lists.
        state: as stored.
        revision: grows with every edit.
        authors: accounts that wrote it.
        open_group: last open group, from 0.
        ignored_failures: failures that were seen when it was resumed.
        created_at: UTC seconds.
        activated_at: UTC seconds; None: a draft.
        ended_at: when it ended or was terminated.
        reason: why it was suspended, in both languages; None: nobody said.
    """

    id: int
    account_id: int
    kind: str
    plan: Plan
    state: PlanState
    revision: int
    authors: tuple[int, ...]
    open_group: int
    ignored_failures: int
    created_at: float
    activated_at: float | None
    ended_at: float | None
    reason: Mapping[str, str] | None

    @property
    def live(self) -> LivePlan:
        """The plan as the rules want it."""
        return LivePlan(self.id, self.plan, self.state, self.activated_at or 0.0, self.open_group)


def load(conn: Connection, plan_id: int, *, locks: bool = False) -> StoredPlan | None:
    """A plan by its number; None: there is none.

    Args:
        conn: of the transaction.
        plan_id: which.
        locks: until the end of the transaction nobody else changes it.
    """
    row = conn.execute(_LOCKED if locks else _BY_ID, {"plan": plan_id}).first()
    return None if row is None else of_row(conn, row)


def of_row(conn: Connection, row: Any) -> StoredPlan:
    """A plan from its row."""
    state = PlanState(row.state)
    kept = _KEPT.setdefault(conn.engine, {})
    plan = kept.get((row.id, row.revision))
    if plan is None:
        plan = _read(conn, row)
        if state.is_activated and row.kind == PLAN:  # a verification is made and activated in one verb
            if len(kept) >= _KEPT_MOST:
                kept.clear()
            kept[row.id, row.revision] = plan
    return StoredPlan(
        row.id,
        row.account_id,
        row.kind,
        plan,
        state,
        row.revision,
        tuple(row.authors),
        row.open_group,
        row.ignored_failures,
        row.created_at,
        row.activated_at,
        row.ended_at,
        row.reason,
    )


def write(conn: Connection, plan_id: int, plan: Plan) -> None:
    """Write components and lists of a draft over what was there."""
    for table in (tables.plan_releases, tables.plan_components, tables.plan_devices):
        conn.execute(delete(table).where(table.c.plan_id == plan_id))
    components, releases = [], []
    for sort, one in enumerate(plan.components):
        components.append({"plan_id": plan_id, "sort": sort, "component": one.component, "type": int(one.type)})
        for position, release in enumerate(one.releases):
            key = {"plan_id": plan_id, "sort": sort, "position": position, "artifact_id": release.artifact_id}
            releases.append(key | {"needs": sorted(release.needs)})
    conn.execute(insert(tables.plan_components), components)
    conn.execute(insert(tables.plan_releases), releases)
    for is_black, keys in ((False, plan.white), (True, plan.black)):
        rows = [{"plan_id": plan_id, "dk": dk, "is_black": is_black} for dk in sorted(keys)]
        if rows:
            conn.execute(insert(tables.plan_devices), rows)


def columns(plan: Plan) -> dict[str, Any]:
    """Columns of ``plans`` that hold what a plan says."""
    return {
        "product_id": plan.product_id,
        "name": plan.name,
        "zone": plan.zone,
        "start_local": plan.start_local,
        "end_local": plan.end_local,
        "windows": [[one.start, one.end] for one in plan.windows],
        "is_windows_strict": plan.is_windows_strict,
        "is_silent": plan.is_silent,
        "texts": dict(plan.texts),
        "strategy": asdict(plan.strategy),
        "has_white_list": plan.has_white_list,
        "filter": plan.filter.text if plan.filter else "",
    }


def shown(plan: Plan) -> dict[str, Any]:
    """A plan as the audit log keeps it: lists by their sizes and first names."""
    components = [
        {"component": one.component, "type": int(one.type), "artifacts": [each.artifact_id for each in one.releases]}
        for one in plan.components
    ]
    lists = {
        name: {"count": len(keys), "first": sorted(keys)[:10]}
        for name, keys in (("white", plan.white), ("black", plan.black))
    }
    return columns(plan) | {"components": components} | lists


def lists(conn: Connection, plan_id: int) -> tuple[frozenset[str], frozenset[str]]:
    """The white and the black list."""
    one = tables.plan_devices.c
    found: tuple[set[str], set[str]] = (set(), set())
    for dk, is_black in conn.execute(select(one.dk, one.is_black).where(one.plan_id == plan_id)):
        found[is_black].add(dk)
    return frozenset(found[0]), frozenset(found[1])


def with_lists(conn: Connection, stored: StoredPlan) -> StoredPlan:
    """The same plan with its lists."""
    white, black = lists(conn, stored.id)
    return replace(stored, plan=replace(stored.plan, white=white, black=black))


def listing(conn: Connection, stored: StoredPlan, dk: str) -> Plan:
    """The plan with as much of its lists as concerns one device."""
    one = tables.plan_devices.c
    query = select(one.is_black).where(one.plan_id == stored.id, one.dk == dk)
    found = set(conn.execute(query).scalars())
    return named(stored.plan, dk, is_white=False in found, is_black=True in found)


def named(plan: Plan, dk: str, *, is_white: bool, is_black: bool) -> Plan:
    """A plan whose lists name one device or not."""
    here, nobody = frozenset({dk}), frozenset[str]()
    return replace(plan, white=here if is_white else nobody, black=here if is_black else nobody)


def _read(conn: Connection, row: Any) -> Plan:
    piece, release, artifact = tables.plan_components.c, tables.plan_releases.c, tables.artifacts.c
    query = (
        select(
            piece.sort,
            piece.component,
            piece.type,
            release.needs,
            artifact.id,
            artifact.name,
            artifact.source,
            artifact.target,
        )
        .select_from(tables.plan_components)
        .join(tables.plan_releases, (release.plan_id == piece.plan_id) & (release.sort == piece.sort))
        .join(tables.artifacts, artifact.id == release.artifact_id)
        .where(piece.plan_id == row.id)
        .order_by(piece.sort, release.position)
    )
    found = conn.execute(query).all()
    sizes = artifact_sizes(conn, [one.id for one in found])
    components: dict[int, PlanComponent] = {}
    for one in found:
        made = Release(one.id, one.target, sizes.get(one.id, 0), one.source, frozenset(one.needs), one.name)
        known = components.get(one.sort, PlanComponent(one.component, ComponentType(one.type), ()))
        components[one.sort] = replace(known, releases=(*known.releases, made))
    return Plan(
        name=row.name,
        product_id=row.product_id,
        zone=row.zone,
        start_local=row.start_local,
        end_local=row.end_local,
        components=tuple(components.values()),
        has_white_list=row.has_white_list,
        filter=parse_filter(row.filter) if row.filter else None,
        windows=tuple(Window(start, end) for start, end in row.windows),
        is_windows_strict=row.is_windows_strict,
        is_silent=row.is_silent,
        texts=dict(row.texts),
        strategy=_strategy(row.strategy),
    )


def artifact_sizes(conn: Connection, artifact_ids: Iterable[int]) -> dict[int, int]:
    """Bytes of all files of artifacts."""
    one = tables.artifact_files.c
    query = select(one.artifact_id, one.bytes).where(one.artifact_id.in_(list(artifact_ids)))
    sizes: dict[int, int] = {}
    for artifact_id, size in conn.execute(query):
        sizes[artifact_id] = sizes.get(artifact_id, 0) + size
    return sizes


def _strategy(raw: Mapping[str, Any]) -> Strategy:
    """A strategy from JSON; members that this version does not know are left out."""
    stages = tuple(Stage(**_known(Stage, one)) for one in raw.get("stages") or ())
    return Strategy(**(_known(Strategy, raw) | {"stages": stages}))


def _known(kind: type, raw: Mapping[str, Any]) -> dict[str, Any]:
    names: Sequence[str] = [one.name for one in fields(kind)]
    return {name: raw[name] for name in names if name in raw}
