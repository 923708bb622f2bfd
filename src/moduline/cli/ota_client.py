"""The operator API from the command line: one call, one object; errors are the server's own."""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import typer

from moduline.cli import language
from moduline.cli.disk import read_file
from moduline.cli.language import say
from moduline.cli.output import note
from moduline.errors import (
    BadOption,
    ModulineError,
    NoSuchFile,
    NoSuchObject,
    ServerUnreachable,
    StorageFailed,
    Text,
    TokenRefused,
    UserSaidNo,
    leaves,
)

SERVER: Final = "http://127.0.0.1:8310"
SERVER_VARIABLE: Final = "MODULINE_OTA_SERVER"
TOKEN_VARIABLE: Final = "MODULINE_OTA_TOKEN"  # noqa: S105  the name of a variable
LIMIT_S: Final = 120.0
SILENT_S: Final = 60.0
"""A stream says something every fifteen seconds."""
PAUSE_S: Final = 2.0
PAGE: Final = 1000
PIECE: Final = 1 << 16

ServerOption = Annotated[
    str,
    typer.Option(
        "--server",
        metavar="URL",
        envvar=SERVER_VARIABLE,
        help=say("address of the operator API", "运维接口地址"),
    ),
]
TokenOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help=say("holds the token; else MODULINE_OTA_TOKEN", "令牌文件；缺省取 MODULINE_OTA_TOKEN"),
    ),
]


class OtaClient:
    """A person at the operator API.

    Args:
        server: its address.
        token_file: holds the token; None: the variable.

    Raises:
        BadOption: there is no token, or the address cannot be meant.
        NoSuchFile, StorageFailed: the file cannot be read.
    """

    def __init__(self, server: str, token_file: Path | None) -> None:
        if not server.startswith(("http://", "https://")):
            raise BadOption(name="--server", reason=Text("an address such as {known}", "形如 {known}"), known=SERVER)
        self.server = server.rstrip("/")
        token = os.environ.get(TOKEN_VARIABLE, "")
        if token_file is not None:
            token = read_file(token_file).decode("utf-8", "replace").strip()
        if not token or not token.isascii() or not token.isprintable():
            reason = Text(
                "a token is needed; the first one is in DATA/admin.token", "需要令牌；首个令牌在 DATA/admin.token"
            )
            raise BadOption(name="--token-file", reason=reason)
        self._token = token

    def get(self, path: str, **query: object) -> Any:
        """What is there."""
        return self._call("GET", _asked(path, query))

    def every(self, path: str, *, start: int = 0, **query: object) -> Iterator[dict[str, Any]]:
        """All items of all pages, behind a key."""
        after: int | None = start
        while after is not None:
            page = self.get(path, **query, after=after, limit=PAGE)
            yield from page["items"]
            after = page["next_after"]

    def post(self, path: str, body: object = None) -> Any:
        """Have something made or done."""
        return self._call("POST", path, json.dumps(body).encode() if body is not None else b"")

    def put(self, path: str, body: object) -> Any:
        """Have something written anew."""
        return self._call("PUT", path, json.dumps(body).encode())

    def patch(self, path: str, body: object) -> Any:
        """Have something changed."""
        return self._call("PATCH", path, json.dumps(body).encode())

    def delete(self, path: str) -> Any:
        """Have something removed."""
        return self._call("DELETE", path)

    def send_file(self, path: Path) -> dict[str, Any]:
        """Send a file; what the server knows of it.

        Raises:
            NoSuchFile: there is none.
        """
        try:
            size = path.stat().st_size
            opened = path.open("rb")
        except OSError as cause:
            raise NoSuchFile(path=str(path), reason=cause.strerror or str(cause)) from cause
        with opened:
            place = f"/v1/artifacts/files/{urllib.parse.quote(path.name, safe='')}"
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
            made: dict[str, Any] = self._call("PUT", place, opened, headers)
        return made

    def send_table(self, path: str, table: bytes, **query: object) -> Any:
        """Have a CSV table read."""
        return self._call("POST", _asked(path, query), table, {"Content-Type": "text/csv"})

    def fetch(self, path: str, file: Path | None, *, is_private: bool = False, **query: object) -> int:
        """Write what the server sends to a file, whole or not at all, or to stdout; how many bytes.

        Args:
            path: of the API.
            file: None: stdout.
            is_private: nobody else on this machine may read the file.
            query: of the question.

        Raises:
            StorageFailed: the file cannot be written.
        """
        with self._open("GET", _asked(path, query)) as answer:
            if file is None:
                return self._copy(answer, sys.stdout.buffer)
            part = file.with_name(file.name + ".part")
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                part.unlink(missing_ok=True)
                mode = 0o600 if is_private else 0o666
                with open(part, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as opened:
                    count = self._copy(answer, opened)
                part.replace(file)
            except OSError as wrong:
                raise StorageFailed(path=str(file), reason=wrong.strerror or str(wrong)) from wrong
            finally:
                part.unlink(missing_ok=True)
            return count

    def follow(self, path: str, after: int | None, **query: object) -> Iterator[dict[str, Any]]:
        """Events of a stream as they happen; goes on where it was when the connection breaks.

        Args:
            path: of the stream.
            after: place of the last event that is known; None: from now on.
            query: what else is asked.

        Raises:
            ServerUnreachable: there was never an answer.
        """
        is_begun = False
        while True:
            more = {} if after is None else {"Last-Event-ID": str(after)}
            try:
                with self._open("GET", _asked(path, query), headers=more, limit_s=SILENT_S) as answer:
                    is_begun = True
                    for event in _events(answer):
                        after = event["id"]
                        yield event
            except ServerUnreachable:
                if not is_begun:
                    raise
            except (OSError, http.client.HTTPException, ValueError) as broken:
                note("{server}: {said}; once more", "{server}：{said}；正在重试", server=self.server, said=broken)
            time.sleep(PAUSE_S)

    def find(self, kind: Text, path: str, name: str, *keys: str) -> dict[str, Any]:
        """The one object of a list that is meant by a name, or by its number.

        Raises:
            NoSuchObject: there is none.
        """
        every = list(self.every(path))
        for key in (*keys, "id"):
            for one in every:
                if str(one[key]) == name:
                    return one
        raise NoSuchObject(kind=kind, name=name)

    def _call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        more = headers or ({"Content-Type": "application/json"} if body else {})
        with self._open(method, path, body, more) as answer:
            try:
                return json.load(answer)
            except (OSError, http.client.HTTPException, ValueError) as cause:
                raise ServerUnreachable(server=self.server, reason=str(cause)) from cause

    def _open(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        limit_s: float = LIMIT_S,
    ) -> http.client.HTTPResponse:
        """An answer that is not read yet."""
        asked = urllib.request.Request(  # noqa: S310  the scheme was checked
            self.server + path,
            data=body,
            method=method,
            headers={
                "Authorization": f"Bearer {self._token}",
                "Accept-Language": language.current(),
                **(headers or {}),
            },
        )
        try:
            answer: http.client.HTTPResponse = urllib.request.urlopen(asked, timeout=limit_s)  # noqa: S310
        except urllib.error.HTTPError as refused:
            raise self._refusal(refused) from refused
        except (OSError, http.client.HTTPException, ValueError) as cause:
            reason = getattr(cause, "reason", cause)
            raise ServerUnreachable(server=self.server, reason=str(reason)) from cause
        return answer

    def _copy(self, answer: http.client.HTTPResponse, to: BinaryIO) -> int:
        """Hand an answer on piece by piece.

        Raises:
            ServerUnreachable: it breaks off.
        """
        count = 0
        while True:
            try:
                piece = answer.read(PIECE)
            except (OSError, http.client.HTTPException) as cause:
                raise ServerUnreachable(server=self.server, reason=str(cause)) from cause
            if not piece:
                break
            to.write(piece)
            count += len(piece)
        if answer.length:  # told beforehand, and not all of it came
            reason = Text("{missing} bytes are missing", "缺少 {missing} 字节")
            raise ServerUnreachable(server=self.server, reason=reason, missing=answer.length)
        return count

    def _refusal(self, refused: urllib.error.HTTPError) -> ModulineError:
        """The server's error as ours: the same code, the same facts, the same exit code."""
        try:
            said = json.loads(refused.read())
            kinds = {leaf.code: leaf for leaf in leaves()}
            return kinds[said["code"]](**said["facts"])
        except (ValueError, KeyError, TypeError, OSError):
            reason = Text("it answers with HTTP {status}", "返回 HTTP {status}")
            return ServerUnreachable(server=self.server, reason=reason, status=refused.code)


def ask_first(question: str, *, yes: bool) -> None:
    """Ask before something is lost, unless ``--yes``.

    Raises:
        UserSaidNo: the answer is no, or there is nobody to ask.
    """
    if not yes and not (sys.stdin.isatty() and typer.confirm(question, err=True)):
        raise UserSaidNo


def _asked(path: str, query: Mapping[str, object]) -> str:
    """A path with its query; what is None or empty is not asked."""
    pairs = [
        (name, str(one).lower() if isinstance(one, bool) else one)
        for name, value in query.items()
        for one in (value if isinstance(value, list | tuple) else (value,))
        if one is not None and one != ""
    ]
    return f"{path}?{urllib.parse.urlencode(pairs)}" if pairs else path


def _events(answer: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    """What the lines of an event stream say.

    Raises:
        TokenRefused: the stream ends because the token does.
        ValueError: that is no event stream.
    """
    kind, data = "", list[str]()
    for raw in answer:
        name, _, value = raw.decode("utf-8").rstrip("\r\n").partition(":")
        if name == "event":
            kind = value.strip()
        elif name == "data":
            data.append(value.removeprefix(" "))
        elif not name and not value and data:
            if kind == "token.refused":
                raise TokenRefused
            yield json.loads("\n".join(data))
            kind, data = "", []
