"""One request through the whole mesh: its hops as a tree, with who called and who answered."""

from collections.abc import Sequence
from typing import Any

from mesh.observe.hops import Hop
from mesh.observe.workloads import Addresses, Workload

# Clocks of one machine, read at different moments: a call may seem to begin this much before its cause.
SLACK = 0.002


def describe(hops: Sequence[Hop], addresses: Addresses) -> list[dict[str, Any]]:
    """Each hop as JSON, by its start: `parent` is the number of the hop whose answering pod made the call, or None."""
    ordered = sorted(hops, key=lambda hop: hop.start)
    found = []
    for hop in ordered:
        source, destination = addresses.source(hop), addresses.destination(hop)
        found.append(
            {
                "parent": _parent(ordered, hop, source, addresses),
                "source": source.owner if source is not None else "",
                "destination": _told(destination),
                "method": hop.method,
                "url": f"http://{hop.authority}{hop.path}",
                "status": hop.status,
                "flags": hop.flags,
                "start": hop.start,
                "milliseconds": round(hop.duration * 1000, 3),
                "branch": hop.branch,
                "route": hop.route,
                "cluster": hop.cluster,
                "requestId": hop.request_id,
            }
        )
    return found


def _parent(ordered: Sequence[Hop], hop: Hop, source: Workload | None, addresses: Addresses) -> int | None:
    """The latest hop that went into the calling pod and was still open."""
    if source is None:
        return None
    best = None
    for number, each in enumerate(ordered):
        into = addresses.destination(each)
        called = each is not hop and into is not None and into.pod == source.pod
        if called and each.start <= hop.start + SLACK and each.end >= hop.start - SLACK:
            best = number
    return best


def _told(workload: Workload | None) -> dict[str, str]:
    if workload is None:
        return {}
    return {
        "service": workload.service,
        "workload": workload.owner,
        "pod": workload.pod,
        "version": workload.version,
        "branch": workload.branch,
    }
