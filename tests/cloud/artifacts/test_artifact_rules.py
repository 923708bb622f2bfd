"""What an artifact must be.  Source: ota-semantics 2; seed 003 step 1."""

from __future__ import annotations

import pytest

from moduline.cloud.artifacts.digests import FileDigests
from moduline.cloud.artifacts.rules import (
    MOST_FILE_BYTES,
    Artifact,
    ComponentType,
    UploadedFile,
    check_artifact,
    deletion_problem,
    suffix_of,
    version_problem,
)

MIB = 1024 * 1024


def file(name="app.bin", size=1000):
    return UploadedFile(name, FileDigests(size, "0" * 32, "0" * 40, "0" * 64, "0" * 8))


def artifact(**changes):
    given = {
        "name": "meter 2.0",
        "type": ComponentType.MODULE,
        "is_delta": False,
        "source": "",
        "target": "V2",
        "files": (file(),),
    } | changes
    return Artifact(**given)


def fields_of(found):
    return [problem.field for problem in found]


def test_artifact_when_all_is_well_then_no_problem():
    assert check_artifact(artifact()) == ()
    assert check_artifact(artifact(is_delta=True, source="V1")) == ()


SEED = [".bin", ".zip", ".rar", ".pack", ".mini_1", ".mini_2", ".py", ".tar", ".tar.gz", ".s19", ".bin_1", ".bin_2"]


@pytest.mark.parametrize("suffix", SEED)
def test_suffix_when_of_the_seed_then_allowed_in_either_case(suffix):
    assert suffix_of(f"firmware{suffix}") == suffix
    assert suffix_of(f"FIRMWARE{suffix.upper()}") == suffix


@pytest.mark.parametrize(
    "name", ["firmware.gz", "firmware.exe", "firmware", ".bin", "bin", "a.bin.txt", "", "a.tar.xz"]
)
def test_suffix_when_not_of_the_list_then_none(name):
    assert suffix_of(name) is None


def test_suffix_when_two_fit_then_the_longest():
    assert suffix_of("a.tar.gz", [".gz", ".tar.gz"]) == ".tar.gz"
    assert suffix_of("a.x.gz", [".gz", ".tar.gz"]) == ".gz"
    assert suffix_of("a.DAT", [".dat"]) == ".dat"


@pytest.mark.parametrize(
    ("version", "is_good"),
    [
        ("V2", True),
        ("EC600UCNLBR03A04M08_OCPU_QPY", True),
        ("1.0-rc_1", True),
        ("v" * 64, True),
        ("v" * 65, False),
        ("", False),
        ("1 0", False),
        ("版本", False),
        ("1.0;", False),
        ("1.0\n", False),
        ("1:0", False),
    ],
)
def test_version_when_checked_then_letters_digits_and_three_signs_up_to_64(version, is_good):
    assert (version_problem("target", version) is None) is is_good


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": " x"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"target": ""}, "target"),
        ({"is_delta": True}, "source"),
        ({"is_delta": True, "source": "V2"}, "source"),
        ({"source": "V1"}, "source"),
        ({"files": ()}, "files"),
        ({"files": (file(),) * 6}, "files"),
        ({"files": (file(),) * 2, "type": ComponentType.MCU}, "files"),
        ({"files": (file("x.exe"),)}, "files[0].name"),
        ({"files": (file(), file(""))}, "files[1].name"),
        ({"files": (file("x" * 252 + ".bin"),)}, "files[0].name"),
        ({"files": (file("a\n.bin"),)}, "files[0].name"),
        ({"files": (file(size=0),)}, "files[0].size"),
        ({"files": (file(size=100 * MIB + 1),)}, "files[0].size"),
        ({"remark": "x" * 201}, "remark"),
    ],
)
def test_artifact_when_one_field_is_wrong_then_that_one_is_named_in_both_languages(changes, field):
    (problem,) = check_artifact(artifact(**changes))
    assert problem.field == field
    assert not problem.is_warning
    assert problem.say("en")
    assert problem.say("zh") != problem.say("en")
    assert "?" not in problem.say("en")


def test_artifact_when_at_every_limit_then_no_problem():
    assert MOST_FILE_BYTES == 104_857_600
    files = tuple(file(f"{n}.bin", 100 * MIB) for n in range(5))
    assert check_artifact(artifact(name="x" * 100, remark="x" * 200, target="v" * 64, files=files)) == ()


def test_artifact_when_the_installation_allows_more_suffixes_then_taken():
    assert check_artifact(artifact(files=(file("x.swu"),)), allowed=(".swu",)) == ()


def test_artifact_when_another_has_its_versions_then_warned_and_when_its_name_then_refused():
    other = artifact(name="another")
    (warning,) = check_artifact(artifact(), others=[other])
    assert (warning.field, warning.is_warning) == ("target", True)
    assert "another" in warning.say("zh")
    assert check_artifact(artifact(target="V3"), others=[other]) == ()
    refused = [
        problem for problem in check_artifact(artifact(name="another"), others=[other]) if not problem.is_warning
    ]
    assert fields_of(refused) == ["name"]


def test_artifact_when_used_by_an_activated_plan_then_stays():
    assert deletion_problem([]) is None
    assert "spring" in deletion_problem(["spring"]).say("en")
    assert deletion_problem([], is_verifying=True) is not None
