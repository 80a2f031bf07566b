"""Route tables: hosts with their rows, what branches override there, and the ways into branches."""

from dataclasses import dataclass

from mesh.resources.values.ref import Ref
from mesh.routing.model.route import Fault, Route


@dataclass(frozen=True, slots=True)
class BranchOverride:
    """What one branch does at a host: its requests take the host's rows to other clusters (`swap`: from, to).

    A cluster that is swapped for "" is not ready: such rows answer 503 with `refusal`. A swap from "" stands for
    the whole host, which is the branch's alone. `faults` are those of the rows that go to a cluster, "" for all.
    """

    branch: str
    swap: tuple[tuple[str, str], ...]
    refusal: str = ""
    faults: tuple[tuple[str, Fault], ...] = ()


@dataclass(frozen=True, slots=True)
class VirtualHost:
    """`domains` are Envoy's: exact, `*.suffix`, or `*`; with and without the port.

    `overrides` are looked up by the request's branch; a request without one, or of one that does not exist, takes
    `routes`. `by_destination` is for the host that takes what no other does: a captured request that was going to one
    of these places ("address:port") is routed as if it named that host.
    """

    name: str
    domains: tuple[str, ...]
    routes: tuple[Route, ...]
    origins: tuple[Ref, ...] = ()
    overrides: tuple[BranchOverride, ...] = ()
    by_destination: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A way into a branch: `key` as `cookie:user=fox`; `label` is what the answer's `x-branch` says, and behind a tab
    its `x-branch-color`, if the branch has one.
    """

    key: str
    branch: str
    label: str


@dataclass(frozen=True, slots=True)
class Entries:
    """All ways into all branches, tried where requests come in from outside."""

    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Marks:
    """Every branch with its tag, by which it is recognised in the ids that programs forward."""

    tags: tuple[tuple[str, str], ...] = ()


NO_MARKS = Marks()
# Where Envoy's script notes of a request in which branch it is, for the access log.
BRANCH_METADATA = "mesh.branches"


@dataclass(frozen=True, slots=True)
class RouteTable:
    """How one group of listeners routes HTTP; all pods of a namespace share a table.

    `entries` is set where requests come in from outside. `tunnels`: clients of the table's listeners may open tunnels
    with CONNECT, which lead back to the listener that they asked. `marks` are those of all branches: of a request in
    none of them, every listener removes whatever claims a branch. `ignores_ports`: hosts are found by the request's
    authority without its port.
    """

    name: str
    hosts: tuple[VirtualHost, ...]
    entries: Entries | None = None
    tunnels: bool = False
    marks: Marks = NO_MARKS
    ignores_ports: bool = False
