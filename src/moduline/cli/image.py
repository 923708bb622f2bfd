"""``image make|list|check|extract`` and ``mklfs``: file-system images."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from moduline.cli.disk import read_file, read_folder, write_file, write_folder
from moduline.cli.language import say
from moduline.cli.output import DryRunFlag, JsonFlag, note, print_facts, print_json, print_table
from moduline.cli.sizes import size_of
from moduline.digest import sha256_hex
from moduline.errors import BadOption, Text
from moduline.formats.littlefs import LFS1
from moduline.image import FileTree, FsGeometry, OpenedImage, make_image, open_image

_UNIT_BYTES = 32  # read and program unit of littlefs 2 on modules (platform-eigencomm 1)


def register(app: typer.Typer) -> None:
    """Add the commands of this file to the tree."""
    image = typer.Typer(
        help=say("File-system images (littlefs 1 and 2).", "文件系统镜像（littlefs 1 与 2）。"),
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    app.add_typer(image, name="image")
    register_make(image)
    register_readers(image)
    register_mklfs(app)


def register_make(image: typer.Typer) -> None:
    """Add ``image make``."""

    @image.command(
        help=say(
            "A folder becomes an image. Example: moduline image make usr -o customer_fs.bin --fs lfs1 --size 384K",
            "把文件夹打成镜像。示例：moduline image make usr -o customer_fs.bin --fs lfs1 --size 384K",
        )
    )
    def make(
        folder: Annotated[Path, typer.Argument(metavar="DIR")],
        output: Annotated[Path, typer.Option("-o", "--output", metavar="IMG")],
        fs: Annotated[str, typer.Option("--fs", help="lfs1 | lfs2")],
        size: Annotated[str, typer.Option("--size", help=say("bytes, 0x…, K or M", "字节数，可用 0x…、K、M"))],
        block_size: Annotated[str, typer.Option("--block-size", help=say("erase block", "擦除块"))] = "4096",
        unit: Annotated[
            str, typer.Option("--unit", help=say("read and program unit of the driver", "驱动的读写单位"))
        ] = "",
        exclude: Annotated[
            list[str] | None,
            typer.Option("--exclude", help=say("pattern to leave out, repeatable", "排除的模式，可重复")),
        ] = None,
        all_blocks: Annotated[
            bool,
            typer.Option(
                "--all-blocks",
                help=say(
                    "littlefs 1: use the last block too, which modules do not reach",
                    "littlefs 1：连模组不访问的末块也使用",
                ),
            ),
        ] = False,
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
    ) -> None:
        block_bytes = size_of(block_size, "--block-size")
        default_unit = str(block_bytes if fs == LFS1 else _UNIT_BYTES)
        unit_bytes = size_of(unit or default_unit, "--unit")
        geometry = _geometry(fs, block_bytes, unit_bytes, unit_bytes, size_of(size, "--size"), all_blocks=all_blocks)
        tree = read_folder(folder, exclude or ())
        _write(tree, geometry, output, fill=0xFF, dry_run=dry_run, as_json=as_json)


def register_mklfs(app: typer.Typer) -> None:
    """Add ``mklfs``, the vendor tool's own command line."""

    @app.command(
        help=say(
            "The vendor tool's command line; littlefs 1, the same bytes. "
            "Example: moduline mklfs -c usr -b 4096 -r 4096 -p 4096 -s 5242880 -i customer_fs.bin",
            "兼容厂商工具的命令行；littlefs 1，输出字节一致。"
            "示例：moduline mklfs -c usr -b 4096 -r 4096 -p 4096 -s 5242880 -i customer_fs.bin",
        )
    )
    def mklfs(
        folder: Annotated[Path, typer.Option("-c", help=say("folder to pack", "要打包的文件夹"))],
        size: Annotated[str, typer.Option("-s", help=say("image size", "镜像大小"))],
        output: Annotated[Path, typer.Option("-i", help=say("image to write", "输出镜像"))],
        block_size: Annotated[str, typer.Option("-b", help=say("block size", "块大小"))] = "4096",
        read_size: Annotated[str, typer.Option("-r", help=say("read size", "读单位"))] = "4096",
        program_size: Annotated[str, typer.Option("-p", help=say("program size", "写单位"))] = "4096",
        as_json: JsonFlag = False,
    ) -> None:
        sizes = size_of(block_size, "-b"), size_of(read_size, "-r"), size_of(program_size, "-p"), size_of(size, "-s")
        geometry = _geometry(LFS1, *sizes, all_blocks=False)
        _write(read_folder(folder), geometry, output, fill=0x00, dry_run=False, as_json=as_json)


def register_readers(image: typer.Typer) -> None:
    """Add ``image list``, ``check`` and ``extract``."""

    @image.command(
        name="list",
        help=say(
            "Files and folders of an image. Example: moduline image list customer_fs.bin --json",
            "列出镜像内的文件与文件夹。示例：moduline image list customer_fs.bin --json",
        ),
    )
    def list_(
        file: Annotated[Path, typer.Argument(metavar="IMG")],
        fs: Annotated[str | None, typer.Option("--fs", help="lfs1 | lfs2")] = None,
        as_json: JsonFlag = False,
    ) -> None:
        opened = open_image(read_file(file), fs)
        if as_json:
            print_json({"ok": True, **_facts(opened), "entries": [_entry_facts(*pair) for pair in opened.tree.pairs()]})
            return
        rows = [(escape(_shown(path)), "" if data is None else len(data)) for path, data in opened.tree.pairs()]
        print_table([say("path", "路径"), say("bytes", "字节")], rows)

    @image.command(
        help=say(
            "Is every block, pointer and check of an image right? Example: moduline image check customer_fs.bin",
            "检查镜像的每个块、指针与校验。示例：moduline image check customer_fs.bin",
        )
    )
    def check(
        file: Annotated[Path, typer.Argument(metavar="IMG")],
        fs: Annotated[str | None, typer.Option("--fs", help="lfs1 | lfs2")] = None,
        as_json: JsonFlag = False,
    ) -> None:
        opened = open_image(read_file(file), fs)
        print_facts(_facts(opened), as_json=as_json)
        if opened.missing_bytes:
            note(
                "the file is {count} bytes shorter than its file system; no content is missing",
                "文件比其文件系统短 {count} 字节，但内容完整",
                count=opened.missing_bytes,
            )

    @image.command(
        help=say(
            "Write the files of an image into a folder. Example: moduline image extract customer_fs.bin -o usr",
            "把镜像内的文件解到文件夹。示例：moduline image extract customer_fs.bin -o usr",
        )
    )
    def extract(
        file: Annotated[Path, typer.Argument(metavar="IMG")],
        output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR")],
        fs: Annotated[str | None, typer.Option("--fs", help="lfs1 | lfs2")] = None,
        dry_run: DryRunFlag = False,
        as_json: JsonFlag = False,
    ) -> None:
        opened = open_image(read_file(file), fs)
        if not dry_run:
            write_folder(opened.tree, output)
        print_facts(
            {"path": str(output) if as_json else escape(str(output)), **_facts(opened), "is_dry_run": dry_run},
            as_json=as_json,
        )


def _geometry(
    kind: str, block_bytes: int, read_bytes: int, program_bytes: int, size: int, *, all_blocks: bool
) -> FsGeometry:
    if block_bytes < 1 or size % block_bytes:
        reason = Text(f"not a multiple of the block size {block_bytes}", f"不是块大小 {block_bytes} 的整数倍")
        raise BadOption(name=say("size", "大小"), reason=reason)
    count = size // block_bytes
    # Modules with littlefs 1 drive one block less than the partition has (device-api 5.6).
    usable = count - 1 if kind == LFS1 and not all_blocks else None
    return FsGeometry(kind, block_bytes, count, read_bytes, program_bytes, usable)


def _write(tree: FileTree, geometry: FsGeometry, output: Path, *, fill: int, dry_run: bool, as_json: bool) -> None:
    data = make_image(tree, geometry, fill=fill)
    if not dry_run:
        write_file(output, data)
    facts = {
        "path": str(output) if as_json else escape(str(output)),
        **_facts(open_image(data, geometry.kind)),
        "sha256": sha256_hex(data),
    }
    print_facts({**facts, "is_dry_run": dry_run}, as_json=as_json)


def _facts(opened: OpenedImage) -> dict[str, Any]:
    files = opened.tree.files()
    return {
        "fs": opened.geometry.kind,
        "disk_version": opened.version_name,
        "block_bytes": opened.geometry.block_bytes,
        "block_count": opened.geometry.block_count,
        "used_blocks": opened.used_blocks,
        "free_blocks": opened.free_blocks,
        "files": len(files),
        "folders": len(opened.tree.directories()),
        "content_bytes": opened.tree.content_bytes,
        "unsettled": opened.unsettled,
        "missing_bytes": opened.missing_bytes,
    }


def _entry_facts(path: str, data: bytes | None) -> dict[str, Any]:
    if data is None:
        return {"path": _shown(path), "is_folder": True}
    return {"path": _shown(path), "is_folder": False, "size": len(data), "crc32": f"{zlib.crc32(data):08x}"}


def _shown(path: str) -> str:
    """A path that can be printed: bytes that are not UTF-8 and control characters as escapes."""
    raw = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in raw)
