"""`branch fault`: delays and failures of one branch's calls to a service."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.istio.common import GRPC_STATUSES
from mesh.resources.values.body import Body
from mesh.resources.values.durations import seconds
from meshmall.cli.branch.wait import Steps, branch_ref, fetch, until_ready
from meshmall.cli.context import Context


def inject(context: Context, name: str, service: str, fault: Body) -> None:
    """Sets the fault of a service for one branch, and waits until Envoy has it. Raises Failure."""
    former = (fetch(context, name)["spec"].get("faults") or {}).get(service)
    # A merge patch keeps what it does not name: the parts that the former fault has alone are removed.
    removed = dict.fromkeys((former or {}).keys() - fault.keys())
    _patch(context, name, service, {**removed, **{part: _whole(former, part, fault) for part in fault}})
    context.view.say(f"Branch {name}: {service} {'; '.join(in_words(fault))}")
    context.view.say(f"[dim]to end it: meshmall branch fault {name} {service} --clear[/]")


def clear(context: Context, name: str, service: str) -> None:
    """Ends a branch's fault of a service. Raises Failure when it has none."""
    faults = fetch(context, name)["spec"].get("faults") or {}
    if service not in faults:
        others = ", ".join(sorted(faults)) or "none"
        raise Failure(f"Branch {name}: spec.faults: {service} has no fault (services with a fault: {others})")
    _patch(context, name, service, None)
    context.view.say(f"Branch {name}: {service} has no fault any more")


def fault_of(delay: str, abort: str, percentage: float) -> Body:
    """The fault that options describe, as Istio writes it. Raises Failure that names the option."""
    if not 0 < percentage <= 100:
        raise Failure(f"--percentage {percentage:g}: use a number above 0, up to 100", code=2)
    share = {"percentage": {"value": percentage}}
    fault: Body = {}
    if delay:
        try:
            positive = seconds(delay) > 0
        except ValueError:
            positive = False
        if not positive:
            raise Failure(f'--delay "{delay}": not a duration', "for example 2s or 150ms", code=2)
        fault["delay"] = {"fixedDelay": delay, **share}
    if abort:
        fault["abort"] = {**_status(abort), **share}
    if not fault:
        raise Failure("a fault needs --delay, --abort, or both", "to end one: --clear", code=2)
    return fault


def _status(text: str) -> Body:
    if text.isdecimal() and 200 <= int(text) <= 599:
        return {"httpStatus": int(text)}
    if text in GRPC_STATUSES:
        return {"grpcStatus": text}
    raise Failure(
        f'--abort "{text}": not a status', "use an HTTP status (200-599) or a gRPC status such as UNAVAILABLE", code=2
    )


def in_words(fault: Mapping[str, Any]) -> list[str]:
    """What a fault does, for people: `is delayed by 2s`, with the share of requests where that is not all."""
    lines = []
    for part, text in (("delay", "is delayed by {fixedDelay}"), ("abort", "answers {status}")):
        value = fault.get(part)
        if value is None:
            continue
        status = value.get("httpStatus") or value.get("grpcStatus", "")
        share = (value.get("percentage") or {}).get("value", 0)
        suffix = "" if math.isclose(share, 100) else f" ({share:g} % of its requests)"
        lines.append(text.format(fixedDelay=value.get("fixedDelay", ""), status=status) + suffix)
    return lines


def fault_lines(faults: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
    """A line for each fault of a branch."""
    return [f"{service} {'; '.join(in_words(fault))}" for service, fault in sorted(faults.items())]


def _whole(former: Body | None, part: str, fault: Body) -> Body:
    """A part of a fault as a merge patch that leaves nothing of the former one."""
    return {**dict.fromkeys(((former or {}).get(part) or {}).keys() - fault[part].keys()), **fault[part]}


def _patch(context: Context, name: str, service: str, fault: Body | None) -> None:
    try:
        context.client.patch(branch_ref(context, name), {"spec": {"faults": {service: fault}}})
    except ApiError as error:
        raise Failure(error.message, "nothing was changed") from None
    until_ready(context, name, Steps(), 30.0)
