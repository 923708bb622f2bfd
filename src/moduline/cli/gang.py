"""``gang``: many modules at once; ``run``, ``order``, ``learn`` and what the records say, one file each."""

from __future__ import annotations

import typer

from moduline.cli.gang_check import register_checks
from moduline.cli.gang_learn import register_learn
from moduline.cli.gang_order import register_order
from moduline.cli.gang_report import register_gang_report
from moduline.cli.gang_run import register_run
from moduline.cli.language import say


def register(app: typer.Typer) -> None:
    """Add ``gang`` to the tree."""
    gang = typer.Typer(no_args_is_help=True, help=say("Burn many modules at once.", "一拖多烧录。"))
    app.add_typer(gang, name="gang")
    register_run(gang)
    register_order(gang)
    register_checks(gang)
    register_learn(gang)
    register_gang_report(gang)
