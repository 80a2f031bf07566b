"""Drawn rules and requests: what a real Envoy does with the compiled rules is among what the reference allows.

A few hundred cases by default; `MESHMALL_CONFORMANCE_CASES=20000` sets how many.
"""

import asyncio
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from mesh.routing.explain.dry_run import Caller, decide
from mesh.routing.explain.request import HttpRequest
from mesh.routing.model.route import Forward
from tests.conformance.drawing import GATEWAY, placed, requests, virtual_services
from tests.conformance.reference import Outcome, Reference, Request
from tests.conformance.rig import ANSWER_HEADERS, Observed, Rig, istio

PER_SET = 16
LONG = "MESHMALL_CONFORMANCE_CASES" in os.environ
CASES = int(os.environ.get("MESHMALL_CONFORMANCE_CASES", "480"))
Json = dict[str, Any]


def differs(outcome: Outcome, observed: Observed) -> str:
    """How what happened is not this outcome; "" when it is."""
    if observed.status != outcome.status:
        return f"status {observed.status} is not {outcome.status}"
    if bool(observed.pod) != bool(outcome.pods) or (observed.pod and observed.pod not in outcome.pods):
        return f'pod "{observed.pod}" is none of {sorted(outcome.pods)}'
    if outcome.pods and observed.target != outcome.target:
        return f"the path sent is {observed.target}, not {outcome.target}"
    if outcome.pods and observed.sent["host"] != outcome.authority:
        return f"the authority sent is {observed.sent['host']}, not {outcome.authority}"
    if outcome.location is not None and plain(observed.headers.get("location", "")) != plain(outcome.location):
        return f"the location is {observed.headers.get('location')}, not {outcome.location}"
    if outcome.body is not None and observed.body != outcome.body:
        return f"the body is {observed.body}"
    for what, found, expected in (
        ("sent", observed.sent, outcome.sent),
        ("answered", observed.headers, outcome.answered),
    ):
        for name, values in expected:
            if found.get(name) not in values:
                return f"{name} {what} is {found.get(name)!r}, not of {values}"
    return ""


def plain(location: str) -> str:
    """A URL without the port that its scheme has anyway."""
    scheme, _, rest = location.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.removesuffix({'http': ':80', 'https': ':443'}.get(scheme, ':'))}{slash}{path}"


def dry_run_differs(rig: Rig, request: Request, caller: str, observed: Observed) -> str:
    """How the dry run's answer is not what happened; "" when it is."""
    name = f"sidecar|{request.namespace}/{caller}" if request.place == "mesh" else "gateway|80"
    listener = rig.snapshot.listeners[name]
    asked = HttpRequest(request.authority, request.method, request.path, request.query, request.headers)
    route = decide(rig.snapshot, Caller(listener, listener.source), asked).route
    if route is None:
        return "" if observed.status == 404 else "it finds no row"
    fault, action = route.fault, route.action
    if fault is not None and fault.abort_status == observed.status and fault.abort_percent:
        return ""
    if route.cors is not None and request.method == "OPTIONS" and not observed.pod:
        return ""
    if isinstance(action, Forward):
        ends = [end.pod.partition("/")[2] for to in action.to for end in rig.snapshot.endpoints[to.cluster]]
        empty = any(not rig.snapshot.endpoints[to.cluster] for to in action.to)
        fits = observed.pod in ends if observed.pod else empty and observed.status == 503
    else:
        fits = observed.status == action.status and not observed.pod
    return "" if fits else f"{request} takes {route.name}, {action}"


async def check(rig: Rig, rules: list[Json], drawn: list[Json]) -> None:
    objects = [*rig.around(), *rules]
    reference = Reference(objects, ANSWER_HEADERS)
    await rig.apply(objects)
    copied: list[tuple[Request, str, int]] = []
    for item in drawn:
        request = placed(item, 8080)
        caller = item["caller"] if item["caller"] != GATEWAY else "gateway"
        case, observed = await rig.ask(request, caller)
        outcomes = reference.allowed(request)
        reasons = [(outcome, differs(outcome, observed)) for outcome in outcomes]
        fitting = [outcome for outcome, reason in reasons if not reason]
        lines = [f"{reason}: {outcome}" for outcome, reason in reasons]
        assert fitting, "\n".join([str(request), str(observed), *lines])
        assert not (wrong := dry_run_differs(rig, request, caller, observed)), f"dry run: {wrong}"
        copied.append((request, case, len(fitting[0].copies) + (1 if observed.pod else 0)))
    for request, case, count in copied:
        reached = await rig.reached(case, count)
        assert len(reached) == count, f"{request} reached {reached}"
        rig.pods_seen.pop(case)


# What differs is told with the rules and the request; in the long setting nothing is made smaller first.
@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@settings(
    max_examples=max(1, CASES // PER_SET),
    deadline=None,
    phases=(Phase.generate,) if LONG else tuple(Phase),
    derandomize=not LONG,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(rules=virtual_services(), drawn=st.lists(requests(), min_size=PER_SET, max_size=PER_SET))
def test_envoy_does_what_the_reference_allows(
    rig: Rig, runner: asyncio.Runner, rules: list[Json], drawn: list[Json]
) -> None:
    note(str(rules))
    try:
        runner.run(check(rig, rules, drawn))
    finally:
        runner.run(rig.hang_up())


async def location(rig: Rig, redirect: Json, path: str, query: str) -> str | None:
    """Where a request is sent whose path begins with /old/."""
    rule = istio(
        "VirtualService",
        "moved",
        {"hosts": ["shop"], "http": [{"match": [{"uri": {"prefix": "/old/"}}], "redirect": redirect}]},
    )
    await rig.apply([*rig.around(), rule])
    request = Request("mesh", "shop", 7000, "GET", path, query, (), authority="shop:7000")
    try:
        return (await rig.ask(request, "caller"))[1].headers.get("location")
    finally:
        await rig.hang_up()


@pytest.mark.parametrize(
    ("redirect", "expected"),
    [
        ({"authority": "new.example.com", "prefixRewrite": "/"}, "http://new.example.com/a/b?c=d"),
        ({"authority": "new.example.com", "prefixRewrite": "/new/"}, "http://new.example.com/new/a/b?c=d"),
        ({"authority": "new.example.com", "uri": "/new"}, "http://new.example.com/new?c=d"),
    ],
)
def test_a_redirect_can_replace_the_prefix_that_was_matched(
    rig: Rig, runner: asyncio.Runner, redirect: Json, expected: str
) -> None:
    assert runner.run(location(rig, redirect, "/old/a/b", "c=d")) == expected
