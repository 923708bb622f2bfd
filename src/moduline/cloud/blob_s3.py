"""Files by their content in a bucket of S3, or of a server that speaks it (MinIO, Ceph, SeaweedFS, Garage ...).

::

    PREFIX/abcdef...        a whole file, named by its SHA-256

A name is known only when the last byte is, so ``put`` writes to a file of this machine first and sends it by one PUT,
which S3 shows whole or not at all: nothing is ever half there and nothing is left to sweep. The bucket is told the
SHA-256 and refuses what came otherwise. Files of artifacts have 100 MB at most, a PUT may have 5 GB.

Reading asks for ranges that grow while the reader goes on; a range that breaks off is asked for again from where it
broke. Who reads from the first byte to the last gets the last piece only if the whole has the digest of its name.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html; decision 0028.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from moduline.cloud.blob import KIND, Stored
from moduline.cloud.db_reasons import in_our_words
from moduline.cloud.s3_reasons import reason_of
from moduline.errors import ModulineError, NoSuchObject, StorageFailed, Text

TRIES: Final = 4
"""How often one request is made at most; botocore waits between them, longer each time."""
CONNECT_S: Final = 5
READ_S: Final = 20
CONNECTIONS: Final = 64
FIRST_RANGE: Final = 512 * 1024
LARGEST_RANGE: Final = 16 * 1024 * 1024
_KEY: Final = re.compile(r"[0-9a-f]{64}")
_DAMAGED: Final = Text("a stored file is not what it was", "存储的文件已损坏")
_SHORT: Final = Text("a stored file ends early", "存储的文件不完整")


def connect(*, endpoint: str = "", region: str = "", profile: str = "", is_path_style: bool | None = None) -> Any:
    """A client of S3; credentials, and what is not given, come from where the AWS tools look for them.

    Args:
        endpoint: URL of a server of one's own; "": ``AWS_ENDPOINT_URL_S3``, the shared config, or AWS itself.
        region: "": ``AWS_REGION``, the shared config, or ``us-east-1``.
        profile: of the shared config; "": ``AWS_PROFILE``, or the default.
        is_path_style: ``http://host/bucket`` and not ``http://bucket.host``; None: yes with an endpoint of one's own.

    Raises:
        StoreUnusable: there is no such profile, or the address is none.
    """
    if is_path_style is None:
        is_path_style = bool(endpoint)
    try:
        session = boto3.session.Session(profile_name=profile or None)
        return session.client(
            "s3",
            endpoint_url=endpoint or None,
            region_name=region or session.region_name or "us-east-1",
            config=Config(
                connect_timeout=CONNECT_S,
                read_timeout=READ_S,
                max_pool_connections=CONNECTIONS,
                retries={"mode": "standard", "total_max_attempts": TRIES},
                s3={"addressing_style": "path" if is_path_style else "auto"},
                request_checksum_calculation="when_required",  # other servers do not know the newer trailers
                response_checksum_validation="when_required",  # the name of a file is its digest
            ),
        )
    except (BotoCoreError, ValueError) as cause:
        raise reason_of(cause, endpoint or "s3") from cause


class S3Store:
    """A store in a bucket.

    Args:
        client: of ``connect``; may be used by several threads.
        bucket: must be there already.
        prefix: of the names, without ``/`` at either end; "" is none.
        spool: folder for what is being sent; made when the first file is put.
    """

    def __init__(self, client: Any, bucket: str, prefix: str, spool: Path) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._spool = spool
        self.name = f"s3://{bucket}/{self._prefix}"

    def check(self) -> None:
        """See that the bucket is there and may be looked into.

        Raises:
            StoreUnusable, StoreUnreachable, StorageFailed: no.
        """
        self._ask("list_objects_v2", Prefix=self._prefix, MaxKeys=1)

    def put(self, pieces: Iterable[bytes]) -> str:
        """Keep a file; its key.

        What the pieces raise while they are read goes through; nothing of the file is kept then.

        Raises:
            DatabaseFull, DatabaseReadOnly, StorageFailed: no room for it, here or there.
            StoreUnusable, StoreUnreachable: the bucket does not take it.
        """
        digest = hashlib.sha256()
        try:
            self._spool.mkdir(parents=True, exist_ok=True)
            file = tempfile.TemporaryFile(dir=self._spool)  # noqa: SIM115  closed below
        except OSError as cause:
            raise in_our_words(cause, str(self._spool)) from cause
        with file:
            for piece in pieces:
                digest.update(piece)
                try:
                    file.write(piece)
                except OSError as cause:
                    raise in_our_words(cause, str(self._spool)) from cause
            file.seek(0)
            key = digest.hexdigest()
            told = base64.b64encode(digest.digest()).decode()
            self._ask("put_object", Key=self._prefix + key, Body=file, ChecksumSHA256=told)
        return key

    def open(self, key: str) -> BinaryIO:
        """The file for reading.

        Raises:
            NoSuchObject: there is none of that key.
            StoreUnusable, StoreUnreachable, StorageFailed: it cannot be read.
        """
        return cast("BinaryIO", _S3File(self, key, self.size(key)))

    def open_here(self, key: str) -> None:
        """None: nothing is here."""

    def size(self, key: str) -> int:
        """Its bytes.

        Raises:
            NoSuchObject: there is none of that key.
            StoreUnusable, StoreUnreachable, StorageFailed: nobody can say.
        """
        return int(self._head(key)["ContentLength"])

    def stored(self) -> Iterator[Stored]:
        """Every whole file there is.

        Raises:
            StoreUnusable, StoreUnreachable, StorageFailed: the bucket cannot be looked into.
        """
        more: dict[str, str] = {}
        while True:
            page = self._ask("list_objects_v2", Prefix=self._prefix, **more)
            for one in page.get("Contents", ()):
                key = one["Key"][len(self._prefix) :]
                if _KEY.fullmatch(key):
                    yield Stored(key, int(one["Size"]), one["LastModified"].timestamp())
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def remove(self, key: str, before: float) -> bool:
        """Forget a file if it was last written before this time; whether it is gone.

        Between the look and the removal somebody may put it again, and loses it; an artifact is never made of what is
        not there, so that costs another upload, and no more.

        Raises:
            StoreUnusable, StoreUnreachable, StorageFailed: it cannot be removed.
        """
        try:
            found = self._head(key)
        except NoSuchObject:
            return True
        if found["LastModified"].timestamp() >= before:
            return False
        self._ask("delete_object", Key=self._prefix + key)
        return True

    def sweep(self, before: float) -> int:
        """Nothing is ever begun and not finished: 0."""
        del before
        return 0

    def part(self, key: str, first: int, count: int) -> Any:
        """Some bytes of a file, as they come."""
        return self._ask("get_object", Key=self._prefix + key, Range=f"bytes={first}-{first + count - 1}")["Body"]

    def in_our_words(self, cause: Exception, key: str = "") -> ModulineError:
        """What the client says, as an error of ours."""
        return reason_of(cause, self.name, key)

    def _head(self, key: str) -> Any:
        if not _KEY.fullmatch(key):
            raise NoSuchObject(kind=KIND, name=key)
        return self._ask("head_object", Key=self._prefix + key)

    def _ask(self, verb: str, **words: Any) -> Any:
        try:
            return getattr(self._client, verb)(Bucket=self._bucket, **words)
        except (BotoCoreError, ClientError) as cause:
            raise self.in_our_words(cause, str(words.get("Key", ""))) from cause


class _S3File(io.RawIOBase):
    """A file of a bucket, read range by range."""

    def __init__(self, store: S3Store, key: str, size: int) -> None:
        super().__init__()
        self._store = store
        self._key = key
        self._size = size
        self._at = 0
        self._body: Any = None
        self._body_ends = 0
        self._range = FIRST_RANGE
        self._digest: Any = hashlib.sha256()
        self._digested = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        if at < 0:
            raise ValueError("before the first byte")
        if at != self._at:
            self._drop()
            self._at, self._range = at, FIRST_RANGE
        return at

    def close(self) -> None:
        self._drop()
        super().close()

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, as many as asked for unless the file ends; only the last range may give fewer.

        Raises:
            StorageFailed: the file is not what its name says.
            StoreUnusable, StoreUnreachable: it cannot be read any more.
        """
        wanted = max(self._size - self._at, 0)
        if 0 <= size < wanted:
            wanted = size
        pieces = []
        while wanted:
            piece = self._some(wanted)
            pieces.append(piece)
            self._at += len(piece)
            wanted -= len(piece)
        read = b"".join(pieces)
        self._judge(read)
        return read

    def readinto(self, buffer: Any, /) -> int:
        read = self.read(len(buffer))
        buffer[: len(read)] = read
        return len(read)

    def _some(self, most: int) -> bytes:
        """At least one byte from where we are; asked for again where an answer breaks off."""
        for number in range(TRIES):
            try:
                if self._body is None:
                    self._begin()
                piece = bytes(self._body.read(min(most, self._body_ends - self._at)))
            except BotoCoreError as cause:
                self._drop()
                if number == TRIES - 1:
                    raise self._store.in_our_words(cause, self._key) from cause
                continue
            if piece:
                if self._at + len(piece) == self._body_ends:
                    self._drop()
                    self._range = min(self._range * 2, LARGEST_RANGE)
                return piece
            self._drop()
        raise StorageFailed(path=self._store.name + self._key, reason=_SHORT)

    def _begin(self) -> None:
        count = min(self._range, self._size - self._at)
        self._body, self._body_ends = self._store.part(self._key, self._at, count), self._at + count

    def _drop(self) -> None:
        body, self._body = self._body, None
        if body is not None:
            body.close()

    def _judge(self, read: bytes) -> None:
        """Keep the digest while the file is read from its first byte on; see at the end that it is the right one."""
        if self._digest is None or self._digested + len(read) != self._at:
            self._digest = None
            return
        self._digest.update(read)
        self._digested = self._at
        if self._at == self._size and self._digest.hexdigest() != self._key:
            raise StorageFailed(path=self._store.name + self._key, reason=_DAMAGED)
