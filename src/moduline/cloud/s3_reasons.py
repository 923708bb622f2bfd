"""What a server of S3 or its client says, in our words; by code and status, no sentence is compared.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; codes beginning with XMinio are MinIO's.
"""

from __future__ import annotations

from typing import Final

from botocore import exceptions as said

from moduline.cloud.blob import KIND
from moduline.errors import (
    DatabaseFull,
    ModulineError,
    NoSuchObject,
    StorageFailed,
    StoreUnreachable,
    StoreUnusable,
    Text,
)

_NO_BUCKET: Final = Text("there is no such bucket", "存储桶不存在")
_DENIED: Final = Text("access denied ({code})", "拒绝访问（{code}）")
_NO_KEYS: Final = Text(
    "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile",
    "没有凭据：请设置 AWS_ACCESS_KEY_ID 与 AWS_SECRET_ACCESS_KEY，或配置 profile",
)
_ELSEWHERE: Final = Text("the bucket is in another region ({code})", "存储桶位于其他区域（{code}）")
_BUSY: Final = Text("it is busy or broken ({code})", "服务忙或故障（{code}）")
_ELSEWHERE_CODES: Final = frozenset(
    {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"}
)
_FULL_CODES: Final = frozenset(
    {"InsufficientStorage", "QuotaExceeded", "ServiceQuotaExceededException", "XMinioStorageFull",
     "XMinioAdminBucketQuotaExceeded"}
)  # fmt: skip
_BUSY_CODES: Final = frozenset({"SlowDown", "RequestTimeout", "TooManyRequests", "ThrottlingException"})
_WITHOUT_KEYS: Final = (
    said.NoCredentialsError,
    said.PartialCredentialsError,
    said.CredentialRetrievalError,
    said.TokenRetrievalError,
    said.UnauthorizedSSOTokenError,
    said.SSOTokenLoadError,
)


def reason_of(cause: Exception, store: str, key: str = "") -> ModulineError:
    """The error that stands for what botocore raised.

    Args:
        cause: a ``BotoCoreError`` or ``ClientError``.
        store: name of the store, for people.
        key: what was asked for, if it was a file.
    """
    if isinstance(cause, said.ClientError):
        return _of_server(cause, store, key)
    if isinstance(cause, _WITHOUT_KEYS):
        return StoreUnusable(store=store, reason=_NO_KEYS)
    if isinstance(cause, (said.ConnectionError, said.HTTPClientError, said.IncompleteReadError)):
        return StoreUnreachable(store=store, reason=_first_line(cause))
    if isinstance(cause, (said.ConfigNotFound, said.ConfigParseError, said.ProfileNotFound, ValueError)):
        return StoreUnusable(store=store, reason=_first_line(cause))
    return StorageFailed(path=store + key, reason=_first_line(cause))


def _of_server(cause: said.ClientError, store: str, key: str) -> ModulineError:
    code = str(cause.response.get("Error", {}).get("Code", ""))
    status = int(cause.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code == "NoSuchBucket" or (status == 404 and not key):
        return StoreUnusable(store=store, reason=_NO_BUCKET)
    if status == 404:
        return NoSuchObject(kind=KIND, name=key.rpartition("/")[2])
    if code in _ELSEWHERE_CODES:
        return StoreUnusable(store=store, reason=_ELSEWHERE, code=code)
    if status == 507 or code in _FULL_CODES:  # Ceph says so with 403
        return DatabaseFull(database=store)
    if status in {401, 403}:
        return StoreUnusable(store=store, reason=_DENIED, code=code)
    if status >= 500 or status == 429 or code in _BUSY_CODES:
        return StoreUnreachable(store=store, reason=_BUSY, code=code)
    return StorageFailed(path=store + key, reason=_first_line(cause))


def _first_line(cause: Exception) -> str:
    lines = str(cause).strip().splitlines()
    return lines[0] if lines else type(cause).__name__
