"""A platform whose jobs are done: packages of a small EC600N, a file store in a folder, a worker."""

from __future__ import annotations

import asyncio

from moduline.cloud.artifacts import making
from moduline.cloud.artifacts import service as artifacts
from moduline.cloud.artifacts.rules import Artifact, ComponentType
from moduline.cloud.blob import FolderStore
from moduline.cloud.jobs import queue
from moduline.cloud.jobs.worker import Worker


class Hand:
    """A clock in the hand."""

    def __init__(self, rig):
        self._rig = rig

    def now_s(self):
        return self._rig.now

    def tick_s(self):
        return self._rig.now


class Shop:
    """A rig with a store and a worker."""

    def __init__(self, rig, folder, trades=None, store=None, **more):
        self.rig, self.folder = rig, folder
        self.store = store or FolderStore(folder / "files")
        self.notices = []
        self.trades = trades or [making.trade()]
        self.worker = self.another(**more)

    def another(self, **more):
        return Worker(
            self.rig.db, self.store, Hand(self.rig), self.trades, self.folder / "scratch",
            report=self.notices.append, **more,
        )  # fmt: skip

    def package(self, name, version, data, **more):
        file = artifacts.receive(self.store, f"{name}.bin", [data])
        made = Artifact(name, ComponentType.MODULE, bool(more.get("source")), more.get("source", ""), version, (file,))
        return self.rig.act(artifacts.create, made, self.store)[0]

    def turn(self):
        return asyncio.run(asyncio.wait_for(self.worker.turn(), 300))

    def job(self, number):
        return self.rig.see(queue.by_id, number)

    def done(self, job):
        """The job after the worker's turn."""
        assert self.turn()
        return self.job(job.id)

    def data(self, artifact, at=0):
        with self.store.open(artifact.artifact.files[at].digests.sha256) as file:
            return file.read()
