"""Sentences that the pages of people share: rights, forms, secrets that are shown once."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "people.needs": Text(
        "This needs the role {needed}; yours is {mine}.", "此操作需要角色“{needed}”，您的角色为“{mine}”。"
    ),
    "people.kept": Text("I have kept it", "已妥善保存"),
    "people.name": Text("Name", "名称"),
    "people.role": Text("Role", "角色"),
    "people.state": Text("State", "状态"),
    "people.acts": Text("Actions", "操作"),
    "people.create": Text("Create", "创建"),
    "people.save": Text("Save", "保存"),
    "people.delete": Text("Delete", "删除"),
    "people.never": Text("never", "永不"),
    "people.password_hint": Text("At least 10 characters.", "至少 10 个字符。"),
    "people.does.viewer": Text("looks at everything, changes nothing", "可查看全部内容，不能更改"),
    "people.does.operator": Text(
        "devices, packages, verification, plans that are not yet active", "管理设备、版本包、验证与未激活的计划"
    ),
    "people.does.releaser": Text(
        "also activates, suspends and ends plans, and waives proofs", "另可激活、暂停、终止计划，豁免演练与验证"
    ),
    "people.does.admin": Text("also products, accounts, tokens and webhooks", "另可管理产品、账号、令牌与 Webhook"),
}
