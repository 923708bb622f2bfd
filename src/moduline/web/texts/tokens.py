"""Sentences of the page "Tokens"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "tokens.title": Text("Tokens", "令牌"),
    "tokens.about": Text("Keys for programs.", "供程序使用的访问令牌。"),
    "tokens.new": Text("New token", "新建令牌"),
    "tokens.new_about": Text(
        "A program sends it as Authorization: Bearer …. Its text is shown once.",
        "程序以 Authorization: Bearer … 发送。令牌内容仅显示一次。",
    ),
    "tokens.name_hint": Text("What it is for, such as ci or warehouse.", "用途，例如 ci 或 warehouse。"),
    "tokens.account": Text("Account", "账号"),
    "tokens.role_hint": Text("It never may more than its account.", "其权限不超过所属账号。"),
    "tokens.lifetime": Text("Valid for", "有效期"),
    "tokens.days": Text("{count} days", "{count} 天"),
    "tokens.for_ever": Text("until it is revoked", "长期，直至吊销"),
    "tokens.expires": Text("Expires", "过期时间"),
    "tokens.made": Text("Created", "创建时间"),
    "tokens.valid": Text("valid", "有效"),
    "tokens.expired": Text("expired", "已过期"),
    "tokens.revoked": Text("revoked", "已吊销"),
    "tokens.account_off": Text("account disabled", "账号已停用"),
    "tokens.revoke": Text("Revoke", "吊销"),
    "tokens.revoke_of": Text("Revoke the token {name}?", "吊销令牌 {name}？"),
    "tokens.revoke_about": Text(
        "Programs that use it are refused at once, and so are sessions begun with it. This cannot be undone.",
        "使用该令牌的程序与由其建立的会话立即失效，且无法恢复。",
    ),
    "tokens.first_about": Text(
        "This is the token in the file admin.token: the one-time link of the Studio and the commands use it.",
        "此令牌保存在 admin.token 文件中，工作台的一次性链接与命令行均使用它。",
    ),
    "tokens.made_title": Text("The token {name}", "令牌 {name}"),
    "tokens.shown_once": Text(
        "Copy it now: only a digest is kept, nobody can show it again.",
        "请立即复制：平台仅保存摘要，之后无法再次显示。",
    ),
    "tokens.done_revoked": Text("The token {name} is revoked", "令牌 {name} 已吊销"),
    "tokens.over": Text("Show those that are over ({count})", "显示已失效的令牌（{count}）"),
    "tokens.none": Text("No token is valid", "没有有效的令牌"),
    "tokens.none_hint": Text(
        "Create one for each program, so that each can be revoked.", "建议每个程序使用各自的令牌，便于单独吊销。"
    ),
}
