"""The scripts of a project as an archive for ``app_fota``: what a server unpacks and a module fetches file by file.

::

    app_fota.json   [{"url": "usr/main.py", "file_name": "/usr/main.py", "bytes": 1, "sha256": "..."}, ...]
    usr/main.py     as it stands on the module, compiled where the build compiles
    usr/...

``url`` and ``file_name`` are the keys of ``app_fota.bulk_download``; a server puts its own address before the first.
What the module keeps by itself (checksum.json) is not in it: ``app_fota`` renews it at the boot that takes over.

Source: device-api 8.1, 8.2, 8.4.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from moduline.digest import sha256_hex
from moduline.errors import Text, TooBig
from moduline.formats.checksum import LIST_NAME
from moduline.formats.container import zip_members
from moduline.release.produce import Produced

LIST: Final = "app_fota.json"
STAT_BYTES_MAX: Final = 16384
"""As much of download.stat a module reads."""
_ROOT: Final = "usr/"


def name_of(produced: Produced) -> str:
    """How the archive is to be called."""
    return f"{produced.prepared.title}_app_fota.zip"


def archive(produced: Produced) -> bytes:
    """The archive; the same project gives the same bytes.

    Raises:
        TooBig: more or longer names than a module keeps a list of.
    """
    stock = {one.name for one in produced.prepared.convention.stock_files}
    origins = produced.prepared.project.origins
    made = {LIST_NAME, *(name for name in stock if name not in origins)}
    files = {_ROOT + path: data for path, data in produced.trees.user.files().items() if path not in made}
    rows = [
        {"url": path, "file_name": f"/{path}", "bytes": len(data), "sha256": sha256_hex(data)}
        for path, data in files.items()
    ]
    must_fit_stat(rows)
    listing = json.dumps(rows, ensure_ascii=False, indent=1).encode("utf-8") + b"\n"
    return zip_members.write_members([(LIST, listing), *files.items()])


def must_fit_stat(rows: Sequence[Mapping[str, Any]]) -> None:
    """Stop when a module could not keep its list of such files while it downloads them.

    Args:
        rows: of the listing: ``url``, ``file_name``, ``bytes``.

    Raises:
        TooBig: more or longer names than fit.
    """
    stat = json.dumps([{"url": row["url"], "name": row["file_name"], "total_size": row["bytes"]} for row in rows])
    if len(stat) > STAT_BYTES_MAX:
        what = Text("the list of files a module keeps while it downloads", "模组下载时保存的文件列表")
        raise TooBig(what=what, need=len(stat), have=STAT_BYTES_MAX)
