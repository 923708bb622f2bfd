"""A bucket that is away, refuses, is full, breaks off or gives back something else; what is said of it."""

from __future__ import annotations

import base64
import hashlib
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import s3_server
from moduline.cloud.blob_s3 import TRIES
from moduline.cloud.stores import BucketAddress, open_store, read_address
from moduline.errors import BadOption, DatabaseFull, NoSuchObject, StorageFailed, StoreUnreachable, StoreUnusable

CONTENT = random.Random(3).randbytes(700_000)
KEY = hashlib.sha256(CONTENT).hexdigest()
S3 = pytest.mark.xdist_group("s3")
DATE = "Fri, 15 Jan 2027 08:00:00 GMT"


class Counterpart(BaseHTTPRequestHandler):
    """A server of one file that misbehaves as its owner says: `plan` holds what is done with each GET, in turn."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Nothing."""

    def do_HEAD(self):
        self.server.seen.append(("HEAD", None))
        self._head(200, len(self.server.content), {"Last-Modified": DATE})

    def do_GET(self):
        first, last = (int(part) for part in self.headers["Range"].removeprefix("bytes=").split("-"))
        self.server.seen.append(("GET", first))
        act = self.server.plan.pop(0) if self.server.plan else "whole"
        body = self.server.content[first : last + 1]
        if isinstance(act, tuple):
            self._fault(*act)
            return
        self._head(206, len(body), {"Content-Range": f"bytes {first}-{last}/{len(self.server.content)}"})
        if act == "cut":
            self.wfile.write(body[:1000])
            self.close_connection = True
            return
        self.wfile.write(body)

    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append(("PUT", self.headers["x-amz-checksum-sha256"]))
        act = self.server.plan.pop(0) if self.server.plan else "whole"
        if isinstance(act, tuple):
            self._fault(*act)
        else:
            self._head(200, 0, {"ETag": '"x"'})

    def _fault(self, status, code):
        said = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        self._head(status, len(said), {"Content-Type": "application/xml"})
        self.wfile.write(said)

    def _head(self, status, length, headers):
        self.send_response(status)
        for name, value in ({"Content-Length": str(length)} | headers).items():
            self.send_header(name, value)
        self.end_headers()


@pytest.fixture(scope="module")
def misbehaving(tmp_path_factory):
    """A server that misbehaves, and a store in its bucket; a client takes half a second to be made."""
    folder = tmp_path_factory.mktemp("faulty")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Counterpart)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "ACCESS_KEY_ID": "key",
            "SECRET_ACCESS_KEY": "secret",
            "EC2_METADATA_DISABLED": "1",
        }.items():
            patch.setenv(f"AWS_{name}", value)
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            patch.setenv(name, str(folder / "none"))
        patch.delenv("AWS_PROFILE", raising=False)
        server.store = open_store(f"s3://bucket?endpoint=http://127.0.0.1:{server.server_port}&near=0", folder)
    server.spool = folder / "sending"
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def faulty(misbehaving):
    """The server of the test: whole, and asked nothing yet."""
    misbehaving.content, misbehaving.plan, misbehaving.seen = CONTENT, [], []
    return misbehaving


def test_reading_when_an_answer_breaks_off_then_asked_again_from_there(faulty):
    faulty.plan = ["cut", "cut", "whole"]
    with faulty.store.open(KEY) as file:
        assert file.read() == CONTENT
    asked = [first for verb, first in faulty.seen if verb == "GET"]
    assert asked == [0, 1000, 2000, 2000 + 512 * 1024]


def test_reading_when_every_answer_breaks_off_at_once_then_given_up(faulty):
    faulty.plan = [(503, "SlowDown")] * 50
    with faulty.store.open(KEY) as file, pytest.raises(StoreUnreachable, match="SlowDown"):
        file.read(10)
    assert sum(verb == "GET" for verb, _ in faulty.seen) == TRIES


@pytest.mark.parametrize("at", [0, 699_999])
def test_file_when_a_byte_was_changed_in_the_bucket_then_the_last_piece_is_not_given(faulty, at):
    faulty.content = CONTENT[:at] + bytes([CONTENT[at] ^ 1]) + CONTENT[at + 1 :]
    with faulty.store.open(KEY) as file:
        assert len(file.read(600_000)) == 600_000
        with pytest.raises(StorageFailed, match="not what it was"):
            file.read(100_000)
    with faulty.store.open(KEY) as file:  # a part has no digest of its own: the device checks the whole
        file.seek(1)
        assert len(file.read()) == 699_999


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (507, "InsufficientStorage", DatabaseFull),
        (403, "QuotaExceeded", DatabaseFull),
        (403, "AccessDenied", StoreUnusable),
        (404, "NoSuchBucket", StoreUnusable),
        (301, "PermanentRedirect", StoreUnusable),
        (400, "BadDigest", StorageFailed),
    ],
)
def test_upload_when_the_bucket_refuses_then_said_why_and_tried_once(faulty, status, code, error):
    faulty.plan = [(status, code)] * 20
    with pytest.raises(error) as said:
        faulty.store.put([CONTENT])
    assert "s3://bucket/" in str(said.value)
    assert sum(verb == "PUT" for verb, _ in faulty.seen) == 1
    assert list(faulty.spool.iterdir()) == []


def test_upload_when_the_bucket_is_busy_for_a_moment_then_sent_again_whole_with_its_digest(faulty):
    faulty.plan = [(503, "SlowDown"), (500, "InternalError"), "whole"]
    assert faulty.store.put([CONTENT[:5], CONTENT[5:]]) == KEY
    assert faulty.seen == [("PUT", base64.b64encode(bytes.fromhex(KEY)).decode())] * 3


@S3
def test_bucket_when_it_is_not_there_then_said_at_the_start(s3, tmp_path):
    with pytest.raises(StoreUnusable, match="no such bucket"):
        open_store(f"s3://not-there?endpoint={s3.endpoint}", tmp_path).check()


@S3
def test_keys_when_they_are_wrong_or_absent_then_said_at_the_start(s3, tmp_path, monkeypatch):
    url = s3.url()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StoreUnusable, match="SignatureDoesNotMatch"):
        open_store(url, tmp_path).check()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(StoreUnusable, match="AWS_ACCESS_KEY_ID"):
        open_store(url, tmp_path).check()
    with pytest.raises(StoreUnusable, match="nobody"):
        open_store(f"{url}&profile=nobody", tmp_path)


@S3
def test_keys_when_they_stand_in_a_profile_and_may_only_read_then_only_that(s3, tmp_path, monkeypatch):
    url = s3.url(near=0)
    key = open_store(url, tmp_path).put([b"x"])
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    (tmp_path / "AWS_SHARED_CREDENTIALS_FILE").write_text(
        f"[reader]\naws_access_key_id={s3_server.READER_KEY}\naws_secret_access_key={s3_server.READER_SECRET}\n"
    )
    store = open_store(f"{url}&profile=reader", tmp_path)
    with store.open(key) as file:
        assert file.read() == b"x"
    with pytest.raises(StoreUnusable, match="AccessDenied"):
        store.put([b"y"])
    with pytest.raises(StoreUnusable, match="AccessDenied"):
        store.remove(key, 1e12)
    assert store.size(key) == 1


@S3
def test_server_when_it_does_not_answer_then_unreachable(s3, tmp_path):
    with pytest.raises(StoreUnreachable):
        open_store("s3://bucket?endpoint=http://127.0.0.1:1", tmp_path).check()


@S3
def test_bucket_when_others_keep_things_in_it_then_only_ours_count(s3, tmp_path):
    store = open_store(s3.url(near=0), tmp_path)
    key = store.put([b"x"])
    prefix = store.name.removeprefix(f"s3://{s3_server.BUCKET}/")
    for name in (f"{prefix}readme.txt", f"{prefix}{KEY}/x", f"other/{KEY}"):
        s3.client().put_object(Bucket=s3_server.BUCKET, Key=name, Body=b"theirs")
    assert [one.key for one in store.stored()] == [key]
    with pytest.raises(NoSuchObject):
        store.size(KEY)


def test_address_when_read_then_its_parts():
    assert read_address("s3://firmware") == BucketAddress("firmware")
    assert read_address(
        "s3://firmware/ota/eu/?endpoint=http://10.0.0.5:9000&region=eu-west-1&profile=ota&path-style=no&near=10"
    ) == BucketAddress("firmware", "ota/eu", "http://10.0.0.5:9000", "eu-west-1", "ota", False, 10 << 20)


@pytest.mark.parametrize(
    "url",
    [
        "s3://", "s3:///x", "s3:bucket", "gs://bucket", "http://bucket", "bucket", "s3://bucket#x", "s3://b",
        "s3://key:secret@bucket", "s3://bucket?endpoint=ftp://x", "s3://bucket?endpoint=http://", "s3://bucket?endpoint=http://u:p@h",
        "s3://bucket?endpoint=http://h:99999", "s3://bucket?near=-1", "s3://bucket?near=1GB", "s3://bucket?path-style=maybe",
        "s3://bucket?secret=x", "s3://bucket?region", "s3://bucket?region=a&region=b", "s3://bucket/a b", "s3://bucket/a//b", "s3://[x",
    ],
)  # fmt: skip
def test_address_when_it_is_none_then_a_bad_option(url):
    with pytest.raises(BadOption, match="--store"):
        read_address(url)
