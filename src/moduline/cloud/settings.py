"""Settings of the platform: read once and passed down; nothing below ``app.py`` reads the environment for them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from moduline.errors import BadField, Text

NODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", re.ASCII)
"""What a process may be called."""


ALONE: Final = "one"
"""Name of the node where there is one."""
ROLES: Final = ("gateway", "worker", "api")
LEASE_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator of the platform decides.

    Args:
        data: folder of the database and the files, made when absent.
        db: URL of the database; "" is an SQLite file in ``data``.
        nats: URL of the bus between several nodes; "" is none, one process does all.
        store: URL of the file store, see ``stores``; "" is a folder in ``data``.
        node: name of this process among several; unique and the same after a restart.
        roles: what this process does, some of ``ROLES``: ``gateway`` holds devices (MQTT, downloads, DDI), ``worker``
            judges what they say and does all work by the clock, ``api`` serves people.
        lease_s: how long other nodes wait before they believe that a silent one has died, seconds.
        host: address that all ports listen on.
        http_port: of the operator API.
        device_http_port: of downloads and the DDI.
        mqtt_port: of QuecThing devices, plain.
        tls_cert: file of the certificate; None: no TLS here. With it the operator API speaks TLS only.
        tls_key: file of its key; None: in the same file.
        tls_ciphers: OpenSSL's list for TLS 1.2; "" is Python's.
        mqtts_port: of QuecThing devices, TLS, if there is a certificate.
        device_https_port: of downloads and the DDI, TLS, if there is a certificate.
        has_plain: whether devices are served without TLS, too.
        trusted_proxies: networks whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed.
        public_url: how devices reach ``device_http_port`` from outside, such as ``http://ota.example.com``; "" is
            ``http://HOST:PORT``.
        more_suffixes: endings of files that an artifact may hold besides the vendor's, such as ``.hex``.
        grace_s: how long an unused file is kept, seconds.
        log_kept_s: how long the lines of an upgrade are kept after its plan is over, seconds.
        events_kept_s: how long events are kept for webhooks and streams that come back, seconds.
        jobs_kept_s: how long jobs that are over are listed, seconds.
        history_kept: how many verifications of an artifact, and proofs of each of its files, are kept: the newest.
        webhook_networks: networks that webhooks may reach beside the open internet, such as ``10.1.0.0/16``.
        jobs: how many patches and rehearsals this process makes at a time; 0 is none.

    Raises:
        BadField: the node cannot be called so.
    """

    data: Path
    db: str = ""
    nats: str = ""
    store: str = ""
    node: str = ALONE
    roles: frozenset[str] = frozenset(ROLES)
    lease_s: float = LEASE_S
    host: str = "127.0.0.1"
    http_port: int = 8310
    device_http_port: int = 8311
    mqtt_port: int = 1883
    mqtts_port: int = 8883
    device_https_port: int = 8443
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_ciphers: str = ""
    has_plain: bool = True
    trusted_proxies: tuple[str, ...] = ()
    public_url: str = ""
    more_suffixes: tuple[str, ...] = ()
    grace_s: float = 24 * 3600.0
    log_kept_s: float = 180 * 24 * 3600.0
    events_kept_s: float = 30 * 24 * 3600.0
    jobs_kept_s: float = 30 * 24 * 3600.0
    history_kept: int = 20
    webhook_networks: tuple[str, ...] = ()
    jobs: int = 1

    def __post_init__(self) -> None:
        if not NODE.fullmatch(self.node):
            reason = Text("1 to 63 letters, digits, '.', '_' or '-'", "须为 1–63 位字母、数字、“.”、“_”或“-”")
            raise BadField(field="node", reason=reason)
        if not self.has_plain and self.tls_cert is None:
            raise BadField(field="has_plain", reason=Text("TLS alone needs a certificate", "仅 TLS 时须指定证书"))
        unknown = sorted(self.roles - set(ROLES))
        if unknown or not self.roles:
            raise BadField(field="roles", reason=Text("some of " + ", ".join(ROLES), "可选 " + "、".join(ROLES)))
        if self.nats:
            self._require_shared()
        elif len(self.roles) < len(ROLES):
            raise BadField(field="roles", reason=Text("several nodes need --nats", "多节点运行需要 --nats"))

    def _require_shared(self) -> None:
        if not self.db.startswith("postgres"):
            raise BadField(
                field="nats",
                reason=Text("several nodes need --db postgresql://…", "多节点运行需要 --db postgresql://…"),
            )
        if self.node == ALONE:
            raise BadField(field="node", reason=Text("each node needs a name of its own", "每个节点须有唯一名称"))
        if not self.public_url and "gateway" not in self.roles:
            reason = Text(
                "without a gateway of its own this node must know where devices find downloads",
                "本节点不含网关，须指定设备下载地址",
            )
            raise BadField(field="public_url", reason=reason)

    @property
    def db_url(self) -> str:
        """URL or path of the database."""
        return self.db or os.fspath(self.data / "ota.db")

    @property
    def job_folder(self) -> Path:
        """Folder of what is being worked at by this process; nothing in it outlives it."""
        return self.data / "work" / self.node

    @property
    def device_url(self) -> str:
        """What the addresses of downloads begin with; no ``/`` at the end."""
        if not self.public_url and not self.has_plain:
            return self.device_https_url
        return (self.public_url or f"http://{_host(self.host)}:{self.device_http_port}").rstrip("/")

    @property
    def device_https_url(self) -> str:
        """The same for products whose devices load by HTTPS: the port here, or whoever ends TLS before us."""
        if self.public_url.startswith("https://") or self.tls_cert is None:
            return self.device_url.replace("http://", "https://", 1)
        name = (urlsplit(self.public_url).hostname if self.public_url else None) or self.host
        return f"https://{_host(name)}:{self.device_https_port}"


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
