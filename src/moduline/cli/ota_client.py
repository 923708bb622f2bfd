"""The operator API from the command line: one call, one object; errors are the server's own."""

from __future__ import annotations

import http.client
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from moduline.cli import language
from moduline.cli.disk import read_file
from moduline.cli.language import say
from moduline.errors import BadOption, ModulineError, NoSuchFile, NoSuchObject, ServerUnreachable, Text, leaves

SERVER: Final = "http://127.0.0.1:8310"
SERVER_VARIABLE: Final = "MODULINE_OTA_SERVER"
TOKEN_VARIABLE: Final = "MODULINE_OTA_TOKEN"  # noqa: S105  the name of a variable
LIMIT_S: Final = 120.0
PAGE: Final = 1000

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
        asked = {name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items()}
        ending = urllib.parse.urlencode({name: value for name, value in asked.items() if value not in {None, ""}})
        return self._call("GET", f"{path}?{ending}" if ending else path)

    def every(self, path: str, **query: object) -> Iterator[dict[str, Any]]:
        """All items of all pages."""
        after: int | None = 0
        while after is not None:
            page = self.get(path, **query, after=after, limit=PAGE)
            yield from page["items"]
            after = page["next_after"]

    def post(self, path: str, body: object = None) -> Any:
        """Have something made or done."""
        return self._call("POST", path, json.dumps(body).encode() if body is not None else b"")

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
        asked = urllib.request.Request(  # noqa: S310  the scheme was checked
            self.server + path,
            data=body,
            method=method,
            headers={"Authorization": f"Bearer {self._token}", "Accept-Language": language.current(), **more},
        )
        try:
            with urllib.request.urlopen(asked, timeout=LIMIT_S) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            raise self._refusal(refused) from refused
        except (OSError, http.client.HTTPException, ValueError) as cause:
            reason = getattr(cause, "reason", cause)
            raise ServerUnreachable(server=self.server, reason=str(reason)) from cause

    def _refusal(self, refused: urllib.error.HTTPError) -> ModulineError:
        """The server's error as ours: the same code, the same facts, the same exit code."""
        try:
            said = json.loads(refused.read())
            kinds = {leaf.code: leaf for leaf in leaves()}
            return kinds[said["code"]](**said["facts"])
        except (ValueError, KeyError, TypeError, OSError):
            reason = Text("it answers with HTTP {status}", "返回 HTTP {status}")
            return ServerUnreachable(server=self.server, reason=reason, status=refused.code)
