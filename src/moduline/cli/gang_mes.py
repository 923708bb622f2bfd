"""What tells others of records: ``gang label``, ``gang webhook``, ``gang serve``."""

from __future__ import annotations

import typer


def register_gang_mes(gang: typer.Typer) -> None:
    """Add the verbs to ``gang``."""
