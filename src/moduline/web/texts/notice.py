"""Notices of jobs in words; ``notice.SLUG`` for the slug that a verb reports."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text
from moduline.line.board_words import NOTICES as LINE_NOTICES

TEXTS: Final = {f"notice.{slug}": words for slug, words in LINE_NOTICES.items()} | {
    "notice.burn.plan": Text("plan: {bytes} bytes to send", "计划：共发送 {bytes} 字节"),
    "notice.burn.record": Text("record {id}: {outcome}", "记录 {id}：{outcome}"),
    "notice.burn.nv-kept": Text("IMEI and calibration are kept", "已保留 IMEI 与校准数据"),
    "notice.gang.record": Text("{outcome}, IMEI {imei} {error}", "{outcome}，IMEI {imei} {error}"),
    "notice.slot.state": Text("{state} {outcome}", "{state} {outcome}"),
    "notice.files.file": Text("{path}, {bytes} bytes", "{path}，{bytes} 字节"),
    "notice.files.output": Text("> {text}", "> {text}"),
    "notice.project.remark-error": Text("error in {path}, line {line}: {slug}", "{path} 第 {line} 行错误：{slug}"),
    "notice.project.remark-notice": Text("about {path}, line {line}: {slug}", "{path} 第 {line} 行提示：{slug}"),
    "notice.remote.checksum-refreshed": Text(
        "{path}: backup checksum refreshed, so the change survives a restart",
        "{path}：已刷新备份校验值，重启后修改不会被还原",
    ),
    "notice.remote.no-at-reset": Text("restart over AT failed: {reason}", "通过 AT 重启失败：{reason}"),
    "notice.remote.repower-now": Text("re-power the module now", "请现在给模组重新上电"),
}
