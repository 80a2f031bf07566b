"""The columns of kinds that steer a cluster's own machinery: those of a cluster (pkg/printers/internalversion)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mesh.resources.columns.column import AGE, NAME, NONE, Column, condition_column, spec, status, with_name_and_age
from mesh.resources.columns.inert import selector_text
from mesh.resources.values.durations import human_duration

ADMISSION = "admissionregistration.k8s.io"
CERTIFICATES = "certificates.k8s.io"
STORAGE = "storage.k8s.io"
DEVICES = "resource.k8s.io"
FLOW_CONTROL = "flowcontrol.apiserver.k8s.io"
NETWORKING = "networking.k8s.io"
UNSET = "<unset>"
Json = Mapping[str, Any]


def _field(title: str, name: str, missing: Any = "", type_: str = "string") -> Column:
    """A column with a field of the spec."""
    return Column(title, lambda b: spec(b).get(name, missing), type_)


def _length(title: str, name: str) -> Column:
    return Column(title, lambda b: len(spec(b).get(name) or ()), "integer")


def _flag(title: str, name: str, *, missing: bool = False) -> Column:
    return _field(title, name, missing, "boolean")


def _parameter_kind(body: Json) -> str:
    kind = spec(body).get("paramKind")
    return f"{kind.get('apiVersion', '')}/{kind.get('kind', '')}" if kind else UNSET


def _parameter(body: Json) -> str:
    """The object that a binding passes to its policy. Its kind may be of the whole cluster, so "*" is any namespace."""
    reference = spec(body).get("paramRef") or {}
    if reference.get("name"):
        return f"{reference.get('namespace') or '*'}/{reference['name']}"
    return selector_text(reference["selector"]) if reference.get("selector") else UNSET


def _request_state(body: Json) -> str:
    """What became of a CertificateSigningRequest. A denial counts even where somebody approved."""
    conditions = {condition.get("type") for condition in status(body).get("conditions") or ()}
    decision = "Denied" if "Denied" in conditions else "Approved" if "Approved" in conditions else "Pending"
    failed = ",Failed" if "Failed" in conditions else ""
    return f"{decision}{failed}{',Issued' if status(body).get('certificate') else ''}"


def _requested_duration(body: Json) -> str:
    seconds = spec(body).get("expirationSeconds")
    return NONE if not isinstance(seconds, int) else human_duration(seconds)


def _claim_state(body: Json) -> str:
    deleted = "deletionTimestamp" in body["metadata"]
    states = ["deleted"] if deleted else []
    if status(body).get("allocation"):
        states.append("allocated")
        states += ["reserved"] if status(body).get("reservedFor") else []
    elif not deleted:
        states.append("pending")
    return ",".join(states)


def _audiences(body: Json) -> str:
    requests = spec(body).get("tokenRequests")
    return UNSET if requests is None else ",".join(str(request.get("audience", "")) for request in requests)


def _dangling(body: Json) -> str:
    """Whether the priority level of a FlowSchema is missing; "?" while nobody has looked."""
    conditions = status(body).get("conditions") or ()
    return next((str(c.get("status", "")) for c in conditions if c.get("type") == "Dangling"), "?")


def _limit(name: str) -> Callable[[Json], Any]:
    return lambda b: (spec(b).get("limited") or {}).get(name, NONE)


def _queuing(name: str) -> Callable[[Json], Any]:
    def cell(body: Json) -> Any:
        response = (spec(body).get("limited") or {}).get("limitResponse") or {}
        return (response.get("queuing") or {}).get(name, NONE)

    return cell


def _parent(body: Json) -> str:
    """What an IPAddress belongs to: `services/mesh/web`."""
    parent = spec(body).get("parentRef")
    if not parent:
        return NONE
    group = f".{parent['group']}" if parent.get("group") else ""
    parts = (f"{parent.get('resource', '')}{group}".lower(), parent.get("namespace", ""), parent.get("name", ""))
    return "/".join(part for part in parts if part)


def _migrated(body: Json) -> str:
    resource = spec(body).get("resource") or {}
    return ".".join(part for part in (resource.get("resource", ""), resource.get("group", "")) if part)


def _migration_state(body: Json) -> str:
    conditions = status(body).get("conditions") or ()
    true = [str(condition["type"]) for condition in conditions if condition.get("status") == "True"]
    return next((state for state in reversed(true) if state in ("Running", "Failed", "Succeeded")), "Unknown")


def _service(body: Json) -> str:
    service = spec(body).get("service")
    return f"{service.get('namespace', '')}/{service.get('name', '')}" if service else "Local"


_POLICY_BINDING = with_name_and_age(_field("PolicyName", "policyName"), Column("ParamRef", _parameter))
_PARAM_KIND = Column("ParamKind", _parameter_kind)

COLUMNS: Mapping[tuple[str, str], Sequence[Column]] = {
    (ADMISSION, "ValidatingAdmissionPolicy"): with_name_and_age(_length("Validations", "validations"), _PARAM_KIND),
    (ADMISSION, "ValidatingAdmissionPolicyBinding"): _POLICY_BINDING,
    (ADMISSION, "MutatingAdmissionPolicy"): with_name_and_age(_length("Mutations", "mutations"), _PARAM_KIND),
    (ADMISSION, "MutatingAdmissionPolicyBinding"): _POLICY_BINDING,
    ("apiregistration.k8s.io", "APIService"): with_name_and_age(
        Column("Service", _service), condition_column("Available")
    ),
    (CERTIFICATES, "CertificateSigningRequest"): (
        NAME,
        AGE,
        _field("SignerName", "signerName", NONE),
        _field("Requestor", "username"),
        Column("RequestedDuration", _requested_duration),
        Column("Condition", _request_state),
    ),
    (CERTIFICATES, "ClusterTrustBundle"): (NAME, _field("SignerName", "signerName", NONE)),
    (FLOW_CONTROL, "FlowSchema"): (
        NAME,
        Column("PriorityLevel", lambda b: (spec(b).get("priorityLevelConfiguration") or {}).get("name", "")),
        Column("MatchingPrecedence", lambda b: str(spec(b).get("matchingPrecedence", 0))),
        Column("DistinguisherMethod", lambda b: (spec(b).get("distinguisherMethod") or {}).get("type", NONE)),
        AGE,
        Column("MissingPL", _dangling),
    ),
    (FLOW_CONTROL, "PriorityLevelConfiguration"): with_name_and_age(
        _field("Type", "type"),
        Column("NominalConcurrencyShares", _limit("nominalConcurrencyShares")),
        Column("Queues", _queuing("queues")),
        Column("HandSize", _queuing("handSize")),
        Column("QueueLengthLimit", _queuing("queueLengthLimit")),
    ),
    ("node.k8s.io", "RuntimeClass"): with_name_and_age(Column("Handler", lambda b: b.get("handler", ""))),
    (STORAGE, "CSIDriver"): with_name_and_age(
        _flag("AttachRequired", "attachRequired", missing=True),
        _flag("PodInfoOnMount", "podInfoOnMount"),
        _flag("StorageCapacity", "storageCapacity"),
        Column("TokenRequests", _audiences),
        _flag("RequiresRepublish", "requiresRepublish"),
        Column("Modes", lambda b: ",".join(spec(b).get("volumeLifecycleModes") or ()) or NONE),
    ),
    (STORAGE, "CSINode"): with_name_and_age(_length("Drivers", "drivers")),
    (STORAGE, "CSIStorageCapacity"): (
        NAME,
        Column("StorageClassName", lambda b: b.get("storageClassName", "")),
        Column("Capacity", lambda b: b.get("capacity", UNSET)),
    ),
    (STORAGE, "VolumeAttachment"): with_name_and_age(
        _field("Attacher", "attacher"),
        Column("PV", lambda b: (spec(b).get("source") or {}).get("persistentVolumeName", "")),
        _field("Node", "nodeName"),
        Column("Attached", lambda b: bool(status(b).get("attached")), "boolean"),
    ),
    (STORAGE, "VolumeAttributesClass"): with_name_and_age(Column("DriverName", lambda b: b.get("driverName", ""))),
    ("storagemigration.k8s.io", "StorageVersionMigration"): (
        NAME,
        Column("Resource", _migrated),
        Column("Status", _migration_state),
    ),
    (DEVICES, "ResourceClaim"): with_name_and_age(Column("State", _claim_state)),
    (DEVICES, "ResourceSlice"): with_name_and_age(
        _field("Node", "nodeName"),
        _field("Driver", "driver"),
        Column("Pool", lambda b: (spec(b).get("pool") or {}).get("name", "")),
    ),
    (NETWORKING, "ServiceCIDR"): with_name_and_age(Column("CIDRs", lambda b: ",".join(spec(b).get("cidrs") or ()))),
    (NETWORKING, "IPAddress"): with_name_and_age(Column("ParentRef", _parent)),
}
"""By group and kind; kinds that are not here show their name and age."""
