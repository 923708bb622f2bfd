"""Sentences of the page "Product"."""

from __future__ import annotations

from typing import Final

from moduline.errors import Text

TEXTS: Final = {
    "product.title": Text("Product", "产品详情"),
    "product.about": Text("Keys, components and rules of one product.", "单个产品的密钥、组件与规则。"),
    "product.all": Text("All products", "全部产品"),
    "product.devices": Text("{count} devices, {online} online", "设备 {count} 台，在线 {online} 台"),
    "product.packages": Text("Version packages", "版本包"),
    "product.plans": Text("{count} upgrade plans", "升级计划 {count} 个"),
    "product.new_plan": Text("New plan", "新建升级计划"),
    "product.keys": Text("Keys", "密钥"),
    "product.keys_about": Text(
        "Every device of this product carries both; they let it in for the first time.",
        "该产品的设备均需写入，用于首次认证。",
    ),
    "product.pk": Text("Product key (PK)", "产品密钥（PK）"),
    "product.ps": Text("Product secret (PS)", "产品密码（PS）"),
    "product.copy_pk": Text("Copy the product key", "复制产品密钥"),
    "product.copy_ps": Text("Copy the product secret", "复制产品密码"),
    "product.reveal": Text("Show the secret", "显示产品密码"),
    "product.hide": Text("Hide", "隐藏"),
    "product.reveal_note": Text("Whoever shows it is noted in the audit log.", "查看操作将记入审计日志。"),
    "product.server": Text("Devices connect to (MQTT)", "设备连接地址（MQTT）"),
    "product.ddi_server": Text("Polling clients ask (DDI)", "轮询设备地址（DDI）"),
    "product.created": Text("Created", "创建时间"),
    "product.runs": Text("What runs", "在用版本"),
    "product.runs_about": Text(
        "Components that devices have reported, and module versions by number of devices.",
        "设备已上报的组件，以及各模组版本的设备数。",
    ),
    "product.runs_none": Text("No device has reported a version yet.", "尚无设备上报版本。"),
    "product.runs_none_hint": Text("Versions come by themselves when a device connects.", "设备连接后自动上报版本。"),
    "product.module": Text("module", "模组"),
    "product.component": Text("Component", "组件"),
    "product.kind": Text("Type", "类型"),
    "product.told": Text("Devices", "设备数"),
    "product.version": Text("Module version", "模组版本"),
    "product.share": Text("Share", "占比"),
    "product.settings": Text("Rules", "规则"),
    "product.name": Text("Name", "产品名称"),
    "product.needs_verification": Text(
        "Plans take only packages that passed a verification on a device", "升级计划仅可使用固件验证通过的版本包"
    ),
    "product.needs_rehearsal": Text(
        "Plans take only packages that passed a rehearsal on virtual modules",
        "升级计划仅可使用虚拟模组演练通过的版本包",
    ),
    "product.rehearses_uploads": Text("Rehearse patches as soon as they are there", "差分包上传后自动演练"),
    "product.is_first_only": Text("A device that lost its secret stays out", "设备丢失密钥后禁止重新认证"),
    "product.is_windows_strict": Text("Push windows also bind requests of a device", "推送时段同样限制设备的主动请求"),
    "product.grid_s": Text("Looks for waiting devices every (seconds)", "匹配周期（秒）"),
    "product.scheme": Text("Download addresses begin with", "下载地址协议"),
    "product.save": Text("Save the rules", "保存规则"),
    "product.saved": Text("Saved.", "已保存。"),
    "product.ddi": Text("Polling clients (SWUpdate, RAUC)", "轮询设备（SWUpdate、RAUC）"),
    "product.ddi_about": Text(
        "Devices that ask over HTTP by themselves. Their tokens are on the page of each device.",
        "通过 HTTP 主动查询的设备，令牌在设备详情页签发。",
    ),
    "product.poll_s": Text("Seconds between two polls (0: as the platform)", "轮询间隔秒数（0 为平台默认）"),
    "product.busy_poll_s": Text(
        "Seconds while it is upgraded (0: as the platform)", "升级期间间隔秒数（0 为平台默认）"
    ),
    "product.version_attribute": Text(
        "Attribute that is the version (empty: usual ones)", "版本属性名（空为默认属性）"
    ),
    "product.trust": Text("Success without a version counts", "未上报版本时的成功结果"),
    "product.trust.auto": Text("where a client tells none", "仅当客户端不上报版本时采信"),
    "product.trust.always": Text("always", "始终采信"),
    "product.trust.never": Text("never", "从不采信"),
    "product.ddi_save": Text("Save the terms", "保存约定"),
    "product.ddi_saved": Text("The terms are saved.", "约定已保存。"),
    "product.danger": Text("Delete this product", "删除产品"),
    "product.delete": Text("Delete", "删除"),
    "product.delete_ask": Text("Delete the product “{name}”?", "删除产品“{name}”？"),
    "product.delete_takes": Text(
        "Its key {pk} is refused from then on: devices that carry it can never connect again.",
        "产品密钥 {pk} 将失效，写入该密钥的设备无法再次连接。",
    ),
    "product.delete_held": Text(
        "It can be deleted when nothing belongs to it. Now: {devices} devices, {plans} plans.",
        "产品下没有设备和计划时方可删除。当前：设备 {devices} 台，升级计划 {plans} 个。",
    ),
    "product.deleted": Text("“{name}” is deleted.", "已删除“{name}”。"),
}
