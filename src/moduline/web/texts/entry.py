"""Sentences of signing in."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "entry.title": Text("Sign in", "登录"),
    "entry.name": Text("Account", "账号"),
    "entry.password": Text("Password", "密码"),
    "entry.sign_in": Text("Sign in", "登录"),
    "entry.link_over": Text(
        "This link was used before, or belongs to an earlier start. Sign in, or start the Studio again for a new one.",
        "此链接已使用过，或属于之前的启动。请登录，或重新启动工作台以获得新链接。",
    ),
    "entry.no_password_yet": Text(
        "No admin password is set yet. Open the one-time link that the terminal printed when the Studio started.",
        "尚未设置管理员密码。请打开工作台启动时终端中显示的一次性链接。",
    ),
    "entry.first_title": Text("Choose the admin password", "设置管理员密码"),
    "entry.first_about": Text(
        "The account admin may do everything here. At least 10 characters; nobody can read it later.",
        "账号 admin 拥有全部权限。密码至少 10 个字符，设置后无法查看。",
    ),
    "entry.new_password": Text("New password", "新密码"),
    "entry.again": Text("The same again", "再次输入"),
    "entry.onward": Text("Go on", "继续"),
    "entry.differ": Text("The two passwords differ.", "两次输入的密码不一致。"),
    "entry.keep": Text("Keep it and go on", "保存并继续"),
    "entry.no_page": Text("There is no such page", "页面不存在"),
    "entry.no_page_about": Text(
        "The address may be mistyped, or what it led to was removed.", "地址可能有误，或对应内容已被删除。"
    ),
    "entry.to_start": Text("To the first page", "返回首页"),
    "entry.later": Text("Later: the next start prints another link", "稍后设置：下次启动会再给出链接"),
}
