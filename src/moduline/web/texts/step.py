"""What the stages of jobs are called; ``step.NAME`` for the name that a verb reports."""

from __future__ import annotations

from typing import Final

from moduline.remote.rescue import STEPS

TEXTS: Final = {f"step.rescue.{name}": words for name, words in STEPS.items()}
