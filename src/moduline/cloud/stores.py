"""The file store of an installation, by its URL: a folder of this machine, or a bucket.

::

    (nothing)                                                  a folder in the data folder
    s3://BUCKET[/PREFIX]                                       AWS: keys and region as the AWS tools find them
    s3://BUCKET[/PREFIX]?endpoint=http://10.0.0.5:9000         a server of one's own
        &region=eu-west-1  &profile=ota  &path-style=no  &near=MEGABYTES

Keys do not stand in the URL, where every user of the machine could read them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from moduline.cloud.blob import BlobStore, FolderStore
from moduline.errors import BadOption, StoreUnusable, Text
from moduline.events import Reporter, silent

OPTION: Final = "--store"
NEAR_MEGABYTES: Final = 2048
"""Room for copies on this machine, unless the URL says otherwise."""
_BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}", re.ASCII)
_PREFIX: Final = re.compile(r"[A-Za-z0-9!_.*'()/-]{0,200}", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_FORM: Final = Text("s3://BUCKET[/PREFIX][?endpoint=URL…]", "须为 s3://存储桶[/前缀][?endpoint=URL…]")
_KEYS: Final = Text(
    "keys do not belong in a URL: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "URL 中不得包含密钥：请设置 AWS_ACCESS_KEY_ID 与 AWS_SECRET_ACCESS_KEY",
)
_UNKNOWN: Final = Text("{word} is not known: endpoint, region, profile, path-style, near", "未知参数 {word}")
_ENDPOINT: Final = Text("endpoint: http://HOST[:PORT] or https://…", "endpoint 须为 http://HOST[:PORT] 或 https://…")
_STYLE: Final = Text("path-style: yes or no", "path-style 须为 yes 或 no")
_NEAR: Final = Text("near: megabytes for copies on this machine, 0: none", "near 为本机副本的兆字节数，0 表示不用")
_MISSING: Final = Text(
    "its client is not installed: pip install 'moduline[s3]'", "未安装客户端：pip install 'moduline[s3]'"
)


@dataclass(frozen=True, slots=True)
class BucketAddress:
    """Where a bucket is.

    Args:
        bucket: its name.
        prefix: of the names in it, without ``/`` at either end.
        endpoint: URL of the server; "": as the AWS tools find it.
        region: "": as the AWS tools find it.
        profile: of the shared config; "": as the AWS tools find it.
        is_path_style: None: with an endpoint of one's own.
        near_bytes: room for copies on this machine; 0: none are made.
    """

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    profile: str = ""
    is_path_style: bool | None = None
    near_bytes: int = NEAR_MEGABYTES << 20


def read_address(url: str) -> BucketAddress:
    """What a URL of a bucket says.

    Raises:
        BadOption: it says nothing of the kind.
    """
    try:
        parts = urlsplit(url)
        words = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise _bad(_FORM) from None
    if "@" in parts.netloc:
        raise _bad(_KEYS)
    prefix = parts.path.strip("/")
    is_plain = _BUCKET.fullmatch(parts.netloc) and _PREFIX.fullmatch(prefix) and "//" not in prefix
    if parts.scheme != "s3" or not is_plain or parts.fragment:
        raise _bad(_FORM)
    said = dict(words)
    for word in said:
        if word not in {"endpoint", "region", "profile", "path-style", "near"} or len(said) != len(words):
            raise BadOption(name=OPTION, reason=_UNKNOWN, word=word)
    if "endpoint" in said and not _is_endpoint(said["endpoint"]):
        raise _bad(_ENDPOINT)
    if said.get("path-style", "yes") not in {"yes", "no"}:
        raise _bad(_STYLE)
    near = said.get("near", str(NEAR_MEGABYTES))
    if not _NUMBER.fullmatch(near):
        raise _bad(_NEAR)
    return BucketAddress(
        parts.netloc,
        prefix,
        said.get("endpoint", ""),
        said.get("region", ""),
        said.get("profile", ""),
        said["path-style"] == "yes" if "path-style" in said else None,
        int(near) << 20,
    )


def open_store(url: str, data: Path, report: Reporter = silent) -> BlobStore:
    """The store that a URL names; nothing is asked of it yet.

    Args:
        url: "" is the folder ``files`` in ``data``.
        data: folder of the installation; what is being sent and copies lie there.
        report: hears of copies that could not be made.

    Raises:
        BadOption: the URL is none of a store.
        StoreUnusable: its client is not installed, or has no such profile.
    """
    if not url:
        return FolderStore(data / "files")
    where = read_address(url)
    try:
        from moduline.cloud import blob_s3
    except ImportError as missing:
        raise StoreUnusable(store=f"s3://{where.bucket}", reason=_MISSING) from missing
    from moduline.cloud.blob_near import NearStore

    client = blob_s3.connect(
        endpoint=where.endpoint, region=where.region, profile=where.profile, is_path_style=where.is_path_style
    )
    far = blob_s3.S3Store(client, where.bucket, where.prefix, data / "sending")
    if not where.near_bytes:
        return far
    return NearStore(far, FolderStore(data / "near"), where.near_bytes, report)


def _is_endpoint(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_port = parts.port != 0
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc and is_port


def _bad(reason: Text) -> BadOption:
    return BadOption(name=OPTION, reason=reason)
