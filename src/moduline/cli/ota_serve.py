"""``ota serve``: the platform as a process, or one node of several."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from moduline.cli.language import say
from moduline.cli.output import JsonlFlag, err, out, print_json, reporter
from moduline.errors import BadOption, Text

_MOST_PORT = 65535
_MOST_JOBS = 64
DataOption = Annotated[Path, typer.Option("--data", metavar="DIR", help=say("where everything is kept", "数据目录"))]
HostOption = Annotated[
    str, typer.Option("--host", metavar="ADDRESS", help=say("0.0.0.0: for others, too", "0.0.0.0 对外开放"))
]
HttpPortOption = Annotated[
    int, typer.Option("--http-port", min=0, max=_MOST_PORT, help=say("operator API; 0: any", "运维接口端口"))
]
DeviceHttpPortOption = Annotated[
    int, typer.Option("--device-http-port", min=0, max=_MOST_PORT, help=say("downloads, DDI", "下载与 DDI 端口"))
]
MqttPortOption = Annotated[
    int, typer.Option("--mqtt-port", min=0, max=_MOST_PORT, help=say("QuecThing devices", "QuecThing 端口"))
]
DbOption = Annotated[
    str, typer.Option("--db", metavar="URL", help=say("postgresql://…; else a file in DIR", "数据库地址"))
]
NatsOption = Annotated[
    str, typer.Option("--nats", metavar="URLS", help=say("bus of several nodes: nats://…", "多节点的消息总线"))
]
RoleOption = Annotated[
    str,
    typer.Option("--role", metavar="ROLES", help=say("some of gateway,worker,api", "本节点角色，以逗号分隔")),
]
LeaseOption = Annotated[
    float,
    typer.Option(
        "--lease", metavar="SECONDS", min=2.0, help=say("a silent node has died after", "节点失联判定时间（秒）")
    ),
]
StoreOption = Annotated[
    str, typer.Option("--store", metavar="URL", help=say("s3://BUCKET…; else a folder in DIR", "文件存储"))
]
PublicUrlOption = Annotated[
    str, typer.Option("--public-url", metavar="URL", help=say("where devices find downloads", "设备访问下载的地址"))
]
SuffixOption = Annotated[
    list[str] | None,
    typer.Option("--suffix", metavar=".EXT", help=say("files may end so, too; may repeat", "额外允许的扩展名，可重复")),
]
NodeOption = Annotated[str, typer.Option("--node", help=say("name of this process", "本节点名称"))]
TlsCertOption = Annotated[
    Path | None,
    typer.Option("--tls-cert", metavar="FILE", help=say("certificate and chain, PEM: TLS", "证书链（PEM），启用 TLS")),
]
TlsKeyOption = Annotated[
    Path | None, typer.Option("--tls-key", metavar="FILE", help=say("its key, PEM; else in it", "私钥（PEM）"))
]
TlsCiphersOption = Annotated[
    str, typer.Option("--tls-ciphers", metavar="LIST", help=say("for old modules, see the guide", "旧模组的加密套件"))
]
MqttsPortOption = Annotated[
    int, typer.Option("--mqtts-port", min=0, max=_MOST_PORT, help=say("QuecThing, TLS", "QuecThing TLS 端口"))
]
DeviceHttpsPortOption = Annotated[
    int,
    typer.Option(
        "--device-https-port", min=0, max=_MOST_PORT, help=say("downloads, DDI, TLS", "下载与 DDI 的 TLS 端口")
    ),
]
TlsOnlyOption = Annotated[
    bool, typer.Option("--tls-only", help=say("no plain ports for devices", "不开放设备的明文端口"))
]
TrustedProxyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--trusted-proxy",
        metavar="CIDR",
        help=say("believe its X-Forwarded-*; may repeat", "信任其 X-Forwarded-* 的代理网段，可重复"),
    ),
]
WebhookNetworkOption = Annotated[
    list[str] | None,
    typer.Option(
        "--webhook-network",
        metavar="CIDR",
        help=say("webhooks may reach it, too; may repeat", "允许 Webhook 访问的内网网段，可重复"),
    ),
]
JobsOption = Annotated[
    int,
    typer.Option(
        "--jobs", min=0, max=_MOST_JOBS, help=say("patches and rehearsals at a time", "同时处理的差分与演练任务数")
    ),
]


KeepOption = Annotated[
    list[str] | None,
    typer.Option(
        "--keep",
        metavar="WHAT=N",
        help=say(
            "logs, events, jobs: days; history: so many; may repeat", "logs、events、jobs：天数；history：份数，可重复"
        ),
    ),
]
_DAY_S = 24 * 3600.0
_KEPT = {"logs": "log_kept_s", "events": "events_kept_s", "jobs": "jobs_kept_s"}


def register_serve(ota: typer.Typer) -> None:
    """Add ``ota serve``."""

    @ota.command(
        help=say(
            "Run the platform until Ctrl-C; DIR holds everything. The first start writes DIR/admin.token. "
            "With --nats and --db it is one node of several, see the guide. "
            "Example: moduline ota serve --data ota",
            "运行平台，按 Ctrl-C 结束；数据均在 DIR 中，首次启动写入 DIR/admin.token。"
            "加上 --nats 与 --db 即作为集群的一个节点运行，见指南。"
            "示例：moduline ota serve --data ota",
        )
    )
    def serve(
        data: DataOption,
        host: HostOption = "127.0.0.1",
        http_port: HttpPortOption = 8310,
        device_http_port: DeviceHttpPortOption = 8311,
        mqtt_port: MqttPortOption = 1883,
        db: DbOption = "",
        nats: NatsOption = "",
        role: RoleOption = "gateway,worker,api",
        lease: LeaseOption = 15.0,
        store: StoreOption = "",
        public_url: PublicUrlOption = "",
        tls_cert: TlsCertOption = None,
        tls_key: TlsKeyOption = None,
        tls_ciphers: TlsCiphersOption = "",
        mqtts_port: MqttsPortOption = 8883,
        device_https_port: DeviceHttpsPortOption = 8443,
        tls_only: TlsOnlyOption = False,
        trusted_proxy: TrustedProxyOption = None,
        node: NodeOption = "one",
        suffix: SuffixOption = None,
        webhook_network: WebhookNetworkOption = None,
        jobs: JobsOption = 1,
        keep: KeepOption = None,
        as_jsonl: JsonlFlag = False,
    ) -> None:
        from moduline.cloud.settings import Settings

        if public_url and not public_url.startswith(("http://", "https://")):
            raise BadOption(name="--public-url", reason=Text("http://… or https://…", "须为 http://… 或 https://…"))
        if (tls_key or tls_ciphers or tls_only) and tls_cert is None:
            raise BadOption(name="--tls-cert", reason=Text("TLS needs a certificate", "启用 TLS 须指定证书"))
        if not all(one.startswith(".") and one.isprintable() for one in suffix or ()):
            raise BadOption(name="--suffix", reason=Text("such as .hex", "形如 .hex"))
        settings = Settings(
            data,
            db,
            nats=nats,
            store=store,
            node=node,
            roles=frozenset(one.strip() for one in role.split(",")),
            lease_s=lease,
            host=host,
            http_port=http_port,
            device_http_port=device_http_port,
            mqtt_port=mqtt_port,
            public_url=public_url,
            more_suffixes=tuple(suffix or ()),
            tls_cert=tls_cert,
            tls_key=tls_key,
            tls_ciphers=tls_ciphers,
            mqtts_port=mqtts_port,
            device_https_port=device_https_port,
            has_plain=not tls_only,
            trusted_proxies=tuple(trusted_proxy or ()),
            webhook_networks=tuple(webhook_network or ()),
            jobs=jobs,
            **_kept(keep or []),
        )
        asyncio.run(_serve(settings, as_jsonl=as_jsonl))


def _kept(given: list[str]) -> dict[str, Any]:
    """How long things are kept, as settings.

    Raises:
        BadOption: one is nothing that is known.
    """
    made: dict[str, Any] = {}
    for one in given:
        name, _, number = one.partition("=")
        if not (
            number.isascii() and number.isdecimal() and int(number[:9]) > 0 and (name in _KEPT or name == "history")
        ):
            reason = Text("{known}=N, N from 1", "{known}=N，N 从 1 起")
            raise BadOption(name="--keep", reason=reason, known=", ".join((*_KEPT, "history")))
        if name == "history":
            made["history_kept"] = int(number[:9])
        else:
            made[_KEPT[name]] = int(number[:9]) * _DAY_S
    return made


async def _serve(settings: object, *, as_jsonl: bool) -> None:
    from moduline.cloud.app import make_platform
    from moduline.cloud.founding import TOKEN_FILE
    from moduline.cloud.long_life import settle_in
    from moduline.cloud.settings import Settings

    assert isinstance(settings, Settings)
    platform = make_platform(settings, report=reporter(as_jsonl=as_jsonl))
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # Windows has Ctrl-C only, which asyncio turns into cancelling
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        if platform.certificate is not None:
            loop.add_signal_handler(signal.SIGHUP, platform.certificate.renew)
    addresses = await platform.start()
    settle_in()
    token = os.fspath(settings.data / TOKEN_FILE)
    if as_jsonl:
        print_json({"event": "ready", "pid": os.getpid(), "token_file": token, **asdict(addresses)})
    else:
        if addresses.api:
            out().print(f"{say('operator API', '运维接口')}  {addresses.api}/docs", markup=False)
        out().print(f"{say('downloads', '设备下载')}  {addresses.public_url}", markup=False)
        if addresses.mqtt:
            out().print(f"MQTT  {settings.host}:{addresses.mqtt}", markup=False)
        if addresses.mqtts:
            out().print(f"{say('downloads with TLS', '设备下载（TLS）')}  {addresses.device_https}", markup=False)
            out().print(f"MQTT + TLS  {settings.host}:{addresses.mqtts}", markup=False)
        err().print(f"{say('token', '令牌')}  {token}", markup=False)
    failing = asyncio.ensure_future(platform.failed())
    ending = asyncio.ensure_future(ended.wait())
    try:
        await asyncio.wait({failing, ending}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ending.cancel()
        await platform.stop()
    if failing.done():
        failing.result()
    failing.cancel()
    if as_jsonl:
        print_json({"event": "stopped"})
