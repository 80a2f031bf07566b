"""What became of a store version at Envoy, as the API reports it."""

from dataclasses import dataclass

from mesh.resources.values.ref import Ref


@dataclass(frozen=True, slots=True)
class Rejected:
    """What Envoy refused: the resource, the objects that it was made of and that changed, and Envoy's reason."""

    resource: str
    origins: tuple[Ref, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Envoy has what the store had at `version`, except for what it rejected. `milliseconds` is how long that took."""

    version: int
    milliseconds: float
    rejected: tuple[Rejected, ...]
