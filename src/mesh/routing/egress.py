"""Sidecars to what the pods of a namespace can call (Istio's egress hosts and outboundTrafficPolicy). Pure."""

from collections.abc import Callable, Iterable, Sequence

from mesh.resources.istio.ingress_gateway import ROOT_NAMESPACE
from mesh.resources.istio.sidecar import ALLOW_ANY, Sidecar
from mesh.resources.values.hosts import covers


class Egress:
    """The hosts that each namespace sees: by its own Sidecar, or that of Istio's root namespace; all without one.

    `any_host` is the mesh's own setting: whether hosts that it does not know are called. A Sidecar for some pods counts
    for none: the table of a namespace is that of all of its pods.
    """

    def __init__(self, sidecars: Iterable[Sidecar], *, any_host: bool = False) -> None:
        self._by_namespace: dict[str, Sequence[tuple[str, str]]] = {}
        self._any_host = any_host
        self._policies: dict[str, bool] = {}
        for sidecar in sidecars:
            if sidecar.is_for_some_pods:
                continue
            policy = sidecar.spec.outbound_traffic_policy
            if policy is not None:
                self._policies.setdefault(sidecar.metadata.namespace, policy.mode == ALLOW_ANY)
            hosts = [host.partition("/") for listener in sidecar.spec.egress for host in listener.hosts]
            pairs = [(namespace, host.lower()) for namespace, _, host in hosts]
            if pairs:
                # Of several the oldest counts, as with Istio.
                self._by_namespace.setdefault(sidecar.metadata.namespace, pairs)

    def calls_any_host(self, namespace: str) -> bool:
        """Whether a namespace's pods can call hosts that the mesh does not know."""
        return self._policies.get(namespace, self._policies.get(ROOT_NAMESPACE, self._any_host))

    def sees(self, namespace: str, host: str, owner: str) -> bool:
        """Whether a namespace's pods can call a host that namespace `owner` declares."""
        return self._lets_in(namespace, owner, lambda pattern: covers(pattern, host))

    def imports(self, namespace: str, host: str, owner: str) -> bool:
        """Whether rules of namespace `owner` for a host, which may be a wildcard, are let in: it overlaps with one."""
        return self._lets_in(namespace, owner, lambda pattern: covers(pattern, host) or covers(host, pattern))

    def _lets_in(self, namespace: str, owner: str, fits: Callable[[str], bool]) -> bool:
        patterns = self._by_namespace.get(namespace, self._by_namespace.get(ROOT_NAMESPACE))
        if patterns is None:
            return True
        return any(
            scope in ("*", owner) or (scope == "." and owner == namespace)
            for scope, pattern in patterns
            if fits(pattern)
        )
