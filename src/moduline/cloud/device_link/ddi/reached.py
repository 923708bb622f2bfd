"""What links of the DDI begin with: the platform's name, and the scheme and port that the client came by.

::

    no public URL            the scheme it came by, and what it called us
    public URL of https      that
    public URL of http       came by HTTP:  that
                             came by HTTPS: https, its name, and the port that the client called

So nobody who came with TLS is sent away from it. Where a proxy ended TLS and hid the name that was called, the port is
the usual one of HTTPS; another one is for a public URL of https to say.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

HTTPS_PORT: Final = 443


def reached(request: web.BaseRequest, public_url: str) -> str:
    """What links in the answer to a request begin with; no ``/`` at the end.

    Args:
        request: of the client; its scheme is that of a trusted proxy, if one passed it on.
        public_url: of the platform, without a ``/`` at its end; "": none was set.
    """
    called = request.headers.get("Host") or ""
    if not public_url:
        return f"{request.scheme}://{called or _own_name(request)}"
    if request.scheme != "https" or public_url.startswith("https://"):
        return public_url
    name = urlsplit(public_url).hostname or ""
    port = _port_called(called, name) or _tls_port(request) or HTTPS_PORT
    shown = f"[{name}]" if ":" in name else name
    return f"https://{shown}" if port == HTTPS_PORT else f"https://{shown}:{port}"


def _port_called(called: str, name: str) -> int | None:
    """The port of a ``Host`` that names us; None: it names somebody else, or nothing that can be meant."""
    try:
        found = urlsplit(f"//{called}")
        port = found.port or HTTPS_PORT
    except ValueError:
        return None
    return port if found.hostname == name else None


def _tls_port(request: web.BaseRequest) -> int | None:
    """The port here that the client came in by; None: TLS was ended by a proxy."""
    if request.transport is None or request.transport.get_extra_info("sslcontext") is None:
        return None
    port: int = request.transport.get_extra_info("sockname")[1]
    return port


def _own_name(request: web.BaseRequest) -> str:
    """Where a client that does not say whom it called has reached us; HTTP/1.0 needs no ``Host``."""
    found = None if request.transport is None else request.transport.get_extra_info("sockname")
    name, port = found[:2] if found else ("localhost", 80)
    return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
