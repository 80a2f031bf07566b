"""Which changes in the store can change what Envoy should have. Pure."""

from mesh.resources.core.certificates import AUTHORITY
from mesh.resources.core.endpoint_slice import MANAGED_BY_LABEL, MANAGED_BY_MESH
from mesh.resources.kinds import REGISTRY
from mesh.resources.values.body import Body
from mesh.resources.values.ref import BRANCH, CONFIG_MAP, ENDPOINT_SLICE, NAMESPACE, POD, SERVICE
from mesh.store import Event

WATCHED = frozenset(definition.group_kind for definition in REGISTRY.routing_kinds())


def matters(event: Event) -> bool:
    """Whether the world has to be compiled again.

    Most events are statuses, many of which the programmer writes itself: the status of a rule never matters, of a
    Service's only where it is served as a load balancer. Of a pod everything does, since its status has its address
    and its readiness.
    """
    group_kind = event.object.ref.group_kind
    if group_kind not in WATCHED:
        return False
    if group_kind == ENDPOINT_SLICE:
        labels = event.object.metadata.get("labels") or {}
        # The mesh's own are derived from pods, whose events come first.
        return labels.get(MANAGED_BY_LABEL) != MANAGED_BY_MESH
    if group_kind == CONFIG_MAP and not _has_authority(event):
        return False
    if event.type != "MODIFIED" or event.previous is None or group_kind == POD:
        return True
    old, new = event.previous.body, event.object.body
    if group_kind == BRANCH and _unanswered(old) != _unanswered(new):
        return True
    if group_kind == NAMESPACE:
        return bool(old["metadata"].get("labels") != new["metadata"].get("labels"))
    if group_kind == SERVICE and _balancer(old) != _balancer(new):
        return True
    # `data` is a Secret's or a ConfigMap's.
    return bool(old.get("spec") != new.get("spec") or old.get("data") != new.get("data"))


def _has_authority(event: Event) -> bool:
    """Whether a ConfigMap has certificates that rules can trust, or had them before."""
    bodies = (event.object.body, event.previous.body if event.previous is not None else {})
    return any(AUTHORITY in (body.get("data") or {}) for body in bodies)


def _balancer(service: Body) -> Body:
    """Where a load balancer serves a Service, which its controller writes into the status."""
    return (service.get("status") or {}).get("loadBalancer") or {}


def _unanswered(branch: Body) -> list[str]:
    """What in a branch's status decides where requests go: the developers' processes that do not answer."""
    services = (branch.get("status") or {}).get("services") or []
    return [line["name"] for line in services if line.get("kind") == "url" and not line.get("ready")]
