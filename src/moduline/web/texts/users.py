"""Sentences of the page "Users"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "users.title": Text("Users", "用户"),
    "users.about": Text("Accounts and their roles.", "账号及其角色。"),
    "users.new": Text("New account", "新建账号"),
    "users.new_about": Text(
        "A sub-account shares products, packages and plans with yours. With a password it signs in here; "
        "programs use tokens.",
        "子账号与您共用产品、版本包与升级计划。设置密码后可在此登录；程序请使用令牌。",
    ),
    "users.password_later": Text("Password (may come later)", "密码（可稍后设置）"),
    "users.again": Text("The same again", "再次输入"),
    "users.account": Text("Account", "账号"),
    "users.password": Text("Password", "密码"),
    "users.made": Text("Created", "创建时间"),
    "users.main": Text("main account", "主账号"),
    "users.you": Text("you", "当前账号"),
    "users.on": Text("enabled", "已启用"),
    "users.off": Text("disabled", "已停用"),
    "users.has_password": Text("set", "已设置"),
    "users.no_password": Text("none", "未设置"),
    "users.change_role": Text("Role", "角色"),
    "users.role_of": Text("Change the role of {name}", "更改 {name} 的角色"),
    "users.role_about": Text(
        "It counts at once, also for tokens and sessions that exist.", "立即生效，包括已有的令牌与会话。"
    ),
    "users.disable": Text("Disable", "停用"),
    "users.enable": Text("Enable", "启用"),
    "users.disable_of": Text("Disable {name}?", "停用 {name}？"),
    "users.disable_about": Text(
        "All tokens and sessions of the account are refused at once. What it made stays.",
        "该账号的令牌与会话立即失效，其创建的内容保留。",
    ),
    "users.set_password": Text("Password", "密码"),
    "users.password_of": Text("New password for {name}", "为 {name} 设置新密码"),
    "users.password_about": Text(
        "All sessions of the account end; its tokens stay.", "该账号的会话全部结束，令牌不受影响。"
    ),
    "users.own_password": Text("Your own password is changed on the page Settings.", "自己的密码请在“设置”页面更改。"),
    "users.main_fixed": Text("The main account stays as it is.", "主账号的角色与状态不可更改。"),
    "users.done_made": Text("Account {name} is there", "已创建账号 {name}"),
    "users.done_role": Text("{name} is now {role}", "{name} 的角色已改为“{role}”"),
    "users.done_off": Text("{name} is disabled", "{name} 已停用"),
    "users.done_on": Text("{name} is enabled", "{name} 已启用"),
    "users.done_password": Text("{name} has a new password", "已为 {name} 设置新密码"),
    "users.roles": Text("What each role may do", "各角色的权限"),
    "users.alone": Text("Only the main account so far", "目前只有主账号"),
    "users.alone_hint": Text(
        "Give colleagues accounts of their own, so the audit log says who did what.",
        "为同事创建各自的账号，审计日志即可显示是谁的操作。",
    ),
}
