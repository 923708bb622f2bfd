"""Talk to a running module: its AT port, its REPL, its files."""

from moduline.remote.files import ModuleFiles
from moduline.remote.reach import identify, open_at, open_repl
from moduline.remote.rescue import plan_rescue, rescue, stop

__all__ = ["ModuleFiles", "identify", "open_at", "open_repl", "plan_rescue", "rescue", "stop"]
