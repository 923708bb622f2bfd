"""What holds of the rows of a platform at every moment, read from its file alone."""

from __future__ import annotations

import sqlite3


def assert_whole(file):
    """What holds at every moment, also right after a kill: the file is whole, counters equal rows."""
    with sqlite3.connect(file) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        rows = "SELECT plan_id, group_number, status, count(*) FROM upgrades GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        kept = (
            "SELECT plan_id, group_number, status, sum(count) FROM plan_counters "
            "GROUP BY 1, 2, 3 HAVING sum(count) != 0 ORDER BY 1, 2, 3"
        )
        assert db.execute(kept).fetchall() == db.execute(rows).fetchall()
        stuck = "SELECT count(*) FROM upgrades WHERE is_open != (deadline IS NOT NULL)"
        assert db.execute(stuck).fetchone() == (0,), "what is open has a deadline"
