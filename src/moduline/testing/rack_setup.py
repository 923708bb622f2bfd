"""Bringing up virtual modules in the background, with the stock package of our own virtual firmware in them.

``bring_up`` is for so many modules of one model, ``bring_up_scenario`` for what a scenario file describes; the command
line and the browser call them. Plain blocking calls.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from moduline.errors import BadOption, NoSuchFile, StorageFailed, Text
from moduline.profiles import catalog
from moduline.vmodule import rack_client

if TYPE_CHECKING:
    from moduline.vmodule.scenario import ModulePlan, Scenario

MAX_MODULES: Final = 256


@dataclass(frozen=True, slots=True)
class Setup:
    """How modules are brought up.

    Attributes:
        module: their model, as the catalogue or a user calls it.
        package: firmware put in beforehand; None for the stock package.
        is_off: leave the power off.
        is_blank: the flash erased, NV kept.
        is_fresh: forget what was burnt before.
        is_realistic: boot as slowly as real modules.
        is_tcp: TCP ports instead of pseudo-terminals.
        is_language_strict: refuse syntax newer than the module's.
    """

    module: str = "ec600u"
    package: Path | None = None
    is_off: bool = False
    is_blank: bool = False
    is_fresh: bool = False
    is_realistic: bool = False
    is_tcp: bool = False
    is_language_strict: bool = False


def bring_up(rack: str, setup: Setup, numbers: Sequence[int], stem: str = "m") -> list[dict[str, Any]]:
    """Bring up modules; one that is up stays up, what was burnt before is still there. Gives them as ``list`` does.

    Args:
        rack: its name; started when it is not up.
        setup: how.
        numbers: of the modules, from 1; they are called STEM1, STEM2 and so on.
        stem: of their names.

    Raises:
        UnknownModule: no such model.
        BadOption: too many, or a package and a blank flash.
        NoSuchFile: the package is not there.
        ModulineError: what the rack answered.
    """
    if not 1 <= len(numbers) <= MAX_MODULES:
        raise BadOption(name="--count", reason=Text("1 to {most}", "应为 1 至 {most}"), most=MAX_MODULES)
    if setup.package is not None and setup.is_blank:
        raise BadOption(name="--blank", reason=Text("not together with --package", "不能与 --package 同时使用"))
    slug = catalog.module(setup.module).slug
    with _package_file(slug, setup) as path:
        wanted = [
            {
                "name": f"{stem}{number}",
                "module": slug,
                "number": number,
                "package": path,
                "is_new_package": setup.package is not None,
                "is_blank": setup.is_blank,
                "is_fresh": setup.is_fresh,
                "is_realistic": setup.is_realistic,
                "ports": "tcp" if setup.is_tcp else "",
                "is_language_strict": setup.is_language_strict,
            }
            for number in numbers
        ]
        rack_client.start(rack)
        modules: list[dict[str, Any]] = rack_client.ask(rack, "add", modules=wanted, is_off=setup.is_off)["modules"]
    return modules


def free_numbers(modules: Sequence[dict[str, Any]], count: int) -> list[int]:
    """Numbers for ``count`` more modules of a rack: above every one that is there.

    Args:
        modules: what ``list`` says of the rack.
        count: how many.
    """
    above = max((int(one["number"]) for one in modules), default=0)
    return list(range(above + 1, above + 1 + count))


def bring_up_scenario(data: bytes, path: Path, rack: str, *, is_off: bool, is_kept: bool) -> list[dict[str, Any]]:
    """Bring up the rack that a scenario file describes; gives what ``list`` says of its modules.

    Args:
        data: the file.
        path: where it lies; relative paths in it count from its folder.
        rack: name of the rack.
        is_off: leave the power off.
        is_kept: keep what is in the flash files; else every module begins anew.

    Raises:
        BadRecipe: the scenario is wrong.
        ModulineError: what the rack answered.
    """
    from moduline.vmodule.scenario import read_scenario  # takes its time; other commands start faster without

    scenario = read_scenario(data, path.absolute())
    with _stock_packages(scenario) as stock:
        wanted = [_wanted(plan, stock, is_kept=is_kept) for plan in scenario.modules]
        rack_client.start(rack)
        text = {"path": str(scenario.path), "text": data.decode("utf-8-sig")}
        answer = rack_client.ask(rack, "add", modules=wanted, is_off=is_off, scenario=text)
    modules: list[dict[str, Any]] = answer["modules"]
    return modules


def _wanted(plan: ModulePlan, stock: dict[str, str], *, is_kept: bool) -> dict[str, Any]:
    return {
        "name": plan.name,
        "module": plan.module,
        "number": plan.number,
        "slot": plan.slot,
        "package": "" if plan.is_blank else str(plan.package or stock[plan.module]),
        "is_blank": plan.is_blank,
        "is_fresh": not is_kept,
        "is_realistic": plan.is_realistic,
        "ports": "tcp" if plan.is_tcp else "",
    }


@contextmanager
def _package_file(slug: str, setup: Setup) -> Iterator[str]:
    """The file new modules are programmed from: the user's, or the stock package; empty for a blank flash."""
    if setup.package is not None:
        if not setup.package.is_file():
            raise NoSuchFile(path=str(setup.package), reason=Text("no such file", "文件不存在"))
        yield str(setup.package.absolute())
    elif setup.is_blank:
        yield ""
    else:
        with tempfile.TemporaryDirectory(prefix="moduline-") as folder:
            yield _stored(slug, Path(folder))


@contextmanager
def _stock_packages(scenario: Scenario) -> Iterator[dict[str, str]]:
    """The stock package of every model that needs one, as a file; gone afterwards."""
    slugs = {plan.module for plan in scenario.modules if plan.package is None and not plan.is_blank}
    with tempfile.TemporaryDirectory(prefix="moduline-") as folder:
        yield {slug: _stored(slug, Path(folder)) for slug in sorted(slugs)}


def _stored(slug: str, folder: Path) -> str:
    """Path of a model's stock package, written into ``folder``."""
    from moduline.release.firmware import stock_package  # takes its time; a rack that is up needs none

    path = folder / f"{slug}-stock.pac"
    try:
        path.write_bytes(stock_package(slug))
    except OSError as cause:
        raise StorageFailed(path=str(path), reason=cause.strerror or str(cause)) from cause
    return str(path)
