"""A host's rows as a branch has them: the same matches and features, to other destinations."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mesh.routing.model.match import Match
from mesh.routing.model.route import Forward, HeaderChange, HeaderChanges, Respond, Route, WeightedCluster
from mesh.routing.model.table import BranchOverride

PROBLEM = HeaderChanges(response=HeaderChange(set=(("content-type", "application/problem+json"),)))


def overridden(routes: Sequence[Route], override: BranchOverride) -> tuple[Route, ...]:
    """The rows of a host for a branch's requests; of a host that is the branch's own, one row for all of them."""
    swap = dict(override.swap)
    if "" in swap:
        action = Forward((WeightedCluster(swap[""]),)) if swap[""] else Respond(503, override.refusal)
        return (_marked(Route("branch", Match(), action), override.branch, refused=not swap[""]),)
    return tuple(_overridden(route, swap, override) for route in routes)


def _overridden(route: Route, swap: Mapping[str, str], override: BranchOverride) -> Route:
    action = route.action
    if not isinstance(action, Forward) or not any(destination.cluster in swap for destination in action.to):
        return route
    # Several destinations may become one (both subsets are replaced by the fork): their weights add up.
    weights: dict[tuple[str, HeaderChanges], int] = defaultdict(int)
    for destination in action.to:
        cluster = swap.get(destination.cluster, destination.cluster)
        weights[cluster, destination.headers] += destination.weight
    if any(not cluster for cluster, _ in weights):
        return _marked(replace(route, action=Respond(503, override.refusal)), override.branch, refused=True)
    to = tuple(WeightedCluster(cluster, weight, headers) for (cluster, headers), weight in weights.items())
    if len(to) == 1:
        to = (replace(to[0], weight=100),)
    return _marked(replace(route, action=replace(action, to=to)), override.branch, refused=False)


def _marked(route: Route, branch: str, *, refused: bool) -> Route:
    return replace(route, name=f"{route.name}@{branch}", headers=PROBLEM if refused else route.headers)
