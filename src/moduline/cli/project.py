"""``check`` and ``new``: the commands about a project folder itself."""

from __future__ import annotations

import typer

from moduline.cli import build


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the tree."""
    build.register_top(app)
