"""A scenario in a rack: what one of its modules is set up with, and how its story begins.

The rack reads the file again, from the text the command sent, so that what was checked is what runs.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from moduline.errors import BadOption
from moduline.events import Notice
from moduline.vmodule.module import VirtualModule
from moduline.vmodule.module_options import ModuleOptions
from moduline.vmodule.scenario.contents import gather, put_contents
from moduline.vmodule.scenario.plan import ModulePlan
from moduline.vmodule.scenario.reading import read_scenario
from moduline.vmodule.scenario.surroundings import make_world


def plans_of(request: dict[str, Any]) -> dict[str, ModulePlan]:
    """The plans in a rack's ``add`` request, by name; empty when it carries no scenario.

    Raises:
        BadRecipe: the scenario is wrong.
    """
    given = request.get("scenario")
    if not given:
        return {}
    scenario = read_scenario(str(given["text"]).encode(), Path(str(given["path"])))
    return {plan.name: plan for plan in scenario.modules}


def options_with(options: ModuleOptions, plan: ModulePlan | None) -> ModuleOptions:
    """The options of a module that a scenario speaks about."""
    if plan is None:
        return options
    return replace(options, world=make_world(plan.surroundings, plan.seed), seed=plan.seed)


def fill(module: VirtualModule, plan: ModulePlan) -> None:
    """Put the plan's contents into a module without power.

    Raises:
        ModulineError: they cannot be read, or do not fit.
    """
    if plan.contents:
        put_contents(module.identity, module.file, gather(plan.contents))


def begin(module: VirtualModule, plan: ModulePlan, options: ModuleOptions) -> None:
    """Switch on the plan's faults and start its timeline; called when the module is about to get its power.

    Raises:
        BadOption: a fault cannot be meant in this module.
    """
    for words in plan.faults:
        module.fault(words)
    for entry in plan.timeline:
        module.after(entry.at_s, partial(_happen, module, entry.fault, options))


def _happen(module: VirtualModule, words: str, options: ModuleOptions) -> None:
    """One entry of a timeline; one that cannot be meant now is told to the owner, the story goes on."""
    try:
        module.fault(words)
    except BadOption as wrong:
        options.report(Notice("virt.timeline", module.identity.name, {"fault": words, "reason": wrong.message()}))
    else:
        options.report(Notice("virt.timeline", module.identity.name, {"fault": words}))
