"""Sentences of the page "Scan gate"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "scan.title": Text("Scan gate", "扫码出货"),
    "scan.about": Text("Only what passed leaves the line.", "仅放行合格产品。"),
    "scan.field": Text("Scan a label", "扫描标签"),
    "scan.order": Text("Only this work order", "仅限此工单"),
    "scan.any": Text("any order", "不限工单"),
    "scan.print": Text("Print a label for each PASS (station {station})", "通过后打印标签（工位 {station}）"),
    "scan.ready": Text("Scan a unit’s label", "请扫描产品标签"),
    "scan.ready_hint": Text(
        "The answer stands here, big enough to be read from three metres.", "结果将以大字显示在此处。"
    ),
    "scan.pass": Text("PASS", "PASS"),
    "scan.pass_under": Text("may leave the line", "放行"),
    "scan.refused": Text("REFUSED", "REFUSED"),
    "scan.refused_under": Text("stays here", "不放行"),
    "scan.reason.passed": Text("Passed {at} in slot {slot}, {package}", "{at} 于通道 {slot} 通过，{package}"),
    "scan.reason.unknown": Text("This unit was never burnt here.", "没有此产品的烧录记录。"),
    "scan.reason.unknown_order": Text("This unit was not burnt for order {order}.", "此产品不属于工单 {order}。"),
    "scan.reason.running": Text("It is being burnt right now, in slot {slot}.", "正在通道 {slot} 烧录中。"),
    "scan.reason.not-passed": Text(
        "Its last try ended with {outcome}, {at}: {error}", "最近一次结果为 {outcome}（{at}）：{error}"
    ),
    "scan.reason.other-image": Text(
        "It passed with other firmware ({package}) than the order wants.", "其固件（{package}）与工单要求不符。"
    ),
    "scan.hand.passed": Text("Put it into the box.", "请放入包装。"),
    "scan.hand.no": Text("Put it aside.", "请单独放置。"),
    "scan.hand.running": Text("Wait until it is finished.", "请等待烧录完成。"),
    "scan.hand.again": Text("Burn it again at the line station.", "请在产线工位重新烧录。"),
    "scan.log": Text("Last scans", "最近扫描"),
    "scan.log_none": Text("Nothing was scanned yet.", "尚无扫描记录。"),
    "scan.counts": Text("{passed} passed, {refused} refused", "放行 {passed}，拒绝 {refused}"),
    "scan.col.at": Text("When", "时间"),
    "scan.col.unit": Text("Unit", "产品"),
    "scan.col.answer": Text("Answer", "结果"),
    "scan.col.why": Text("Why", "原因"),
    "scan.label_sent": Text("Label printed.", "标签已打印。"),
    "scan.label_failed": Text("No label: {reason}", "标签打印失败：{reason}"),
}
