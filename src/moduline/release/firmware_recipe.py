"""Recipes of virtual firmware: ``firmware/<module>.toml`` says which on-board Python becomes which version.

Source: brief, decision 5; platform-unisoc 2.8, 2.10.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from moduline.errors import BadOption, Text, UnknownModule
from moduline.package.versions import VERSION
from moduline.profiles import catalog
from moduline.profiles.schema import Table
from moduline.release import shipped

ENDING: Final = ".toml"
_NAME: Final = re.compile(r"[a-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class FirmwareRecipe:
    """One recipe.

    Attributes:
        name: of the recipe, also of the file.
        module: slug of the module it is for.
        version: what ``modem.getDevFwVersion()`` will say.
        models: model names it runs on.
        product: product name in the container; empty where the container has none.
        product_version: product version in the container; the same.
        alias: build target in the container; begins the file names; the same.
        built_at: time in the image headers, in seconds of the Unix epoch.
        onboard: folders of the on-board sources that go into the ROM.
        build_date: what the banner says; empty for the profile's.
        qpy_version: last item of ``uos.uname()``; empty for the profile's.
    """

    name: str
    module: str
    version: str
    models: tuple[str, ...]
    product: str
    product_version: str
    alias: str
    built_at: int
    onboard: tuple[str, ...]
    build_date: str = ""
    qpy_version: str = ""


def read_recipe(data: bytes, name: str) -> FirmwareRecipe:
    """The recipe in a TOML file.

    Raises:
        BadRecipe: a key is missing, wrong or unknown.
        BadOption: the version is not of the form modules use.
    """
    top = Table.parse(data, f"firmware/{name}{ENDING}")
    recipe = FirmwareRecipe(
        name=name,
        module=top.text("module"),
        version=top.text("version"),
        models=top.texts("models"),
        product=top.text("product", ""),
        product_version=top.text("product_version", ""),
        alias=top.text("alias", ""),
        built_at=top.number("built_at"),
        onboard=top.texts("onboard"),
        build_date=top.text("build_date", ""),
        qpy_version=top.text("qpy_version", ""),
    )
    top.end()
    must_be_version(recipe.version)
    return recipe


def find_recipe(name: str) -> FirmwareRecipe:
    """The recipe of that name, or the one for the module of that name.

    Raises:
        BadOption: there is none.
        BadRecipe: it is wrong.
    """
    folder = shipped.folder("firmware")
    slug = _slug_of(name)
    if not _NAME.fullmatch(slug) or not (folder / (slug + ENDING)).is_file():
        known = ", ".join(recipes())
        why = Text(
            "no firmware recipe named '{wanted}'; there are: {known}", "没有名为“{wanted}”的固件配方；现有：{known}"
        )
        raise BadOption(name="MODULE", reason=why, wanted=name, known=known)
    return read_recipe((folder / (slug + ENDING)).read_bytes(), slug)


def _slug_of(name: str) -> str:
    """Name of a recipe; an alias of a module becomes its slug."""
    if name.lower() in recipes():
        return name.lower()
    try:
        return catalog.module(name).slug
    except UnknownModule:
        return name.lower()


def recipes() -> tuple[str, ...]:
    """Names of all recipes, sorted."""
    return tuple(sorted(path.stem for path in shipped.folder("firmware").glob(f"*{ENDING}")))


def must_be_version(version: str) -> None:
    """Stop at a version that no reader would find in a package.

    Raises:
        BadOption: it is not of the form EC600UCNLBR03A01M08_OCPU_PY_NAME1.
    """
    if not version.isascii() or not VERSION.fullmatch(version.encode("ascii", "replace")):
        why = Text(
            "'{version}' is not of the form EC600UCNLBR03A01M08_OCPU_PY_NAME1",
            "“{version}”不符合 EC600UCNLBR03A01M08_OCPU_PY_NAME1 的形式",
        )
        raise BadOption(name="--version", reason=why, version=version)
