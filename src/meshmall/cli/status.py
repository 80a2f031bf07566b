"""`meshmall status`: what runs, where it answers, what is wrong."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mesh.canary.record import Record
from mesh.client.errors import ApiError
from mesh.client.rollout import WORKLOADS, desired_pods, ready_pods
from mesh.daemon.failure import Failure
from mesh.daemon.home import Running
from mesh.resources.columns.column import since
from mesh.resources.columns.pods import runs_from
from mesh.resources.kind_definition import Routing
from mesh.resources.kinds import REGISTRY
from mesh.resources.meshmall.branch import GROUP
from mesh.resources.values.body import Body
from mesh.resources.values.durations import human_duration
from meshmall.cli.branch.data_text import size_text
from meshmall.cli.context import Context, use_kubeconfig
from meshmall.cli.image.run import disk_use
from meshmall.cli.markup import escape
from meshmall.cli.options import require_output
from meshmall.cli.unready import unready

# Seconds for everything that status asks. A mesh that is stopped, or busy beyond measure, is an answer too.
LONGEST = 15.0
REJECTING = ("Accepted", "Programmed")


def show_status(context: Context, output: str) -> None:
    """Prints the state of the mesh. Raises Failure (exit code 1) when something is not as it should be."""
    require_output(output, "text", "json")
    running = context.home.require_running()
    try:
        context.client.limit(LONGEST)
        _show(context, running, output)
    except ApiError as error:
        if error.status != 0:
            raise
        raise Failure(
            f"the mesh in {context.home.path} (pid {running.pid}) does not answer: {error.message}",
            f"it may still be starting; otherwise see its log: {context.home.daemon_log}; to end it: meshmall down",
        ) from None


def _show(context: Context, running: Running, output: str) -> None:
    daemon = context.client.status()
    # Of two dozen kinds most have no objects, and each question costs a millisecond.
    present = {tuple(kind) for kind in daemon.pop("kinds")}

    def objects_of(group: str, kind: str) -> list[Body]:
        return context.client.list(group, kind, None) if (group, kind) in present else []

    workloads = [body for kind in WORKLOADS for body in objects_of(*kind)]
    objects = [
        (definition.routing, body)
        for definition in REGISTRY.refusable_kinds()
        for body in objects_of(definition.group, definition.kind)
    ]
    rejected = [line for _, body in objects for line in rejections(body)]
    pods = objects_of("", "Pod")
    wrong = [*daemon.get("problems", []), *unready(workloads, objects_of("batch", "Job"), pods), *rejected]
    canaries = [record for body in objects_of("", "ConfigMap") if (record := Record.of(body))]
    if output == "json":
        running_canaries = [
            {"namespace": canary.namespace, "service": canary.service, "version": canary.version, "seen": canary.seen}
            for canary in canaries
        ]
        context.view.plain(json.dumps({**daemon, "canaries": running_canaries, "problems": wrong}, indent=2))
    else:
        rules = sum(routing is Routing.RULE for routing, _ in objects)
        context.view.say(f"mesh      running, pid {running.pid}, for {human_duration(time.time() - daemon['started'])}")
        context.view.say(f"home      {context.home.path}")
        context.view.say(f"gateway   [bold]{daemon['gateway']}/[/]")
        context.view.say(f"kubectl   {use_kubeconfig(context)}")
        context.view.say(f"envoy     {_envoy(daemon['envoy'])}")
        context.view.say(f"network   {escape(network_line(daemon['network']))}")
        context.view.say(
            f"images    {escape(images_line(daemon.get('images') or {}, pods, disk_use(context.home.path)))}"
        )
        context.view.say(f"rules     {rules}")
        if copies := copies_line(context.client.list(GROUP, "Branch", None)):
            context.view.say(f"copies    {copies}")
        for canary in canaries:
            context.view.say(f"canary    {canary.service} {canary.version}, {escape(canary.seen or 'has begun')}")
        context.view.say()
        context.view.columns(["WORKLOAD", "READY", "AGE"], [_row(body) for body in workloads])
    if wrong:
        raise Failure("\n".join(wrong), "more: meshmall get pods; meshmall logs POD")


def images_line(images: Mapping[str, str], pods: Iterable[Body], on_disk: str) -> str:
    """Which way pods run, and what images need of the disk; why none can run from an image, where that is so."""
    parts = [images["whyNot"]] if images.get("whyNot") else []
    ways = [runs_from(pod) for pod in pods]
    for way, where in (
        ("image", "from images"),
        ("machine", "as programs of this machine"),
        ("image,machine", "both ways"),
    ):
        if count := ways.count(way):
            parts.append(f"{count} {'pod runs' if count == 1 else 'pods run'} {where}")
    return "; ".join([*parts, *filter(None, [on_disk])]) or "none on disk"


def copies_line(branches: Iterable[Body]) -> str:
    """The space that branches' own data takes; "" when none has any."""
    stores = [store for body in branches for store in (body.get("status") or {}).get("data", ())]
    if not stores:
        return ""
    own = sum(store.get("bytes", 0) for store in stores if not store.get("shared"))
    shared = sum(store.get("bytes", 0) for store in stores if store.get("shared"))
    sizes = [size_text(own)] if own or not shared else []
    sizes += [f"{size_text(shared)} in blocks shared with the originals"] if shared else []
    return f"{len(stores)} {'store' if len(stores) == 1 else 'stores'} of branches, {' and '.join(sizes)}"


def network_line(network: Mapping[str, str]) -> str:
    """How pods are connected; of the lesser mode why it is in force, what enables the better one, what is missing."""
    parts = [network.get("mode", "")]
    if reason := network.get("reason"):
        parts[0] += f" ({reason})"
    if lacks := network.get("lacks"):
        parts.append(f"missing: {lacks}")
    if remedy := network.get("remedy"):
        parts.append(f"to enable namespaces: {remedy}")
    return "; ".join(parts)


def rejections(body: Body) -> Iterator[str]:
    """Why a rule is not in force: what its conditions say, a line for each reason.

    Istio's kinds and Gateways have conditions of the object; the Gateway API's routes have them for each parent, and
    its Gateways for each listener too.
    """
    status = body.get("status") or {}
    parts = [status, *(status.get("parents") or ()), *(status.get("listeners") or ())]
    messages = [
        condition.get("message") or condition.get("reason", "")
        for part in parts
        for condition in part.get("conditions") or ()
        if condition.get("type") in REJECTING and condition.get("status") == "False"
    ]
    metadata = body["metadata"]
    # One cause turns several conditions: it is said once.
    for message in dict.fromkeys(messages):
        yield f"{body['kind']} {metadata['namespace']}/{metadata['name']}: {message}"


def _row(body: Body) -> list[str]:
    metadata = body["metadata"]
    return [
        f"{metadata['namespace']}/{metadata['name']}",
        f"{ready_pods(body)}/{desired_pods(body)}",
        since(metadata.get("creationTimestamp")),
    ]


def _envoy(envoy: dict[str, Any]) -> str:
    if not envoy.get("live"):
        return "[red]not running[/]"
    return f"{envoy['version']}, pid {envoy.get('pid')}, {envoy.get('listeners')} listeners"
