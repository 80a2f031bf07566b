"""How to see a branch from outside the mesh: its preview address, or what works instead."""

import shlex

from mesh.daemon.address import reachable
from mesh.resources.meshmall.branch import BAGGAGE_MEMBER, preview_host
from mesh.resources.values.body import Body
from mesh.resources.values.ref import GATEWAYS, SERVICE
from meshmall.cli.context import Context

MOST_PORTS = 4


def has_gateway(context: Context) -> bool:
    """Whether the mesh listens at its gateway's ports, for which it needs a Gateway or an Ingress."""
    return any(context.client.list(*kind, None) for kind in GATEWAYS)


def ways_in(context: Context, branch: Body) -> list[str]:
    """Lines for a terminal: the preview address, or why there is none and the requests that enter all the same."""
    name = branch["metadata"]["name"]
    if url := (branch.get("status") or {}).get("url"):
        return [f"address   [bold]{url}[/]"]
    if has_gateway(context):
        why = f"names under .localhost mean 127.0.0.1 to a browser; this mesh is at {context.settings.address}"
        requests = [f"curl -H 'host: {preview_host(name)}' {context.settings.gateway_url}/"]
    else:
        why = "no Gateway or Ingress makes the mesh listen for requests from outside"
        requests = [
            f"curl {_entry(branch)} http://{reachable(context.settings.address)}:{port}/"
            for port in _node_ports(context)
        ]
    lines = [f"address   none: {why}"]
    return lines + [f"request   {request}" for request in requests]


def _node_ports(context: Context) -> list[int]:
    services = context.client.list(*SERVICE, context.namespace)
    ports = [
        port["nodePort"] for service in services for port in service["spec"].get("ports", ()) if "nodePort" in port
    ]
    return ports[:MOST_PORTS]


def _entry(branch: Body) -> str:
    """What makes curl's request enter the branch."""
    for entry in branch["spec"].get("enter", ()):
        for kind, option, separator in (("cookie", "-b", "="), ("header", "-H", ": ")):
            if kind in entry:
                return f"{option} {shlex.quote(entry[kind]['name'] + separator + entry[kind]['value'])}"
    return f"-H 'baggage: {BAGGAGE_MEMBER}={branch['metadata']['name']}'"
