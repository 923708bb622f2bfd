"""Sentences of the plan wizard."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "wizard.title": Text("New plan", "创建升级计划"),
    "wizard.about": Text(
        "Step by step; what you have entered is kept, also when you leave.",
        "按步骤填写；已填写的内容会自动保留，离开页面也不会丢失。",
    ),
    "wizard.steps": Text("Steps", "步骤"),
    "wizard.step.basics": Text("Basics", "基本信息"),
    "wizard.step.packages": Text("Packages", "升级组件"),
    "wizard.step.scope": Text("Devices", "升级范围"),
    "wizard.step.window": Text("Time", "时间与推送时段"),
    "wizard.step.strategy": Text("Strategy", "升级方式与策略"),
    "wizard.step.groups": Text("Groups and limits", "分批与阈值"),
    "wizard.step.review": Text("Review and activate", "确认并激活"),
    "wizard.about.basics": Text("What the plan is called, and whose devices it is for.", "计划名称与升级产品。"),
    "wizard.about.packages": Text(
        "Which component gets which version package, in this order; the module comes last.",
        "选择各组件的版本包，按顺序升级，模组最后升级。",
    ),
    "wizard.about.scope": Text("All devices of the product, or only some of them.", "产品下的所有设备，或其中一部分。"),
    "wizard.about.window": Text(
        "All times are those of one time zone, wherever the devices are.", "所有时间均以所选时区为准。"
    ),
    "wizard.about.strategy": Text(
        "Whether users are asked, what a device needs, and what happens after a failure.",
        "是否需要用户确认、升级条件与失败重试。",
    ),
    "wizard.about.groups": Text(
        "A few devices first; the plan stops by itself when too many fail.", "先升级少量设备；失败过多时计划自动暂停。"
    ),
    "wizard.about.review": Text("This is what will happen.", "请确认计划内容。"),
    "wizard.help": Text("What is this?", "填写说明"),
    "wizard.basics_help": Text(
        "A plan belongs to one product and moves its devices to a new version. Its name appears in lists, logs and "
        "notifications. Nothing happens before the last step is confirmed.",
        "一个升级计划对应一个产品，将其设备升级到新版本。计划名称会显示在列表、日志与通知中。最后一步激活之前不会下发任何内容。",
    ),
    "wizard.packages_help": Text(
        "A component is a piece that can be upgraded: the module’s firmware (FOTA) or a controller behind it (SOTA). "
        "Its identifier is what the device’s program calls it. A delta package is offered only to devices that report "
        "its source version; with stepping stones older versions get there in several steps. What is not verified or "
        "rehearsed can be used unless product or plan ask for it.",
        "组件是可升级的部分：模组固件（FOTA）或外挂 MCU（SOTA）。组件标识须与设备程序一致且唯一。"
        "差分包仅下发给上报版本与源版本一致的设备；更旧的版本可通过过渡版本分步升级。"
        "未验证或未演练的版本包也可使用，除非产品或计划要求。",
    ),
    "wizard.scope_help": Text(
        "Without lists all devices of the product are upgraded, later ones too. A white list upgrades only its "
        "devices. The black list wins over the white list. A filter asks for tags and attributes, such as "
        "tag==pilot or version<1.10.",
        "不设置黑、白名单时，该产品下所有设备升级，之后加入的设备也包括在内。只设置白名单时，仅名单中的设备被升级。"
        "黑名单优先级大于白名单。筛选条件按标签与属性过滤，例如 tag==pilot 或 version<1.10。",
    ),
    "wizard.window_help": Text(
        "The platform offers the plan every ten minutes on the hour’s marks (10:00, 10:10 …), and within the push "
        "windows if there are any. A device that asks by itself is served at any time between start and end.",
        "平台每隔 10 分钟主动匹配下发（例如 10:00、10:10）；设置推送时段后只在时段内推送。"
        "设备主动请求时，在计划起止时间内随时下发。",
    ),
    "wizard.strategy_help": Text(
        "A silent upgrade needs nobody. With confirmation, the user of each device sees the text and says now, later "
        "or no. Battery, signal and space are sent along, and the device checks them before it agrees.",
        "静默升级无需用户确认，应用端自动完成升级。用户确认升级时，用户在设备详情页查看升级文案并选择立即、预约或取消。"
        "电量、信号与空间要求随计划下发，由设备在确认前检查。",
    ),
    "wizard.groups_help": Text(
        "Group 1 is served first. When enough of it is upgraded, the next group opens. When too many fail, the plan is "
        "suspended, never ended: somebody looks and resumes or terminates it.",
        "先升级第 1 批，成功比例达标后开放下一批。失败达到阈值时计划自动暂停（不会终止），由人员查看后恢复或终止。",
    ),
    "wizard.back": Text("Back", "上一步"),
    "wizard.next": Text("Next", "下一步"),
    "wizard.save": Text("Save draft", "保存草稿"),
    "wizard.saved": Text("Draft “{name}” is saved.", "草稿“{name}”已保存。"),
    "wizard.is_done": Text("done", "已完成"),
    "wizard.is_wrong": Text("needs a correction", "需要更正"),
    "wizard.is_saved": Text("draft, saved", "草稿已保存"),
    "wizard.choose": Text("choose …", "请选择"),
    "wizard.name": Text("Name of the plan", "计划名称"),
    "wizard.product": Text("Product", "升级产品"),
    "wizard.product_hint": Text("Cannot be changed once the draft is saved.", "保存草稿后不可更改。"),
    "wizard.product_fixed": Text("Fixed since the draft was saved.", "草稿已保存，不可更改。"),
    "wizard.product_needs_verification": Text(
        "This product takes only packages that passed a verification.", "该产品只允许使用已通过固件验证的版本包。"
    ),
    "wizard.product_needs_rehearsal": Text(
        "This product takes only packages that passed a rehearsal.", "该产品只允许使用已通过虚拟模组演练的版本包。"
    ),
    "wizard.no_products": Text("There is no product yet.", "尚无产品。"),
    "wizard.no_products_hint": Text("Create one on the page Products first.", "请先在“产品”页面创建产品。"),
    "wizard.no_packages": Text("There is no version package yet.", "尚无版本包。"),
    "wizard.no_packages_hint": Text("Add one first; this form waits.", "请先添加版本包，已填写的内容会保留。"),
    "wizard.to_packages": Text("To the packages", "前往版本包"),
    "wizard.component_number": Text("Component {number}", "组件 {number}"),
    "wizard.component": Text("Identifier", "组件标识"),
    "wizard.component_hint": Text("as the device’s program calls it", "须与设备程序一致"),
    "wizard.package": Text("Version package", "版本包"),
    "wizard.target": Text("Target package", "目标版本包"),
    "wizard.stone": Text("Stepping stone", "过渡版本包"),
    "wizard.choose_package": Text("choose a version package", "请选择版本包"),
    "wizard.any_version": Text("any version", "任意版本"),
    "wizard.needs": Text("Only over these versions", "仅覆盖这些版本"),
    "wizard.needs_hint": Text("empty: over any version", "留空表示任意版本"),
    "wizard.verify": Text("Verify it", "固件验证"),
    "wizard.add_stone": Text("Add a stepping stone", "添加过渡版本"),
    "wizard.remove_stone": Text("Remove this package", "移除此版本包"),
    "wizard.add_component": Text("Add a component", "新增升级组件"),
    "wizard.remove_component": Text("Remove this component", "移除此组件"),
    "wizard.earlier": Text("Upgrade it earlier", "提前升级"),
    "wizard.everybody": Text("all devices of the product", "产品下所有设备"),
    "wizard.only_white": Text("only a white list", "仅白名单设备"),
    "wizard.white": Text("White list", "白名单"),
    "wizard.black": Text("Black list", "黑名单"),
    "wizard.list_hint": Text("device keys, one a line or with commas", "设备密钥（DK），每行一个或以逗号分隔"),
    "wizard.list_many": Text("{count} devices", "{count} 台设备"),
    "wizard.list_clear": Text("Clear the list", "清空名单"),
    "wizard.csv_rejected": Text("Only a CSV table of at most 32 MiB.", "仅支持不超过 32 MiB 的 CSV 文件。"),
    "wizard.csv": Text("Add from a CSV file", "从 CSV 文件添加"),
    "wizard.filter": Text("Filter", "筛选条件"),
    "wizard.filter_hint": Text("such as tag==pilot;version<1.10", "例如 tag==pilot;version<1.10"),
    "wizard.counting": Text("Counting …", "正在统计…"),
    "wizard.count": Text("{count} known devices", "已知设备 {count} 台"),
    "wizard.count_needs_product": Text("Choose a product in step 1 first.", "请先在第 1 步选择产品。"),
    "wizard.count_unknown": Text("Correct the fields to have them counted.", "请更正后重新统计。"),
    "wizard.meets_nobody": Text(
        "No device is in the scope yet; those that join later will be.",
        "升级范围内暂无设备，之后加入的设备会包括在内。",
    ),
    "wizard.zone": Text("Time zone", "时区"),
    "wizard.start": Text("Planned start", "计划开始时间"),
    "wizard.end": Text("Planned end", "计划结束时间"),
    "wizard.windows": Text("Push windows", "推送时段"),
    "wizard.windows_about": Text(
        "Whole hours; without any the platform pushes at any hour.", "整点到整点，不设置则全天推送。"
    ),
    "wizard.window_start": Text("from", "开始"),
    "wizard.window_end": Text("to", "结束"),
    "wizard.add_window": Text("Add a window", "添加时段"),
    "wizard.remove_window": Text("Remove this window", "移除此时段"),
    "wizard.strict": Text("Devices that ask by themselves wait for the windows, too", "设备主动请求也受时段限制"),
    "wizard.strict_about": Text("Otherwise only the platform’s own pushes do.", "不勾选时，仅平台主动推送受限制。"),
    "wizard.silent": Text("silent", "静默升级"),
    "wizard.confirmed": Text("the user confirms", "用户确认升级"),
    "wizard.silent_about": Text("Upgraded without asking anybody.", "无需用户确认，自动完成升级。"),
    "wizard.confirmed_about": Text("Each user reads the text and agrees first.", "用户阅读升级文案并确认后升级。"),
    "wizard.text_zh": Text("Text in Chinese", "升级文案（中文）"),
    "wizard.text_en": Text("Text in English", "升级文案（英文）"),
    "wizard.conditions": Text("What a device needs", "升级条件"),
    "wizard.conditions_about": Text("Sent along with the plan; the device checks them.", "随计划下发，由设备检查。"),
    "wizard.none_is_zero": Text("0: no condition", "0 表示不限制"),
    "wizard.unlimited_is_zero": Text("0: no limit", "0 表示不限制"),
    "wizard.min_battery": Text("Battery, at least", "最低电池电量"),
    "wizard.min_signal_dbm": Text("Signal, at least", "最低信号强度"),
    "wizard.disk_bytes": Text("Free space, at least", "所需磁盘空间"),
    "wizard.disk_hint": Text("empty: the size of the files", "留空为文件大小"),
    "wizard.holds": Text("The platform waits, too", "平台同时检查"),
    "wizard.holds_about": Text(
        "It offers nothing while the values reported last are too low.", "上报值不满足条件时不下发。"
    ),
    "wizard.failures": Text("After a failure", "失败处理"),
    "wizard.retries": Text("Try again, times", "失败重试次数"),
    "wizard.retry_interval_min": Text("Pause, minutes", "重试间隔（分钟）"),
    "wizard.timeout_min": Text("Time for a component", "单个组件超时"),
    "wizard.one_group": Text("All devices are one group and are served at once.", "当前不分批，所有设备同时开放。"),
    "wizard.make_groups": Text("Make groups of 5, 25 and 100 %", "按 5%、25%、100% 分批"),
    "wizard.add_group": Text("Add a group", "添加批次"),
    "wizard.remove_group": Text("Remove group {number}", "移除第 {number} 批"),
    "wizard.group_number": Text("Group {number}", "第 {number} 批"),
    "wizard.group_percent": Text("Up to share of devices", "累计设备比例"),
    "wizard.group_success_percent": Text("Next opens at success", "开放下一批的成功率"),
    "wizard.group_failure_percent": Text("Stops at failures", "自动暂停的失败率"),
    "wizard.group_failure_least": Text("… of at least finished", "至少完成台数"),
    "wizard.stop": Text("Stop of the whole plan", "计划自动暂停"),
    "wizard.stop_about": Text(
        "When so many of the finished devices failed, nothing more is offered.", "失败比例达到阈值后不再下发。"
    ),
    "wizard.failure_percent": Text("Stops at failures", "失败率阈值"),
    "wizard.failure_least": Text("… of at least finished", "至少完成台数"),
    "wizard.rates": Text("Speed", "速率限制"),
    "wizard.rate_per_min": Text("Devices per minute", "每分钟台数"),
    "wizard.cell_most": Text("At once per radio cell", "每小区同时台数"),
    "wizard.rate_growth_percent": Text("Grows by", "速率增长"),
    "wizard.rate_growth_every": Text("… with every so many upgraded", "每成功台数增长一次"),
    "wizard.rate_most_per_min": Text("… to at most per minute", "速率上限（每分钟）"),
    "wizard.before": Text("Before it may start", "激活前提"),
    "wizard.approvals": Text("People who must approve", "审批人数"),
    "wizard.approvals_hint": Text("beside the author", "不含编写者"),
    "wizard.needs_verification": Text("Every package must have passed a verification", "版本包须通过固件验证"),
    "wizard.needs_rehearsal": Text("Every package must have passed a rehearsal", "版本包须通过虚拟模组演练"),
    "wizard.obstacles": Text("What stands in the way", "激活前需处理"),
    "wizard.nothing_in_the_way": Text("Nothing stands in the way of its activation.", "可以激活。"),
    "wizard.leave_as_draft": Text("Leave it as a draft", "保留为草稿"),
    "wizard.needs_releaser": Text("A releaser activates it.", "须由发布员激活。"),
}
