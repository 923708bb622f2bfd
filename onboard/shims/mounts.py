"""``vfs``: mounting, without a way to the host's files.

Modelled: mounting and the littlefs types on block devices of the script's own. Not modelled: FAT on real media.
"""

from boot import native as _native

_ORDER = ("mount", "umount", "VfsFat", "VfsLfs1", "VfsLfs2")

mount = _native.vfs.mount
umount = _native.vfs.umount
VfsFat = _native.vfs.VfsFat
VfsLfs1 = _native.vfs.VfsLfs1
VfsLfs2 = _native.vfs.VfsLfs2
