"""What the API server is told, and what it needs of the rooms below."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from mesh.resources.values.ref import Ref


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """`port` 0 takes any free one. NodePorts listen at `node_address`. Sizes are bytes, times seconds."""

    home: Path
    host: str = "127.0.0.1"
    port: int = 0
    node_address: str = "127.0.0.1"
    node_name: str = "localhost"
    node_ports: range = range(30000, 32768)
    namespace: str = "mesh"
    largest_body: int = 3 << 20
    largest_head: int = 64 << 10
    body_limit: float = 30.0
    most_connections: int = 512
    watch_limit: float = 1800.0
    bookmark_every: float = 60.0


class Rejected(Protocol):
    """A part of the configuration that Envoy refused, and the objects that it was made of."""

    @property
    def resource(self) -> str: ...
    @property
    def origins(self) -> Sequence[Ref]: ...
    @property
    def reason(self) -> str: ...


class Acknowledged(Protocol):
    """What became of a version of the store at Envoy."""

    @property
    def version(self) -> int: ...
    @property
    def milliseconds(self) -> float: ...
    @property
    def rejected(self) -> Sequence[Rejected]: ...


class Plane(Protocol):
    """The data plane, as far as the API waits for it."""

    async def acknowledged(self, version: int, timeout: float) -> Acknowledged:  # noqa: ASYNC109
        """Waits until Envoy has answered for this version of the store. Raises TimeoutError."""
        ...


class Allocator(Protocol):
    """Gives Services their ClusterIP."""

    def service_ip(self, taken: Collection[str]) -> str:
        """An address that is not among `taken`. Raises OSError when none is left."""
        ...


class Logs(Protocol):
    """Reads what containers have written."""

    def read(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        follow: bool = False,
        previous: bool = False,
        tail_lines: int | None = None,
        since_seconds: float | None = None,
        since_time: datetime | None = None,
        timestamps: bool = False,
        limit_bytes: int | None = None,
    ) -> AsyncIterator[bytes]:
        """Pieces of the log. Raises LookupError, before the first piece, when there is none."""
        ...
