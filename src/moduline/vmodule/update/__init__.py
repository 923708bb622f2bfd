"""Firmware update inside one virtual module: staged in its flash, checked, applied by its boot code.

::

    fota.write / httpDownload ──▶ staging ──▶ store (update_store, else FS_SYS) ──verify──▶ accepted
                                                                                     power-on │
    running, new version ◀── confirmed ◀── restart ◀── applied sector by sector ◀── checked ◀─┘

``unit.UpdateUnit`` is the whole of it for everyone else.
"""

from __future__ import annotations

from moduline.vmodule.update.unit import UpdateUnit

__all__ = ["UpdateUnit"]
