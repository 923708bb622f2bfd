"""The tables by name: modules, chips, conventions; read once from the package's data, without opening paths itself."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Final

from moduline.errors import BadOption, Text, UnknownModule
from moduline.profiles.chip import ChipProfile, read_chip
from moduline.profiles.convention import ConventionProfile, read_convention
from moduline.profiles.module import ModuleProfile, plain_model, read_module
from moduline.profiles.schema import Table

# A module's type, then region and variant: EC600S, EC600SCN, EC600SCNLB, and what may follow in a version.
_MODEL_NAME: Final = re.compile(r"[A-Z]{2}\d{3}[A-Z]([A-Z]{2,4}\w*)?")


def module(name: str) -> ModuleProfile:
    """The module of that slug, alias or model name; upper and lower case are the same.

    ``EC600S-CN``, ``ec600s-2020``, ``EC800M-CN_LA`` and ``EC600SCNLB`` all find theirs.

    Raises:
        UnknownModule: there is none.
        BadRecipe: its table is wrong.
    """
    slug = name.lower()
    if slug in modules():
        return _module(slug)
    plain = plain_model(name)
    found = _aliases().get(plain) or (module_of_model(plain) if _MODEL_NAME.fullmatch(plain) else None)
    if found is None:
        raise UnknownModule(name=name, known=", ".join(modules()))
    return found


@cache
def _module(slug: str) -> ModuleProfile:
    return read_module(_table("modules", slug))


def chip_of(profile: ModuleProfile) -> ChipProfile:
    """A module's chip, with the flash size and the USB ids that this module has.

    Raises:
        BadOption: its table names a chip that has none.
        BadRecipe: the chip's table is wrong.
    """
    return profile.on_chip(chip(profile.chip))


@cache
def chip(name: str) -> ChipProfile:
    """The chip of that slug.

    Raises:
        BadOption: there is none.
        BadRecipe: its table is wrong.
    """
    return read_chip(_named("chips", name, Text("chip", "平台")))


@cache
def convention(name: str) -> ConventionProfile:
    """The convention of that slug.

    Raises:
        BadOption: there is none.
        BadRecipe: its table is wrong.
    """
    return read_convention(_named("conventions", name, Text("--profile", "--profile")))


def modules() -> tuple[str, ...]:
    """Slugs of all modules, sorted."""
    return _slugs("modules")


def chips() -> tuple[str, ...]:
    """Slugs of all chips, sorted."""
    return _slugs("chips")


def conventions() -> tuple[str, ...]:
    """Slugs of all conventions, sorted."""
    return _slugs("conventions")


def module_of_model(model: str | None) -> ModuleProfile | None:
    """The module a package of that model is for, by the longest fitting beginning; None when there is none."""
    if not model:
        return None
    fits = sorted((one.fit_of(model), one.slug) for one in map(_module, modules()))
    longest, slug = fits[-1]
    return _module(slug) if longest and fits[-2][0] < longest else None


@cache
def _aliases() -> dict[str, ModuleProfile]:
    """Modules by alias, written as ``plain_model`` writes it."""
    return {plain_model(alias): one for one in map(_module, modules()) for alias in one.aliases}


def _named(kind: str, name: str, what: Text) -> Table:
    slug = name.lower()
    if slug not in _slugs(kind):
        known = ", ".join(_slugs(kind))
        why = Text("no table named '{wanted}'; known: {known}", "没有名为“{wanted}”的配置；已知：{known}")
        raise BadOption(name=what, reason=why, wanted=name, known=known)
    return _table(kind, slug)


@cache
def _slugs(kind: str) -> tuple[str, ...]:
    names = (entry.name for entry in resources.files(__package__).joinpath(kind).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def _table(kind: str, slug: str) -> Table:
    name = f"{kind}/{slug}.toml"
    return Table.parse(resources.files(__package__).joinpath(kind, f"{slug}.toml").read_bytes(), f"profiles/{name}")
