"""A 2.0 image that a driver of version 2.1 has written to: the superblock's facts stand last, not first."""

from __future__ import annotations

import littlefs

from moduline.formats.littlefs import DISK_2_1, FsGeometry, read_image, recognise, write_image

GEOMETRY = FsGeometry("lfs2", 4096, 64, 4096, 4096, 64)


def test_image_when_a_newer_driver_has_upgraded_it_then_still_read_after_every_write():
    driver = littlefs.LittleFS(
        block_size=4096, block_count=64, read_size=4096, prog_size=4096, cache_size=4096, mount=False
    )
    driver.context.buffer[:] = write_image((("a.txt", b"1"), ("b", b"2" * 100)), GEOMETRY)
    driver.mount()
    for number in range(20):
        with driver.open(f"f{number % 3}", "w") as file:
            file.write("x" * (number % 7))
        data = bytes(driver.context.buffer)
        assert recognise(data[:8192]) == "lfs2"
        image = read_image(data)
        entries = dict(image.entries)
        assert entries[f"f{number % 3}"] == b"x" * (number % 7)
        assert entries["b"] == b"2" * 100
        assert image.geometry.block_bytes == 4096
        assert image.disk_version == DISK_2_1
