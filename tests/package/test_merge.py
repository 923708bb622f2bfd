from __future__ import annotations

import struct
import zipfile
from io import BytesIO

import pytest

import asr_maker
from moduline.errors import AreaConflict, BadOption, MissingArea, TooBig, Unsupported
from moduline.formats.container import unisoc, unisoc_scheme
from moduline.formats.container.unisoc import RECORD, Pac
from moduline.package import FsArea, diff, merge, read_package, write_package
from moduline.package.inspect import only_areas
from moduline.package.merge import strip
from moduline.package.unisoc_entries import MergeId, merge_entries, pacmerge, strip_entry, substitute_entry
from package_maker import B_ADDRESS, B_SIZE, U_ADDRESS, U_SIZE, small_file, small_pac, stock_rows
from samples import sample

EG915U = "unisoc/8915DM_cat1_open_EG915UEUABR03A06M08_OCPU_QPY_01.300.01.300_merge.pac"
USER, BACKUP = b"U" * U_SIZE, b"B" * B_SIZE
IMAGES = {"user_fs": USER, "backup_fs": BACKUP}


def names(package) -> list[str]:
    return [part.name for part in package.parts]


@pytest.mark.parametrize("style", ["crlf", "lf"])
def test_merge_when_stock_then_entries_stand_before_ps_with_the_values_of_the_reference(style):
    """platform-unisoc 2.8 (flash image) and 4 (position)."""
    production = merge(read_package(small_file(style=style)), IMAGES)
    assert names(production)[4:9] == ["ERASE_PY_FS_U", "ERASE_PY_FS_B", "PY_FS_U", "PY_FS_B", "PS"]
    data = write_package(production)
    record = RECORD.unpack(data, 2124 + 6 * 2580)
    wanted = {"record_bytes": 2580, "size": U_SIZE, "flag": 1, "check": 1, "can_omit": 0, "address_count": 1}
    assert {name: record[name] for name in wanted} == wanted
    assert record["addresses"] == (U_ADDRESS, 0, 0, 0, 0)
    assert (record["id"].text, record["file_name"].text) == ("PY_FS_U", "customer_fs.bin")
    assert data[record["offset"] : record["offset"] + U_SIZE] == USER
    rows = stock_rows()
    ps = [row[0] for row in rows].index("PS")
    rows[ps:ps] = [("PY_FS_U", "CODE", U_ADDRESS, U_SIZE, USER, 1), ("PY_FS_B", "CODE", B_ADDRESS, B_SIZE, BACKUP, 1)]
    assert production.source.xml == small_pac(rows, style=style).xml


@pytest.mark.parametrize("style", ["crlf", "lf"])
def test_merge_when_reversed_then_stock_is_back_byte_for_byte(style):
    stock = small_file(style=style)
    production = read_package(write_package(merge(read_package(stock), IMAGES)))
    assert write_package(strip(production, ["PY_FS_U", "PY_FS_B"])) == stock


def test_merge_when_done_twice_then_contents_are_replaced():
    first = write_package(merge(read_package(small_file()), IMAGES))
    again = merge(read_package(first), {"user_fs": b"V" * U_SIZE, "backup_fs": BACKUP})
    assert names(again) == names(read_package(first))
    assert again.part("PY_FS_U").data == b"V" * U_SIZE
    assert again.area("user_fs").told_by == "content"
    assert write_package(merge(again, IMAGES)) == first


def test_merge_when_only_user_image_then_backup_area_is_left_alone():
    production = merge(read_package(small_file()), {"user_fs": USER})
    assert "PY_FS_B" not in names(production)


def test_merge_when_same_input_then_same_bytes():
    assert write_package(merge(read_package(small_file()), IMAGES)) == write_package(
        merge(read_package(small_file()), dict(reversed(IMAGES.items())))
    )


def test_merge_when_package_is_in_a_zip_then_result_is_too():
    target = BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("module.pac", small_file())
        archive.writestr("notes.txt", "hello")
    data = write_package(merge(read_package(target.getvalue()), IMAGES))
    with zipfile.ZipFile(BytesIO(data)) as archive:
        assert archive.namelist() == ["module.pac", "notes.txt"]
    assert read_package(data).part("PY_FS_U").data == USER


def test_merge_when_no_ps_then_entry_follows_what_erases_the_area():
    """platform-unisoc 4: 8850 packages have no PS."""
    production = merge(read_package(unisoc.write(small_pac(stock_rows(has_modem=False)))), IMAGES)
    assert names(production)[4:8] == ["ERASE_PY_FS_U", "PY_FS_U", "ERASE_PY_FS_B", "PY_FS_B"]


FALLBACK = [FsArea("PY_FS_U", "user_fs", U_ADDRESS, U_SIZE), FsArea("PY_FS_B", "backup_fs", B_ADDRESS, B_SIZE)]


@pytest.mark.parametrize("has_modem", [True, False])
def test_merge_when_package_names_no_area_then_fallback_is_used(has_modem):
    stock = read_package(unisoc.write(small_pac(stock_rows(has_areas=False, has_modem=has_modem))))
    production = merge(stock, IMAGES, FALLBACK)
    assert production.part("PY_FS_U").address == U_ADDRESS
    assert names(production)[4:6] == ["PY_FS_U", "PY_FS_B"] if has_modem else ["PY_FS_B", "PY_FS_U"]
    with pytest.raises(MissingArea):
        merge(stock, IMAGES)
    with pytest.raises(MissingArea):
        merge(stock, IMAGES, FALLBACK[:1])


@pytest.mark.parametrize("address", [0x60010000, 0x6028F000, 0x60560000, 0x6055E000, 0x6000F000])
def test_merge_when_fallback_lies_over_a_part_then_refused(address):
    stock = read_package(unisoc.write(small_pac(stock_rows(has_areas=False))))
    with pytest.raises(AreaConflict):
        merge(stock, {"user_fs": USER}, [FsArea("PY_FS_U", "user_fs", address, U_SIZE)])


def test_merge_when_package_names_the_area_then_fallback_is_ignored():
    wrong = [FsArea("PY_FS_U", "user_fs", 0x60010000, 0x1000)]
    assert merge(read_package(small_file()), {"user_fs": USER}, wrong).area("user_fs").address == U_ADDRESS


@pytest.mark.parametrize(("image", "error"), [(USER + b"x", TooBig), (USER[:-1], BadOption), (b"", BadOption)])
def test_merge_when_image_is_not_as_large_as_its_area_then_refused(image, error):
    with pytest.raises(error):
        merge(read_package(small_file()), {"user_fs": image})


def test_merge_when_role_is_no_area_then_refused():
    with pytest.raises(BadOption):
        merge(read_package(small_file()), {"system": USER})


def test_merge_when_real_package_then_nothing_else_differs():
    """The production package differs from the stock only in the script areas and what describes them."""
    data = sample(EG915U).read_bytes()
    stock = read_package(data)
    production = merge(stock, {"user_fs": b"\xaa" * 0x60000, "backup_fs": b"\xbb" * 0x20000})
    differences = diff(stock, production)
    assert [(d.place, d.name, d.what) for d in differences] == [
        ("entry", "PY_FS_U", "added"),
        ("entry", "PY_FS_B", "added"),
        ("xml", "PY_FS_U", "added"),
        ("xml", "PY_FS_B", "added"),
    ]
    assert only_areas(differences)
    again = read_package(write_package(production))
    assert write_package(strip(again, ["PY_FS_U", "PY_FS_B"])) == data


# ---- the vendor's operations on entries


def triple() -> tuple[Pac, Pac, Pac]:
    files = ("8850XM_cat1_open_core", "appimage", "8850XM_cat1_open_merge")
    base, external, merged = (unisoc.read(sample(f"unisoc/EC600GCN_LD__{name}.pac").read_bytes()) for name in files)
    return base, external, merged


def test_merge_entries_when_real_triple_then_result_is_the_vendors_but_for_xml_style():
    """platform-unisoc 4.1: `pacmerge --id APPIMG,CP core appimage merge`; the XML is compared by its meaning."""
    base, external, vendors = triple()
    ours = merge_entries(base, external, [MergeId.parse("APPIMG,CP")])
    assert unisoc_scheme.parse(ours.xml).canonical() == unisoc_scheme.parse(vendors.xml).canonical()
    assert unisoc.write(ours.with_xml(vendors.xml)) == unisoc.write(vendors)


def test_pacmerge_when_real_pair_then_every_byte_is_the_vendors():
    """platform-unisoc 4.1: the one pair beside the repository; its XML happens to keep the order of attributes."""
    core, appimage, vendors = (
        sample(f"unisoc/EC600GCN_LD__{name}.pac").read_bytes()
        for name in ("8850XM_cat1_open_core", "appimage", "8850XM_cat1_open_merge")
    )
    merged = pacmerge(read_package(core), read_package(appimage), [MergeId.parse("APPIMG,CP")])
    assert write_package(merged) == vendors


@pytest.mark.parametrize(
    "name",
    [
        "8915DM_cat1_open_EG915UEUABR03A06M08_OCPU_QPY_01.300.01.300_merge.pac",
        "CSDK_RDA8910.pac",
        "EC600GCN_LD__8850XM_cat1_open_core.pac",
        "EC600GCN_LD__8850XM_cat1_open_merge.pac",
        "EC600GCN_LD__appimage.pac",
    ],
)
def test_xml_when_rewritten_in_the_vendors_style_then_same_meaning_and_a_second_time_the_same_bytes(name):
    xml = unisoc.read(sample(f"unisoc/{name}").read_bytes()).xml
    styled = unisoc_scheme.in_vendors_style(xml)
    assert unisoc_scheme.parse(styled).canonical() == unisoc_scheme.parse(xml).canonical()
    assert unisoc_scheme.in_vendors_style(styled) == styled
    assert styled.startswith(b"<BMAConfig>\n <ProductList>\n  <Product name=")
    assert styled.endswith(b"\n</BMAConfig>\n")
    assert b"\r" not in styled
    if not xml.startswith(b"<?xml"):  # a file that the vendor's tool wrote
        assert styled == xml


def test_pacmerge_when_base_is_in_a_zip_then_the_shell_stays_and_another_platform_is_refused():
    target = BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("module.pac", small_file())
    external = read_package(unisoc.write(external_pac()))
    merged = pacmerge(read_package(target.getvalue()), external, [MergeId.parse("EXTRA,PS")])
    again = read_package(write_package(merged))
    assert (again.shells[0].member, again.part("EXTRA").data) == ("module.pac", b"extra")
    with pytest.raises(Unsupported):
        pacmerge(read_package(asr_maker.small_file()), external, [MergeId.parse("EXTRA,PS")])
    with pytest.raises(Unsupported):
        pacmerge(external, read_package(asr_maker.small_file()), [MergeId.parse("EXTRA,PS")])


def test_merge_entries_when_stripped_again_then_base_is_back():
    base, external, _ = triple()
    assert unisoc.write(
        strip_entry(merge_entries(base, external, [MergeId("APPIMG", "CP")]), "APPIMG")
    ) == unisoc.write(base)


def external_pac() -> Pac:
    return small_pac([*stock_rows()[:2], ("EXTRA", "CODE", 0x60700000, 0x1000, b"extra", 1)], style="lf")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("EXTRA,PS", ["AP", "EXTRA", "PS"]),
        ("EXTRA,PS,NEW", ["AP", "NEW", "PS"]),
        ("EXTRA,PS,NEW,after", ["AP", "PS", "NEW"]),
        ("EXTRA,PS,,after", ["AP", "PS", "EXTRA"]),
        ("EXTRA,PS,,before", ["AP", "EXTRA", "PS"]),
    ],
)
def test_merge_entries_when_id_form_then_place_and_name_follow(text, expected):
    base = small_pac(stock_rows(has_areas=False))
    merged = merge_entries(base, external_pac(), [MergeId.parse(text)])
    order = [entry.id.text for entry in merged.entries]
    assert order[3 : 3 + len(expected)] == expected
    assert [file.id for file in unisoc_scheme.read(merged.xml).files] == order[:-1]
    assert read_package(unisoc.write(merged)).part(expected[1] if "after" not in text else expected[2]).data == b"extra"


@pytest.mark.parametrize("text", ["", "A", "A,", ",A", "A,B,C,D,E", "A,B,C,beside"])
def test_merge_id_when_of_another_form_then_refused(text):
    with pytest.raises(BadOption):
        MergeId.parse(text)


@pytest.mark.parametrize("text", ["NONE,PS", "EXTRA,NONE", "FDL2,PS", "EXTRA,PS,AP"])
def test_merge_entries_when_entry_is_missing_or_taken_then_refused(text):
    with pytest.raises(BadOption):
        merge_entries(small_pac(), external_pac(), [MergeId.parse(text)])


def test_substitute_when_content_then_replaced_and_when_operation_then_refused():
    pac = substitute_entry(small_pac(), "AP", b"new")
    assert read_package(unisoc.write(pac)).part("AP").data == b"new"
    with pytest.raises(BadOption):
        substitute_entry(pac, "ERASE_BOOT", b"new")
    with pytest.raises(BadOption):
        substitute_entry(pac, "", b"new")


def test_write_when_merged_then_offsets_run_on_for_operations_too():
    data = write_package(merge(read_package(small_file()), IMAGES))
    count = struct.unpack_from("<I", data, 1076)[0]
    running = 2124 + 2580 * count
    for index in range(count):
        size, _, _, offset = struct.unpack_from("<4I", data, 2124 + 2580 * index + 1540)
        assert offset == running
        running += size
    assert running == len(data)
