"""What the API server needs from the rest of the daemon."""

from collections.abc import AsyncIterator, Collection, Sequence
from typing import Protocol

from mesh.pods.logs.log_reader import LogOptions
from mesh.resources.values.ref import Ref


class Rejected(Protocol):
    """A part of the configuration that Envoy rejected, and the objects that it was compiled from."""

    @property
    def resource(self) -> str: ...
    @property
    def origins(self) -> Sequence[Ref]: ...
    @property
    def reason(self) -> str: ...


class Acknowledged(Protocol):
    """What Envoy made of a version of the store."""

    @property
    def version(self) -> int: ...
    @property
    def milliseconds(self) -> float: ...
    @property
    def rejected(self) -> Sequence[Rejected]: ...


class Plane(Protocol):
    """The data plane, which the API waits for."""

    async def acknowledged(self, version: int, timeout: float) -> Acknowledged:  # noqa: ASYNC109
        """Waits until Envoy has acknowledged this version of the store. Raises TimeoutError."""
        ...


class Allocator(Protocol):
    """Gives Services their ClusterIP."""

    def service_ip(self, taken: Collection[str]) -> str:
        """An address that is not among `taken`. Raises OSError when none is left."""
        ...

    def __contains__(self, address: str) -> bool:
        """Whether a Service may have this address."""
        ...


class Logs(Protocol):
    """Reads what containers have written."""

    def read(self, namespace: str, pod: str, container: str, options: LogOptions) -> AsyncIterator[bytes]:
        """Yields pieces of a log. Raises LookupError, before the first piece, when there is no such log."""
        ...
