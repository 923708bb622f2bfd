"""Sentences of the page "Version package"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "artifact.title": Text("Version package", "版本包详情"),
    "artifact.about": Text(
        "Files, digests, verification and rehearsals of one package.", "单个版本包的文件、校验值、固件验证与虚拟演练。"
    ),
    "artifact.all": Text("All version packages", "全部版本包"),
    "artifact.fits": Text("Fits", "适用组件"),
    "artifact.fits_any": Text("any {kind}", "任意{kind}"),
    "artifact.fits_one": Text("{kind} {component}", "{kind} {component}"),
    "artifact.number": Text("Number", "编号"),
    "artifact.download": Text("Download {name}", "下载 {name}"),
    "artifact.copy_digest": Text("Copy the SHA-256 of {name}", "复制 {name} 的 SHA-256"),
    "artifact.digests": Text("Digests", "校验值"),
    "artifact.save": Text("Save", "保存"),
    "artifact.saved": Text("Saved.", "已保存。"),
    "artifact.verification": Text("Verification on a device", "固件验证"),
    "artifact.verification_about": Text(
        "One device tries the package at once, before a plan does.", "先由一台设备试升级，再创建升级计划。"
    ),
    "artifact.verify": Text("Verify it", "固件验证"),
    "artifact.verified_none": Text("No device has tried it yet.", "尚未验证。"),
    "artifact.started": Text("Begun", "开始时间"),
    "artifact.device": Text("Device", "设备"),
    "artifact.state": Text("State", "状态"),
    "artifact.reason": Text("Reason", "原因"),
    "artifact.rehearsals": Text("Rehearsals", "虚拟演练"),
    "artifact.rehearsals_about": Text(
        "Virtual modules apply it while their power is cut; each cut must end well.",
        "在虚拟模组上反复断电应用升级，须每次都能恢复。",
    ),
    "artifact.rehearsed_none": Text("Nothing was rehearsed yet.", "尚未演练。"),
    "artifact.rehearse": Text("Rehearse it", "开始演练"),
    "artifact.rehearse_on": Text("On", "演练方式"),
    "artifact.on.module": Text("virtual modules that boot and update themselves", "虚拟模组（启动并自行升级）"),
    "artifact.on.flash": Text("flash alone (patches)", "仅闪存（差分包）"),
    "artifact.rehearse_source": Text("What runs before", "升级前的整包"),
    "artifact.newest": Text("the newest of that version", "该版本的最新整包"),
    "artifact.cuts": Text("Cuts (empty: as usual)", "断电次数（空为默认）"),
    "artifact.cuts_hint": Text(
        "On modules: how many lose power. On flash: all, or a number", "模组：断电的模组数；闪存：all 或次数"
    ),
    "artifact.rehearse_begun": Text("The rehearsal has begun.", "演练已开始。"),
    "artifact.source_needed": Text("On flash, choose what runs before.", "在闪存上演练时须选择升级前的整包。"),
    "artifact.kind": Text("On", "方式"),
    "artifact.file": Text("File", "文件"),
    "artifact.trials": Text("Trials", "试验次数"),
    "artifact.result": Text("Result", "结果"),
    "artifact.good": Text("survived all", "全部通过"),
    "artifact.bad": Text("{count} failed", "{count} 次失败"),
    "artifact.counts": Text("counts for plans", "可用于升级计划"),
    "artifact.counts_not": Text("does not count", "不计入"),
    "artifact.when": Text("When", "时间"),
    "artifact.proof": Text("Proof", "演练报告"),
    "artifact.picture": Text("Picture of every cut", "断电示意图"),
    "artifact.as_json": Text("As JSON", "JSON 文件"),
    "artifact.uses": Text("Where it is used", "使用情况"),
    "artifact.uses_none": Text("No plan names it.", "没有升级计划使用它。"),
    "artifact.plan": Text("Plan", "升级计划"),
    "artifact.new_plan": Text("New plan with it", "用此版本包新建升级计划"),
    "artifact.delete": Text("Delete", "删除"),
    "artifact.delete_ask": Text("Delete the package “{name}”?", "删除版本包“{name}”？"),
    "artifact.delete_about": Text(
        "Its verifications and rehearsals go with it; its files are removed within a day.",
        "验证与演练记录一并删除，文件将在一天内清除。",
    ),
    "artifact.deleted": Text("“{name}” is deleted.", "已删除“{name}”。"),
}
