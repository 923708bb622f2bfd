"""``ota serve``, and the nouns of the platform that are asked over its operator API."""

from __future__ import annotations

import typer

from moduline.cli.language import say
from moduline.cli.ota_plans import register_plans
from moduline.cli.ota_serve import register_serve
from moduline.cli.ota_things import register_things


def register(app: typer.Typer) -> None:
    """Add ``ota`` to the tree."""
    ota = typer.Typer(
        no_args_is_help=True,
        help=say("Updates over the air: the platform, and all that can be asked of it.", "OTA 升级平台及其各项操作。"),
    )
    app.add_typer(ota, name="ota")
    register_serve(ota)
    register_things(ota)
    register_plans(ota)
