"""Sentences of the page "Products"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "products.title": Text("Products", "产品"),
    "products.about": Text(
        "What you build; devices, packages and plans belong to one.", "同类设备的定义；设备与升级计划均属于某个产品。"
    ),
    "products.new": Text("New product", "创建产品"),
    "products.new_about": Text(
        "Key and secret are drawn by lot. They go into the firmware of its devices.",
        "产品密钥与产品密码自动生成，用于写入设备固件。",
    ),
    "products.create": Text("Create", "创建"),
    "products.name": Text("Name", "产品名称"),
    "products.name_hint": Text("Such as: water meter", "例如：智能水表"),
    "products.keeps": Text("It exists on another platform: keep its keys", "已在其他平台使用：沿用原密钥"),
    "products.pk": Text("Product key (PK)", "产品密钥（PK）"),
    "products.ps": Text("Product secret (PS)", "产品密码（PS）"),
    "products.devices": Text("Devices", "设备数"),
    "products.online": Text("Online", "在线"),
    "products.plans": Text("Plans", "升级计划"),
    "products.rules": Text("A plan needs", "激活条件"),
    "products.verified": Text("verification", "固件验证"),
    "products.rehearsed": Text("rehearsal", "虚拟演练"),
    "products.no_rules": Text("nothing", "无"),
    "products.created": Text("Created", "创建时间"),
    "products.none": Text("There is no product yet.", "尚未创建产品。"),
    "products.none_hint": Text(
        "Create one, put its keys into main.py, and its devices appear here when they connect.",
        "请先创建产品并将密钥写入 main.py，设备连接平台后自动出现。",
    ),
    "products.made": Text("“{name}” is created.", "已创建“{name}”。"),
    "products.copy_pk": Text("Copy the key of {name}", "复制 {name} 的产品密钥"),
}
