"""Words that several files of the explorer say."""

from __future__ import annotations

from moduline.package import Part
from moduline.package.flash_map import FREE, Place
from moduline.package.parts import NO_PLACE
from moduline.web.texts import t
from moduline.web.texts.explorer import ROLES


def role_word(role: str) -> str:
    """What a part or partition is for; its slug where nobody named it."""
    plain = role.removeprefix("erase_").removeprefix("format_")
    return t(f"explorer.role.{plain}") if plain in ROLES else role or t("explorer.unknown")


def place_name(place: Place) -> str:
    """What a place is called."""
    return t("explorer.source.free") if place.source == FREE else place.name or role_word(place.role)


def address_word(part: Part) -> str:
    """Where a part goes; a dash where it goes nowhere."""
    return "-" if part.address == NO_PLACE or part.kind == "xml" else f"0x{part.address:08x}"


def printable(text: str) -> str:
    """A path or name as it can be shown: control characters and lone bytes as escapes."""
    raw = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in raw)


def percent(share: float) -> str:
    """A share of one in per cent."""
    return f"{100 * share:.0f} %" if share >= 0.1 or not share else f"{100 * share:.2g} %"
