"""A host's rows as a branch has them: the same matches and features, to other destinations."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from mesh.routing.model.match import Match
from mesh.routing.model.route import Fault, Forward, HeaderChange, HeaderChanges, Respond, Route, WeightedCluster
from mesh.routing.model.table import BranchOverride

PROBLEM = HeaderChanges(response=HeaderChange(set=(("content-type", "application/problem+json"),)))


def overridden(routes: Sequence[Route], override: BranchOverride) -> tuple[Route, ...]:
    """The rows of a host for a branch's requests; of a host that is the branch's own, one row for all of them."""
    swap = dict(override.swap)
    if "" in swap:
        action = Forward((WeightedCluster(swap[""]),)) if swap[""] else Respond(503, override.refusal)
        row = _marked(Route("branch", Match(), action), override.branch, refused=not swap[""])
        return (_with_fault(row, dict(override.faults).get("")),)
    faults = dict(override.faults)
    return tuple(_faulty(route, _overridden(route, swap, override), faults, override.branch) for route in routes)


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


def _faulty(route: Route, row: Route, faults: Mapping[str, Fault], branch: str) -> Route:
    """`row`, which the branch has in place of `route`, with the fault of the service that `route` goes to."""
    if not faults or not isinstance(route.action, Forward):
        return row
    fault = next(
        (faults[destination.cluster] for destination in route.action.to if destination.cluster in faults), None
    )
    if fault is None:
        return row
    # The cluster may be the baseline's: then the row has not been marked as the branch's yet.
    return _with_fault(row if row is not route else _marked(route, branch, refused=False), fault)


def _with_fault(row: Route, fault: Fault | None) -> Route:
    """A row with a fault: of the row's own fault stays what the other one does not say."""
    if fault is None or not isinstance(row.action, Forward):
        return row
    own = row.fault or Fault()
    if fault.delay is None:
        fault = replace(fault, delay=own.delay, delay_percent=own.delay_percent)
    if fault.abort_status is None and fault.abort_grpc is None:
        fault = replace(
            fault, abort_status=own.abort_status, abort_grpc=own.abort_grpc, abort_percent=own.abort_percent
        )
    return replace(row, fault=fault)


def _marked(route: Route, branch: str, *, refused: bool) -> Route:
    return replace(route, name=f"{route.name}@{branch}", headers=PROBLEM if refused else route.headers)
