"""What people look at: the Studio of the developer, the line station, and the console of the platform, in one server.

Pages call the verbs of the rooms below, or the operator API, and show their events; they hold no rules of their own.

Verb: ``serve``.
"""

from __future__ import annotations

from moduline.web.site import StudioOptions

__all__ = ["StudioOptions"]
