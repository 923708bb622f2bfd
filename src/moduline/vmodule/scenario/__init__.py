"""Scenarios: one TOML file describes a rack, its surroundings, and what goes wrong when.

Verb: ``read_scenario``.
"""

from moduline.vmodule.scenario.plan import ModulePlan, Scenario, TimelineEntry
from moduline.vmodule.scenario.reading import describe, read_scenario, read_scenario_file

__all__ = ["ModulePlan", "Scenario", "TimelineEntry", "describe", "read_scenario", "read_scenario_file"]
