"""Bringing up virtual modules with their stock firmware in them, in a rack that runs by itself."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from moduline.errors import StorageFailed
from moduline.profiles import catalog
from moduline.release.firmware import stock_package
from moduline.vmodule import rack_client


def bring_up(rack: str, count: int, model: str, *, name: str = "m", is_fresh: bool = False) -> list[dict[str, Any]]:
    """Bring up virtual modules ``NAME1`` to ``NAMEn``; what is up stays up, what was burnt is still there.

    Args:
        rack: name of the rack, started when it is not up.
        count: how many modules.
        model: of all of them.
        name: what their names begin with.
        is_fresh: forget what was burnt before.

    Returns:
        The modules as ``rack_client.ask(rack, "list")`` tells them.

    Raises:
        ModulineError: an unknown model, or the rack cannot start.
        StorageFailed: the firmware cannot be handed over.
    """
    slug = catalog.module(model).slug
    try:
        with tempfile.TemporaryDirectory(prefix="moduline-") as folder:
            path = Path(folder) / "stock"
            path.write_bytes(stock_package(slug))
            wanted = [
                {
                    "name": f"{name}{number}",
                    "module": slug,
                    "number": number,
                    "package": str(path),
                    "is_new_package": False,
                    "is_fresh": is_fresh,
                }
                for number in range(1, count + 1)
            ]
            rack_client.start(rack)
            answer = rack_client.ask(rack, "add", modules=wanted, is_off=False)
    except OSError as cause:
        raise StorageFailed(path=str(cause.filename), reason=cause.strerror or str(cause)) from cause
    modules: list[dict[str, Any]] = answer["modules"]
    return modules
