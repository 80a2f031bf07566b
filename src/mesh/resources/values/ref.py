"""The identity of an object: what a message, a status or a route's origin names."""

from typing import NamedTuple


class Ref(NamedTuple):
    """Names one object; `group` is "" for Kubernetes' core, `namespace` is "" for cluster-scoped kinds."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"
