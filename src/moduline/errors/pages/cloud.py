"""Pages of the OTA platform's errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from moduline.errors.pages.page import Page, page

PAGES: Final[Mapping[str, Page]] = {
    "database.full": page(
        ("the disk of the data folder or of the database server is full", "数据目录或数据库服务器的磁盘已满"),
        "moduline doctor",
        ("shows how much space is left", "显示剩余空间"),
    ),
    "cloud.job-broken": page(
        (
            "an input that needs more memory or time than a job may use, or a fault of the platform",
            "输入所需的内存或时间超过任务限额，或平台内部故障",
        ),
        "moduline explain ML-E0104",
        ("this page", "本页"),
    ),
    "database.busy": page(
        (
            "another program holds the file, or more changes arrive than the disk can keep",
            "其他程序占用该文件，或更改到达的速度超过磁盘的写入速度",
        ),
        "moduline explain ML-E0502",
        ("this page", "本页"),
    ),
    "database.read-only": page(
        (
            "the folder belongs to another user, or the disk is mounted read-only",
            "目录属于其他用户，或磁盘以只读方式挂载",
        ),
        "moduline doctor",
        ("looks at the folders", "检查目录"),
    ),
    "database.unreachable": page(
        (
            "the server is off, restarts, or refuses this user; the address is wrong",
            "服务器未运行、正在重启或拒绝该用户；或地址有误",
        ),
        "moduline explain ML-E1403",
        ("this page", "本页"),
    ),
    "store.unreachable": page(
        (
            "the server is off or restarts, the endpoint is wrong, the network is cut, or it asks for patience",
            "服务未运行或正在重启、endpoint 有误、网络中断，或服务过载",
        ),
        "moduline explain ML-E1406",
        ("this page", "本页"),
    ),
    "store.unusable": page(
        (
            "no such bucket, keys that are absent or refused, another region, or 'moduline[s3]' is not installed",
            "存储桶不存在、密钥缺失或被拒绝、区域不符，或未安装 'moduline[s3]'",
        ),
        "moduline explain ML-E0504",
        ("this page", "本页"),
    ),
    "cloud.server-unreachable": page(
        ("it is not started, its address is wrong, or a proxy is in between", "平台未启动、地址有误，或中间有代理"),
        "moduline ota serve --data ota",
        ("starts a platform here", "在本机启动平台"),
    ),
    "bus.unreachable": page(
        (
            "the NATS servers are off or restart, the address is wrong, no worker runs, or none keeps what it is told",
            "NATS 服务器未运行或正在重启、地址有误、没有工作节点，或工作节点无法保存数据",
        ),
        "moduline explain ML-E1405",
        ("this page", "本页"),
    ),
    "fleet.unfinished": page(
        (
            "no plan takes the devices, its window is closed, it is held by rate or groups, or the time was too short",
            "没有计划包含这些设备、推送时段已关闭、受速率或分组限制，或时间过短",
        ),
        "moduline fleet run --server HOST --count 10 --for 60",
        ("runs without waiting for an end; its summary says where devices stand", "不等待结束；汇总显示设备所处阶段"),
    ),
    "cloud.no-such-object": page(
        ("a typing error, an object that was deleted, or one of another account", "名称有误、对象已删除或属于其他账号"),
        "moduline explain ML-E0207",
        ("this page", "本页"),
    ),
    "cloud.bad-field": page(
        ("a field is missing, too long, or of the wrong kind", "字段缺失、过长或类型有误"),
        "moduline explain ML-E0208",
        ("this page", "本页"),
    ),
    "cloud.no-such-address": page(
        (
            "a typing error in the path, or a program that was written for another version",
            "路径有误，或程序对应其他版本",
        ),
        "moduline ota serve --data ota",
        ("its first line is where /docs, the list of all addresses, is found", "首行即接口文档 /docs 的地址"),
    ),
    "cloud.method-forbidden": page(
        ("the address is there, but for another method, such as POST for GET", "地址存在，但方法不符，例如应使用 POST"),
        "moduline ota serve --data ota",
        ("its first line is where /docs, the list of all addresses, is found", "首行即接口文档 /docs 的地址"),
    ),
    "cloud.token-refused": page(
        (
            "no token was sent, or it is mistyped, expired, revoked, or its account is disabled",
            "未发送令牌，或令牌有误、已过期、已被吊销，或其账号已停用",
        ),
        "moduline explain ML-E1510",
        ("this page", "本页"),
    ),
    "cloud.login-refused": page(
        (
            "a typing error, a password that was changed, no password yet, or an account that is switched off",
            "输入有误、密码已更改、尚未设置密码，或账号已停用",
        ),
        "moduline ota account password NAME",
        ("sets a new one, with the token of an admin", "使用管理员令牌设置新密码"),
    ),
    "cloud.too-many-tries": page(
        (
            "several wrong passwords for one account or from one address, or very many logins at the same time",
            "同一账号或同一地址多次输入错误密码，或同时登录的人过多",
        ),
        "moduline ota audit --kind login",
        ("says for whom it was tried, and from where", "显示被尝试的账号与来源地址"),
    ),
    "cloud.role-too-low": page(
        ("the account may look at it but not change it", "该账号可以查看，但不能更改"),
        "moduline explain ML-E1511",
        ("this page", "本页"),
    ),
    "cloud.name-taken": page(
        ("names of artifacts and plans are unique over all sub-accounts", "版本包与升级计划的名称在所有子账号中唯一"),
        "moduline explain ML-E1512",
        ("this page", "本页"),
    ),
    "cloud.state-forbids": page(
        (
            "an activated plan is neither edited nor deleted, and a used artifact is not deleted",
            "已激活的计划不可编辑或删除，被使用的版本包不可删除",
        ),
        "moduline explain ML-E1513",
        ("this page", "本页"),
    ),
    "cloud.not-rehearsable": page(
        (
            "virtual modules run our own firmware and scripts, not MCU images, archives or patches of other tools",
            "虚拟模组可运行本平台固件与脚本，不支持 MCU 镜像、压缩包及其他工具的差分包",
        ),
        "moduline explain ML-E1515",
        ("this page", "本页"),
    ),
}
