"""Sentences of the page "Line station"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "gang.title": Text("Line station", "产线工位"),
    "gang.about": Text("One cell per slot.", "每个通道一格。"),
    "gang.station": Text("Station {station}", "工位 {station}"),
    # what is made
    "gang.fact.order": Text("Order", "工单"),
    "gang.fact.package": Text("Firmware", "固件"),
    "gang.fact.operator": Text("Operator", "操作员"),
    "gang.fact.rack": Text("Jig", "夹具"),
    "gang.fact.none": Text("–", "–"),
    # counters
    "gang.counters": Text("Counters", "计数"),
    "gang.count.done": Text("done", "已完成"),
    "gang.count.passed": Text("PASS", "通过"),
    "gang.count.failed": Text("FAIL", "失败"),
    "gang.count.yield": Text("yield", "良率"),
    "gang.count.rate": Text("units/h", "台/时"),
    "gang.count.time": Text("time", "用时"),
    # acts
    "gang.stop": Text("No new units", "停止接收"),
    "gang.stop_ask": Text("Begin nothing new?", "不再开始新的烧录？"),
    "gang.stop_about": Text(
        "What runs comes to its end; then the station stands still.", "正在进行的会完成，随后工位停止。"
    ),
    "gang.abort": Text("Abort", "中止"),
    "gang.abort_ask": Text("Stop everything now?", "立即停止全部？"),
    "gang.abort_about": Text(
        "Running tries are recorded as aborted; these modules must be burnt again.",
        "进行中的烧录将记为中止，这些模组需要重新烧录。",
    ),
    "gang.sound": Text("Sound", "提示音"),
    "gang.stopping": Text("No new units; what runs is finished.", "不再接收新模组；正在进行的将完成。"),
    "gang.hold.stop": Text("Keep holding F8: no new units", "请按住 F8：停止接收"),
    "gang.hold.abort": Text("Keep holding F9: stop everything", "请按住 F9：全部中止"),
    # keys
    "gang.keys": Text("Keys", "按键"),
    "gang.scan": Text("Scan an order, a badge or a unit", "扫描工单、工牌或产品标签"),
    "gang.key.arrows": Text("choose a slot", "选择通道"),
    "gang.key.enter": Text("details", "详情"),
    "gang.key.f2": Text("set-up", "设置"),
    "gang.key.f4": Text("label again", "重打标签"),
    "gang.key.f6": Text("sound", "提示音"),
    "gang.key.f8": Text("start · hold: no new units", "开始 · 按住：停止接收"),
    "gang.key.f9": Text("hold: abort", "按住：中止"),
    # set-up
    "gang.setup": Text("Set-up", "设置"),
    "gang.setup.station": Text("Station", "工位"),
    "gang.setup.operator": Text("Operator", "操作员"),
    "gang.setup.order": Text("Work order (empty: none)", "工单号（可留空）"),
    "gang.setup.count": Text("Units wanted (0: no end)", "数量（0 为不限）"),
    "gang.setup.load": Text("Load FW Files", "加载固件 (Load FW Files)"),
    "gang.setup.no_package": Text("No firmware chosen yet.", "尚未选择固件包。"),
    "gang.setup.order_package": Text("{file}, locked by the order", "{file}（由工单锁定）"),
    "gang.setup.order_new": Text(
        "A new order: it is locked to this firmware at the start.", "新工单：开始时锁定为此固件包。"
    ),
    "gang.setup.order_open": Text(
        "Open: {passed} passed, {left} left.", "进行中：已通过 {passed} 个，剩余 {left} 个。"
    ),
    "gang.setup.order_no_end": Text("Open: {passed} passed, no end.", "进行中：已通过 {passed} 个，数量不限。"),
    "gang.setup.order_over": Text("This order is closed or full.", "此工单已关闭或已完成。"),
    "gang.setup.rack": Text("Modules", "模组"),
    "gang.setup.rack_all": Text("all that are connected", "所有已连接的模组"),
    "gang.setup.auto": Text("Auto All: wait for modules until stopped", "自动连续 (Auto All)：持续等待模组接入"),
    "gang.setup.again": Text("burn again what has passed already", "已通过的模组也重新烧录"),
    "gang.setup.more": Text("Test, unit data, labels", "测试、单机数据、标签"),
    "gang.setup.recipe": Text("Functional test (recipe)", "功能测试配方"),
    "gang.setup.units": Text("Data of each unit", "单机数据表"),
    "gang.setup.label": Text("Label for each PASS (template)", "通过后打印的标签模板"),
    "gang.setup.label_to": Text("Labels go to (tcp:HOST:9100, folder:PATH)", "标签去向（tcp:主机:9100、folder:目录）"),
    "gang.setup.choose": Text("Choose", "选择"),
    "gang.setup.clear": Text("Remove", "清除"),
    "gang.setup.none": Text("none", "无"),
    "gang.setup.start": Text("Start", "开始"),
    "gang.setup.starting": Text("Reading the firmware …", "正在读取固件包…"),
    # how the last run ended
    "gang.over.done": Text(
        "The run of {at} is over: {passed} of {units} passed. Start goes on with the same set-up.",
        "{at} 的烧录已结束：{units} 个中 {passed} 个通过。点击开始可按相同设置继续。",
    ),
    "gang.over.cancelled": Text(
        "The run of {at} was aborted. Look at the slots, then start again.",
        "{at} 的烧录已被中止。请检查各通道后重新开始。",
    ),
    "gang.over.interrupted": Text(
        "The server ended while the run of {at} was going on. The slots show what the records say: "
        "power unfinished modules again after the start.",
        "{at} 的烧录进行中时服务器停止。各通道显示产线记录中的结果；重新开始后，请为未完成的模组重新上电。",
    ),
    "gang.over.failed": Text("The run of {at} ended with an error.", "{at} 的烧录因错误结束。"),
    "gang.wall_empty": Text(
        "Load the firmware, choose the modules, then Start: each slot gets its cell here.",
        "请加载固件、选择模组并点击开始：每个通道在此显示为一格。",
    ),
    "gang.wall": Text("Slots", "通道"),
    # scanning
    "gang.scan.order": Text("Order {order}", "工单 {order}"),
    "gang.scan.operator": Text("Operator {operator}", "操作员 {operator}"),
    "gang.scan.slot": Text("{imei} is in slot {slot}", "{imei} 位于通道 {slot}"),
    "gang.scan.record": Text("{imei}: {outcome}, slot {slot}, {at}", "{imei}：{outcome}，通道 {slot}，{at}"),
    "gang.scan.unknown": Text("Nothing is known of {given}", "没有与 {given} 相关的记录"),
    # details of a slot
    "gang.slot.title": Text("Slot {slot}: {word}", "通道 {slot}：{word}"),
    "gang.slot.imei": Text("IMEI", "IMEI"),
    "gang.slot.model": Text("Model", "型号"),
    "gang.slot.tries": Text("Try", "次数"),
    "gang.slot.seconds": Text("Time", "用时"),
    "gang.slot.before": Text("Version before", "原版本"),
    "gang.slot.after": Text("Version now", "现版本"),
    "gang.slot.next": Text("What to do", "下一步"),
    "gang.slot.steps": Text("Steps", "步骤"),
    "gang.slot.checks": Text("Functional test", "功能测试"),
    "gang.slot.log": Text("Log, newest first", "日志（最新在前）"),
    "gang.slot.report": Text("Report of this unit", "此产品的报告"),
    "gang.slot.label": Text("Print the label again", "重打标签"),
    "gang.slot.no_label": Text("No unit with a label has passed here.", "此通道没有可打印标签的产品。"),
    "gang.slot.label_sent": Text("Label of {imei} printed.", "已打印 {imei} 的标签。"),
    "gang.slot.label_failed": Text("No label: {reason}", "标签打印失败：{reason}"),
}
