"""Who changed what, from what, to what; written by the verbs, never changed."""

from __future__ import annotations

from moduline.cloud.audit.service import Entry, Wanted, entries, note

__all__ = ["Entry", "Wanted", "entries", "note"]
