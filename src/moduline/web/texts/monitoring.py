"""Sentences of the page "Monitoring", and of what people do to a plan."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "monitoring.title": Text("Monitoring", "升级监控"),
    "monitoring.about": Text("How a plan goes, live.", "升级计划的实时进展。"),
    "monitoring.all_plans": Text("All plans", "全部计划"),
    "monitoring.counts": Text("Devices", "设备统计"),
    "monitoring.course": Text("Over time", "升级进程"),
    "monitoring.groups": Text("Groups and thresholds", "批次与阈值"),
    "monitoring.reasons": Text("Why devices wait or failed", "等待与失败原因"),
    "monitoring.components": Text("Components", "组件进度"),
    "monitoring.devices": Text("Devices of the plan", "设备升级列表"),
    "monitoring.sentences": Text("The plan in sentences", "计划内容"),
    "monitoring.in_all": Text("devices", "台设备"),
    "monitoring.counts_said": Text("Devices by status: {list}", "各状态设备数：{list}"),
    "monitoring.rate": Text("Success rate", "成功率"),
    "monitoring.no_course": Text("No upgrade has ended yet.", "尚无升级结束。"),
    "monitoring.no_course_hint": Text("Each one that does appears here at once.", "升级结束后会立即显示在这里。"),
    "monitoring.course_said": Text(
        "Since its activation {good} upgrades of this plan succeeded and {bad} failed.",
        "激活以来 {good} 台升级成功，{bad} 台失败。",
    ),
    "monitoring.group": Text("Group {number}", "第 {number} 批"),
    "monitoring.only_group": Text("All devices", "全部设备"),
    "monitoring.group_said": Text(
        "Group {number}: {good} of {total} upgraded, {bad} failed, {busy} upgrading",
        "第 {number} 批：共 {total} 台，成功 {good}，失败 {bad}，升级中 {busy}",
    ),
    "monitoring.group_waits": Text("not open yet", "未开放"),
    "monitoring.group_open": Text("open", "已开放"),
    "monitoring.next_opens": Text("next group opens at {percent} % success", "成功率达 {percent}% 开放下一批"),
    "monitoring.group_stops": Text(
        "stops at {percent} % failures of at least {least}; now {now} %",
        "完成不少于 {least} 台且失败达 {percent}% 时暂停，当前 {now}%",
    ),
    "monitoring.stop": Text(
        "The plan stops by itself at {percent} % failures of at least {least} finished",
        "完成不少于 {least} 台且失败达 {percent}% 时自动暂停",
    ),
    "monitoring.stop_now": Text(
        "Now {failed} of {finished} finished devices failed: {percent} %",
        "当前已完成 {finished} 台，失败 {failed} 台：{percent}%",
    ),
    "monitoring.status": Text("Status", "升级状态"),
    "monitoring.reason": Text("Reason", "原因"),
    "monitoring.how_many": Text("Devices", "设备数"),
    "monitoring.what_to_do": Text("What to do", "处理建议"),
    "monitoring.no_reasons": Text("No device waits, and none has failed.", "没有等待或失败的设备。"),
    "monitoring.no_reasons_hint": Text("Those in progress stand in the list below.", "升级中的设备见下方列表。"),
    "monitoring.not_judged": Text(
        "waits for its request, or the next ten-minute mark", "等待设备请求，或下一个整十分钟"
    ),
    "monitoring.do.nothing": Text("Nothing: it goes on by itself.", "无需处理，会自动继续。"),
    "monitoring.do.log": Text("Look at the device’s log, then try again.", "查看设备升级日志后重试。"),
    "monitoring.do.offline": Text("Nothing: it is served when it comes online.", "无需处理，设备上线后下发。"),
    "monitoring.do.waiting_for_user": Text(
        "Have the users confirm, or confirm for them below.", "请用户确认，或在下方代为确认。"
    ),
    "monitoring.do.version_unknown": Text(
        "The device’s program must report the component.", "设备程序须上报该组件的版本。"
    ),
    "monitoring.do.source_differs": Text(
        "Add a package for its version to a new plan, or a stepping stone.",
        "为该版本添加差分包或过渡版本，另建升级计划。",
    ),
    "monitoring.do.refused": Text(
        "The device said no; it is asked again in an hour.", "设备已拒绝，一小时后再次询问。"
    ),
    "monitoring.do.disabled": Text("Enable the device on its page.", "在设备页面启用设备。"),
    "monitoring.do.no_attempt_left": Text("Look at the log, then try again by hand.", "查看日志后手动重试。"),
    "monitoring.do.plan_not_running": Text("Resume the plan.", "恢复升级计划。"),
    "monitoring.do.battery_low": Text("Charge the device, then try again.", "充电后重试。"),
    "monitoring.do.no_space": Text(
        "Free space on the device, or use a smaller package.", "清理设备空间，或使用更小的版本包。"
    ),
    "monitoring.not_offered": Text("offered to no device yet", "尚未下发"),
    "monitoring.dk": Text("Device key", "设备密钥（DK）"),
    "monitoring.components_of": Text("Components", "组件详情"),
    "monitoring.user": Text("User", "用户"),
    "monitoring.acts": Text("To do", "操作"),
    "monitoring.no_devices": Text("No device is here.", "没有设备。"),
    "monitoring.no_devices_hint": Text(
        "Devices that come into the scope join by themselves.", "符合范围的设备会自动加入。"
    ),
    "monitoring.before": Text("Before", "上一页"),
    "monitoring.after": Text("Next", "下一页"),
    "monitoring.export_upgrades": Text("Devices as CSV", "导出设备 CSV"),
    "monitoring.export_log": Text("Log as CSV", "导出日志 CSV"),
    "monitoring.log": Text("Log", "升级日志"),
    "monitoring.log_of": Text("Log of {dk}", "{dk} 的升级日志"),
    "monitoring.log_empty": Text("Nothing has happened yet.", "暂无日志。"),
    "monitoring.log_empty_hint": Text("The first line comes with the offer.", "下发计划后开始记录。"),
    "monitoring.at": Text("Time", "时间"),
    "monitoring.from": Text("From", "来源"),
    "monitoring.component": Text("Component", "组件"),
    "monitoring.what": Text("What", "内容"),
    "monitoring.code": Text("Code", "代码"),
    "monitoring.source.device": Text("device", "设备"),
    "monitoring.source.platform": Text("platform", "平台"),
    "monitoring.source.user": Text("user", "用户"),
    "monitoring.said.nothing": Text("has said nothing", "未答复"),
    "monitoring.said.now": Text("now", "立即升级"),
    "monitoring.said.appointed": Text("appointed", "已预约"),
    "monitoring.said.cancelled": Text("not now", "已取消"),
    "monitoring.said.seen": Text("has seen the result", "已查看结果"),
    "monitoring.confirm": Text("Confirm", "代为确认"),
    "monitoring.confirm_all": Text("Confirm for all", "全部代为确认"),
    "monitoring.confirm_ask": Text("What does the user of {dk} want?", "代 {dk} 的用户选择"),
    "monitoring.confirm_all_ask": Text("What do the users of {count} devices want?", "代 {count} 台设备的用户选择"),
    "monitoring.confirmed": Text("Confirmed for {count} devices.", "已确认 {count} 台。"),
    "monitoring.confirmed_but": Text(
        "Confirmed for {count} devices; {refused} were not possible.", "已确认 {count} 台，{refused} 台无法确认。"
    ),
    "monitoring.wish.now": Text("upgrade now", "立即升级"),
    "monitoring.wish.appoint": Text("at an appointed time", "预约升级"),
    "monitoring.wish.cancel": Text("not now", "取消升级"),
    "monitoring.wish_from": Text("From ({zone})", "开始（{zone}）"),
    "monitoring.wish_until": Text("Until ({zone})", "结束（{zone}）"),
    "monitoring.do_it": Text("Do it", "确定"),
    "monitoring.cancel_of": Text("Take the offer back from {dk}", "撤回对 {dk} 的下发"),
    "monitoring.cancel_one": Text("Take it back", "撤回"),
    "monitoring.cancel_one_ask": Text("Take the offer back from {dk}?", "撤回对 {dk} 的下发？"),
    "monitoring.cancel_one_about": Text(
        "Possible until the download begins; the platform may offer it again.",
        "开始下载前有效；之后平台仍可能再次下发。",
    ),
    "monitoring.cancel_one_done": Text("Taken back from {dk}.", "已撤回 {dk}。"),
    "monitoring.retry_of": Text("Try {dk} once more", "重试 {dk}"),
    "monitoring.retry_one": Text("Try again", "重试"),
    "monitoring.retry_one_ask": Text("Try {dk} once more?", "重试 {dk}？"),
    "monitoring.retry_one_about": Text("It is offered the plan again, from the beginning.", "将重新下发升级计划。"),
    "monitoring.retry_one_done": Text("{dk} is tried once more.", "{dk} 已重新开始。"),
    "monitoring.needs_releaser": Text(
        "A releaser may suspend, resume and terminate it.", "须由发布员暂停、恢复或终止。"
    ),
    "monitoring.activate": Text("Activate the plan", "激活计划"),
    "monitoring.activate_ask": Text("Activate “{name}”?", "激活“{name}”？"),
    "monitoring.activate_devices": Text("{count} known devices are in its scope.", "升级范围内有 {count} 台已知设备。"),
    "monitoring.activate_final": Text(
        "Activation is final: afterwards the plan is neither edited nor deleted, only suspended or terminated.",
        "升级任务激活后不允许编辑或删除，只能暂停或终止。",
    ),
    "monitoring.activate_sure": Text("I have read what it does", "我已确认计划内容"),
    "monitoring.activated": Text("“{name}” is activated.", "“{name}”已激活。"),
    "monitoring.approve": Text("Approve", "批准"),
    "monitoring.approve_ask": Text("Approve “{name}” as it stands now?", "批准“{name}”的当前内容？"),
    "monitoring.approve_about": Text("A later edit makes the approval void.", "之后如有修改，批准失效。"),
    "monitoring.approve_done": Text("You have approved “{name}”.", "已批准“{name}”。"),
    "monitoring.approved_by": Text("Approved by {name}, {at}", "{name} 于 {at} 批准"),
    "monitoring.suspend": Text("Suspend", "暂停"),
    "monitoring.suspend_ask": Text("Suspend “{name}”?", "暂停“{name}”？"),
    "monitoring.suspend_about": Text(
        "It is offered to nobody; devices that have started go on.", "不再下发；已开始的设备继续升级。"
    ),
    "monitoring.suspend_done": Text("“{name}” is suspended.", "“{name}”已暂停。"),
    "monitoring.resume": Text("Resume", "恢复"),
    "monitoring.resume_ask": Text("Resume “{name}”?", "恢复“{name}”？"),
    "monitoring.resume_about": Text("Failures so far do not stop it again.", "已有的失败不会再次触发暂停。"),
    "monitoring.resume_done": Text("“{name}” goes on.", "“{name}”已恢复。"),
    "monitoring.terminate": Text("Terminate", "强制终止"),
    "monitoring.terminate_ask": Text("Terminate “{name}” for good?", "强制终止“{name}”？"),
    "monitoring.terminate_about": Text(
        "It cannot be resumed; devices that have started go on to their end.",
        "终止后无法恢复；已开始的设备继续至结束。",
    ),
    "monitoring.terminate_done": Text("“{name}” is terminated.", "“{name}”已终止。"),
    "monitoring.obstacle": Text("to do first", "待处理"),
    "monitoring.to_verification": Text("To the verification", "前往固件验证"),
    "monitoring.proof.verification": Text("verification", "固件验证"),
    "monitoring.proof.rehearsal": Text("rehearsal", "虚拟模组演练"),
    "monitoring.waive": Text("Go without", "豁免"),
    "monitoring.waive_verification": Text("Let “{name}” go without a verification?", "允许“{name}”不经固件验证？"),
    "monitoring.waive_rehearsal": Text("Let “{name}” go without a rehearsal?", "允许“{name}”不经虚拟模组演练？"),
    "monitoring.waive_about": Text(
        "Your name and your reason stay in the audit log.", "您的账号与理由会记入审计日志。"
    ),
    "monitoring.waive_reason": Text("Why", "理由"),
    "monitoring.waived": Text("The plan may go without it.", "已豁免。"),
    "monitoring.waived_by": Text("{name} lets it go without {proof}: {reason}", "{name} 豁免{proof}：{reason}"),
}
