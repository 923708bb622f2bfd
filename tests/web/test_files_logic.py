"""What the file manager judges by itself: what browsers announce, texts that are edited, totals, paths."""

from __future__ import annotations

import pytest

from moduline.errors import BadOption, FileChanged, NoSuchFile, StorageFailed, TooBig
from moduline.events import Notice, Progress
from moduline.web import host_files
from moduline.web.site import Site, StudioOptions, open_site
from moduline.web.studio.files_brought import MOST_BYTES, MOST_FILES, announced, expect
from moduline.web.studio.files_editor import bytes_of, text_of
from moduline.web.studio.files_works import Whole, folder_for_sync, host_tree
from moduline.web.work import Jobs


@pytest.fixture
def root(tmp_path):
    options = StudioOptions(tmp_path / "data", tmp_path / "root")
    options.root.mkdir()
    jobs = Jobs(options.data / "jobs")
    open_site(Site(options, jobs))
    yield options.root
    jobs.stop()


@pytest.mark.parametrize(
    "items",
    [
        None, [], {}, "x", [1], [{}], [{"path": "a"}], [{"path": "a", "size": -1}], [{"path": "a", "size": "1"}],
        [{"path": "../a", "size": 1}], [{"path": "/etc/passwd", "size": 1}], [{"path": "a/../../b", "size": 1}],
        [{"path": "a\0b", "size": 1}], [{"path": "a\\..\\b", "size": 1}], [{"path": "", "size": 1}],
        [{"path": "x" * 1001, "size": 1}], [{"path": 3, "size": 1}],
    ],
)  # fmt: skip
def test_announced_when_it_leads_elsewhere_or_is_nothing_then_refused(items):
    with pytest.raises(BadOption):
        announced(items)


def test_announced_when_too_much_then_refused_and_else_taken_once():
    with pytest.raises(TooBig):
        announced([{"path": "a", "size": MOST_BYTES + 1}])
    with pytest.raises(TooBig):
        announced([{"path": f"{number}", "size": 0} for number in range(MOST_FILES + 1)])
    assert announced([{"path": "./a//b.py", "size": 3}, {"path": "数据", "size": 0}]) == (("a/b.py", 3), ("数据", 0))


@pytest.mark.parametrize("name", ["", "../" + "a" * 29, "A" * 32, "a" * 31, "a" * 33, "g" * 32])
def test_batch_when_its_name_is_none_then_refused(root, name):
    with pytest.raises(BadOption):
        expect(name, 1, (("a", 1),))


def test_text_when_edited_then_line_ends_stay_and_what_is_no_text_is_not_edited():
    assert bytes_of("a\nb\n", b"x\r\ny\r\n") == b"a\r\nb\r\n"
    assert bytes_of("a\nb\n", b"x\ny\n") == b"a\nb\n"
    assert bytes_of("版\n", b"") == "版\n".encode()
    assert text_of(b"\xff\xfe") is None
    assert text_of(b"a\0b") is None
    assert text_of(b"a" * 600_000) is None
    assert text_of("版本".encode()) == "版本"


def test_progress_when_files_follow_each_other_then_it_is_one_that_never_falls():
    heard = []

    class Hears:
        def report(self, event):
            heard.append(event)

    whole = Whole(Hears(), "files.send", 30)
    for event in (Progress("/a", 0, 10), Progress("/a", 10, 10), Progress("/b", 0, 20), Progress("/b", 20, 20)):
        whole(event)
    whole(Notice("remote.checksum-refreshed"))
    done = [one.done_bytes for one in heard if isinstance(one, Progress)]
    assert done == [0, 10, 10, 30]
    assert {(one.what, one.total_bytes) for one in heard if isinstance(one, Progress)} == {("files.send", 30)}
    assert heard[-1] == Notice("remote.checksum-refreshed")


def test_host_when_a_link_leads_out_then_it_is_neither_read_nor_followed(root, tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("k")
    (root / "f").mkdir()
    (root / "f" / "a.py").write_text("a")
    (root / "f" / "__pycache__").mkdir()
    (root / "f" / "__pycache__" / "a.pyc").write_text("x")
    (root / "f" / "out").symlink_to(tmp_path / "secret")
    (root / "key").symlink_to(tmp_path / "secret" / "key")
    with pytest.raises(BadOption):
        host_files.read("key")
    assert [one.path for one in host_files.inside("f")] == ["f/__pycache__", "f/__pycache__/a.pyc", "f/a.py"]
    assert host_tree(["f"]) == {"f": None, "f/a.py": b"a"}
    assert folder_for_sync("f") == ({"a.py": b"a"}, False)


def test_host_when_written_then_only_over_what_is_known_and_renamed_only_onto_what_is_free(root):
    host_files.replace("d/a.py", b"one", None)
    with pytest.raises(FileChanged):
        host_files.replace("d/a.py", b"two", None)
    with pytest.raises(FileChanged):
        host_files.replace("d/a.py", b"two", b"other")
    host_files.replace("d/a.py", b"two", b"one")
    host_files.make_folder("d/e")
    for act in (lambda: host_files.make_folder("d/e"), lambda: host_files.rename("d/a.py", "d/e")):
        with pytest.raises(StorageFailed):
            act()
    host_files.rename("d/a.py", "d/e/b.py")
    assert (root / "d" / "e" / "b.py").read_bytes() == b"two"
    with pytest.raises(NoSuchFile):
        host_files.inside("nowhere")
    for act in (lambda: host_files.rename("d", "../x"), lambda: host_files.replace("../x", b"", None)):
        with pytest.raises(BadOption):
            act()
