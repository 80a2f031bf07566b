"""AuthorizationPolicy (Istio security.istio.io).

The values of a list are alternatives; the fields of a source or operation must all match. A value is a word,
`word*`, `*word`, or `*` for any value that is present.
"""

from typing import Any

from msgspec import field

from mesh.resources.istio.common import IstioStatus
from mesh.resources.values.meta import Part, Resource


class WorkloadSelector(Part, frozen=True):
    match_labels: dict[str, str] = {}


class Source(Part, frozen=True):
    principals: list[str] = []
    not_principals: list[str] = []
    request_principals: list[str] = []
    not_request_principals: list[str] = []
    namespaces: list[str] = []
    not_namespaces: list[str] = []
    service_accounts: list[str] = []
    not_service_accounts: list[str] = []
    trust_domains: list[str] = []
    not_trust_domains: list[str] = []
    ip_blocks: list[str] = []
    not_ip_blocks: list[str] = []
    remote_ip_blocks: list[str] = []
    not_remote_ip_blocks: list[str] = []


class From(Part, frozen=True):
    source: Source = field(default_factory=Source)


class Operation(Part, frozen=True):
    hosts: list[str] = []
    not_hosts: list[str] = []
    ports: list[str] = []
    not_ports: list[str] = []
    methods: list[str] = []
    not_methods: list[str] = []
    paths: list[str] = []
    not_paths: list[str] = []


class To(Part, frozen=True):
    operation: Operation = field(default_factory=Operation)


class When(Part, frozen=True):
    """`key` is an attribute: `request.headers[x]`, `source.namespace`, `source.principal`, `source.ip`, ..."""

    key: str
    values: list[str] = []
    not_values: list[str] = []


class Rule(Part, frozen=True, rename={"from_": "from"}):
    from_: list[From] = []
    to: list[To] = []
    when: list[When] = []


class AuthorizationPolicySpec(Part, frozen=True):
    """No rules: an ALLOW policy allows nothing, a DENY policy denies nothing. One empty rule matches everything."""

    selector: WorkloadSelector | None = None
    target_ref: dict[str, Any] | None = None
    target_refs: list[dict[str, Any]] = []
    rules: list[Rule] = []
    action: str = "ALLOW"
    provider: dict[str, Any] | None = None


class AuthorizationPolicy(Resource, frozen=True):
    spec: AuthorizationPolicySpec = field(default_factory=AuthorizationPolicySpec)
    status: IstioStatus = field(default_factory=IstioStatus)
