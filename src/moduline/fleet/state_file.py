"""A fleet that was stopped, in a file: what each device keeps in its flash, so that it can go on.

One JSON object per line: the head, then the devices by number. The file holds device secrets: only its owner may read
it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from moduline.errors import BadFormat, StorageFailed, Text
from moduline.fleet.stored import FORMAT, Stored

VERSION: Final = 1


def load_state(path: Path, product: str) -> dict[str, Stored]:
    """Flash of the devices by device key; nothing if there is no such file.

    Raises:
        BadFormat: not a state of a fleet, or of another product.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise _bad(str(error), str(error)) from error
    head, *devices = [_object(line) for line in lines] or [{}]
    if head.get("moduline_fleet") != VERSION:
        raise _bad("no state of a fleet", "不是设备群状态文件")
    if head.get("product") != product:
        raise _bad(f"of product {head.get('product')}", f"属于产品 {head.get('product')}")
    return {str(one.pop("dk", "")): Stored.from_json(one) for one in devices}


def save_state(path: Path, product: str, devices: Mapping[str, Stored]) -> None:
    """Replaces the file as a whole.

    Raises:
        StorageFailed: the disk does not take it.
    """
    rest = [json.dumps({"dk": dk, **stored.to_json()}, ensure_ascii=False) for dk, stored in devices.items()]
    text = "\n".join([json.dumps({"moduline_fleet": VERSION, "product": product}), *rest]) + "\n"
    beside = path.with_name(path.name + ".new")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        beside.replace(path)
    except OSError as error:
        raise StorageFailed(path=str(path), reason=error.strerror or str(error)) from error


def _object(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise _bad(f"not JSON: {error}", f"不是 JSON：{error}") from error
    if not isinstance(value, dict):
        raise _bad("not one object per line", "每行应为一个对象")
    return value


def _bad(en: str, zh: str) -> BadFormat:
    return BadFormat(format=FORMAT, reason=Text(en, zh), offset=0)
