"""A wizard on one page: its form, what the platform knows of it, and what is drawn anew when something changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from nicegui import ui

from moduline.web.console.wizard_fields import Fields
from moduline.web.console.wizard_form import PlanForm


@dataclass(slots=True)
class WizardState:
    """What all steps share.

    Args:
        form: all that was given so far.
        fields: of the step that is shown.
        products: that can be chosen.
        artifacts: that can be chosen.
        redraw: draws the step anew, with the same form.
        count_soon: has the devices counted that the plan would meet.
        count_label: shows how many; None while no step does.
        plan: the draft as the platform has it; None: it is not saved.
    """

    form: PlanForm
    fields: Fields
    products: list[dict[str, Any]]
    artifacts: list[dict[str, Any]]
    redraw: Callable[[], None]
    count_soon: Callable[[], None]
    count_label: ui.label | None = None
    plan: dict[str, Any] | None = None
    problems: list[dict[str, Any]] = field(default_factory=list)

    def artifact(self, number: int) -> dict[str, Any] | None:
        """A package by its number."""
        return next((one for one in self.artifacts if one["id"] == number), None)
