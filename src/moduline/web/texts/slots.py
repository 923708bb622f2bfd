"""Sentences of the page "Slots"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "slots.title": Text("Slots", "通道统计"),
    "slots.about": Text("Which slot fails more often than its neighbours.", "哪个通道的失败率高于其他通道。"),
    "slots.verdict": Text("What stands out", "结论"),
    "slots.suspect": Text(
        "Slot {slot} fails at “{stage}” in {failed} of {units} units, its neighbours in {others_failed} of {others}: "
        "that is no chance ({chance}). {look}",
        "通道 {slot} 在“{stage}”阶段失败 {failed}/{units}，"
        "其他通道为 {others_failed}/{others}，并非偶然（{chance}）。{look}",
    ),
    "slots.chance": Text("1 in {count}", "概率 1/{count}"),
    "slots.chance_tiny": Text("less than 1 in a million", "概率低于百万分之一"),
    "slots.look.enter": Text("Look at the pins of power, USB and BOOT.", "请检查供电、USB 与 BOOT 顶针。"),
    "slots.look.connect": Text("Look at the pins of USB and power.", "请检查 USB 与供电顶针。"),
    "slots.look.write": Text("Look at the pins of USB and power, and at the cable.", "请检查 USB 与供电顶针及线缆。"),
    "slots.look.verify": Text("Look at the USB pins and the cable.", "请检查 USB 顶针及线缆。"),
    "slots.look.restart": Text("Look at the pins of power and RESET.", "请检查供电与 RESET 顶针。"),
    "slots.look.check": Text("Look at the pins of power and AT port.", "请检查供电与 AT 串口顶针。"),
    "slots.look.test": Text("Look at the pins that the test measures.", "请检查功能测试所用的顶针。"),
    "slots.look.other": Text("Look at the pogo pins.", "请检查顶针。"),
    "slots.fine": Text(
        "No slot fails more often than chance explains: {units} units in {slots} slots.",
        "没有通道的失败率超出偶然范围：{slots} 个通道共 {units} 个产品。",
    ),
    "slots.too_few": Text(
        "{units} units are too few to tell slots apart; a slot needs at least {least} failures to be suspected.",
        "产品数（{units}）过少，无法区分通道；通道至少失败 {least} 次才会被怀疑。",
    ),
    "slots.none": Text("Nothing was burnt in this time.", "此时间段内没有烧录记录。"),
    "slots.none_hint": Text("Choose a longer time, or another order.", "请选择更长的时间或其他工单。"),
    "slots.table": Text("Slots", "通道"),
    "slots.many": Text("Counted are the last {count} tries of this time.", "仅统计此时间段内最近 {count} 条记录。"),
    "slots.station": Text("Station", "工位"),
    "slots.rule": Text(
        "A unit counts once, where it was first tried; later tries do not change that. A slot is named when its "
        "failures at a stage have a chance below 1 % against its neighbours (Fisher's exact test, corrected for the "
        "number of slots and stages).",
        "每个产品只计一次，归于首次烧录的通道，之后的重试不改变归属。某通道在某阶段的失败与其他通道相比，"
        "偶然概率低于 1% 时才会被点名（Fisher 精确检验，按通道与阶段数校正）。",
    ),
    "slots.how": Text("How this is counted", "统计方法"),
    "slots.suspected": Text("suspect", "可疑"),
    "slots.col.slot": Text("Slot", "通道"),
    "slots.col.units": Text("Units", "产品数"),
    "slots.col.tries": Text("Tries", "次数"),
    "slots.col.yield": Text("Passed at once", "直通率"),
    "slots.col.failed": Text("Failed first at", "首次失败阶段"),
    "slots.col.cycle": Text("Time", "节拍"),
    "slots.stage.enter": Text("entering", "进入下载"),
    "slots.stage.connect": Text("connecting", "连接"),
    "slots.stage.write": Text("writing", "写入"),
    "slots.stage.verify": Text("reading back", "回读"),
    "slots.stage.restart": Text("restarting", "重启"),
    "slots.stage.check": Text("asking version", "核对版本"),
    "slots.stage.test": Text("functional test", "功能测试"),
    "slots.stage.other": Text("elsewhere", "其他"),
}
