"""File-system images of modules: trees in, images out, and back."""

from moduline.formats.littlefs import FsGeometry
from moduline.image.inspect import OpenedImage, TreeDifference, compare_trees, make_image, open_image
from moduline.image.tree import FileTree, TreeEntry

__all__ = [
    "FileTree",
    "FsGeometry",
    "OpenedImage",
    "TreeDifference",
    "TreeEntry",
    "compare_trees",
    "make_image",
    "open_image",
]
