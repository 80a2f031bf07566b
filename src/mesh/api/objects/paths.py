"""The paths of Kubernetes' REST API: what a path names."""

from typing import NamedTuple

from mesh.api.transport.status_errors import Problem
from mesh.resources.kind_definition import KindDefinition
from mesh.resources.kinds import REGISTRY
from mesh.resources.registry import Registry
from mesh.resources.values.ref import POD, Ref

# What is not served of a pod, and what to use instead.
INSTEAD = {
    "proxy": "its address answers at once: curl http://$(kubectl get pod NAME -o jsonpath={.status.podIP}):PORT",
}

WATCH = "watch"
OF_NAMESPACES = ("status", "finalize")


class Target(NamedTuple):
    """A kind at a version; `namespace` "" for all, or cluster-scoped; `name` "" for the collection."""

    definition: KindDefinition
    version: str
    namespace: str
    name: str
    subresource: str

    @property
    def ref(self) -> Ref:
        """The object that the path names, as the store has it."""
        return Ref(*self.definition.stored_kind, self.namespace, self.name)

    @property
    def api_version(self) -> str:
        """As an object's apiVersion."""
        return f"{self.definition.group}/{self.version}" if self.definition.group else self.version


def find(path: str, registry: Registry = REGISTRY) -> Target:
    """Takes `/api/v1/...` or `/apis/GROUP/VERSION/...` apart. Raises Problem (404)."""
    head, *rest = path.strip("/").split("/")
    group = ""
    if head == "apis" and len(rest) > 1:
        group, *rest = rest
    elif head != "api":
        raise unknown(path)
    if len(rest) < 2 or "" in rest:
        raise unknown(path)
    version, *rest = rest
    # The paths of watches before there was `watch=true`.
    watched = rest[0] == WATCH and len(rest) > 1
    rest = rest[1:] if watched else rest
    namespace = ""
    # `namespaces/NAME/...` is an object in a namespace, unless it is a subresource of the namespace itself.
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in OF_NAMESPACES:
        _, namespace, *rest = rest
    definition = registry.by_plural(group, rest[0])
    if definition is None or version not in definition.versions or len(rest) > 3:
        raise unknown(path)
    name, subresource = (*rest[1:], "", "")[:2]
    scoped = bool(namespace) if definition.namespaced else not namespace
    if not scoped and (name or not definition.namespaced):
        raise unknown(path)
    if subresource in INSTEAD and definition.group_kind == POD:
        why = "not served here, where a pod is a process of your own machine"
        raise Problem(501, f"pods/{subresource}: {why}; {INSTEAD[subresource].replace('NAME', name)}")
    if subresource and subresource not in definition.subresources:
        raise Problem(
            404, f'{definition.plural}/{subresource}: {definition.kind} "{name}" has no such subresource in this mesh'
        )
    if watched and subresource:
        raise unknown(path)
    return Target(definition, version, namespace, name, WATCH if watched else subresource)


def unknown(path: str) -> Problem:
    """404 for a path that names nothing."""
    return Problem(404, f"the server could not find the requested resource: {path}")
