"""Sentences of the page "Settings"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "settings.title": Text("Settings", "设置"),
    "settings.about": Text("Your account, and this platform.", "个人账号与平台设置。"),
    "settings.me": Text("You", "当前账号"),
    "settings.name": Text("Account", "账号"),
    "settings.role": Text("Role", "角色"),
    "settings.may": Text("May", "权限"),
    "settings.and": Text("; ", "；"),
    "settings.look": Text("Language and colours", "语言与配色"),
    "settings.look_about": Text("For this browser.", "仅对当前浏览器生效。"),
    "settings.language": Text("Language", "语言"),
    "settings.colours": Text("Colours", "配色"),
    "settings.password": Text("Password", "密码"),
    "settings.password_about": Text(
        "Changing it ends all your sessions but this one.", "更改密码后，除当前会话外的所有会话将结束。"
    ),
    "settings.password_none": Text(
        "You have no password yet; with one you can sign in without a one-time link.",
        "尚未设置密码；设置后无需一次性链接即可登录。",
    ),
    "settings.password_part": Text(
        "This session has less than the role of your account, so it cannot change the password.",
        "当前会话的角色低于账号角色，不能更改密码。",
    ),
    "settings.old": Text("Present password", "当前密码"),
    "settings.new": Text("New password", "新密码"),
    "settings.again": Text("The same again", "再次输入"),
    "settings.change": Text("Change the password", "更改密码"),
    "settings.changed": Text("The password is changed", "密码已更改"),
    "settings.sessions": Text("Your sessions", "登录会话"),
    "settings.sessions_about": Text(
        "Browsers that are signed in as you. One ends after 12 hours without use, or after 14 days.",
        "以您的账号登录的浏览器。12 小时未使用或满 14 天后自动结束。",
    ),
    "settings.browser": Text("Browser", "浏览器"),
    "settings.began": Text("Signed in", "登录时间"),
    "settings.seen": Text("Last used", "最近使用"),
    "settings.ends": Text("Ends by", "最晚结束"),
    "settings.this_one": Text("this one", "当前会话"),
    "settings.unknown": Text("unknown", "未知"),
    "settings.on": Text("{browser} on {system}", "{system} 上的 {browser}"),
    "settings.end": Text("End", "结束"),
    "settings.end_of": Text("End the session of {browser}?", "结束 {browser} 的会话？"),
    "settings.end_others": Text("End all others", "结束其他全部会话"),
    "settings.end_about": Text("It has to sign in again.", "该浏览器须重新登录。"),
    "settings.ended": Text("{count} sessions ended", "已结束 {count} 个会话"),
    "settings.platform": Text("Platform", "平台"),
    "settings.version": Text("Version", "版本"),
    "settings.api": Text("Operator API", "运维接口"),
    "settings.api_docs": Text("its description", "接口说明"),
    "settings.device_http": Text("Downloads and DDI", "设备下载与 DDI"),
    "settings.mqtt": Text("QuecThing devices (MQTT)", "QuecThing 设备（MQTT）"),
    "settings.elsewhere": Text("runs elsewhere: ask its operator", "平台在其他机器上运行，请咨询其管理员"),
    "settings.kept": Text("Kept for", "保留期限"),
    "settings.kept_log": Text("Logs of upgrades, after their plan is over", "升级日志（计划结束后）"),
    "settings.kept_events": Text("Events for webhooks and streams", "Webhook 与事件流的事件"),
    "settings.kept_jobs": Text("Jobs that are over", "已结束的任务"),
    "settings.kept_files": Text("Files that nothing uses", "未被使用的文件"),
    "settings.kept_history": Text("Verifications and proofs of a package", "每个版本包的验证与演练记录"),
    "settings.kept_audit": Text("Audit", "操作审计"),
    "settings.days": Text("{count} days", "{count} 天"),
    "settings.newest": Text("the newest {count}", "最近 {count} 次"),
    "settings.for_ever": Text("for ever", "永久"),
    "settings.options": Text(
        "These are options of the command that started it: moduline ota serve --help.",
        "由启动命令的选项决定：moduline ota serve --help。",
    ),
}
