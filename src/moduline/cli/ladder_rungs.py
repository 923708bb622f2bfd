"""The rungs of the troubleshooting ladder, each a check that gives what it saw and what helps.

::

    seen -> driver -> permission -> holder -> supply -> mode -> at -> boot-pin -> package -> nv -> history

A rung that makes no sense yet (the AT port of a module that is not there) says "skipped".
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from moduline import burn as burning
from moduline.burn.enter import check_model
from moduline.burn.nv_choice import names_a_unit
from moduline.burn.nv_store import all_saved, last_usable
from moduline.burn.plan import make_plan
from moduline.cli.disk import read_file
from moduline.errors import ModulineError, NoModule, Text
from moduline.package import read_package
from moduline.port import diagnosis, registry, usb_tree
from moduline.port.address import open_port, resolve
from moduline.port.diagnosis import NOTHING, Finding
from moduline.port.listing import PortInfo, is_module
from moduline.port.usb_ids import UsbId, find_usb_id
from moduline.port.watch import Watch
from moduline.remote.at_session import AtSession
from moduline.remote.identify import Identity, identify_by_at

Result = Literal["ok", "hint", "problem", "skipped"]
PIN_WAIT_S: Final = 60.0
ROLES: Final = ("at", "download", "repl")


@dataclass(frozen=True, slots=True)
class Rung:
    """What one rung found.

    Args:
        slug: its stable name.
        title: what it is about.
        result: ``ok``; ``hint``: worth knowing; ``problem``: in the way; ``skipped``: cannot be told yet.
        seen: what was seen.
        remedy: what helps.
    """

    slug: str
    title: Text
    result: Result
    seen: Text = NOTHING
    remedy: Text = NOTHING


@dataclass(slots=True)
class Climb:
    """One module on its way up.

    Args:
        address: as given.
        package: what is to be burnt; None: not told.
        watch: who is connected, live.
        patience_s: how long to wait for a module, or for somebody with the boot pin.
        tell: says at once what is being waited for.
    """

    address: str
    package: Path | None
    watch: Watch
    patience_s: float
    tell: Callable[[Text], None]
    port: PortInfo | None = None
    identity: Identity | None = None
    done: dict[str, Rung] = field(default_factory=dict)

    @property
    def here(self) -> list[PortInfo]:
        """The module's ports now."""
        return list(self.watch.at_place(self.port.place)) if self.port is not None else []

    @property
    def row(self) -> UsbId | None:
        """What the USB ids say of it."""
        return next((row for port in self.here if (row := find_usb_id(port.vid, port.pid)) is not None), None)

    def port_of(self, role: str) -> PortInfo | None:
        """Its port of that role now."""
        return next((port for port in self.here if port.role == role), None)


def _worst(slug: str, title: Text, findings: list[Finding], fine: Text) -> Rung:
    """The rung of the worst finding; ``fine`` when there is none that matters."""
    for level in ("problem", "hint"):
        for one in findings:
            if one.level == level:
                seen = Text(f"{one.subject}: {one.what.en}", f"{one.subject}：{one.what.zh}")
                return Rung(slug, title, "problem" if level == "problem" else "hint", seen, one.remedy)
    return Rung(slug, title, "ok", fine)


# ---- is it there -----------------------------------------------------------------------------------------------------


async def _seen(climb: Climb) -> Rung:
    title = Text("the module shows on this computer", "电脑能看到模组")
    loop = asyncio.get_running_loop()
    limit = loop.time() + climb.patience_s
    is_told = False
    while True:
        try:
            climb.port = resolve(climb.address, ROLES, climb.watch.ports)
            break
        except NoModule:
            if (left_s := limit - loop.time()) <= 0:
                return _not_seen(climb, title)
        if not is_told:
            is_told = True
            climb.tell(
                Text(
                    f"nothing yet: plug it in and power it now, watching the ports for {climb.patience_s:.0f} s ...",
                    f"尚未发现：请现在连接并上电，监视端口 {climb.patience_s:.0f} 秒……",
                )
            )
        await climb.watch.next_change(left_s)
    shown = ", ".join(sorted({port.role for port in climb.here} or {climb.port.role}))
    model = climb.port.model or (climb.row.modules if climb.row else "")
    return Rung("seen", title, "ok", Text(*[f"{climb.port.address} {model}: {shown}"] * 2))


def _not_seen(climb: Climb, title: Text) -> Rung:
    name = climb.address.removeprefix("virt:").rpartition("/")[2]
    off = next((one for one in registry.modules() if one.state == "off" and name in {one.name, "auto"}), None)
    if off is not None:
        power = f"moduline virt power {off.name} on --rack {off.rack}"
        return Rung(
            "seen",
            title,
            "problem",
            Text(f"virt:{off.name} is powered off", f"virt:{off.name} 未上电"),
            Text(power, power),
        )
    others = [port for port in climb.watch.ports if is_module(port)]
    if climb.address != "auto" and others:
        names = ", ".join(sorted({port.address for port in others}))
        seen = Text(f"not at {climb.address}; there are: {names}", f"{climb.address} 处没有；现有：{names}")
        return Rung("seen", title, "problem", seen, Text("name one of these", "请从中选择"))
    found = diagnosis.judge_portless([])
    if found:
        return _worst("seen", title, found, NOTHING)
    nothing = diagnosis.nothing_found()
    return Rung("seen", title, "problem", nothing.what, nothing.remedy)


async def _driver(climb: Climb) -> Rung:
    title = Text("its ports have drivers", "端口驱动正常")
    if climb.port is None:
        return _worst("driver", title, diagnosis.judge_portless([]), NOTHING) if _portless() else _skip("driver", title)
    findings = [one for one in diagnosis.judge_places(climb.here) if one.level == "problem"]
    findings += [one for one in diagnosis.judge_portless(climb.watch.ports) if one.subject == climb.port.location]
    drivers = sorted({name for port in climb.here if (name := usb_tree.driver_of(port.path))})
    return _worst("driver", title, findings, Text(*[", ".join(drivers) or ", ".join(p.role for p in climb.here)] * 2))


def _portless() -> bool:
    return bool(diagnosis.judge_portless([]))


def _skip(slug: str, title: Text, why: Text = NOTHING) -> Rung:
    return Rung(slug, title, "skipped", why)


# ---- may it be opened ------------------------------------------------------------------------------------------------


def _port_findings(climb: Climb, is_wanted: Callable[[Finding], bool]) -> list[Finding]:
    found = [one for port in climb.here for one in diagnosis.judge_port(port)]
    return [one for one in found if one.level != "ok" and is_wanted(one)]


def _is_holding(finding: Finding) -> bool:
    return finding.what.en.startswith("held by")


async def _permission(climb: Climb) -> Rung:
    title = Text("this user may open them", "当前用户有权限打开端口")
    if climb.port is None:
        return _skip("permission", title)
    return _worst("permission", title, _port_findings(climb, lambda one: not _is_holding(one)), NOTHING)


async def _holder(climb: Climb) -> Rung:
    title = Text("no other program holds them", "端口未被其他程序占用")
    if climb.port is None:
        return _skip("holder", title)
    findings = _port_findings(climb, _is_holding)
    meddling = diagnosis.meddlers()
    if meddling:
        what = Text("runs and may talk into a download", "正在运行，可能干扰下载")
        cure = Text(
            "stop it while burning, or install rules: moduline doctor --udev",
            "烧录时停止，或安装规则：moduline doctor --udev",
        )
        findings += [Finding("hint", name, what, cure) for name in meddling]
    return _worst("holder", title, findings, NOTHING)


async def _supply(climb: Climb) -> Rung:
    title = Text("hub and supply", "集线器与供电")
    if climb.port is None:
        return _skip("supply", title)
    return _worst("supply", title, diagnosis.judge_hubs(climb.here), NOTHING)


# ---- what does it do -------------------------------------------------------------------------------------------------


async def _mode(climb: Climb) -> Rung:
    title = Text("running, or in download mode", "正常运行或处于下载模式")
    if climb.port is None:
        return _skip("mode", title)
    if climb.port_of("download") is not None:
        return _worst(
            "mode", title, [one for one in diagnosis.judge_places(climb.here) if one.level == "hint"], NOTHING
        )
    running = Text("running: its own firmware has made the ports", "正常运行：端口由其固件建立")
    return Rung("mode", title, "ok", running)


async def _at(climb: Climb) -> Rung:
    title = Text("its AT port answers", "AT 口有应答")
    port = climb.port_of("at") if climb.port is not None else None
    if climb.port is not None and not climb.here:  # an address that names one port
        port = climb.port
    if port is None:
        why = Text("no AT port in this mode", "当前模式没有 AT 口") if climb.port is not None else NOTHING
        return _skip("at", title, why)
    try:
        async with AtSession(await open_port(port)) as session:
            climb.identity = await identify_by_at(session)
    except ModulineError as failed:
        cure = Text(
            "wait until it has booted, re-power it, or restart it; if it stays silent, hold the boot pin (next)",
            "请等待启动完成、重新上电或重启；若仍无应答，请使用 BOOT 引脚（下一步）",
        )
        return Rung("at", title, "problem", Text(failed.message("en"), failed.message("zh")), cure)
    who = f"{climb.identity.model} {climb.identity.version} IMEI {climb.identity.imei or '-'}"
    return Rung("at", title, "ok", Text(who, who))


async def _boot_pin(climb: Climb) -> Rung:
    title = Text("the way into download mode", "进入下载模式的途径")
    at = climb.done.get("at")
    if climb.port is None:
        return _skip("boot-pin", title)
    if climb.port_of("download") is not None:
        return Rung("boot-pin", title, "ok", Text("it is in download mode now", "已处于下载模式"))
    is_eigen = climb.row is not None and climb.row.chip.startswith("eigen")
    if at is not None and at.result == "ok" and not is_eigen:
        by_at = Text("`moduline burn` switches it over AT", "`moduline burn` 会通过 AT 切换")
        return Rung("boot-pin", title, "ok", by_at)
    if climb.patience_s > 0:
        climb.tell(_how_to_hold(is_eigen=is_eigen))
        found = await climb.watch.wait_for(climb.port.place, ["download"], max(climb.patience_s, PIN_WAIT_S))
        if found is not None:
            return Rung("boot-pin", title, "ok", Text("it is in download mode now", "已处于下载模式"))
    only = Text("only the boot pin leads this chip there", "该平台只能通过 BOOT 引脚进入") if is_eigen else NOTHING
    result: Result = "hint" if at is not None and at.result == "ok" else "problem"
    return Rung("boot-pin", title, result, only, _how_to_hold(is_eigen=is_eigen))


def _how_to_hold(*, is_eigen: bool) -> Text:
    if is_eigen:
        return Text(
            "power off; connect IO19 (USB_BOOT) to GND on an EC800E core board; power on; let go when the download "
            "port shows. Other boards: chapter USB_BOOT of the hardware design manual",
            "断电；EC800E 核心板请将 IO19（USB_BOOT）接 GND；上电；出现下载口后断开。"
            "其他板卡请参考硬件设计手册 USB_BOOT 一章",
        )
    return Text(
        "power off; hold BOOT; long-press PWK to power on; let BOOT go (EC600X EVB). Other boards: pull USB_BOOT as "
        "the hardware design manual says. Then burn within 10 s",
        "断电；按住 BOOT；长按 PWK 开机后松开 BOOT（EC600X EVB）。其他板卡请按硬件设计手册连接 USB_BOOT。"
        "随后 10 秒内开始烧录",
    )


# ---- what is to be burnt, and what was -------------------------------------------------------------------------------


async def _package(climb: Climb) -> Rung:
    title = Text("the package is for this module", "固件包与模组匹配")
    if climb.package is None:
        return _skip("package", title, Text("name it with --package", "用 --package 指定"))
    try:
        plan = make_plan(read_package(read_file(climb.package), climb.package.name))
        if climb.identity is not None:
            check_model(plan, climb.identity)
        if (
            climb.row is not None
            and not plan.chip.startswith(climb.row.chip)
            and not climb.row.chip.startswith(plan.chip)
        ):
            seen = Text(
                f"for {plan.chip}, the module is {climb.row.chip}", f"适用于 {plan.chip}，模组为 {climb.row.chip}"
            )
            return Rung(
                "package", title, "problem", seen, Text("choose the package of this module", "请选择匹配的固件包")
            )
    except ModulineError as failed:
        seen = Text(failed.message("en"), failed.message("zh"))
        return Rung("package", title, "problem", seen, Text(failed.remedy("en"), failed.remedy("zh")))
    what = f"{plan.model or plan.chip} {plan.version or ''}".strip()
    return Rung("package", title, "ok", Text(what, what))


async def _nv(climb: Climb) -> Rung:
    title = Text("its NV holds an IMEI", "NV 中有 IMEI")
    if climb.identity is None:
        return _skip("nv", title, Text("a module that tells nothing keeps that to itself", "模组无应答时无法得知"))
    if names_a_unit(climb.identity.imei):
        return Rung("nv", title, "ok", Text(climb.identity.imei, climb.identity.imei))
    place = climb.port.place if climb.port is not None else ""
    saved = last_usable(await asyncio.to_thread(all_saved), place=place)
    if saved is None:
        cure = Text("`moduline nv list`: nothing was saved at this place", "`moduline nv list`：此位置没有备份")
    else:
        cure = Text(
            f"compare IMEI {saved.imei} with the label, then: moduline nv restore {saved.path} --package FILE",
            f"请核对 IMEI {saved.imei} 与标签，然后：moduline nv restore {saved.path} --package 固件包",
        )
    return Rung(
        "nv",
        title,
        "problem",
        Text("it tells no IMEI of its own: NV is lost or damaged", "没有自己的 IMEI：NV 丢失或损坏"),
        cure,
    )


async def _history(climb: Climb) -> Rung:
    title = Text("the last burn at this place", "此位置上一次烧录")
    if climb.port is None:
        return _skip("history", title)
    place = climb.port.place
    tries = [one for one in await asyncio.to_thread(burning.all_records) if one.place == place and one.ended]
    if not tries:
        return Rung("history", title, "ok", Text("none yet", "尚无"))
    last = tries[-1]
    if last.is_pass:
        return Rung("history", title, "ok", Text(f"PASS, {last.package}", f"PASS，{last.package}"))
    seen = f"{last.outcome} {last.error_code} {last.error_message}"
    explain = f"moduline explain {last.error_code}" if last.error_code else "moduline gang report"
    return Rung("history", title, "hint", Text(seen, seen), Text(explain, explain))


LADDER: Final[tuple[Callable[[Climb], Awaitable[Rung]], ...]] = (
    _seen,
    _driver,
    _permission,
    _holder,
    _supply,
    _mode,
    _at,
    _boot_pin,
    _package,
    _nv,
    _history,
)
"""In the order in which they are climbed."""


def what_next(rungs: list[Rung], address: str) -> Text:
    """What to do after the last rung."""
    left = [rung for rung in rungs if rung.result == "problem"]
    if not left:
        return Text(
            f"nothing is in the way: moduline burn FILE --port {address}",
            f"没有障碍，可以烧录：moduline burn 固件包 --port {address}",
        )
    return Text(
        f"first: {left[0].title.en}. If that is done and it still fails: another data cable; another USB port, at the "
        "back of the computer; re-power; restart the computer; another computer; then send the log of: moduline "
        "--record talk.jsonl burn FILE",
        f"首先处理：{left[0].title.zh}。若仍失败：更换数据线；更换 USB 口（主机后置）；重新上电；重启电脑；换一台电脑；"
        "最后请反馈此命令的日志：moduline --record talk.jsonl burn 固件包",
    )
