"""Events of jobs in words. ``step.NAME`` and ``notice.SLUG`` of the table say what a stage or a notice is."""

from __future__ import annotations

from typing import Any

from moduline.web.texts import TABLE


def step_words(name: str, lang: str) -> str:
    """What a stage is called; its slug where nobody named it."""
    found = TABLE.get(f"step.{name}")
    return name if found is None else found.say(lang)


def line_words(event: dict[str, Any], lang: str) -> str:
    """One event as a line of a log.

    Args:
        event: as ``events.to_json`` gives it.
        lang: "en" or "zh".
    """
    where = f"[{event['where']}] " if event.get("where") else ""
    facts = event.get("facts") or {}
    if event["event"] == "progress":
        return f"{where}{step_words(event['what'], lang)}: {event['done_bytes']} / {event['total_bytes']}"
    if event["event"] == "step":
        state = TABLE[f"jobs.step.{event['state']}"].say(lang)
        return f"{where}{step_words(event['name'], lang)}: {state}{_tail(facts)}"
    found = TABLE.get(f"notice.{event['slug']}")
    return f"{where}{event['slug']}{_tail(facts)}" if found is None else where + found.say(lang, **facts)


def _tail(facts: dict[str, Any]) -> str:
    shown = ", ".join(f"{name}={value}" for name, value in facts.items())
    return f"  ({shown})" if shown else ""
