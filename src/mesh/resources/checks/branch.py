"""What a Branch can get wrong by itself."""

import ipaddress
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

from mesh.resources.checks.branch_data import check_data
from mesh.resources.checks.pod import check_template
from mesh.resources.checks.virtual_service import check_fault
from mesh.resources.core.pod import PodTemplateSpec
from mesh.resources.istio.virtual_service import HTTPFaultInjection
from mesh.resources.meshmall.branch import (
    BAGGAGE_MEMBER,
    HEADER,
    LONGEST_NAME,
    Branch,
    BranchEntry,
    BranchService,
    BranchTemplate,
    Fork,
    NameValue,
)
from mesh.resources.meshmall.marks import COOKIE
from mesh.resources.values.durations import seconds
from mesh.resources.values.meta import ObjectMeta
from mesh.resources.values.names import ENV_NAME, none_of, wrong_host, wrong_label, wrong_port
from mesh.resources.values.names import HEADER as TOKEN
from mesh.resources.values.problems import FieldError, duplicate, required

Errors = Iterator[FieldError]
LONGEST_VALUE = 256
MOST_ENTRIES, MOST_SERVICES, MOST_INCLUDES = 32, 64, 16
LONGEST_EXPIRY = 365 * 24 * 3600.0
VALUE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+")
# Headers that every request has, or that the mesh itself writes: entering by them would match all requests.
NOT_ENTERED = frozenset(
    ("host", "cookie", "baggage", "content-length", "transfer-encoding", "connection", "user-agent", "accept", HEADER)
)


def check_branch(branch: Branch) -> Errors:
    """Everything wrong with a Branch by itself; `mesh.resources.analysis.branch_references` checks what it names."""
    name, spec = branch.metadata.name, branch.spec
    if name and wrong_label(name):
        yield FieldError("metadata.name", f"{wrong_label(name)}; it is part of host names ({name[:40]}.localhost)")
    elif len(name) > LONGEST_NAME:
        yield FieldError("metadata.name", f"{len(name)} characters; at most {LONGEST_NAME}")
    for path, entries, most in (
        ("spec.enter", spec.enter, MOST_ENTRIES),
        ("spec.services", spec.services, MOST_SERVICES),
        ("spec.includes", spec.includes, MOST_INCLUDES),
        ("spec.faults", spec.faults, MOST_SERVICES),
    ):
        if len(entries) > most:
            yield FieldError(path, f"{len(entries)} entries; at most {most}")
    if not spec.services and not spec.includes and not spec.faults and not spec.data:
        yield required(
            "spec.services", "is empty; a branch changes at least one service, includes a branch, or has a fault"
        )
    yield from check_data(branch)
    for number, entry in enumerate(spec.enter):
        yield from _entry(entry, f"spec.enter[{number}]")
    for service, change in spec.services.items():
        yield from _service(service, change, f"spec.services[{service}]")
    for service, fault in spec.faults.items():
        yield from _fault(service, fault, f"spec.faults[{service[:80]}]")
    for number, other in enumerate(spec.includes):
        if other == name:
            yield FieldError(f"spec.includes[{number}]", "is the branch itself")
        elif other in spec.includes[:number]:
            yield duplicate(f"spec.includes[{number}]", other)
    yield from none_of(spec.fallback, ("fail", "baseline"), "spec.fallback")
    yield from _expires(spec.expires)


def _entry(entry: BranchEntry, path: str) -> Errors:
    pairs = {"cookie": entry.cookie, "header": entry.header, "query": entry.query, "baggage": entry.baggage}
    given = [name for name, pair in pairs.items() if pair is not None] + (["host"] if entry.host else [])
    if len(given) != 1:
        actual = f"has {' and '.join(given)}" if given else "has none, and would match every request"
        yield FieldError(path, f"needs exactly one of cookie, header, query, baggage, host; it {actual}")
    for kind, pair in pairs.items():
        if pair is not None:
            yield from _pair(kind, pair, f"{path}.{kind}")
    if entry.host:
        if "*" in entry.host:
            yield FieldError(f"{path}.host", f'"{entry.host}" would match every request; name one host')
        elif wrong := wrong_host(entry.host):
            yield FieldError(f"{path}.host", wrong)


def _pair(kind: str, pair: NameValue, path: str) -> Errors:
    if not TOKEN.fullmatch(pair.name) or len(pair.name) > LONGEST_VALUE:
        yield FieldError(f"{path}.name", f'"{pair.name[:80]}" is not the name of a {kind}')
    elif kind == "header" and pair.name.lower() in NOT_ENTERED:
        hint = "the mesh itself writes it" if pair.name.lower() == HEADER else "every request has it"
        yield FieldError(f"{path}.name", f'"{pair.name}" cannot be used to enter a branch: {hint}')
    if not pair.value:
        yield required(f"{path}.value", f"is empty, and would match every request; give the {kind}'s value")
    elif len(pair.value) > LONGEST_VALUE or not VALUE.fullmatch(pair.value):
        yield FieldError(
            f"{path}.value",
            f'"{pair.value[:80]}" cannot be a value: letters, digits and signs other than blank , ; " \\, '
            f"at most {LONGEST_VALUE}",
        )
    if kind == "cookie" and pair.name == COOKIE:
        yield FieldError(f"{path}.name", f'"{COOKIE}" is reserved: the mesh itself writes it')
    if kind == "baggage" and pair.name == BAGGAGE_MEMBER:
        yield FieldError(f"{path}.name", f'"{BAGGAGE_MEMBER}" is reserved: every branch is entered by it')


def _service(name: str, change: BranchService, path: str) -> Errors:
    if wrong := wrong_label(name):
        yield FieldError(path, wrong)
    given = [
        word
        for word, is_set in (
            ("fork", change.fork is not None),
            ("version", bool(change.version)),
            ("template", change.template is not None),
            ("url", bool(change.url)),
        )
        if is_set
    ]
    if len(given) != 1:
        actual = f"has {' and '.join(given)}" if given else "has none"
        yield FieldError(path, f"needs exactly one of fork, version, template, url; it {actual}")
    if change.fork is not None:
        yield from _fork(change.fork, f"{path}.fork")
    if change.template is not None:
        yield from _template(change.template, f"{path}.template")
    if change.url:
        try:
            url_address(change.url)
        except ValueError as error:
            yield FieldError(f"{path}.url", str(error))


def _fault(service: str, fault: HTTPFaultInjection, path: str) -> Errors:
    if wrong := wrong_label(service):
        yield FieldError(path, wrong)
    yield from check_fault(fault, path)
    # In a VirtualService a fault without a percentage is valid and does nothing (Istio's reference). Nobody who writes
    # one for a branch means that.
    for name, part in (("delay", fault.delay), ("abort", fault.abort)):
        if part is not None and part.percentage is None:
            yield required(f"{path}.{name}.percentage", "is missing (for example, {value: 100})")


def _fork(fork: Fork, path: str) -> Errors:
    if not 0 <= fork.replicas <= 100:
        yield FieldError(f"{path}.replicas", f"{fork.replicas} is not in 0-100")
    for number, variable in enumerate(fork.env):
        if not ENV_NAME.fullmatch(variable.name):
            yield FieldError(f"{path}.env[{number}].name", f'"{variable.name[:80]}" is not a variable\'s name')
        if any(variable.name == other.name for other in fork.env[:number]):
            yield duplicate(f"{path}.env[{number}].name", variable.name)


def _template(template: BranchTemplate, path: str) -> Errors:
    if not 0 <= template.replicas <= 100:
        yield FieldError(f"{path}.replicas", f"{template.replicas} is not in 0-100")
    metadata = ObjectMeta(labels=template.metadata.labels, annotations=template.metadata.annotations)
    yield from check_template(PodTemplateSpec(metadata=metadata, spec=template.spec), path)
    for number, port in enumerate(template.ports):
        if wrong := wrong_port(port.port):
            yield FieldError(f"{path}.ports[{number}].port", wrong)
    if not template.ports and not any(container.ports for container in template.spec.containers):
        yield required(f"{path}.ports", "is empty and no container has ports; nobody could call the service")


def url_address(url: str) -> tuple[str, int]:
    """The address and port of a developer's process. Raises ValueError that says what is valid."""
    hint = "use an address and a port, such as http://127.0.0.1:9000"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 80
    except ValueError:
        raise ValueError(f'"{url[:80]}" is not a URL; {hint}') from None
    if parts.scheme != "http" or parts.path not in ("", "/") or parts.query or parts.username:
        raise ValueError(f'"{url[:80]}" is not plain http to a host and port; {hint}')
    if host == "localhost":
        return "127.0.0.1", port
    try:
        return str(ipaddress.ip_address(host)), port
    except ValueError:
        raise ValueError(f'"{host[:80]}" is a name, which Envoy does not look up; {hint}') from None


def _expires(text: str) -> Errors:
    if not text:
        return
    try:
        when = expiry_time(text, datetime.now(UTC))
    except ValueError as error:
        yield FieldError("spec.expires", str(error))
        return
    left = (when - datetime.now(UTC)).total_seconds()
    if left <= 0:
        yield FieldError("spec.expires", f'"{text}" is in the past')
    elif left > LONGEST_EXPIRY + 60:
        yield FieldError("spec.expires", f'"{text}" is more than a year away')


def expiry_time(text: str, created: datetime) -> datetime:
    """When a branch created at `created` expires; `text` is a duration or a time. Raises ValueError."""
    if "T" in text or "-" in text:
        try:
            when = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f'"{text[:80]}" is not a time (for example, "2026-12-01T12:00:00Z")') from None
        return when if when.tzinfo else when.replace(tzinfo=UTC)
    try:
        return datetime.fromtimestamp(created.timestamp() + seconds(text), UTC)
    except (ValueError, OverflowError):
        raise ValueError(f'"{text[:80]}" is neither a duration nor a time (for example, "48h")') from None
