"""Sentences of the frame around every page."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "shell.skip": Text("To the content", "跳到内容"),
    "shell.menu": Text("Show or hide the pages of this seat", "显示或隐藏页面列表"),
    "shell.seats": Text("Seats", "工作区"),
    "shell.room.studio": Text("Studio", "工作台"),
    "shell.room.line": Text("Line", "产线"),
    "shell.room.console": Text("Console", "控制台"),
    "shell.jobs": Text("Jobs", "任务"),
    "shell.jobs_running": Text("{count} running", "{count} 个进行中"),
    "shell.other_language": Text("中文", "English"),
    "shell.theme": Text("Colours: {now}. Next: {then}", "配色：{now}。切换为：{then}"),
    "shell.theme.auto": Text("as the system", "跟随系统"),
    "shell.theme.light": Text("light", "浅色"),
    "shell.theme.dark": Text("dark", "深色"),
    "shell.account": Text("Account {name}", "账号 {name}"),
    "shell.role.viewer": Text("viewer", "查看者"),
    "shell.role.operator": Text("operator", "操作员"),
    "shell.role.releaser": Text("releaser", "发布员"),
    "shell.role.admin": Text("admin", "管理员"),
    "shell.zone": Text("Times of {zone}", "时间按 {zone} 显示"),
    "shell.sign_out": Text("Sign out", "退出登录"),
    "shell.close": Text("Close", "关闭"),
    "shell.cancel": Text("Cancel", "取消"),
    "shell.ok": Text("OK", "确定"),
    "shell.copy": Text("Copy", "复制"),
    "shell.copied": Text("Copied", "已复制"),
    "shell.retry": Text("Try again", "重试"),
    "shell.lost": Text("The connection to the server is lost.", "与服务器的连接已断开。"),
    "shell.coming_back": Text("This page comes back by itself.", "恢复后页面会自动重新载入。"),
    "shell.too_long": Text("That is too much at once.", "一次发送的内容过多。"),
    "shell.too_long_body": Text("Please send it in smaller pieces.", "请分批发送。"),
    "shell.restarted": Text("The server was started again at {at}.", "服务器已于 {at} 重新启动。"),
    "shell.interrupted": Text("{count} jobs were interrupted: see which", "{count} 个任务被中断：查看详情"),
    "shell.role_too_low": Text(
        "This page needs the role {needed}; yours is {mine}.", "此页面需要角色“{needed}”，您的角色为“{mine}”。"
    ),
    "shell.role_hint": Text("Ask an admin for a higher role.", "请联系管理员提升角色。"),
    "shell.error_facts": Text("Facts", "详情"),
}
