"""Devices of a platform that runs, moved by hand: what they say goes straight to the verbs, without a wire."""

from __future__ import annotations

from moduline.cloud.artifacts.rules import ComponentType
from moduline.cloud.devices import contact
from moduline.cloud.plans.rules import Versions
from moduline.cloud.upgrades import service as upgrades
from moduline.cloud.upgrades.events import StatusReported

ON_THE_WAY = (1, 2, 4, 8, 9)


class CloudHand:
    """Devices of the first product of a site; the component of their plans is ``mod``."""

    def __init__(self, site, component="mod"):
        self.site = site
        self.component = component
        self._connection = 0

    def _tell(self, verb, *args, **more):
        return self.site.do(self.site.platform.db.write_soon(verb, *args, now=self.site.clock.now_s(), **more))

    def online(self, dk, version, product=1):
        """A device that has authenticated, told its version and stays connected; its number."""
        issued = self._tell(contact.authenticate, product, dk, is_first_only=False)
        self._tell(contact.report_versions, issued.device_id, version, {})
        self._connection += 1
        self._tell(upgrades.came_online, issued.device_id, self.site.settings.node, self._connection)
        return issued.device_id

    def requests(self, device, version):
        """It asks for an upgrade."""
        return self._tell(upgrades.told_versions, device, version, {}, is_request=True)

    def says(self, device, *codes, version=None):
        """It reports these codes; with the last one, its version."""
        for code in codes:
            versions = Versions(version, {}) if version and code == codes[-1] else None
            said = StatusReported(code, ComponentType.MODULE, self.component, versions)
            self._tell(upgrades.hear, device, said)

    def ends(self, device, version):
        """It takes the offer and ends with a version."""
        self.says(device, *ON_THE_WAY)
        self.says(device, 11, version=version)

    def fails(self, device):
        """It takes the offer and fails."""
        self.says(device, *ON_THE_WAY, 12)
