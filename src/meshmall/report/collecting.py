"""What is in a report: asks a running mesh, or says what is left of one that does not run."""

import platform
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version

from mesh.client.api import Client
from mesh.client.errors import ApiError
from mesh.client.rollout import WORKLOADS, desired_pods, ready_pods
from mesh.daemon.failure import Failure
from mesh.daemon.home import Running
from mesh.resources.kinds import REGISTRY
from mesh.resources.values.body import Body
from mesh.resources.values.durations import human_duration
from meshmall.cli.branch.fault import fault_lines
from meshmall.cli.context import Context
from meshmall.cli.status import network_line, rejections
from meshmall.cli.unready import unready
from meshmall.report.document import Document, Section
from meshmall.report.redaction import redacted_document, secret_values

# Seconds: how far back calls are counted (five minutes is all that the mesh keeps), and what collecting may take.
WINDOW, LONGEST = 300.0, 30.0
MOST_FAILED, MOST_EVENTS, MOST_LOG_LINES, MOST_ROWS = 10, 40, 100, 300


def collect(context: Context) -> Document:
    """The report, without secrets. A mesh that does not run, or not answer, is a problem and no failure."""
    running = context.home.running()
    sections: list[Section] = []
    problems: list[str] = []
    known = _token(context)
    summary = _machine(context, running)
    if running is None:
        problems.append(f"no mesh is running in {context.home.path}")
    else:
        try:
            context.client.limit(LONGEST)
            # Before anything else: nothing is asked of a mesh whose Secrets are unknown, as their values may be in it.
            known += secret_values(context.client.list("", "Secret", None))
            _ask(context, summary, problems, sections)
        except (ApiError, Failure) as error:
            problems.append(f"the mesh (pid {running.pid}) does not answer: {error.message}")
    sections.append(_daemon_log(context))
    return redacted_document(Document("meshmall report", summary, problems, sections), known)


def _token(context: Context) -> list[str]:
    """The token with which the mesh itself is asked."""
    try:
        token = (context.home.path / "token").read_text().strip()
    except OSError:
        return []
    return [token] if token else []


def _ask(context: Context, summary: list[tuple[str, str]], problems: list[str], sections: list[Section]) -> None:
    client = context.client
    daemon = client.status()
    workloads = [body for kind in WORKLOADS for body in client.list(*kind, None)]
    pods = client.list("", "Pod", None)
    summary += [
        ("Gateway", daemon["gateway"]),
        ("Envoy", f"{daemon['envoy'].get('version', '')}, {daemon['envoy'].get('listeners', 0)} listeners"),
        ("Network", network_line(daemon["network"])),
        ("Running for", human_duration(time.time() - daemon["started"])),
    ]
    rejected = (
        line
        for definition in REGISTRY.refusable_kinds()
        for body in client.list(definition.group, definition.kind, None)
        for line in rejections(body)
    )
    jobs = client.list("batch", "Job", None)
    problems += [*daemon.get("problems", []), *unready(workloads, jobs, pods), *rejected]
    topology = client.topology(WINDOW)
    # One that cannot be asked for must not hide all others.
    makers: Sequence[Callable[[], Section]] = (
        lambda: _workloads(workloads),
        lambda: _pods(pods),
        lambda: _branches(client),
        lambda: _services(topology),
        lambda: _calls(topology),
        lambda: _failed_requests(client),
        lambda: _events(client),
    )
    for make in makers:
        try:
            sections.append(make())
        except ApiError as error:
            problems.append(f"the report lacks a part: {error.message}")


def _machine(context: Context, running: Running | None) -> list[tuple[str, str]]:
    return [
        ("Made", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())),
        ("meshmall", version("mesh-mall")),
        ("Python", f"{platform.python_version()} ({sys.executable})"),
        ("Machine", f"{platform.system()} {platform.release()} {platform.machine()}"),
        ("Home", str(context.home.path)),
        ("Daemon", f"pid {running.pid}" if running is not None else "not running"),
    ]


def _name(body: Body) -> str:
    metadata = body["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}"


def _workloads(bodies: Sequence[Body]) -> Section:
    rows = []
    for body in bodies:
        template = body["spec"]["template"]
        labels = (template.get("metadata") or {}).get("labels") or {}
        containers = template["spec"]["containers"]
        rows.append(
            [
                _name(body),
                body["kind"],
                labels.get("version", ""),
                f"{ready_pods(body)}/{desired_pods(body)}",
                ", ".join(container.get("image", "") for container in containers),
            ]
        )
    return Section("Workloads", (), ("Workload", "Kind", "Version", "Ready", "Image"), rows[:MOST_ROWS])


def _pods(bodies: Sequence[Body]) -> Section:
    rows = []
    for body in bodies:
        statuses = (body.get("status") or {}).get("containerStatuses") or []
        ready = sum(bool(status.get("ready")) for status in statuses)
        restarts = sum(int(status.get("restartCount", 0)) for status in statuses)
        reasons = dict.fromkeys(
            f"{part.get('reason', '')} {part.get('message', '')}".strip()
            for status in statuses
            for part in (status.get("state") or {}).values()
            if part.get("reason")
        )
        phase = (body.get("status") or {}).get("phase", "")
        rows.append([_name(body), phase, f"{ready}/{len(statuses)}", str(restarts), "; ".join(reasons)])
    return Section("Pods", (), ("Pod", "Phase", "Ready", "Restarts", "Why"), rows[:MOST_ROWS])


def _branches(client: Client) -> Section:
    rows = []
    for body in client.list("meshmall.dev", "Branch", None):
        status = body.get("status") or {}
        changes = [
            f"{service['name']} ({service.get('kind', '')}{'' if service.get('ready') else ', not ready'})"
            for service in status.get("services", [])
        ]
        conditions = {condition["type"]: condition for condition in status.get("conditions", [])}
        lost = conditions.get("ContextKept", {})
        notes = [lost.get("message", "")] if lost.get("status") == "False" else []
        if conditions.get("Ready", {}).get("status") != "True":
            notes.append(conditions.get("Ready", {}).get("message", ""))
        faults = fault_lines(body["spec"].get("faults") or {})
        row = [_name(body), status.get("phase", "Pending"), ", ".join(changes), "; ".join(faults)]
        rows.append([*row, status.get("expiresAt", ""), "; ".join(notes)])
    lines = [] if rows else ["There are none."]
    return Section("Branches", lines, ("Branch", "Phase", "Changes", "Faults", "Expires", "Notes"), rows[:MOST_ROWS])


def _services(topology: Body) -> Section:
    rows = [
        [
            node["id"],
            ", ".join(
                f"{item['workload']}{' ' + item['version'] if item['version'] else ''} {item['ready']}/{item['pods']}"
                for item in node["versions"]
            ),
            *_figures(node),
        ]
        for node in topology["services"]
    ]
    header = ("Service", "Versions", "Requests", "Errors", "p50", "p99")
    return Section("Services", ["The last five minutes."], header, rows[:MOST_ROWS])


def _calls(topology: Body) -> Section:
    rows = [
        [
            edge["source"],
            edge["target"],
            " ".join(filter(None, (edge["targetWorkload"], edge["version"]))),
            edge["branch"],
            *_figures(edge),
        ]
        for edge in topology["edges"]
    ]
    header = ("From", "To", "Answered by", "Branch", "Requests", "Errors", "p50", "p99")
    return Section("Who calls whom", ["The last five minutes."], header, rows[:MOST_ROWS])


def _figures(item: Body) -> list[str]:
    times = [f"{item[key]:.1f} ms" if item[key] is not None else "" for key in ("p50", "p99")]
    return [str(item["requests"]), str(item["errors"]), *times]


def _failed_requests(client: Client) -> Section:
    """The newest requests that failed, each as a tree of its calls."""
    lines: list[str] = []
    for trace in client.traces(status="error", limit=MOST_FAILED):
        when = time.strftime("%H:%M:%S", time.gmtime(trace["start"]))
        branch = f", branch {trace['branch']}" if trace["branch"] else ""
        lines.append(f"{when} {trace['requestId']}{branch}")
        lines += _tree(client.request(trace["requestId"]))
    return Section("Requests that failed", [] if lines else ["There were none."], text="\n".join(lines))


def _tree(spans: Sequence[Body]) -> Iterator[str]:
    """Each call below the one that it was made for, as `meshmall trace` shows them."""
    children: dict[int | None, list[int]] = defaultdict(list)
    for number, span in enumerate(spans):
        children[span["parent"]].append(number)
    # The clocks of Envoy's workers may make a call seem to be its own cause: each is printed once.
    waiting = [(number, 1) for number in reversed(children[None])]
    while waiting:
        number, depth = waiting.pop()
        yield f"{'  ' * depth}{_span(spans[number])}"
        waiting += [(child, depth + 1) for child in reversed(children.pop(number, []))]


def _span(span: Body) -> str:
    workload = (span["destination"] or {}).get("workload", "")
    words = [span["service"], workload, span["method"], _without_query(span["url"]), str(span["status"])]
    why = f" ({span['problem']})" if span["problem"] else ""
    return f"{' '.join(filter(None, words))} {span['milliseconds']:.1f} ms{why}"


def _without_query(url: str) -> str:
    """What people have typed is nobody's business."""
    address, question, _ = url.partition("?")
    return f"{address}?..." if question else address


def _events(client: Client) -> Section:
    events = [body for body in client.list("", "Event", None) if body.get("type") == "Warning"]
    events.sort(key=lambda body: body.get("lastTimestamp") or body["metadata"].get("creationTimestamp", ""))
    rows = [
        [
            body.get("lastTimestamp") or "",
            body.get("reason", ""),
            f"{body['involvedObject'].get('kind', '')} {body['involvedObject'].get('name', '')}",
            body.get("message", ""),
        ]
        for body in reversed(events)
    ]
    lines = [] if rows else ["There were none."]
    return Section("Warnings", lines, ("When", "Reason", "Object", "Message"), rows[:MOST_EVENTS])


def _daemon_log(context: Context) -> Section:
    path = context.home.daemon_log
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return Section("The daemon's log", ["There is none."])
    text = "\n".join(lines[-MOST_LOG_LINES:])
    return Section("The daemon's log", [f"The last lines of {path}."] if text else ["It is empty."], text=text)
