"""The virtual module: flash and wire, and the real interpreter on top.

Verbs: ``open_module`` for one module in this process; racks in the background are ``rack_client.start`` and ``ask``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moduline.vmodule.module import VirtualModule
    from moduline.vmodule.module_options import ModuleOptions
    from moduline.vmodule.opening import open_module

__all__ = ["ModuleOptions", "VirtualModule", "open_module"]


def __getattr__(name: str) -> Any:
    """The verbs, imported when asked for: the command line only needs ``rack_client``, and starts faster so."""
    if name not in __all__:
        raise AttributeError(name)
    from moduline.vmodule import module, module_options, opening

    homes = {"open_module": opening, "VirtualModule": module, "ModuleOptions": module_options}
    return getattr(homes[name], name)
