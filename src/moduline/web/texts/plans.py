"""Sentences of the page "Upgrade plans", and of what a plan says of itself."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "plans.title": Text("Upgrade plans", "升级计划"),
    "plans.about": Text("Who gets what, when, and under which conditions.", "升级的对象、内容、时间与条件。"),
    "plans.all": Text("all", "全部"),
    "plans.state": Text("State", "状态"),
    "plans.product": Text("Product", "升级产品"),
    "plans.name": Text("Name", "计划名称"),
    "plans.progress": Text("Progress", "进度"),
    "plans.window": Text("Planned time", "计划时间"),
    "plans.acts": Text("To do", "操作"),
    "plans.new": Text("New plan", "新建升级计划"),
    "plans.none": Text("There is no plan yet.", "尚无升级计划。"),
    "plans.none_hint": Text(
        "Add a version package, verify it, then write a plan.", "先添加版本包并完成固件验证，再创建升级计划。"
    ),
    "plans.none_match": Text("No plan matches.", "没有符合条件的升级计划。"),
    "plans.none_match_hint": Text("Choose other states or products.", "请更改筛选条件。"),
    "plans.more": Text("{count} more", "还有 {count} 个"),
    "plans.not_begun": Text("not activated", "未激活"),
    "plans.monitor": Text("Monitor", "升级监控"),
    "plans.edit": Text("Edit", "编辑"),
    "plans.delete": Text("Delete", "删除"),
    "plans.delete_named": Text("Delete the draft {name}", "删除草稿 {name}"),
    "plans.delete_ask": Text("Delete the draft “{name}”?", "删除草稿“{name}”？"),
    "plans.deleted": Text("“{name}” is deleted.", "已删除“{name}”。"),
    "plans.begun": Text("Begun, not saved yet", "尚未保存的计划"),
    "plans.unnamed": Text("without a name", "未命名"),
    "plans.progress_said": Text(
        "{good} of {total} devices upgraded, {bad} failed", "共 {total} 台，升级成功 {good} 台，失败 {bad} 台"
    ),
    "plans.failed": Text("{count} failed", "失败 {count}"),
    "plans.span": Text("{start} to {end}, {zone}", "{start} 至 {end}（{zone}）"),
    "plans.what": Text("What it does", "升级组件"),
    "plans.who": Text("Who gets it", "升级范围"),
    "plans.when": Text("When", "时间"),
    "plans.how": Text("How", "升级方式"),
    "plans.under": Text("Conditions", "升级策略"),
    "plans.spread": Text("How it spreads", "分批与速率"),
    "plans.before": Text("Before it starts", "激活条件"),
    "plans.say.component": Text("{component}: to {target} by {names}", "{component}：升级到 {target}，版本包 {names}"),
    "plans.say.whole": Text("whole", "整包"),
    "plans.say.delta": Text("from {source}", "源版本 {source}"),
    "plans.say.needs": Text("only over {versions}", "仅覆盖 {versions}"),
    "plans.say.everybody": Text("All devices of the product {product}", "产品“{product}”下的所有设备"),
    "plans.say.white": Text(
        "Only the {count} devices of the white list, product {product}", "产品“{product}”白名单中的 {count} 台设备"
    ),
    "plans.say.black": Text("without the {count} devices of the black list", "排除黑名单中的 {count} 台设备"),
    "plans.say.filter": Text("that match {filter}", "且符合筛选条件 {filter}"),
    "plans.say.always": Text("at any hour", "全天推送"),
    "plans.say.hours": Text("The platform pushes between {hours}", "推送时段：{hours}"),
    "plans.say.strict": Text("and answers requests of devices only then, too", "设备主动请求也受时段限制"),
    "plans.say.lenient": Text("a device that asks by itself is served at any hour", "设备主动请求不受时段限制"),
    "plans.say.silent": Text("Silent: no user is asked", "静默升级，无需用户确认"),
    "plans.say.confirmed": Text(
        "The user of each device must agree; texts: {languages}", "用户确认升级，文案语言：{languages}"
    ),
    "plans.say.battery": Text("battery at least {value} %", "电量不低于 {value}%"),
    "plans.say.signal": Text("signal at least {value} dBm", "信号不低于 {value} dBm"),
    "plans.say.disk": Text("{value} free space", "可用空间不少于 {value}"),
    "plans.say.no_conditions": Text("no conditions", "无条件限制"),
    "plans.say.holds": Text("the platform waits until the reported values meet them", "上报值不满足时平台不下发"),
    "plans.say.retries": Text(
        "a failed device is tried {count} times more, after {minutes} min", "失败后重试 {count} 次，间隔 {minutes} 分钟"
    ),
    "plans.say.no_retries": Text("a failed device is not tried again by itself", "失败后不自动重试"),
    "plans.say.timeout": Text("a component has {minutes} min", "单个组件超时 {minutes} 分钟"),
    "plans.say.one_group": Text("All devices at once", "不分批"),
    "plans.say.groups": Text("{count} groups: {percents} % of the devices", "分 {count} 批：累计 {percents}%"),
    "plans.say.rate": Text("at most {count} devices per minute", "每分钟最多 {count} 台"),
    "plans.say.cell": Text("at most {count} per radio cell", "每个小区同时最多 {count} 台"),
    "plans.say.stop": Text(
        "stops by itself when {percent} % of at least {least} finished devices failed",
        "已完成不少于 {least} 台且失败达 {percent}% 时自动暂停",
    ),
    "plans.say.no_stop": Text("never stops by itself", "不自动暂停"),
    "plans.say.approvals": Text("{count} other people must approve", "须由 {count} 位其他人员审批"),
    "plans.say.verified": Text("every package must be verified", "版本包须通过固件验证"),
    "plans.say.rehearsed": Text("every package must be rehearsed", "版本包须通过虚拟模组演练"),
    "plans.say.nothing_before": Text("what the product asks for, nothing more", "仅按产品设置"),
}
