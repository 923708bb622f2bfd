"""The full virtual modules of ``fleet run --virtual N``: what they need, what is missing, how they are shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape

from moduline.cli.disk import read_file
from moduline.cli.language import say
from moduline.cli.output import out, print_table
from moduline.errors import BadOption, Text
from moduline.fleet import VirtualPlan
from moduline.fleet.virtual import MODULE, firmware_version
from moduline.fleet.virtual_script import stock_script
from moduline.profiles import catalog
from moduline.vmodule.scenario.contents import gather

MOST: Final = 256
SCRIPT_NAME: Final = "main.py"
CA_NAME: Final = "qth_ca.pem"  # where the SDK looks for the authorities it trusts

VirtualOption = Annotated[
    int,
    typer.Option(
        "--virtual",
        metavar="N",
        min=0,
        max=MOST,
        help=say("of these full virtual modules", "其中完整虚拟模组的数量"),
    ),
]
PackageOption = Annotated[
    Path | None,
    typer.Option(
        "--package",
        metavar="FILE",
        help=say("with --virtual: their firmware; none: stock", "与 --virtual 合用：固件包，默认内置固件"),
    ),
]
ModuleOption = Annotated[
    str,
    typer.Option("--module", metavar="M", help=say("with --virtual: their model", "与 --virtual 合用：型号")),
]
ScriptOption = Annotated[
    Path | None,
    typer.Option(
        "--script",
        metavar="PATH",
        help=say("with --virtual: main.py, or folder for /usr", "与 --virtual 合用：main.py 或 /usr 目录"),
    ),
]
OUTCOMES: Final = {
    "upgraded": ("upgraded", "升级成功"),
    "failed": ("failed", "升级失败"),
    "refused": ("refused", "拒绝升级"),
    "none": ("no upgrade", "未升级"),
}


def devices_of(count: int | None, virtual: int) -> int:
    """How many light devices there are.

    Raises:
        BadOption: nothing was asked for, or more full modules than devices.
    """
    if count is None and not virtual:
        raise BadOption(name="--count", reason=Text("it is missing: how many devices", "缺少：设备数量"))
    if count is not None and count < virtual:
        reason = Text("{count} devices cannot have {virtual} full modules among them", "总数 {count} 少于 {virtual}")
        raise BadOption(name="--virtual", reason=reason, count=count, virtual=virtual)
    return 0 if count is None else count - virtual


def refuse_alone(virtual: int, package: Path | None, script: Path | None, module: str) -> None:
    """See that nothing is said of virtual modules where there are none.

    Raises:
        BadOption: it is.
    """
    for name, is_given in (("--package", package), ("--script", script), ("--module", module != MODULE)):
        if is_given and not virtual:
            raise BadOption(name=name, reason=Text("only with --virtual N", "只能与 --virtual N 合用"))


def must_have_product(product: str, secret: str) -> None:
    """See that there is a product, and say what is missing and where it is found.

    Raises:
        BadOption: it is.
    """
    needs = {
        "--product": (product, "MODULINE_PRODUCT", "moduline ota product list"),
        "--secret": (secret, "MODULINE_PRODUCT_SECRET", "moduline ota product secret NAME"),
    }
    missing = [name for name, (value, _, _) in needs.items() if not value]
    if not missing:
        return
    commands = ", ".join(needs[name][2] for name in missing)
    variables = ", ".join(needs[name][1] for name in missing)
    reason = Text("missing; or set {variables}; shown by: {commands}", "缺少；或设置 {variables}；查看：{commands}")
    raise BadOption(name=", ".join(missing), reason=reason, commands=commands, variables=variables)


def firmware_of(module: str, package: Path | None) -> tuple[str, bytes | None, str]:
    """Slug of the model, firmware of the modules, and its version.

    Raises:
        UnknownModule, NoSuchFile, WrongModule, FormatError, BadOption: there is none that boots.
    """
    slug = catalog.module(module).slug
    if package is None:
        return slug, None, firmware_version(slug)
    data = read_file(package)
    return slug, data, firmware_version(slug, data, package.name)


def files_of(script: Path | None, product: str, secret: str, ca: Path | None) -> dict[str, bytes]:
    """What is in ``/usr`` of every module.

    Raises:
        NoSuchFile, StorageFailed: it cannot be read.
        BadOption: a folder without ``main.py``.
    """
    files: dict[str, bytes] = {}
    if script is None:
        files[SCRIPT_NAME] = stock_script(product, secret)
    elif script.is_dir():
        files |= gather([script])
        if SCRIPT_NAME not in files:
            raise BadOption(name="--script", reason=Text("there is no main.py in it", "其中没有 main.py"))
    else:
        files[SCRIPT_NAME] = read_file(script)
    if ca is not None:
        files.setdefault(CA_NAME, read_file(ca))
    return files


def plan_facts(plan: VirtualPlan, version: str) -> dict[str, Any]:
    """The modules for ``--dry-run``."""
    return {"modules": plan.count, "module": plan.module, "version": version, "script_bytes": _bytes(plan)}


def show_modules(facts: dict[str, Any]) -> None:
    """The virtual part of a summary, for people."""
    out().print(say("full virtual modules: {count}", "完整虚拟模组：{count}", count=facts["devices"]), markup=False)
    head = ("DK", say("model", "型号"), say("state", "状态"), say("version", "版本"), say("outcome", "结果"))
    rows = []
    for one in facts["modules"]:
        before, after = one["version_before"], one["version"]
        version = after if before in {"", after} else f"{before} -> {after}"
        outcome = say(*OUTCOMES[one["outcome"]]) + (f" ({one['reason']})" if one["reason"] else "")
        rows.append(tuple(escape(cell) for cell in (one["dk"], one["model"], one["state"], version, outcome)))
    print_table(head, rows)


def _bytes(plan: VirtualPlan) -> int:
    return sum(map(len, plan.files.values()))
