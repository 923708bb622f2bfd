"""``fleet run``: simulated devices at a platform, and what became of them."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from moduline import fleet as fleets
from moduline.cli.disk import read_file
from moduline.cli.fleet_virtual import (
    ModuleOption,
    PackageOption,
    ScriptOption,
    VirtualOption,
    devices_of,
    files_of,
    firmware_of,
    must_have_product,
    plan_facts,
    refuse_alone,
    show_modules,
)
from moduline.cli.language import say
from moduline.cli.output import DryRunFlag, JsonFlag, JsonlFlag, note, print_facts, print_json, print_table
from moduline.errors import BadOption, FleetUnfinished, ServerUnreachable, Text
from moduline.events import Event, Notice, Reporter, to_json
from moduline.fleet import FleetOptions, FleetPlan, Summary, VirtualPlan
from moduline.fleet.behaviour import Behaviour
from moduline.fleet.description import Arrival
from moduline.fleet.virtual import MODULE

CTRL_C: Final = 130
_MOST_PORT: Final = 65535

ServerOption = Annotated[
    str,
    typer.Option(
        "--server",
        metavar="[mqtts://]HOST[:PORT][,…]",
        help=say("where to connect; several gateways: spread", "平台地址，可多个"),
    ),
]
CountOption = Annotated[
    int | None, typer.Option("--count", metavar="N", min=1, help=say("how many in all", "设备总数"))
]
SeedOption = Annotated[
    int | None, typer.Option("--seed", metavar="N", help=say("same seed, same fleet", "种子相同则行为相同"))
]
PortOption = Annotated[
    int, typer.Option("--mqtt-port", metavar="N", min=1, max=65535, help=say("of the gateway", "设备网关端口"))
]
ProductOption = Annotated[
    str, typer.Option("--product", metavar="PK", help=say("product key", "产品标识"), envvar="MODULINE_PRODUCT")
]
SecretOption = Annotated[
    str,
    typer.Option("--secret", metavar="PS", help=say("product secret", "产品密钥"), envvar="MODULINE_PRODUCT_SECRET"),
]
RateOption = Annotated[
    float | None,
    typer.Option("--rate", metavar="N", min=0.01, help=say("first contacts per second", "每秒首次接入数")),
]
ForOption = Annotated[
    float | None,
    typer.Option("--for", metavar="SECONDS", min=0.0, help=say("end after so long", "运行时长（秒）")),
]
DoneOption = Annotated[
    bool,
    typer.Option("--until-done", help=say("end when all upgrades have ended", "所有设备升级结束后退出")),
]
FleetOption = Annotated[
    Path | None,
    typer.Option("--fleet", metavar="FILE", help=say("description of the fleet, TOML", "设备群描述文件（TOML）")),
]
StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state", metavar="FILE", help=say("what devices remember: read and written", "设备记忆：启动读取，结束写入")
    ),
]
ScaleOption = Annotated[
    float | None,
    typer.Option("--time-scale", metavar="N", help=say("devices' seconds per second", "设备时间倍速")),
]
PLAIN_PORT = 1883
SECURE = "mqtts://"
TlsOption = Annotated[bool, typer.Option("--tls", help=say("gateway with TLS", "使用 TLS 连接网关"))]
CaOption = Annotated[
    Path | None, typer.Option("--ca", metavar="FILE", help=say("certificates to trust, PEM", "受信任的证书（PEM）"))
]
DownloadsOption = Annotated[
    int, typer.Option("--downloads", metavar="N", min=1, max=10_000, help=say("at once", "同时下载数"))
]


def register(app: typer.Typer) -> None:
    """Add ``fleet``."""
    fleet = typer.Typer(
        help=say("Simulated devices for the OTA platform.", "用于 OTA 平台的模拟设备。"), no_args_is_help=True
    )
    app.add_typer(fleet, name="fleet")

    @fleet.callback()
    def noun() -> None:
        """A noun with one verb keeps its verb."""

    @fleet.command(
        help=say(
            "Run simulated devices against a platform: they come online, are offered upgrades, download, reboot, and "
            "fail as told. With --virtual some of them are full virtual modules, with flash, boot code and a script. "
            "Ctrl-C ends them. "
            "Example: moduline fleet run --server 127.0.0.1 --count 1000 --product p000aa --secret 0123456789abcdef "
            "--seed 7 --until-done --for 600 · the same with --virtual 8 --package v1.zip",
            "用模拟设备连接平台：上线、接受升级、下载、重启，并按设定出错。"
            "--virtual 使其中若干台为完整虚拟模组（含 Flash、引导程序与脚本）。按 Ctrl-C 结束。"
            "示例：moduline fleet run --server 127.0.0.1 --count 1000 --product p000aa --secret 0123456789abcdef "
            "--seed 7 --until-done --for 600；或再加 --virtual 8 --package v1.zip",
        )
    )
    def run(
        server: ServerOption,
        count: CountOption = None,
        virtual: VirtualOption = 0,
        package: PackageOption = None,
        module: ModuleOption = MODULE,
        script: ScriptOption = None,
        seed: SeedOption = None,
        mqtt_port: PortOption = PLAIN_PORT,
        product: ProductOption = "",
        secret: SecretOption = "",
        rate: RateOption = None,
        limit: ForOption = None,
        until_done: DoneOption = False,
        description: FleetOption = None,
        state: StateOption = None,
        time_scale: ScaleOption = None,
        tls: TlsOption = False,
        ca: CaOption = None,
        downloads: DownloadsOption = 256,
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
        as_jsonl: JsonlFlag = False,
    ) -> None:
        server, mqtt_port, tls = _dialled(server, mqtt_port, tls)
        (server, mqtt_port), *others = _gateways(server, mqtt_port)
        light = devices_of(count, virtual)
        refuse_alone(virtual, package, script, module)
        slug, firmware, version = firmware_of(module, package) if virtual else (module, None, "")
        plan = _plan(description, seed, rate, time_scale, version)
        full = None
        if virtual:
            full = VirtualPlan(
                virtual,
                f"{'mqtts' if tls else 'mqtt'}://{server}:{mqtt_port}",
                files_of(script, product, secret, ca),
                slug,
                firmware,
                None if state is None else state.with_name(state.name + ".modules"),
                plan.rate,
            )
        if dry_run:
            _show_plan(plan, light, full, version, as_json=as_json)
            return
        must_have_product(product, secret)
        options = FleetOptions(
            server=server,
            count=light,
            product=product,
            secret=secret,
            mqtt_port=mqtt_port,
            others=tuple(others),
            tls=_context(ca) if tls else None,
            downloads=downloads,
            limit_s=limit,
            is_until_done=until_done,
        )
        summary, is_stopped = asyncio.run(_run(plan, options, full, state, _reporter(as_jsonl=as_jsonl)))
        _show_end(summary, as_json=as_json, as_jsonl=as_jsonl)
        _judge(summary, options, is_stopped=is_stopped, is_script_ours=script is None)


def _dialled(text: str, port: int, tls: bool) -> tuple[str, int, bool]:
    """Gateways, their usual port, and whether with TLS, of an option that may say so by ``mqtts://``."""
    if text.startswith(SECURE):
        return text.removeprefix(SECURE), 8883 if port == PLAIN_PORT else port, True
    return text.removeprefix("mqtt://"), port, tls


def _gateways(text: str, port: int) -> tuple[tuple[str, int], ...]:
    """Names and ports of gateways from one option.

    Args:
        text: ``HOST`` or ``HOST:PORT``, several separated by commas.
        port: of those without one.

    Raises:
        BadOption: one of them is none.
    """
    found = []
    for one in text.split(","):
        host, colon, number = one.strip().rpartition(":")
        is_plain = not colon or ":" in host  # an IPv6 address has colons of its own
        name, said = (one.strip(), str(port)) if is_plain else (host, number)
        if not name or not (said.isascii() and said.isdigit() and 0 < int(said) <= _MOST_PORT):
            raise BadOption(name="--server", reason=Text("HOST or HOST:PORT", "须为 主机 或 主机:端口"))
        found.append((name, int(said)))
    return tuple(found)


async def _run(
    plan: FleetPlan, options: FleetOptions, full: VirtualPlan | None, state: Path | None, report: Reporter
) -> tuple[Summary, bool]:
    """The summary, and whether it was stopped by a signal."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # no signals of this kind on Windows: Ctrl-C cancels
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
    summary = await fleets.run_fleet(plan, options, virtual=full, state=state, report=report, stop=stop)
    return summary, stop.is_set()


def _plan(
    description: Path | None, seed: int | None, rate: float | None, time_scale: float | None, version: str
) -> FleetPlan:
    """The description, with what the options say otherwise; without one all run ``version``, if there is such."""
    if description is not None:
        plan = fleets.read_description(read_file(description))
    else:
        plan = FleetPlan(((1.0, Behaviour(module_version=version)),)) if version else FleetPlan()
    if time_scale is not None and not 0.01 <= time_scale <= 10_000:
        raise BadOption(name="--time-scale", reason=Text("from 0.01 to 10000", "须为 0.01 至 10000"))
    changes: dict[str, Any] = {"seed": seed, "rate": rate, "time_scale": time_scale}
    return replace(plan, **{name: value for name, value in changes.items() if value is not None})


def _context(ca: Path | None) -> ssl.SSLContext:
    data = None if ca is None else read_file(ca).decode("utf-8", "replace")
    try:
        if data is not None and "BEGIN CERTIFICATE" not in data:  # the library would take its own instead
            raise ValueError
        return ssl.create_default_context(cadata=data)
    except (ssl.SSLError, ValueError) as error:
        raise BadOption(name="--ca", reason=Text("no certificates in it", "文件中没有证书")) from error


def _reporter(*, as_jsonl: bool) -> Reporter:
    def report(event: Event) -> None:
        if as_jsonl:
            print_json(to_json(event))
        elif isinstance(event, Notice) and event.slug == "fleet.progress" and event.facts["seconds"] % 10 == 0:
            facts = {"upgraded": 0, "failed": 0, "refused": 0, **event.facts}
            note(
                "{seconds} s: {up} online, {upgraded} upgraded, {failed} failed, {refused} refused",
                "{seconds} 秒：在线 {up}，成功 {upgraded}，失败 {failed}，拒绝 {refused}",
                **facts,
            )
            if "virtual_running" in facts:
                note(
                    "  virtual modules: {virtual_running} running, {virtual_upgraded} upgraded, "
                    "{virtual_failed} failed",
                    "  虚拟模组：运行 {virtual_running}，成功 {virtual_upgraded}，失败 {virtual_failed}",
                    **facts,
                )

    return report


def _show_plan(plan: FleetPlan, count: int, full: VirtualPlan | None, version: str, *, as_json: bool) -> None:
    whole = sum(share for share, _ in plan.kinds)
    kinds = [
        {"kind": kind.name, "model": kind.model, "version": kind.module_version, "share": round(share / whole, 4)}
        for share, kind in plan.kinds
    ]
    facts = {
        "devices": count,
        "seed": plan.seed,
        "time_scale": plan.time_scale,
        "arrival": Arrival(plan.arrival).value,
        "rate": plan.rate,
        "first": plan.dk(0),
        "last": plan.dk(max(0, count - 1)),
    }
    virtual = {} if full is None else {"virtual": plan_facts(full, version)}
    if as_json:
        print_json({"ok": True, **facts, **virtual, "kinds": kinds})
        return
    print_facts({**facts, **{name: _joined(value) for name, value in virtual.items()}}, as_json=False)
    head = (say("kind", "类型"), say("model", "型号"), say("version", "版本"), say("share", "占比"))
    print_table(head, [tuple(one.values()) for one in kinds])


def _show_end(summary: Summary, *, as_json: bool, as_jsonl: bool) -> None:
    facts = summary.to_json()
    if as_jsonl:
        print_json({"event": "summary", **facts})
    elif as_json:
        print_json({"ok": True, **facts})
    else:
        virtual = facts.pop("virtual", None)
        if summary.devices or virtual is None:
            shown = {name: _joined(value) if isinstance(value, dict) else value for name, value in facts.items()}
            print_facts({name: value for name, value in shown.items() if value != ""}, as_json=False)
        if virtual is not None:
            show_modules(virtual)


def _joined(counts: dict[str, Any]) -> str:
    return "  ".join(f"{key} {count}" for key, count in sorted(counts.items()))


def _judge(summary: Summary, options: FleetOptions, *, is_stopped: bool, is_script_ours: bool) -> None:
    """Turns an end that was not wanted into an exit code.

    Raises:
        ServerUnreachable: not one device came online.
        FleetUnfinished: the time was over before the upgrades were.
    """
    if is_stopped:
        raise typer.Exit(CTRL_C)
    tally, virtual = summary.tally, summary.virtual
    has_tried = tally.unreached + tally.lost + sum(tally.refusals.values()) > 0
    is_light_away = has_tried or (summary.devices == 0 and is_script_ours)  # another script may come online in silence
    if is_light_away and not tally.connections and not (virtual is not None and virtual.was_online):
        reason = Text("no device came online", "没有设备上线")
        raise ServerUnreachable(server=f"{options.server}:{options.mqtt_port}", reason=reason)
    if options.is_until_done and not summary.is_done:
        waiting = summary.devices_by_outcome.get("none", 0)
        full = () if virtual is None else virtual.devices
        raise FleetUnfinished(
            waiting=waiting + sum(one.outcome == "none" for one in full),
            devices=summary.devices + len(full),
            seconds=round(summary.seconds, 1),
        )
