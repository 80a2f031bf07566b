"""How requests, errors and durations developed over the last five minutes, for the console's small curves."""

from collections.abc import Mapping
from typing import Any

from mesh.observe.topology import SLICE, SLICES, Calls, Tally


def series(calls: Calls, service: str = "", branch: str = "") -> dict[str, Any]:
    """The calls to one `service` by workload, or with "" those to every service.

    Every list has a value per slice, the oldest first: `requests` and `errors` count, `p50` and `p99` are in
    milliseconds and None in a slice without requests. `branch` "" counts all requests, otherwise those of that branch.
    """
    last, slices = calls.slices()
    tallies: dict[str, dict[int, Tally]] = {}
    for number, edges in slices.items():
        for edge, tally in edges.items():
            if (not service or edge.target == service) and (not branch or edge.requested == branch):
                key = edge.target_workload if service else edge.target
                tallies.setdefault(key, {}).setdefault(number, Tally()).add(tally)
    return {
        "step": SLICE,
        "end": (last + 1) * SLICE,
        "items": [{"name": name, **_lists(tallies[name], last)} for name in sorted(tallies)],
    }


def _lists(tallies: Mapping[int, Tally], last: int) -> dict[str, Any]:
    empty = Tally()
    in_order = [tallies.get(number, empty) for number in range(last - SLICES + 1, last + 1)]
    return {
        "requests": [tally.requests for tally in in_order],
        "errors": [tally.errors for tally in in_order],
        "p50": [tally.quantile(0.5) for tally in in_order],
        "p99": [tally.quantile(0.99) for tally in in_order],
    }
