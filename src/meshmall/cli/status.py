"""`meshmall status`: what runs, where it answers, what is wrong."""

import calendar
import json
import time
from collections.abc import Sequence
from typing import Any

from mesh.daemon.failure import Failure
from meshmall.cli.context import Context

ROUTING = "networking.istio.io"


def show_status(context: Context, output: str) -> None:
    """Prints the state of the mesh. Raises Failure (exit code 1) when something is not as it should be."""
    running = context.home.require_running()
    daemon = context.client.status()
    deployments = context.client.list("apps", "Deployment", None)
    rules = [
        body
        for kind in ("Gateway", "VirtualService", "DestinationRule")
        for body in context.client.list(ROUTING, kind, None)
    ]
    wrong = [*daemon.get("problems", []), *_unready(deployments), *_refused(rules)]
    if output == "json":
        context.view.plain(json.dumps({**daemon, "problems": wrong}, indent=2))
    elif output == "text":
        context.view.say(f"mesh      runs, pid {running.pid}, for {_age(time.time() - daemon['started'])}")
        context.view.say(f"home      {context.home.path}")
        context.view.say(f"gateway   [bold]{daemon['gateway']}/[/]")
        context.view.say(f"kubectl   export KUBECONFIG={context.home.kubeconfig}")
        context.view.say(f"envoy     {_envoy(daemon['envoy'])}")
        context.view.say(f"rules     {len(rules)}\n")
        context.view.columns(["DEPLOYMENT", "READY", "AGE"], [_row(body) for body in deployments])
    else:
        raise Failure(f"-o {output}: status knows text and json", code=2)
    if wrong:
        raise Failure("\n".join(wrong), "more: meshmall get pods; meshmall logs POD")


def _row(body: dict[str, Any]) -> list[str]:
    metadata = body["metadata"]
    status = body.get("status") or {}
    wanted = body["spec"].get("replicas", 1)
    return [
        f"{metadata['namespace']}/{metadata['name']}",
        f"{status.get('readyReplicas', 0)}/{wanted}",
        age(metadata.get("creationTimestamp", "")),
    ]


def _unready(deployments: Sequence[dict[str, Any]]) -> list[str]:
    return [
        f"Deployment {row[0]}: {row[1]} pods are ready"
        for row in map(_row, deployments)
        if len(set(row[1].split("/"))) > 1
    ]


def _refused(rules: Sequence[dict[str, Any]]) -> list[str]:
    return [
        f"{body['kind']} {_named(body)}: {condition.get('message')}"
        for body in rules
        for condition in (body.get("status") or {}).get("conditions", [])
        if condition.get("type") == "Programmed" and condition.get("status") == "False"
    ]


def _named(body: dict[str, Any]) -> str:
    return f"{body['metadata']['namespace']}/{body['metadata']['name']}"


def _envoy(envoy: dict[str, Any]) -> str:
    if not envoy.get("live"):
        return "[red]does not run[/]"
    return f"{envoy['version']}, pid {envoy.get('pid')}, {envoy.get('listeners')} listeners"


def age(timestamp: str) -> str:
    """How long ago an RFC 3339 time was, as kubectl writes it: `42s`, `5m`, `3h`, `2d`."""
    try:
        then = calendar.timegm(time.strptime(timestamp[:19], "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return "<unknown>"
    return _age(time.time() - then)


def _age(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)}{unit}"
    return f"{max(0, int(seconds))}s"
