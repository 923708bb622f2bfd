"""What is forgotten, and when: a batch of each kind at a time, so that nobody waits long for the writer.

::

    lines of upgrades       some time after their plan is over (180 days)
    links of downloads      when they have ended
    events                  after a month, whoever has not fetched them is told that something is missing
    jobs that are over      after a month; what they made stays
    sessions                a month after they ended; tokens of the API stay in their list
    verifications, proofs   all but the newest twenty of an artifact; what is running stays

Audit is kept for ever: the database refuses to forget any of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, func, select

from moduline.cloud import tables
from moduline.cloud.accounts import sessions
from moduline.cloud.outbox import events
from moduline.cloud.settings import Settings

BATCH: Final = 500
"""Rows of each kind that one transaction forgets."""
SESSIONS_KEPT_S: Final = 30 * 24 * 3600.0
SMALL: Final = 20
"""Verifications that one transaction forgets: each takes its plan, upgrade and log along."""
_U: Final = tables.upgrades.c
_J: Final = tables.jobs.c
_R: Final = tables.rehearsals.c
_V: Final = tables.verifications.c


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many rows of each kind one batch has forgotten.

    Args:
        lines: of logs.
        links: of downloads.
        events: of the outbox.
        jobs: that were over.
        verifications: with all that belongs to them.
        proofs: of rehearsals; their files go with the collector.
        sessions: of browsers, that had ended.
    """

    lines: int = 0
    links: int = 0
    events: int = 0
    jobs: int = 0
    verifications: int = 0
    proofs: int = 0
    sessions: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.lines + self.links + self.events + self.jobs + self.verifications + self.proofs + self.sessions

    def __add__(self, other: Forgotten) -> Forgotten:
        names = self.__dataclass_fields__
        return Forgotten(**{name: getattr(self, name) + getattr(other, name) for name in names})


def forget(conn: Connection, settings: Settings, *, now: float) -> Forgotten:
    """Forget one batch of each kind; to be called until it is none."""
    return Forgotten(
        _lines(conn, now - settings.log_kept_s),
        _links(conn, now),
        events.forget(conn, now - settings.events_kept_s, BATCH),
        _jobs(conn, now - settings.jobs_kept_s),
        _verifications(conn, settings.history_kept),
        _proofs(conn, settings.history_kept),
        sessions.forget(conn, now - SESSIONS_KEPT_S, BATCH),
    )


def _lines(conn: Connection, before: float) -> int:
    line, plan = tables.upgrade_log.c, tables.plans.c
    over = select(_U.id).join_from(tables.upgrades, tables.plans).where(plan.ended_at < before)
    old = select(line.id).where(line.upgrade_id.in_(over)).limit(BATCH)
    return conn.execute(delete(tables.upgrade_log).where(line.id.in_(old))).rowcount


def _links(conn: Connection, now: float) -> int:
    link = tables.downloads.c
    ended = select(link.token).where(link.expires_at < now).limit(BATCH)
    return conn.execute(delete(tables.downloads).where(link.token.in_(ended))).rowcount


def _jobs(conn: Connection, before: float) -> int:
    old = select(_J.id).where(_J.is_live.is_(False), _J.ended_at < before).order_by(_J.id).limit(BATCH)
    return conn.execute(delete(tables.jobs).where(_J.id.in_(old))).rowcount


def _verifications(conn: Connection, kept: int) -> int:
    """Older verifications go with their plans, which hold upgrade, lines and counters."""
    numbered = _ranked(_V.id, _V.artifact_id, _V.plan_id, _V.ended_at)
    old = select(numbered.c.plan_id).where(numbered.c.place > kept, numbered.c.ended_at.is_not(None)).limit(SMALL)
    plans = list(conn.execute(old).scalars())
    conn.execute(delete(tables.plans).where(tables.plans.c.id.in_(plans)))
    return len(plans)


def _proofs(conn: Connection, kept: int) -> int:
    numbered = _ranked(_R.id, _R.artifact_id, _R.position)
    old = list(conn.execute(select(numbered.c.id).where(numbered.c.place > kept).limit(BATCH)).scalars())
    conn.execute(delete(tables.rehearsals).where(_R.id.in_(old)))
    return len(old)


def _ranked(number: Any, artifact: Any, *more: Any) -> Any:
    """Rows with their place among those of the same artifact (and file), the newest first from 1."""
    groups = [artifact, *(one for one in more if one.name == "position")]
    place = func.row_number().over(partition_by=groups, order_by=number.desc()).label("place")
    return select(number, *more, place).subquery()
