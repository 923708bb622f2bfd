"""``ota serve``, and the nouns of the platform that are asked over its operator API."""

from __future__ import annotations

import typer

from moduline.cli.language import say
from moduline.cli.ota_accounts import register_accounts
from moduline.cli.ota_devices import register_devices
from moduline.cli.ota_events import register_events
from moduline.cli.ota_export import register_export
from moduline.cli.ota_jobs import register_jobs
from moduline.cli.ota_packages import register_packages
from moduline.cli.ota_plans import register_plans
from moduline.cli.ota_products import register_products
from moduline.cli.ota_serve import register_serve


def register(app: typer.Typer) -> None:
    """Add ``ota`` to the tree."""
    ota = typer.Typer(
        no_args_is_help=True,
        help=say("Updates over the air: the platform, and all that can be asked of it.", "OTA 升级平台及其各项操作。"),
    )
    app.add_typer(ota, name="ota")
    register_serve(ota)
    for register_nouns in (
        register_products,
        register_devices,
        register_packages,
        register_plans,
        register_jobs,
        register_events,
        register_export,
        register_accounts,
    ):
        register_nouns(ota)
