"""Trees that tests write: each exercises one thing a file system can get wrong."""

from __future__ import annotations

from formats.littlefs.oracle import content

LONG = "n" * 255
CHINESE = "中" * 85  # 255 bytes


def small() -> list[tuple[str, bytes | None]]:
    return [("usr", None), ("main.py", b"print('hi')\n"), ("usr/empty.txt", b""), ("usr/data.bin", content(10000, 1))]


def deep(levels: int = 6) -> list[tuple[str, bytes | None]]:
    path, entries = "", []
    for level in range(levels):
        path += f"level{level}/"
        entries.append((path + "here.py", content(level * 700, level)))
    return entries


def many(count: int = 90, size: int = 60) -> list[tuple[str, bytes | None]]:
    """More entries than one directory block holds, and directories between them."""
    entries: list[tuple[str, bytes | None]] = []
    for number in range(count):
        entries.append((f"a_rather_long_file_name_number_{number:04d}.py", content(size * (number % 3), number)))
        if number % 40 == 20:
            entries.append((f"folder{number}/inside.py", content(5, number)))
    return entries


def limits() -> list[tuple[str, bytes | None]]:
    return [(LONG, b"1"), (f"{CHINESE}/{LONG}", b"2"), ("配置.json", b"{}"), ("a b'c\"d", b"3"), (".hidden", b"4")]


def edges(block_bytes: int) -> list[tuple[str, bytes | None]]:
    """Files around the sizes at which a further block begins."""
    first = block_bytes
    second = first + block_bytes - 4
    third = second + block_bytes - 8
    sizes = [0, 1, first - 1, first, first + 1, second - 1, second, second + 1, third, third + 1]
    return [(f"size{number}", content(size, number)) for number, size in enumerate(sizes)]
