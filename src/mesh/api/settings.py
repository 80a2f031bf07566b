"""Settings of the API server."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """`port` 0 means any free port; NodePorts listen at `node_address`; `namespace` is for objects that name none.

    Sizes are bytes, times seconds.
    """

    home: Path
    host: str = "127.0.0.1"
    port: int = 0
    node_address: str = "127.0.0.1"
    node_name: str = "localhost"
    node_ports: range = range(30000, 32768)
    namespace: str = "default"
    largest_body: int = 3 << 20
    largest_head: int = 64 << 10
    body_limit: float = 30.0
    most_connections: int = 512
    watch_limit: float = 1800.0
    bookmark_every: float = 60.0
