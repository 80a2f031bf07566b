"""`branch diff`: the same requests to baseline and branch, and what differs."""

import http.client
import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mesh.cli.branch.wait import fetch
from mesh.cli.context import Context
from mesh.cli.failure import Failure
from mesh.resources.branch import BAGGAGE_MEMBER, HEADER

SAFE = ("GET", "HEAD", "OPTIONS")
# Headers that differ between any two answers, or that say which branch answered.
NOT_COMPARED = frozenset(("date", "content-length", "x-request-id", "traceparent", "server-timing", "etag", HEADER))
LARGEST_ANSWER = 8 << 20
LIMIT = 30.0
TOLD_LIMIT = 2.0
MISSING = object()


@dataclass(frozen=True, slots=True)
class Ask:
    """One request as it is sent to both; `host` is the Host header, "" the gateway's address."""

    method: str = "GET"
    headers: Sequence[str] = ()
    data: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class Got:
    """An answer. `body` is parsed where it is JSON. `workloads` are those that answered, as far as it is known."""

    status: int
    headers: Mapping[str, str]
    body: Any
    milliseconds: float
    branch: str
    workloads: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same: `what` is status, header NAME, body PATH or workload SERVICE."""

    what: str
    baseline: str
    branch: str


def show_differences(context: Context, name: str, paths: Sequence[str], ask: Ask, *, unsafe: bool, output: str) -> None:
    """Prints what differs for each path. Raises Failure with exit code 1, without a message, when something does."""
    if ask.method not in SAFE and not unsafe:
        raise Failure(f"{ask.method} may change something, at the baseline too", "--unsafe sends it all the same", 2)
    fetch(context, name)
    found: dict[str, list[Difference]] = {}
    times: dict[str, tuple[float, float]] = {}
    for path in paths:
        first, again = (send(context, path, ask) for _ in range(2))
        if first.branch:
            raise Failure(
                f"the baseline's request for {path} entered branch {first.branch}",
                "leave out the cookie or header that enters it: the branch's request is entered without",
            )
        theirs = send(context, path, ask, name)
        if theirs.branch.partition(";")[0] != name:
            raise Failure(f"the request for {path} did not enter branch {name} (x-branch: {theirs.branch or 'none'})")
        noise = {each.what for each in differences(first, again)}
        found[path] = [each for each in differences(first, theirs) if each.what not in noise]
        times[path] = (min(first.milliseconds, again.milliseconds), theirs.milliseconds)
    if output == "json":
        told = {
            path: {
                "milliseconds": {"baseline": times[path][0], "branch": times[path][1]},
                "differences": [{"what": d.what, "baseline": d.baseline, "branch": d.branch} for d in lines],
            }
            for path, lines in found.items()
        }
        context.view.plain(json.dumps(told, indent=2))
    else:
        for path, lines in found.items():
            _print(context, name, f"{ask.method} {path}", lines, times[path])
    if any(found.values()):
        raise SystemExit(1)


def send(context: Context, path: str, ask: Ask, branch: str = "") -> Got:
    """One request to the gateway, in a branch or in none. Raises Failure when the gateway does not answer."""
    settings = context.home.settings()
    request_id = str(uuid.uuid4())
    headers: dict[str, str] = {"x-request-id": request_id, **({"Host": ask.host} if ask.host else {})}
    for line in ask.headers:
        key, colon, value = line.partition(":")
        if not colon:
            raise Failure(f"-H {line!r} is not 'NAME: VALUE'", code=2)
        headers[key.strip()] = value.strip()
    if branch:
        baggage = next((key for key in headers if key.lower() == "baggage"), "baggage")
        members = [f"{BAGGAGE_MEMBER}={branch}", headers.get(baggage, "")]
        headers[baggage] = ",".join(filter(None, members))
    connection = http.client.HTTPConnection(settings.address, settings.gateway_port, timeout=LIMIT)
    try:
        connection.connect()
        begun = time.perf_counter()
        connection.request(ask.method, path, ask.data.encode() or None, headers)
        answer = connection.getresponse()
        raw = answer.read(LARGEST_ANSWER)
        took = (time.perf_counter() - begun) * 1000
    except (OSError, http.client.HTTPException) as error:
        raise Failure(f"the gateway at {settings.gateway_url} does not answer {path}: {error}") from None
    finally:
        connection.close()
    told = {key.lower(): value for key, value in answer.getheaders()}
    body = _parsed(raw, told.get("content-type", ""))
    return Got(answer.status, told, body, took, told.get(HEADER, ""), workloads_of(context, request_id))


def workloads_of(context: Context, request_id: str) -> dict[str, str]:
    """Which Deployments answered for which service on the way of a request; {} when Envoy has not told it in time."""
    deadline = time.monotonic() + TOLD_LIMIT
    while time.monotonic() < deadline:
        hops = context.client.request(request_id)
        # Envoy tells a hop when it ends: the gateway's comes last.
        if any(not hop["source"] for hop in hops):
            found: dict[str, set[str]] = {}
            for hop in hops:
                if hop["destination"]:
                    found.setdefault(hop["destination"]["service"], set()).add(hop["destination"]["workload"])
            return {service: ", ".join(sorted(names)) for service, names in found.items()}
        time.sleep(0.02)
    return {}


def _parsed(raw: bytes, media: str) -> Any:
    if "json" in media:
        try:
            return json.loads(raw)
        except ValueError:
            pass
    return raw.decode(errors="replace")


def differences(one: Got, other: Got) -> list[Difference]:
    """What differs between two answers: status, headers, JSON by path (text as a whole), workloads."""
    found = []
    if one.status != other.status:
        found.append(Difference("status", str(one.status), str(other.status)))
    for name in sorted((one.headers.keys() | other.headers.keys()) - NOT_COMPARED):
        first, second = one.headers.get(name, "-"), other.headers.get(name, "-")
        if first != second:
            found.append(Difference(f"header {name}", first, second))
    if isinstance(one.body, str) and isinstance(other.body, str):
        if one.body != other.body:
            found.append(Difference("body", f"{len(one.body)} characters", f"{len(other.body)} characters"))
    else:
        found += _json(one.body, other.body, "body ")
    for service in sorted(one.workloads.keys() | other.workloads.keys()):
        first, second = one.workloads.get(service, "-"), other.workloads.get(service, "-")
        if first != second:
            found.append(Difference(f"workload {service}", first, second))
    return found


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


MOST_SHOWN = 40


def _print(context: Context, name: str, title: str, lines: Sequence[Difference], times: tuple[float, float]) -> None:
    view = context.view
    timing = f"baseline {times[0]:.1f} ms, {name} {times[1]:.1f} ms"
    if not lines:
        view.say(f"{title}: no difference [dim]({timing})[/]")
        return
    view.say(f"{title}: {len(lines)} differences [dim]({timing})[/]")
    view.columns(["WHAT", "BASELINE", name.upper()], [[e.what, e.baseline, e.branch] for e in lines[:MOST_SHOWN]])
    if len(lines) > MOST_SHOWN:
        view.say(f"... and {len(lines) - MOST_SHOWN} more; -o json has them all")
