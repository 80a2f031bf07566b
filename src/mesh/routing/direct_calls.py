"""Calls to a pod by its IP: they pass, held to the policies of the pod that they reach. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from mesh.routing.context import Context
from mesh.routing.model.match import Match, MatchKind, Pattern
from mesh.routing.model.route import Forward, Route, WeightedCluster
from mesh.routing.model.security import Access, Requirement
from mesh.routing.model.transparent import DIRECT, Refusal
from mesh.routing.network import NamespaceNetwork
from mesh.routing.security.connections import Caller, may_connect
from mesh.routing.world import MeshPod

# A port that no policy names stands for all that none does.
ANY_PORT = 0


class DirectCalls:
    """The pods of a world by what their policies ask: rows for requests, refusals for bytes."""

    def __init__(self, network: NamespaceNetwork, context: Context) -> None:
        self._network = network
        self._groups = _guarded(context) if context.policies or context.tokens else {}

    def rows(self) -> Iterator[Route]:
        """The rows that take requests to pods' IPs, whatever host they name."""
        direct = Forward((WeightedCluster(DIRECT),))
        for (accesses, authentication), addresses in self._groups.items():
            pods = "|".join(re.escape(address) for address in addresses)
            numbers = [port for port, _ in accesses if port != ANY_PORT]
            for port, access in accesses:
                # The last one is for all other ports.
                place = rf"({pods}):{port if port in numbers else '.*'}"
                yield Route(
                    "pod",
                    Match(destination=Pattern(MatchKind.REGEX, place)),
                    direct,
                    access=(access,) if access is not None else (),
                    authentication=authentication,
                    origins=access.origins if access is not None else (),
                )
        yield Route("pod", Match(destination=Pattern(MatchKind.PREFIX, self._network.pod_prefix)), direct)

    def refusals(self, caller: Caller) -> Iterator[Refusal]:
        """The pods that a caller may send no bytes to."""
        for (accesses, _), addresses in self._groups.items():
            permitted = {port: access is None or may_connect(access, caller) for port, access in accesses}
            by_default = permitted.pop(ANY_PORT)
            refused = tuple(port for port, may in permitted.items() if not may)
            if not by_default:
                yield Refusal(tuple(addresses), (), tuple(port for port, may in permitted.items() if may))
            elif refused:
                yield Refusal(tuple(addresses), refused)


Guards = tuple[tuple[tuple[int, Access | None], ...], Requirement]


def _guarded(context: Context) -> Mapping[Guards, Sequence[str]]:
    """The IPs of pods that some policy is for, by what it asks: for each port that policies name, then for the rest."""
    groups: dict[Guards, list[str]] = defaultdict(list)
    ports = (*context.policies.ports, ANY_PORT)
    by_labels: dict[tuple[str, tuple[tuple[str, str], ...]], Guards] = {}
    for pod in sorted(context.world.pods, key=lambda pod: (pod.namespace, pod.name)):
        key = (pod.namespace, tuple(sorted(pod.labels.items())))
        guards = by_labels.get(key)
        if guards is None:
            guards = by_labels[key] = _guards(context, pod, ports)
        if guards[1] or any(access is not None for _, access in guards[0]):
            groups[guards].append(pod.ip)
    return groups


def _guards(context: Context, pod: MeshPod, ports: Sequence[int]) -> Guards:
    of_port = partial(context.policies.of, pod.namespace, [pod.labels])
    accesses = [(port, of_port({port})) for port in ports]
    rest = accesses[-1]
    # A port that its policies do not single out has what all have.
    distinct = (*(pair for pair in accesses[:-1] if pair[1] != rest[1]), rest)
    return distinct, context.tokens.of(pod.namespace, [pod.labels])
