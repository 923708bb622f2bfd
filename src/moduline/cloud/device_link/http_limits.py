"""Limits of the devices' HTTP port."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What one peer may take.

    Attributes:
        connections: in all; more are closed at once.
        per_address: of one IP address. Many devices share the address of their network operator.
        header_s: from the connection to the end of the first request's head; slower peers are cut off.
        idle_s: between two requests of a connection.
        body_s: for the body of a request.
        body_bytes: of a request at most.
        line_bytes: of the request line, and of one header.
        downloads_per_device: at the same time; more are answered 429.
        downloads_per_address: likewise.
        requests_per_s: of one device in the long run; more are answered 429. Downloads in many ranges count, too.
        burst_requests: of one device at once.
        strangers_per_s: requests with a wrong token, of one address that is not this machine's, in the long run; then
            tokens that were never right are answered 429 without a look.
        burst_strangers: of them at once.
        slice_s: time for a part of a download at least, 64 KiB to 4 MiB.
        least_bytes_per_s: slower than that over a part, and a peer is cut off.
    """

    connections: int = 10_000
    per_address: int = 5_000
    header_s: float = 20.0
    idle_s: float = 75.0
    body_s: float = 20.0
    body_bytes: int = 64 * 1024
    line_bytes: int = 4096
    downloads_per_device: int = 4
    downloads_per_address: int = 2_000
    requests_per_s: float = 20.0
    burst_requests: int = 400
    strangers_per_s: float = 2.0
    burst_strangers: int = 200
    slice_s: float = 60.0
    least_bytes_per_s: float = 4096.0
