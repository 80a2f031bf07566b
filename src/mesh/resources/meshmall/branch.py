"""Branch (meshmall.dev): one's own view of the running system: what changes, and whose requests see it.

A request that enters a branch meets, at every hop, whatever the branch substitutes for a service, and the baseline
everywhere else. The kind is specific to this project; parts that come from Kubernetes keep Kubernetes' names.
"""

from collections.abc import Mapping

from msgspec import field

from mesh.resources.core.pod import EnvVar, PodSpec
from mesh.resources.core.service import ServicePort
from mesh.resources.istio.virtual_service import HTTPFaultInjection
from mesh.resources.values.meta import Condition, ObjectMeta, Part, Resource

GROUP = "meshmall.dev"
# On the pods of a branch: which branch they belong to, and which service they replace.
BRANCH_LABEL = f"{GROUP}/branch"
SERVICE_LABEL = f"{GROUP}/service"
# The git branch that a Branch was made from.
GIT_ANNOTATION = f"{GROUP}/git-branch"
# On a fork's pods: the container whose working folder the fork names, and the folder that it has in the baseline.
CODE_CONTAINER = f"{GROUP}/code-container"
CODE_REPLACES = f"{GROUP}/code-replaces"
# How a branch travels: in this member of W3C baggage, and for speed in this header.
BAGGAGE_MEMBER = "branch"
HEADER = "x-branch"
PREVIEW_DOMAIN = "localhost"
# The order in which the entries of a request are tried; the first that leads into a branch decides. What somebody
# chose for one page (its address, its query) comes before what a browser sends with every request (a cookie).
ENTRY_ORDER = ("host", "query", "header", "baggage", "cookie")
DEFAULT_EXPIRES = "48h"
# How many branches can be told apart by colour and shape.
COLORS = 12
LONGEST_NAME = 40
# Where a store's data can come from, besides a snapshot.
BASELINE, EMPTY = "baseline", "empty"
# On a workload: the commands that a branch's data runs unless the branch says others, as JSON or as a shell's line.
DATA_BEFORE, DATA_AFTER = f"{GROUP}/data-before", f"{GROUP}/data-after"
# On a branch: changes when its data is to be made anew.
DATA_RESET = f"{GROUP}/data-reset"
# On the pods of a store: the host name of the pod that it copies, without its ordinal. Some programs (RabbitMQ) find
# their data by it.
HOSTNAME_ANNOTATION = f"{GROUP}/hostname"
DEFAULT_FREEZE_LIMIT = "2s"


class NameValue(Part, frozen=True):
    """A cookie, header, query parameter or baggage member that has exactly this value."""

    name: str
    value: str


class BranchEntry(Part, frozen=True):
    """How requests enter the branch; exactly one field is set. `host` is compared without its port."""

    cookie: NameValue | None = None
    header: NameValue | None = None
    query: NameValue | None = None
    baggage: NameValue | None = None
    host: str = ""


class Fork(Part, frozen=True):
    """The baseline's Deployment with these differences; it follows the baseline when that changes.

    `deployment` names it where a service has several, `container` where a pod has several (default: the first).
    A variable of `env` replaces the baseline's of that name. `command` without `args` drops the baseline's `args`.
    `working_dir` is a folder of this machine with the fork's code (see `mesh.pods.code_folder`). `interactive` gives
    the container a terminal for its developer: nothing restarts a program because it stands at a breakpoint.
    """

    deployment: str = ""
    container: str = ""
    env: list[EnvVar] = []
    image: str = ""
    command: list[str] = []
    args: list[str] = []
    working_dir: str = ""
    replicas: int = 1
    interactive: bool = False


class BranchTemplate(Part, frozen=True):
    """A service that only the branch has. Without `ports` it is called at its containers' ports."""

    spec: PodSpec
    metadata: ObjectMeta = field(default_factory=ObjectMeta)
    replicas: int = 1
    ports: list[ServicePort] = []


class BranchService(Part, frozen=True):
    """What replaces a service; exactly one field is set.

    `version` is a subset of the service's DestinationRule, or the label `version` of its pods. `url` is a process
    that the developer runs, such as `http://127.0.0.1:9000`.
    """

    fork: Fork | None = None
    version: str = ""
    template: BranchTemplate | None = None
    url: str = ""

    @property
    def kind(self) -> str:
        """Which of the four it is."""
        if self.fork is not None:
            return "fork"
        if self.template is not None:
            return "template"
        return "version" if self.version else "url"


class BranchData(Part, frozen=True):
    """A store of the branch's own: the workload behind a Service, started on a copy of its volumes.

    `workload` is `Kind/name` or a name, for pods that several workloads' Services select; `services` are other Services
    of the same pods. `source` ("from") is "baseline", "empty" or the name of a snapshot. `volumes` names what is copied
    (default: the claims; without any, the emptyDirs). `clients` are Services or Deployments that are forked unchanged,
    because they talk to the store. `before` runs in each pod of the baseline that is copied, before it is frozen,
    `after` in each pod of the branch's store before any client starts; None means what the workload's annotations say.
    `freeze_limit` is a duration. With `url` ("HOST:PORT") nothing is copied: the store is a server of the developer's.
    """

    workload: str = ""
    services: list[str] = []
    source: str = field(name="from", default=BASELINE)
    volumes: list[str] = []
    clients: list[str] = []
    before: list[str] | None = None
    after: list[str] | None = None
    freeze_limit: str = DEFAULT_FREEZE_LIMIT
    url: str = ""


class BranchSpec(Part, frozen=True):
    """`includes`: other branches whose changes are visible too; a later one overrides an earlier one, and the branch's
    own services override all. `faults`: delays and failures of the branch's calls to a service, by its name, whether
    the branch changes the service or not. `fallback`: what answers for a service that is not ready, "fail" (503) or
    "baseline". `expires` is a duration since creation ("48h") or a time (RFC 3339).
    """

    enter: list[BranchEntry] = []
    services: dict[str, BranchService] = {}
    data: dict[str, BranchData] = {}
    includes: list[str] = []
    faults: dict[str, HTTPFaultInjection] = {}
    fallback: str = "fail"
    expires: str = ""


class BranchServiceStatus(Part, frozen=True):
    """`answers`: what serves the requests; `from_branch`: the included branch that changes the service, if any."""

    name: str
    kind: str = ""
    answers: str = ""
    ready: bool = False
    message: str = ""
    from_branch: str = field(name="fromBranch", default="")


class BranchDataStatus(Part, frozen=True):
    """`phase` is Waiting, Copying, Starting, Ready or Failed. `frozen_milliseconds` is how long the baseline's pods
    stood still; `bytes` is the size of the copy, of which `shared` says whether the file system shares its blocks.
    `reset` is the branch's annotation of this name that the rest is about.
    """

    name: str
    phase: str = ""
    workload: str = ""
    source: str = field(name="from", default=BASELINE)
    message: str = ""
    bytes: int = 0
    copied: int = 0
    shared: bool = False
    frozen_milliseconds: int = 0
    copied_at: str = ""
    reset: str = ""


class BranchStatus(Part, frozen=True):
    """`phase` is Pending, Ready, Degraded or Expired. `url` is the preview address. Times are RFC 3339.

    `color` (0 to 11) is the colour and shape by which pages show the branch; it never changes.
    """

    phase: str = ""
    conditions: list[Condition] = []
    url: str = ""
    color: int | None = None
    expires_at: str = ""
    last_used: str = ""
    services: list[BranchServiceStatus] = []
    data: list[BranchDataStatus] = []
    overlaps: list[str] = []
    observed_generation: int = 0


class Branch(Resource, frozen=True):
    """Your own view of the running system: what it changes, and whose requests see it.

    A request that enters the branch meets, at every hop, whatever the branch substitutes for a service, and the
    baseline everywhere else.
    """

    spec: BranchSpec = field(default_factory=BranchSpec)
    status: BranchStatus = field(default_factory=BranchStatus)


UNCHANGED = BranchService(fork=Fork())


def own_changes(branch: Branch) -> dict[str, BranchService]:
    """Each service that the branch itself changes: those of spec.services, its stores, and its stores' clients.

    A client may be a Deployment without a Service, which nobody calls.
    """
    spec = branch.spec
    changes: dict[str, BranchService] = {}
    for name, store in spec.data.items():
        own = BranchService(url=f"http://{store.url}") if store.url else UNCHANGED
        changes |= dict.fromkeys((name, *store.services), own) | dict.fromkeys(store.clients, UNCHANGED)
    return {**changes, **spec.services} if changes else spec.services


def store_of(branch: Branch, service: str) -> str:
    """The store of a branch that a Service leads to: the service itself, but for another Service of the same pods."""
    return next((name for name, store in branch.spec.data.items() if service in store.services), service)


def deployment_name(service: str, branch: str) -> str:
    """The name of the Deployment that runs a branch's fork or template; cut to a label's 63 characters."""
    return f"{service}-{branch}"[:63].rstrip("-")


def branch_of(labels: Mapping[str, str]) -> str:
    """The branch that a pod was created for, by its labels; "" for the baseline's.

    A pod of a branch belongs to no Service, whatever the Service selects: it carries the labels of the pod that it
    was forked from, and would get the baseline's requests. It is reached by way of its branch only.
    """
    return labels.get(BRANCH_LABEL, "")


def preview_host(name: str) -> str:
    """The host by which a browser enters a branch without a cookie or an extension."""
    return f"{name}.{PREVIEW_DOMAIN}"


def entry_keys(branch: Branch) -> dict[str, str]:
    """Every entry of a branch as a key that no two branches may share, with the path of its field.

    The entries that its name implies come last.
    """
    keys: dict[str, str] = {}
    for number, entry in enumerate(branch.spec.enter):
        at = f"spec.enter[{number}]"
        for kind in ENTRY_ORDER:
            value: NameValue | str | None = getattr(entry, kind)
            if isinstance(value, NameValue):
                name = value.name.lower() if kind == "header" else value.name
                keys.setdefault(f"{kind}:{name}={value.value}", f"{at}.{kind}")
            elif value:
                keys.setdefault(f"{kind}:{value.lower()}", f"{at}.{kind}")
    for key in implied_keys(branch.metadata.name):
        keys.setdefault(key, "metadata.name")
    return keys


def implied_keys(name: str) -> tuple[str, str]:
    """The entries that the name of a branch implies: the baggage member, and the preview host."""
    return f"baggage:{BAGGAGE_MEMBER}={name}", f"host:{preview_host(name)}"
