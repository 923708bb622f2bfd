from __future__ import annotations

import pytest

from moduline.nor.faulty import FaultyFlash
from moduline.nor.memory import MemoryFlash
from moduline.vmodule.download.events import DownloadFaults
from moduline.vmodule.download.unisoc import DownloadSession
from moduline.vmodule.facts import identity_of
from moduline.vmodule.nv_store import factory_block
from unisoc_host import Host


@pytest.fixture
def identity():
    return identity_of("ec600u", "m1")


@pytest.fixture
def flash(identity):
    return FaultyFlash(MemoryFlash(identity.geometry))


@pytest.fixture
def storage(identity, flash):
    storage = identity.storage(flash)
    storage.nv.write_block(factory_block(identity.factory_imei, "m1"))
    return storage


@pytest.fixture
def faults():
    return DownloadFaults()


@pytest.fixture
def host(storage, faults):
    """A host at the ROM of a module with NV and an otherwise empty flash."""
    return Host(DownloadSession(storage, faults))
