"""A whole platform on one machine: gateways, workers, PostgreSQL, a NATS cluster, a balancer; each can be killed."""

from __future__ import annotations

import collections
import json
import subprocess
import sys
import time
from pathlib import Path

import httpx

import nats_server
import postgres_server
from moduline.errors import PortBusy
from tcp_balancer import TcpBalancer

WAIT_S = 120.0


class Node:
    """One process of ``moduline ota serve``; keeps its ports.

    Args:
        cluster: what it belongs to.
        name: of the node.
        roles: as ``--role`` takes them.
    """

    def __init__(self, cluster, name, roles):
        self.name = name
        self.roles = roles
        self.ready = {}
        self._cluster = cluster
        self._ports = {"--http-port": 0, "--device-http-port": 0, "--mqtt-port": 0}
        self._log = cluster.folder / f"{name}.log"
        self._said = cluster.folder / f"{name}.jsonl"  # a file: nobody reads a pipe for as long as it lives
        self._process = None

    def begin(self):
        """Start it; ``wait_ready`` waits for it."""
        words = [str(word) for pair in self._ports.items() for word in pair]
        with self._log.open("ab") as log, self._said.open("wb") as said:
            self._process = subprocess.Popen(
                [*self._cluster.command, "--node", self.name, "--role", self.roles, *words, "--jsonl"],
                stdout=said,
                stderr=log,
            )

    def wait_ready(self):
        """Wait until it says that it is ready; whoever cannot begin yet is started again, as a supervisor would."""
        until = time.monotonic() + WAIT_S
        while not self._is_ready():
            may_be = {PortBusy.code, "ML-E1403", "ML-E1405"}  # database or bus are away, too
            assert self.ready.get("code") in may_be, (self.ready, self.complaints[-3000:])
            assert time.monotonic() < until, self.complaints[-3000:]
            time.sleep(0.2)
            self.begin()

    def _is_ready(self):
        until = time.monotonic() + WAIT_S
        while not (said := self._first()):
            assert time.monotonic() < until, self.complaints[-3000:]
            if self._process.poll() is not None and not self._first():
                return False
            time.sleep(0.02)
        self.ready = said
        if said.get("event") != "ready":
            self._process.wait(WAIT_S)
            return False
        for option, url in (("--http-port", "api"), ("--device-http-port", "device_http")):
            self._ports[option] = int(self.ready[url].rpartition(":")[2]) if self.ready[url] else 0
        self._ports["--mqtt-port"] = self.ready["mqtt"]
        return True

    def _first(self):
        """What it said of its start; None: nothing yet."""
        lines = self._said.read_text(encoding="utf-8").split("\n")[:-1]
        found = (json.loads(line) for line in lines)
        return next((one for one in found if one.get("event") == "ready" or one.get("ok") is False), None)

    @property
    def notices(self):
        """What it told of since it was started, by slug."""
        lines = self._said.read_text(encoding="utf-8").split("\n")[:-1]
        return collections.Counter(json.loads(line).get("slug", "") for line in lines)

    @property
    def mqtt(self):
        return self._ports["--mqtt-port"]

    @property
    def device_http(self):
        return self._ports["--device-http-port"]

    def kill(self):
        """``kill -9``."""
        self._process.kill()
        self._process.wait(WAIT_S)

    def start(self):
        self.begin()
        self.wait_ready()

    def end(self):
        """As Ctrl-C does; gives the exit code."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(WAIT_S)
        return self._process.returncode

    @property
    def complaints(self):
        return self._log.read_text(encoding="utf-8")


ALL = "gateway,worker,api"
APART = {"g1": "gateway", "g2": "gateway", "w1": "worker,api", "w2": "worker,api"}
TOGETHER = {"n1": ALL, "n2": ALL}


class Cluster:
    """Two gateways and two workers that serve people too, and all they need.

    Args:
        folder: of their files.
        roles: by the name of each node: ``APART`` are four processes, ``TOGETHER`` two.
        lease_s: how long a silent node is believed to live.
    """

    def __init__(self, folder, roles, *, lease_s=4.0):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._ends = []
        self.nodes = {}
        try:
            self.postgres = postgres_server.started()
            self._ends.append(self.postgres.remove)
            self.nats = nats_server.started(3)
            self._ends.append(self.nats.remove)
            self.balancer = TcpBalancer()
            self._ends.append(self.balancer.stop)
            self.url = self.postgres.url()
            self.command = [
                *(sys.executable, "-m", "moduline", "ota", "serve", "--data", str(self.folder / "data")),
                *("--db", self.url, "--nats", self.nats.urls, "--public-url", self.balancer.url),
                *("--lease", str(lease_s), "--jobs", "0"),
            ]
            self.nodes = {name: Node(self, name, one) for name, one in roles.items()}
            for one in self.nodes.values():
                one.begin()
            for one in self.nodes.values():
                one.wait_ready()
        except BaseException:
            self.stop()
            raise
        self.balancer.ports += [one.device_http for one in self.gateways]

    @property
    def gateways(self):
        return [one for one in self.nodes.values() if "gateway" in one.roles]

    @property
    def speakers(self):
        """Nodes that serve people."""
        return [one for one in self.nodes.values() if "api" in one.roles]

    @property
    def victims(self):
        """Everything that can be killed and started, by name, in one order."""
        servers = {f"nats {at}": one for at, one in enumerate(self.nats.servers)}
        return {**self.nodes, **servers, "postgres": _Postgres(self.postgres)}

    def stop(self):
        for one in self.nodes.values():
            one.end()
        while self._ends:
            self._ends.pop()()

    @property
    def complaints(self):
        return "".join(one.complaints for one in self.nodes.values())

    # -- a person

    def web(self, at=0):
        """A person with the first token, at one of the nodes that serve people."""
        token = (self.folder / "data" / "admin.token").read_text().strip()
        url = self.speakers[at].ready["api"]
        return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=WAIT_S)

    def until(self, is_so, seconds=WAIT_S):
        """Ask until it is so."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if is_so():
                return
            time.sleep(0.1)
        raise AssertionError(f"not so within {seconds} s\n{self.complaints[-4000:]}")

    def rows(self, query):
        """What the database says."""
        with self.postgres.connect() as connection:
            connection.execute(f"SET search_path TO {self.url.rpartition('%3D')[2]}")
            return connection.execute(query).fetchall()

    def assert_whole(self):
        """What holds at every moment: counters equal rows, what is open has a deadline."""
        with self.postgres.connect() as connection:
            connection.execute(f"SET search_path TO {self.url.rpartition('%3D')[2]}")
            connection.autocommit = False
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            rows = "SELECT plan_id, group_number, status, count(*) FROM upgrades GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
            kept = (
                "SELECT plan_id, group_number, status, sum(count)::bigint FROM plan_counters "
                "GROUP BY 1, 2, 3 HAVING sum(count) != 0 ORDER BY 1, 2, 3"
            )
            assert connection.execute(kept).fetchall() == connection.execute(rows).fetchall()
            stuck = "SELECT count(*) FROM upgrades WHERE is_open != (deadline IS NOT NULL)"
            assert connection.execute(stuck).fetchone() == (0,)


class _Postgres:
    """The database server, killed as a power cut would."""

    def __init__(self, server):
        self._server = server

    def kill(self):
        self._server.stop()

    def start(self):
        self._server.start()
