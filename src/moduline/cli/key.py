"""``key``, ``sign`` and ``verify``: who made a file, and that nobody changed it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from moduline.cli.disk import read_file
from moduline.cli.language import say
from moduline.cli.output import DryRunFlag, JsonFlag, YesFlag, note, out, print_json
from moduline.cli.package_change import must_not_exist
from moduline.digest import sha256_hex
from moduline.errors import BadOption, FileUntrusted, Text
from moduline.formats import patch
from moduline.release import output, signing
from moduline.release.signing import Key

KeyOption = Annotated[str, typer.Option("--key", metavar="KEY", help=say("private key file", "私钥文件"))]
TrustOption = Annotated[
    str,
    typer.Option(
        "--trust", metavar="KEY", help=say("public key: file, or 64 hex digits", "公钥：文件或 64 位十六进制")
    ),
]


def register(app: typer.Typer) -> None:
    """Add ``key``, ``sign`` and ``verify``."""
    keys = typer.Typer(no_args_is_help=True, help=say("Ed25519 keys of releases", "发布所用的 Ed25519 密钥"))
    app.add_typer(keys, name="key")
    _register_new(keys)
    _register_show(keys)
    _register_sign(app)
    _register_verify(app)


def _register_new(keys: typer.Typer) -> None:
    @keys.command(
        "new",
        help=say(
            "A new key: FILE (private, keep it) and FILE.pub (public, give it away). Never overwrites. "
            "Example: moduline key new -o release.pem",
            "新建密钥：FILE（私钥，请妥善保管）与 FILE.pub（公钥，可公开）。不会覆盖已有文件。"
            "示例：moduline key new -o release.pem",
        ),
    )
    def new(
        path: Annotated[Path, typer.Option("-o", metavar="FILE", help=say("file to write", "输出文件"))],
        as_json: JsonFlag = False,
    ) -> None:
        key = signing.new_key()
        public = signing.write_key(path, key)
        _tell(key, {"path": str(path), "public_path": str(public)}, as_json=as_json)


def _register_show(keys: typer.Typer) -> None:
    @keys.command(
        "show",
        help=say(
            "What a key is called, and its public half. Example: moduline key show release.pem.pub",
            "显示密钥编号与公钥。示例：moduline key show release.pem.pub",
        ),
    )
    def show(
        file: Annotated[str, typer.Argument(metavar="KEY", help=say("file, or 64 hex digits", "文件或 64 位十六进制"))],
        as_json: JsonFlag = False,
    ) -> None:
        _tell(key_of(file, "KEY"), {}, as_json=as_json)


def _register_sign(app: typer.Typer) -> None:
    @app.command(
        "sign",
        help=say(
            "Sign a file: a patch gets its signature inside, any other file one beside it (FILE.sig, which openssl "
            "reads too). Example: moduline sign v1-v2.bin --key release.pem",
            "为文件签名：差分包的签名写入包内，其他文件另存为 FILE.sig（openssl 亦可校验）。"
            "示例：moduline sign v1-v2.bin --key release.pem",
        ),
    )
    def sign(
        file: Annotated[Path, typer.Argument(metavar="FILE", help=say("what to sign", "待签名的文件"))],
        key: KeyOption,
        target: Annotated[
            Path | None,
            typer.Option(
                "-o", metavar="OUT", help=say("a patch: another file; else FILE.sig", "差分包：另存；其他：FILE.sig")
            ),
        ] = None,
        yes: YesFlag = False,
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
    ) -> None:
        known, data = key_of(key, "--key"), read_file(file)
        if known.private is None:
            why = Text("it is the public half, which cannot sign", "该文件是公钥，无法签名")
            raise BadOption(name="--key", reason=why)
        is_inside = patch.is_patch(data)
        made = signing.sign_patch(data, known) if is_inside else signing.signature_of(data, known)
        place = target or (file if is_inside else file.with_name(file.name + signing.SIGNATURE_ENDING))
        if place != file:
            must_not_exist(place, is_allowed=yes or dry_run)
        if not dry_run:
            output.write_whole(place, made)
        facts = {"path": str(place), "key_id": known.id, "is_inside": is_inside, "written": not dry_run}
        if as_json:
            print_json({"ok": True, **facts, "sha256": sha256_hex(made)})
        else:
            out().print(f"{place}  {say('signed by', '签名者')} {known.id}", markup=False)


def _register_verify(app: typer.Typer) -> None:
    @app.command(
        "verify",
        help=say(
            "Whether a file is signed with a key one trusts; exit code 15 when not. "
            "Example: moduline verify v1-v2.bin --trust release.pem.pub",
            "检查文件是否由可信密钥签名；否则退出码为 15。示例：moduline verify v1-v2.bin --trust release.pem.pub",
        ),
    )
    def verify(
        file: Annotated[Path, typer.Argument(metavar="FILE", help=say("what to check", "待检查的文件"))],
        trust: TrustOption,
        beside: Annotated[
            Path | None,
            typer.Option("--signature", metavar="SIG", help=say("instead of FILE.sig", "代替 FILE.sig")),
        ] = None,
        as_json: JsonFlag = False,
    ) -> None:
        known, data = key_of(trust, "--trust"), read_file(file)
        is_inside = patch.is_patch(data) and beside is None
        place = beside or file.with_name(file.name + signing.SIGNATURE_ENDING)
        if not is_inside and beside is None and not place.is_file():
            raise FileUntrusted(file=file.name, key=known.id)
        signing.check_file(data, None if is_inside else read_file(place), known, file.name)
        if as_json:
            facts = {"path": str(file), "key_id": known.id, "is_inside": is_inside, "sha256": sha256_hex(data)}
            print_json({"ok": True, **facts})
        else:
            note("{file} is signed by {key}", "{file} 由 {key} 签名", file=file.name, key=known.id)


def key_of(text: str, name: str) -> Key:
    """A key: a file with it, or a public one as 64 hex digits.

    Args:
        text: as typed.
        name: of the option, for messages.

    Raises:
        BadOption: it is none.
        StorageFailed: the file cannot be read.
    """
    path = Path(text)
    return signing.read_key(read_file(path) if path.is_file() else text.encode(), name)


def _tell(key: Key, facts: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        rows = {**facts, "key_id": key.id, "public": key.public.hex(), "has_private": key.private is not None}
        print_json({"ok": True, **rows})
        return
    half = say("private and public", "私钥与公钥") if key.private is not None else say("public", "公钥")
    for path in facts.values():
        out().print(path, markup=False)
    out().print(f"{key.id}  {half}\n{key.public.hex()}", markup=False)
