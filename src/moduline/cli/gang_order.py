"""``gang order``: so many units, each with exactly these bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from moduline import burn as burning
from moduline.burn.action import PlanOptions
from moduline.burn.enter import is_same_name
from moduline.cli.burn import FileArgument
from moduline.cli.disk import read_file
from moduline.cli.gang_run import RetriesOption
from moduline.cli.language import say
from moduline.cli.output import DryRunFlag, JsonFlag, print_facts, print_json, print_table
from moduline.errors import WrongModule
from moduline.line import work_order as orders
from moduline.line.assignment import with_tests
from moduline.line.retry import parse_retries
from moduline.line.work_order import OrderState, WorkOrder

IdArgument = Annotated[str, typer.Argument(metavar="ID", help=say("work order", "工单号"))]


def register_order(gang: typer.Typer) -> None:
    """Add ``gang order``."""
    order = typer.Typer(no_args_is_help=True, help=say("Work orders.", "工单。"))
    gang.add_typer(order, name="order")
    register_new(order)
    register_list(order)

    @order.command(
        help=say(
            "One order: what it is locked to, how many units are left. Example: moduline gang order show A-17",
            "显示工单：锁定内容与剩余数量。示例：moduline gang order show A-17",
        )
    )
    def show(name: IdArgument, as_json: JsonFlag = False) -> None:
        work = orders.read_order(name)
        show_order(work, orders.state_of(work, burning.book(name).read()), as_json=as_json)

    @order.command(
        help=say(
            "End an order: no further unit is burnt for it. Example: moduline gang order close A-17",
            "关闭工单，不再为其烧录。示例：moduline gang order close A-17",
        )
    )
    def close(name: IdArgument, as_json: JsonFlag = False) -> None:
        work = orders.close_order(name)
        show_order(work, orders.state_of(work, burning.book(name).read()), as_json=as_json)


def register_new(order: typer.Typer) -> None:
    """Add ``gang order new``."""

    @order.command(
        help=say(
            "Make an order and lock its package by SHA-256, recipe and units file likewise. "
            "Example: moduline gang order new A-17 QUEC_TEST_1.0.0.zip --count 500",
            "新建工单，以 SHA-256 锁定固件包，以及检测配方与单机数据表。"
            "示例：moduline gang order new A-17 QUEC_TEST_1.0.0.zip --count 500",
        )
    )
    def new(
        name: IdArgument,
        file: FileArgument,
        count: Annotated[
            int, typer.Option("--count", metavar="N", min=0, help=say("units; 0: no end", "数量；0 为不限"))
        ] = 0,
        model: Annotated[
            str, typer.Option("--model", metavar="M", help=say("refuse every other model", "拒绝其他型号"))
        ] = "",
        recipe: Annotated[
            Path | None, typer.Option("--recipe", metavar="R.toml", help=say("functional test", "功能测试配方"))
        ] = None,
        units: Annotated[
            Path | None, typer.Option("--units", metavar="U.csv", help=say("data of each unit", "单机数据表"))
        ] = None,
        retries: RetriesOption = None,
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
    ) -> None:
        data = read_file(file)
        job = burning.make_order(data, file.name)
        plan = with_tests(job, data, PlanOptions(), recipe, units).plan
        if model and plan.model and not is_same_name(model, plan.model):
            raise WrongModule(package=plan.model, module=model)
        work = orders.new_order(
            name,
            (file, data),
            count=count,
            model=model,
            recipe=(recipe, read_file(recipe)) if recipe else None,
            units=(units, read_file(units)) if units else None,
            retries=parse_retries(retries or ()),
        )
        if not dry_run:
            work = orders.lock_order(work)
        show_order(work, orders.state_of(work, burning.book(name).read()), as_json=as_json)


def register_list(order: typer.Typer) -> None:
    """Add ``gang order list``."""

    @order.command(
        "list",
        help=say(
            "Every order and how far it is. Example: moduline gang order list",
            "列出所有工单及进度。示例：moduline gang order list",
        ),
    )
    def list_orders(as_json: JsonFlag = False) -> None:
        found = [(work, orders.state_of(work, burning.book(work.id).read())) for work in orders.all_orders()]
        if as_json:
            print_json({"ok": True, "orders": [facts_of(work, state) for work, state in found]})
            return
        print_table(
            [
                say("order", "工单"),
                say("state", "状态"),
                say("passed", "已通过"),
                say("wanted", "数量"),
                say("tries", "次数"),
                say("model", "型号"),
                say("package", "固件包"),
            ],
            [
                (
                    escape(work.id),
                    word_of(work, state),
                    state.passed,
                    work.count or "",
                    state.tries,
                    escape(work.model),
                    escape(f"{Path(work.file).name} {work.sha256[:12]}"),
                )
                for work, state in found
            ],
        )


def facts_of(work: WorkOrder, state: OrderState) -> dict[str, Any]:
    """An order and how far it is, as one JSON object."""
    word = "closed" if work.is_closed else "full" if state.is_full else "open"
    far = {"state": word, "passed": state.passed, "units_tried": state.units, "tries": state.tries, "left": state.left}
    return work.as_json() | far


def word_of(work: WorkOrder, state: OrderState) -> str:
    """Whether the order takes further units, for people."""
    if work.is_closed:
        return say("closed", "已关闭")
    return say("full", "已完成") if state.is_full else say("open", "进行中")


def show_order(work: WorkOrder, state: OrderState, *, as_json: bool) -> None:
    """Print one order."""
    if as_json:
        print_json({"ok": True, **facts_of(work, state)})
        return
    rows = {
        say("order", "工单"): escape(work.id),
        say("state", "状态"): word_of(work, state),
        say("passed", "已通过"): state.passed,
        say("left", "剩余"): say("no end", "不限") if state.left is None else state.left,
        say("tries", "次数"): state.tries,
        say("model", "型号"): escape(work.model),
        say("package", "固件包"): escape(f"{work.file}  {work.sha256}"),
        say("recipe", "检测配方"): escape(f"{work.recipe}  {work.recipe_sha256}".strip()),
        say("units", "单机数据"): escape(f"{work.units}  {work.units_sha256}".strip()),
        say("retries", "自动重试"): ", ".join(f"{name}={count}" for name, count in work.retries.items()),
        say("made", "建立时间"): work.created,
        say("closed", "关闭时间"): work.closed,
    }
    print_facts({name: value for name, value in rows.items() if value != ""}, as_json=False)
