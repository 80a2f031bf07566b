"""`branch list`, `show` and `open`."""

import json
import webbrowser
from datetime import UTC, datetime

import yaml
from rich.markup import escape

from mesh.daemon.failure import Failure
from mesh.resources.meshmall.branch import BAGGAGE_MEMBER, GIT_ANNOTATION, GROUP, preview_host
from mesh.resources.values.body import Body
from meshmall.cli.branch.create import entry_text
from meshmall.cli.branch.data import reaching_baseline
from meshmall.cli.branch.data_text import store_text
from meshmall.cli.branch.fault import fault_lines
from meshmall.cli.branch.wait import condition, fetch
from meshmall.cli.branch.ways_in import ways_in
from meshmall.cli.context import Context
from meshmall.cli.options import require_output


def list_branches(context: Context, output: str, *, everywhere: bool) -> None:
    """Prints one line per branch, least recently used first."""
    require_output(output, "table", "json", "yaml", "name")
    bodies = context.client.list(GROUP, "Branch", None if everywhere else context.namespace)
    bodies.sort(key=lambda body: (_status(body).get("lastUsed", ""), body["metadata"]["name"]))
    if output == "json":
        context.view.plain(json.dumps(bodies, indent=2))
    elif output == "yaml":
        context.view.plain(yaml.safe_dump_all(bodies, sort_keys=False))
    elif output == "name":
        for body in bodies:
            context.view.plain(body["metadata"]["name"])
    elif not bodies:
        context.view.say("no branches; create one with: meshmall branch create NAME --fork SERVICE")
    else:
        header = ["NAME", "PHASE", "CHANGES", "ENTRY", "LAST USED", "EXPIRES IN", "ADDRESS"]
        context.view.columns(header, [_row(body) for body in bodies])


def _row(body: Body) -> list[str]:
    status = _status(body)
    changes = [f"{service['name']}{_mark(service)}" for service in status.get("services", [])]
    entries = [entry_text(entry).partition(" ")[2] for entry in body["spec"].get("enter", [])]
    last_used = status.get("lastUsed")
    return [
        body["metadata"]["name"],
        status.get("phase", "Pending"),
        _cut(changes),
        _cut(entries) or "-",
        f"{_span(-_left(last_used))} ago" if last_used else "never",
        _span(_left(status["expiresAt"])) if status.get("expiresAt") else "-",
        status.get("url", "-"),
    ]


def _mark(service: Body) -> str:
    return "" if service.get("ready") else "!"


def _cut(words: list[str], most: int = 4) -> str:
    return ",".join(words[:most]) + (f",+{len(words) - most}" if len(words) > most else "")


def _status(body: Body) -> Body:
    return body.get("status") or {}


def _left(moment: str) -> float:
    return (datetime.fromisoformat(moment) - datetime.now(UTC)).total_seconds()


def _span(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)}{unit}"
    return f"{max(0, int(seconds))}s"


def show(context: Context, name: str, output: str) -> None:
    """Prints everything about one branch. Raises Failure (exit code 1) when it is not ready."""
    require_output(output, "text", "json", "yaml")
    body = fetch(context, name)
    if output == "json":
        context.view.plain(json.dumps(body, indent=2))
        return
    if output == "yaml":
        context.view.plain(yaml.safe_dump(body, sort_keys=False))
        return
    status = _status(body)
    view = context.view
    git = (body["metadata"].get("annotations") or {}).get(GIT_ANNOTATION)
    view.say(f"branch    [bold]{name}[/]" + (f" (git {git})" if git else ""))
    view.say(f"phase     {status.get('phase', 'Pending')}")
    for line in ways_in(context, body):
        view.say(line)
    entries = [entry_text(entry) for entry in body["spec"].get("enter", [])]
    entries += [f"host {preview_host(name)}", f"baggage {BAGGAGE_MEMBER}={name}"]
    view.say(f"entries   {', '.join(entries)}")
    if body["spec"].get("includes"):
        view.say(f"includes  {', '.join(body['spec']['includes'])}")
    if status.get("expiresAt"):
        view.say(f"expires   {status['expiresAt']} (in {_span(_left(status['expiresAt']))})")
    view.say(f"fallback  {body['spec'].get('fallback', 'fail')}")
    for line in fault_lines(body["spec"].get("faults") or {}):
        view.say(f"fault     {escape(line)}")
    view.say()
    rows = [
        [
            service["name"],
            service.get("kind", ""),
            service.get("answers", ""),
            "yes" if service.get("ready") else "no",
            service.get("fromBranch", ""),
            service.get("message", ""),
        ]
        for service in status.get("services", [])
    ]
    view.columns(["SERVICE", "CHANGE", "ANSWERED BY", "READY", "FROM", "MESSAGE"], rows)
    for store in status.get("data", []):
        view.say(f"\ndata      {store_text(store)}")
    if body["spec"].get("data"):
        for line in reaching_baseline(context, body):
            view.warn(line)
    for line in status.get("overlaps", []):
        view.say(f"\noverlap   {line}")
    lost = condition(body, "ContextKept")
    if lost.get("status") == "False":
        view.say(f"\n[yellow]context lost[/]  {lost['message']}")
    if condition(body, "Expiring").get("status") == "True":
        view.warn(f"{condition(body, 'Expiring')['message']}; to extend it: meshmall branch extend {name}")
    if condition(body, "Ready").get("status") != "True":
        raise Failure(f"branch {name} is not ready: {condition(body, 'Ready').get('message', 'no status yet')}")


def open_branch(context: Context, name: str, *, only_print: bool) -> None:
    """Prints the preview address, and opens it in a browser if there is one."""
    body = fetch(context, name)
    url = _status(body).get("url")
    if not url:
        address, *requests = (line.partition("   ")[2].strip() for line in ways_in(context, body))
        raise Failure(
            f"branch {name} has no address for a browser ({address.removeprefix('none: ')})", "\n  ".join(requests)
        )
    context.view.plain(url)
    if not only_print:
        webbrowser.open(url)
