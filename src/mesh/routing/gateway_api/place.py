"""Where the rows of Gateway API routes are for."""

from collections.abc import Mapping
from dataclasses import dataclass

from mesh.routing.virtual_service.place import Place


@dataclass(frozen=True, slots=True)
class Where:
    """A place with what redirects need: the `scheme` that callers speak, and the `ports` that clients really call for
    those of Gateways."""

    place: Place
    scheme: str
    ports: Mapping[int, int]
