"""``vfs``: mounting, without a way to the host's files."""

from boot import native as _native

_ORDER = ("mount", "umount", "VfsFat", "VfsLfs1", "VfsLfs2")

mount = _native.vfs.mount
umount = _native.vfs.umount
VfsFat = _native.vfs.VfsFat
VfsLfs1 = _native.vfs.VfsLfs1
VfsLfs2 = _native.vfs.VfsLfs2
