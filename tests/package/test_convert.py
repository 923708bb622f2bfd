from __future__ import annotations

import io
import zipfile

import pytest

import asr_maker
from moduline.errors import BadOption
from moduline.package import read_package, write_package
from moduline.package.convert import kinds_of, suffix_of, to_kind
from package_maker import small_file

PACKAGES = {"unisoc": small_file(), "asr": asr_maker.small_file()}


@pytest.mark.parametrize("container", PACKAGES)
def test_convert_when_into_every_kind_then_the_container_is_the_same(container):
    package = read_package(PACKAGES[container])
    for kind in kinds_of(package):
        data = to_kind(package, kind, "module")
        again = read_package(data, f"module.{suffix_of(kind)}")
        assert (again.container, again.source) == (container, package.source)
        assert to_kind(again, kind, "module") == data == to_kind(package, kind, "module")
        assert write_package(again) == data


def test_convert_when_a_pac_then_zip_has_the_platform_and_pac_is_bare():
    package = read_package(PACKAGES["unisoc"])
    assert kinds_of(package) == ("pac", "zip", "bin", "release")
    data = to_kind(package, "zip", "EG915U")
    assert zipfile.ZipFile(io.BytesIO(data)).namelist() == ["platform_config.json", "EG915U.pac"]
    assert read_package(data).shells[0].platform == "unisoc8910"
    assert to_kind(read_package(data), "pac", "x") == PACKAGES["unisoc"]


def test_convert_when_an_asr_package_then_zip_and_bin_are_its_own_bytes_and_release_holds_them():
    """platform-asr 1.1: an outer zip with one .bin, which is a zip whatever its suffix."""
    package = read_package(asr_maker.zipped({"changes.pdf": b"%PDF", "x.bin": PACKAGES["asr"]}))
    assert kinds_of(package) == ("zip", "bin", "release")
    assert to_kind(package, "bin", "EC600N") == to_kind(package, "zip", "EC600N") == PACKAGES["asr"]
    outer = zipfile.ZipFile(io.BytesIO(to_kind(package, "release", "EC600N")))
    assert outer.namelist() == ["EC600N.bin"]
    assert outer.read("EC600N.bin") == PACKAGES["asr"]


@pytest.mark.parametrize(("container", "kind"), [("asr", "pac"), ("unisoc", "binpkg"), ("asr", "exe"), ("unisoc", "")])
def test_convert_when_the_container_cannot_be_that_then_the_kinds_are_listed(container, kind):
    with pytest.raises(BadOption) as failure:
        to_kind(read_package(PACKAGES[container]), kind, "x")
    assert "release" in failure.value.message("en")
