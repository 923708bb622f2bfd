"""Upgrades as rows: what ``reading.read`` takes and gives, in and out of the table; links to the files of an upgrade.

Columns hold what is asked for by sets - status, phase, deadline, who is open - and ``state`` holds all the rest as
JSON, so that one event costs one SELECT and one UPDATE. What the plan does to many rows at once (``plans.course``) and
the reason why a device waits are written to the columns only; they win over the JSON.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, select, update

from moduline.cloud import tables
from moduline.cloud.edge import clean_text
from moduline.cloud.hot import Hot, as_json
from moduline.cloud.hot import from_json as stored_json
from moduline.cloud.plans import counters
from moduline.cloud.reasons import Reason
from moduline.cloud.upgrades.offer import Say, SayUrl
from moduline.cloud.upgrades.stored import from_json, to_json
from moduline.cloud.upgrades.upgrade import LogLine, Phase, UpgradeState
from moduline.errors import Text

MESSAGE_LIMIT: Final = 256
"""Characters of a device's own words that are kept."""
_U: Final = tables.upgrades.c
COLUMNS: Final = (
    _U.id, _U.plan_id, _U.device_id, _U.status, _U.phase, _U.group_number, _U.attempt, _U.reason, _U.refused_at,
    _U.failed_at, _U.begun_at, _U.over, _U.is_lapsed, _U.state,
)  # fmt: skip
_NAMES: Final = tuple(column.name for column in COLUMNS)
_OPEN: Final = select(*COLUMNS).where(_U.device_id == bindparam("device"), _U.is_open)
_OF_DEVICE: Final = select(*COLUMNS).where(_U.device_id == bindparam("device")).order_by(_U.id.desc())
_BY_ID: Final = select(*COLUMNS).where(_U.id == bindparam("upgrade"))
# Who reads in order to write locks, for several nodes read and write rows of one device at the same moment: what
# another one has written meanwhile is read, not overwritten. An SQLite file has one writer and no such words.
OPEN: Final = Hot(_OPEN.with_for_update(key_share=True), _NAMES)
OF_DEVICE: Final = Hot(_OF_DEVICE.with_for_update(key_share=True), _NAMES)
BY_ID: Final = Hot(_BY_ID.with_for_update(key_share=True), _NAMES)
SEEN_BY_ID: Final = Hot(_BY_ID, _NAMES)
"""For who writes nothing: readers may not lock."""
SAVE: Final = Hot(
    update(tables.upgrades)
    .where(_U.id == bindparam("upgrade"))
    .values(
        status=bindparam("new_status"),
        phase=bindparam("new_phase"),
        is_open=bindparam("new_open"),
        attempt=bindparam("new_attempt"),
        deadline=bindparam("new_deadline"),
        reason=bindparam("new_reason"),
        refused_at=bindparam("new_refused"),
        failed_at=bindparam("new_failed"),
        begun_at=bindparam("new_begun"),
        over=bindparam("new_over"),
        is_lapsed=bindparam("new_lapsed"),
        state=bindparam("new_state"),
    )
)
LOG: Final = Hot(
    insert(tables.upgrade_log).values(
        {column.name: bindparam(column.name) for column in tables.upgrade_log.c if column.name != "id"}
    )
)
REASON: Final = Hot(update(tables.upgrades).where(_U.id == bindparam("upgrade")).values(reason=bindparam("why")))
_F: Final = tables.artifact_files.c
_FILE_COLUMNS: Final = (_F.id, _F.position, _F.name, _F.bytes, _F.md5, _F.sha256, _F.crc32_mpeg2)
_FILES: Final = Hot(
    select(*_FILE_COLUMNS).where(_F.artifact_id == bindparam("artifact")).order_by(_F.position),
    [column.name for column in _FILE_COLUMNS],
)
_L: Final = tables.downloads.c
_KNOWN: Final = Hot(
    select(_L.file_id, _L.token).where(_L.upgrade_id == bindparam("upgrade"), _L.expires_at >= bindparam("until")),
    ("file_id", "token"),
)
_LINK: Final = Hot(insert(tables.downloads).values({column.name: bindparam(column.name) for column in _L}))


@dataclass(frozen=True, slots=True)
class Row:
    """An upgrade as it is kept.

    Args:
        id: number in the database.
        plan_id: of which plan.
        device_id: of which device.
        status: of the device in the plan, as counted.
        group: of the plan, from 0.
        begun_at: last offer, UTC seconds.
        state: what the rules work on.
    """

    id: int
    plan_id: int
    device_id: int
    status: int
    group: int
    begun_at: float | None
    state: UpgradeState


@dataclass(frozen=True, slots=True)
class FileLink:
    """A file that one device may load for one upgrade.

    Args:
        token: what the address ends with; knows upgrade and file.
        position: of the file in the artifact.
        name: of the file, for people.
        bytes: its size.
        md5: lower-case hex.
        sha256: lower-case hex; key in the file store.
        crc32_mpeg2: hex.
    """

    token: str
    position: int
    name: str
    bytes: int
    md5: str
    sha256: str
    crc32_mpeg2: str


@dataclass(frozen=True, slots=True)
class Downlink:
    """What is to be said to a device after the commit.

    Args:
        device_id: to whom.
        upgrade_id: for which upgrade.
        say: what.
        files: of a ``SayUrl``.
        connection: on that connection of the device and no later one; None: whichever it has.
    """

    device_id: int
    upgrade_id: int
    say: Say
    files: tuple[FileLink, ...] = ()
    connection: int | None = None


def row_of(found: Any) -> Row:
    """A row of the table as a value."""
    raw = stored_json(found.state) if found.state else None
    state = from_json(raw) if raw else UpgradeState(found.plan_id)
    over = Reason(found.over) if found.over is not None else None
    reason = Reason(found.reason) if found.reason is not None else None
    if found.phase != state.phase or over is not state.over or reason is not state.reason:
        state = replace(state, phase=Phase(found.phase), over=over, reason=reason, is_lapsed=bool(found.is_lapsed))
    return Row(
        found.id, found.plan_id, found.device_id, found.status, found.group_number, found.begun_at, state
    )  # fmt: skip


def save(conn: Connection, row: Row, state: UpgradeState, lines: Iterable[LogLine], *, begun_at: float | None) -> Row:
    """Write what an event made of an upgrade: row, counters, log."""
    kept = replace(row, status=int(state.status), begun_at=begun_at, state=state)
    if state != row.state or begun_at != row.begun_at:
        SAVE.run(conn, columns_of(kept))
    counters.move(conn, row.plan_id, row.group, row.status, kept.status)
    log(conn, row.id, lines)
    return kept


def columns_of(row: Row) -> dict[str, Any]:
    """What ``SAVE`` takes."""
    return {
        "upgrade": row.id,
        "new_status": row.status,
        "new_begun": row.begun_at,
        **_columns_of_state(row.state),
    }


def columns_of_all(many: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """The same for many rows; a state that several have is written out once."""
    last: UpgradeState | None = None
    columns: dict[str, Any] = {}
    for row in many:
        if row.state is not last:
            last, columns = row.state, _columns_of_state(row.state)
        yield {"upgrade": row.id, "new_status": row.status, "new_begun": row.begun_at, **columns}


def _columns_of_state(state: UpgradeState) -> dict[str, Any]:
    return {
        "new_phase": str(state.phase),
        "new_open": state.is_open,
        "new_attempt": state.attempt,
        "new_deadline": state.deadline,
        "new_reason": None if state.reason is None else int(state.reason),
        "new_refused": state.refused_at,
        "new_failed": state.failed_at,
        "new_over": None if state.over is None else int(state.over),
        "new_lapsed": state.is_lapsed,
        "new_state": as_json(to_json(state)),
    }


def log(conn: Connection, upgrade_id: int, lines: Iterable[LogLine]) -> None:
    """Add lines to the log of an upgrade."""
    for line in lines:
        LOG.run(conn, columns_of_line(upgrade_id, line))


def columns_of_line(upgrade_id: int, line: LogLine) -> dict[str, Any]:
    """What ``LOG`` takes."""
    return {
        "upgrade_id": upgrade_id,
        "at": line.at,
        "device_at": line.device_at,
        "source": str(line.source),
        "component": line.component,
        "status": None if line.status is None else str(line.status),
        "text": _both(line.text) if not line.facts else _said(line),
        "code": line.code,
        "message": clean_text(line.message, MESSAGE_LIMIT),
    }


def _said(line: LogLine) -> str:
    return as_json({lang: line.text.say(lang, **line.facts) for lang in ("en", "zh")})


@lru_cache(maxsize=256)
def _both(text: Text) -> str:
    """A text without facts in both languages: there are a few dozen of them."""
    return as_json({lang: text.say(lang) for lang in ("en", "zh")})


def note_reason(conn: Connection, upgrade_id: int, reason: Reason) -> None:
    """Keep why a device waits."""
    REASON.run(conn, {"upgrade": upgrade_id, "why": int(reason)})


def downlinks(conn: Connection, row: Row, says: Sequence[Say], *, until: float) -> tuple[Downlink, ...]:
    """What is said, with links to the files where it says where they are.

    Args:
        until: when links that are made now end, UTC seconds.
    """
    return tuple(
        Downlink(row.device_id, row.id, say, links(conn, row.id, say.artifact_id, until=until))
        if isinstance(say, SayUrl)
        else Downlink(row.device_id, row.id, say)
        for say in says
    )


def links(conn: Connection, upgrade_id: int, artifact_id: int, *, until: float) -> tuple[FileLink, ...]:
    """Links to the files of an artifact for one upgrade: the same ones whenever it is asked again."""
    known = {row.file_id: row.token for row in _KNOWN.rows(conn, {"upgrade": upgrade_id, "until": until})}
    found = []
    for file in _FILES.rows(conn, {"artifact": artifact_id}):
        token = known.get(file.id)
        if token is None:
            token = secrets.token_urlsafe(24)
            row = {"token": token, "upgrade_id": upgrade_id, "file_id": file.id, "expires_at": until}
            _LINK.run(conn, row)
        found.append(FileLink(token, file.position, file.name, file.bytes, file.md5, file.sha256, file.crc32_mpeg2))
    return tuple(found)
