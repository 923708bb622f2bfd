"""Sentences of webhooks on the page "Settings"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "webhooks.title": Text("Webhooks", "Webhook"),
    "webhooks.about": Text(
        "Programs that are told by HTTP what happens, signed and at least once.",
        "通过 HTTP 通知其他程序，带签名，至少送达一次。",
    ),
    "webhooks.new": Text("New webhook", "新建 Webhook"),
    "webhooks.new_about": Text(
        "Each event is posted as JSON with a signature. The secret of the signatures is shown once.",
        "每个事件以 JSON 发送并带签名，签名密钥仅显示一次。",
    ),
    "webhooks.url": Text("Address", "地址"),
    "webhooks.url_hint": Text("https://…; not inside the platform's own network.", "https://…，不可位于平台内部网络。"),
    "webhooks.events": Text("Events", "事件"),
    "webhooks.all_events": Text("all", "全部"),
    "webhooks.events_hint": Text("None chosen: all of them.", "不选表示全部事件。"),
    "webhooks.state.on": Text("on", "正常"),
    "webhooks.state.off": Text("off", "已关闭"),
    "webhooks.state.failing": Text("failing since {at}", "自 {at} 起失败"),
    "webhooks.state.dead": Text("given up at {at}", "已于 {at} 放弃"),
    "webhooks.said": Text("Last answer", "最近回应"),
    "webhooks.test": Text("Test", "测试"),
    "webhooks.taken": Text("{name} took it: HTTP {status}", "{name} 已接收：HTTP {status}"),
    "webhooks.not_taken": Text("{name} did not take it: {said}", "{name} 未接收：{said}"),
    "webhooks.turn_off": Text("Switch off", "关闭"),
    "webhooks.turn_on": Text("Switch on", "开启"),
    "webhooks.secret": Text("New secret", "更换密钥"),
    "webhooks.secret_of": Text("Renew the secret of {name}?", "更换 {name} 的密钥？"),
    "webhooks.secret_about": Text(
        "The next event is signed with it; the receiver must know it by then.",
        "下一个事件即使用新密钥签名，接收方须同步更新。",
    ),
    "webhooks.secret_title": Text("Secret of {name}", "{name} 的签名密钥"),
    "webhooks.secret_once": Text(
        "Copy it into the receiver now: nobody can show it again.", "请立即复制到接收方：之后无法再次显示。"
    ),
    "webhooks.delete_of": Text("Delete the webhook {name}?", "删除 Webhook {name}？"),
    "webhooks.delete_about": Text("It is told nothing any more.", "此后不再发送任何通知。"),
    "webhooks.deleted": Text("{name} is deleted", "{name} 已删除"),
    "webhooks.none": Text("No program is told yet", "尚未通知任何程序"),
    "webhooks.none_hint": Text(
        "Create one to have your own system hear of finished and failed upgrades.",
        "新建 Webhook，让您的系统获知升级成功与失败。",
    ),
}
