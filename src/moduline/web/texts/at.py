"""Sentences of the page "AT console"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "at.title": Text("AT console", "AT 指令"),
    "at.about": Text("The AT port of a module.", "模组的 AT 端口。"),
    "at.rows": Text("What was asked and answered", "指令与应答"),
    "at.none": Text("Nothing was asked yet.", "还没有发送指令。"),
    "at.none_hint": Text("Type a command, or take one from the list.", "请输入指令，或从列表中选择。"),
    "at.kind.sent": Text("sent", "已发送"),
    "at.kind.info": Text("answer", "应答"),
    "at.kind.ok": Text("OK", "成功"),
    "at.kind.error": Text("error", "错误"),
    "at.kind.unsolicited": Text("news", "主动上报"),
    "at.kind.note": Text("note", "提示"),
    "at.no_answer": Text("no answer within {limit:.0f} s", "{limit:.0f} 秒内无应答"),
    "at.command": Text("Command", "指令"),
    "at.command_hint": Text("Enter sends, ↑ ↓ history", "Enter 发送，↑ ↓ 历史"),
    "at.send": Text("Send", "发送"),
    "at.repeat": Text("Repeat every", "重复间隔"),
    "at.seconds": Text("s", "秒"),
    "at.repeat_start": Text("Repeat", "重复发送"),
    "at.repeating": Text("{command} every {every} s", "每 {every} 秒发送 {command}"),
    "at.stop": Text("Stop", "停止"),
    "at.list": Text("Commands of the modules", "指令列表"),
    "at.list_filter": Text("Search commands", "搜索指令"),
    "at.list_none": Text("No such command in the list; any can be typed.", "列表中没有此指令，可直接输入。"),
    "at.script": Text("Script", "脚本"),
    "at.script_about": Text(
        "One command a line; behind => stands what the answer must say, ERROR for any error, nothing for OK. "
        "wait 2 is a pause, # begins a remark.",
        "每行一条指令；=> 之后为应答应包含的内容，ERROR 表示任意错误，省略则应为 OK。wait 2 为暂停，# 为注释。",
    ),
    "at.script_text": Text("Commands", "指令脚本"),
    "at.script_run": Text("Run", "运行"),
    "at.script_result": Text("{met} of {count} as expected", "{count} 步中 {met} 步符合预期"),
    "at.script_running": Text("Step {at} of {count}", "第 {at} 步，共 {count} 步"),
    "at.step": Text("Step", "步骤"),
    "at.expected": Text("Expected", "预期"),
    "at.came": Text("Answer", "应答"),
    "at.verdict": Text("Result", "结果"),
    "at.met": Text("as expected", "符合"),
    "at.unmet": Text("not met", "不符合"),
    "at.waiting": Text("waits", "等待中"),
    "at.pause": Text("pause of {seconds:g} s", "暂停 {seconds:g} 秒"),
}
