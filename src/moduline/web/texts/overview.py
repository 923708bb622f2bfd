"""Sentences of the page "Overview"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "overview.title": Text("Overview", "总览"),
    "overview.about": Text("The fleet at a glance, and what needs somebody.", "设备整体状况与待处理事项。"),
    "overview.devices": Text("Devices", "设备"),
    "overview.online_share": Text("{share} % are online", "{share}% 在线"),
    "overview.no_devices": Text("Devices add themselves when they connect.", "设备连接平台后会自动添加。"),
    "overview.plans": Text("Upgrade plans", "升级计划"),
    "overview.new_plan": Text("New plan", "新建升级计划"),
    "overview.upgraded_day": Text("Upgraded in the last 24 h", "近 24 小时升级成功"),
    "overview.failed_day": Text("Failed in the last 24 h", "近 24 小时升级失败"),
    "overview.rate": Text("{rate} % of those that ended", "成功率 {rate}%"),
    "overview.quiet_day": Text("No upgrade has ended within 24 hours.", "近 24 小时没有升级结束。"),
    "overview.failed_hint": Text("The plan's page says why.", "原因见升级监控。"),
    "overview.none_failed": Text("None has failed.", "没有失败。"),
    "overview.needs": Text("Needs somebody", "待处理事项"),
    "overview.nothing": Text("Nothing waits for anybody.", "没有待处理事项。"),
    "overview.nothing_hint": Text(
        "Approvals, stopped plans and failed verifications would stand here.",
        "待审批、已自动暂停的计划和未通过的验证会显示在这里。",
    ),
    "overview.matter.stopped": Text("stopped by itself", "已自动暂停"),
    "overview.matter.proof": Text("proof is missing", "缺少验证"),
    "overview.matter.approval": Text("waits for approval", "待审批"),
    "overview.matter.users": Text("waits for users", "待用户确认"),
    "overview.matter.verification": Text("verification failed", "固件验证未通过"),
    "overview.matter.job": Text("job failed", "任务失败"),
    "overview.matter.webhook": Text("webhook given up", "Webhook 已停止"),
    "overview.users": Text("{count} devices wait for their users.", "{count} 台设备等待用户确认。"),
    "overview.job.patch": Text("Making a patch", "制作差分包"),
    "overview.job.rehearsal": Text("Rehearsal on flash", "闪存演练"),
    "overview.job.module-rehearsal": Text("Rehearsal on virtual modules", "虚拟模组演练"),
    "overview.day": Text("Upgrades that ended in the last 24 hours", "近 24 小时的升级结果"),
    "overview.day_said": Text(
        "In the last 24 hours {good} upgrades succeeded and {bad} failed.",
        "近 24 小时 {good} 台升级成功，{bad} 台失败。",
    ),
    "overview.went_well": Text("{count} succeeded", "成功 {count}"),
    "overview.went_badly": Text("{count} failed", "失败 {count}"),
    "overview.as_table": Text("As a table", "以表格显示"),
    "overview.hour": Text("From", "时间"),
    "overview.upgraded": Text("Succeeded", "成功"),
    "overview.failed": Text("Failed", "失败"),
}
