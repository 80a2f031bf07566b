"""The same requests to the baseline and to a branch, and how their responses differ.

Everything here blocks: the command line calls it directly, the daemon in a thread.
"""

import http.client
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mesh.resources.meshmall.branch import BAGGAGE_MEMBER, HEADER

SAFE = ("GET", "HEAD", "OPTIONS")
# Headers that differ between any two responses, or that say which branch responded.
NOT_COMPARED = frozenset(
    ("date", "content-length", "x-request-id", "traceparent", "server-timing", "etag", HEADER, f"{HEADER}-color")
)
LARGEST_RESPONSE = 8 << 20
LIMIT = 30.0
MISSING = object()
# By x-request-id: which Deployments answered for which service along the path of a request.
Workloads = Callable[[str], Mapping[str, str]]


class CannotCompare(Exception):
    """The gateway does not respond, or requests did not go where they should. `remedy` says what to do."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where requests enter the mesh."""

    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Ask:
    """One request as it is sent to both; `host` is the Host header, "" the gateway's address."""

    method: str = "GET"
    headers: Sequence[tuple[str, str]] = ()
    data: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class Got:
    """A response. `body` is parsed if it is JSON. `workloads` are those that answered, as far as is known."""

    status: int
    headers: Mapping[str, str]
    body: Any
    milliseconds: float
    branch: str
    workloads: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs: `what` is status, header NAME, body PATH or workload SERVICE."""

    what: str
    baseline: str
    branch: str


@dataclass(frozen=True, slots=True)
class Compared:
    """One path: both responses and their differences. The baseline's milliseconds are the better of two attempts."""

    path: str
    baseline: Got
    branch: Got
    baseline_milliseconds: float
    differences: tuple[Difference, ...]


def compare(gateway: Gateway, name: str, path: str, ask: Ask, workloads: Workloads) -> Compared:
    """Requests from the baseline twice and from the branch once. What differs between the baseline's two responses is
    noise, and left out.

    Raises CannotCompare.
    """
    first, second = (send(gateway, path, ask, workloads) for _ in range(2))
    if first.branch:
        raise CannotCompare(
            f"the baseline's request for {path} entered branch {first.branch}",
            "leave out the cookie or header that enters it: the request to the branch does not need it",
        )
    branched = send(gateway, path, ask, workloads, name)
    if (entered := branched.branch).partition(";")[0] != name:
        raise CannotCompare(f"the request for {path} did not enter branch {name} (x-branch: {entered or 'none'})")
    noise = {difference.what for difference in differences(first, second)}
    real = tuple(difference for difference in differences(first, branched) if difference.what not in noise)
    return Compared(path, first, branched, min(first.milliseconds, second.milliseconds), real)


def send(gateway: Gateway, path: str, ask: Ask, workloads: Workloads, branch: str = "") -> Got:
    """One request to the gateway, in a branch or in none. Raises CannotCompare when the gateway does not respond."""
    request_id = str(uuid.uuid4())
    headers = {"x-request-id": request_id, **({"Host": ask.host} if ask.host else {}), **dict(ask.headers)}
    if branch:
        baggage = next((key for key in headers if key.lower() == "baggage"), "baggage")
        members = [f"{BAGGAGE_MEMBER}={branch}", headers.get(baggage, "")]
        headers[baggage] = ",".join(filter(None, members))
    connection = http.client.HTTPConnection(gateway.address, gateway.port, timeout=LIMIT)
    try:
        connection.connect()
        started = time.perf_counter()
        connection.request(ask.method, path, ask.data.encode() or None, headers)
        response = connection.getresponse()
        raw = response.read(LARGEST_RESPONSE)
        took = (time.perf_counter() - started) * 1000
    except (OSError, ValueError, http.client.HTTPException) as error:
        url = f"http://{gateway.address}:{gateway.port}"
        raise CannotCompare(f"the gateway at {url} does not respond to {path}: {error}") from None
    finally:
        connection.close()
    received = {key.lower(): value for key, value in response.getheaders()}
    body = _parsed(raw, received.get("content-type", ""))
    return Got(response.status, received, body, took, received.get(HEADER, ""), workloads(request_id))


def answering(spans: Sequence[Mapping[str, Any]]) -> dict[str, str] | None:
    """Which Deployments answered for which service, from a request's spans (see `mesh.observe.requests.describe`).

    None while the gateway's own span, which Envoy reports last, is not among them.
    """
    if not any(not span["source"] for span in spans):
        return None
    workloads: dict[str, set[str]] = {}
    for span in spans:
        if span["destination"]:
            workloads.setdefault(span["destination"]["service"], set()).add(span["destination"]["workload"])
    return {service: ", ".join(sorted(names)) for service, names in workloads.items()}


def _parsed(raw: bytes, media: str) -> Any:
    if "json" in media:
        try:
            return json.loads(raw)
        except ValueError:
            pass
    return raw.decode(errors="replace")


def differences(one: Got, other: Got) -> list[Difference]:
    """How two responses differ: status, headers, JSON by path (text only as a whole), workloads."""
    result = []
    if one.status != other.status:
        result.append(Difference("status", str(one.status), str(other.status)))
    for name in sorted((one.headers.keys() | other.headers.keys()) - NOT_COMPARED):
        first, second = one.headers.get(name, "-"), other.headers.get(name, "-")
        if first != second:
            result.append(Difference(f"header {name}", first, second))
    if isinstance(one.body, str) and isinstance(other.body, str):
        if one.body != other.body:
            result.append(Difference("body", f"{len(one.body)} characters", f"{len(other.body)} characters"))
    else:
        result += _json(one.body, other.body, "body ")
    for service in sorted(one.workloads.keys() | other.workloads.keys()):
        first, second = one.workloads.get(service, "-"), other.workloads.get(service, "-")
        if first != second:
            result.append(Difference(f"workload {service}", first, second))
    return result


def _json(one: Any, other: Any, path: str) -> Iterator[Difference]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys(), key=str):
            yield from _json(one.get(key, MISSING), other.get(key, MISSING), f"{path}.{key}")
    elif isinstance(one, list) and isinstance(other, list):
        for number in range(max(len(one), len(other))):
            first = one[number] if number < len(one) else MISSING
            second = other[number] if number < len(other) else MISSING
            yield from _json(first, second, f"{path}[{number}]")
    elif one is MISSING or other is MISSING or one != other or type(one) is not type(other):
        yield Difference(path, _shown(one), _shown(other))


def _shown(value: Any) -> str:
    if value is MISSING:
        return "-"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
