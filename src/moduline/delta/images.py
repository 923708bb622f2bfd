"""What stands behind the header of a system image, whatever chip it is for; and our own system image in it.

Source: docs/spec/system-image.md; platform-unisoc 3.1, 3.2.
"""

from __future__ import annotations

from moduline.formats import sihr, system_image, uimage
from moduline.formats.system_image import SystemImage


def content_of(data: bytes) -> bytes | None:
    """The bytes behind a known header, its check values compared; None when there is no known header.

    Raises:
        FormatError: there is one, and it is damaged.
    """
    if uimage.is_uimage(data):
        return uimage.read(data).data
    if sihr.is_sihr(data):
        sihr.read(data)
        return data[sihr.HEADER_BYTES :]
    return data if system_image.is_system_image(data) else None


def own_system_in(data: bytes) -> SystemImage | None:
    """Our own system image; None in a vendor's.

    Raises:
        FormatError: the image is damaged.
    """
    content = content_of(data)
    if content is None or not system_image.is_system_image(content):
        return None
    return system_image.read(content)
