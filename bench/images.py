"""How long do file-system images take? 5 MiB, 200 files, 3.8 MB of content, both versions; medians of seven rounds.

python bench/images.py
"""

import random
import statistics
import time

from moduline.formats.littlefs import FsGeometry, read_image, write_image

ROUNDS = 7
FILES = 200
BLOCKS = 1280


def entries():
    """The same files on every run, from 1 byte to 38 kB."""
    dice = random.Random(5)
    return [(f"file_{number:03}.bin", dice.randbytes(1 + number * 190)) for number in range(FILES)]


def median_of(act):
    """Median seconds of an act, and what it gave last."""
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        given = act()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), given


def main():
    """Print one row per version."""
    files = entries()
    print(f"{FILES} files, {sum(len(data) for _, data in files)} bytes in {BLOCKS} blocks of 4096")
    print("kind   write ms   read ms")
    for geometry in (
        FsGeometry(kind="lfs1", block_bytes=4096, block_count=BLOCKS, read_bytes=4096, program_bytes=4096),
        FsGeometry(kind="lfs2", block_bytes=4096, block_count=BLOCKS, read_bytes=256, program_bytes=256),
    ):
        wrote, image = median_of(lambda geometry=geometry: write_image(files, geometry))
        read, found = median_of(lambda image=image: read_image(image))
        assert len(found.entries) == FILES
        print(f"{geometry.kind}   {wrote * 1000:8.1f}   {read * 1000:7.1f}")


if __name__ == "__main__":
    main()
