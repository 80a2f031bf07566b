"""`meshmall route`: a dry run of one request, with the reason why each rule matches or not."""

import json
from collections.abc import Sequence
from typing import Any

from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from meshmall.cli.branch.diff import header_of
from meshmall.cli.context import Context
from meshmall.cli.options import require_output


def show_route(context: Context, url: str, *, caller: str, method: str, headers: Sequence[str], output: str) -> None:
    """Prints which rule matches the request and where it goes. Raises Failure when the request is invalid."""
    require_output(output, "text", "json")
    pairs = list(map(header_of, headers))
    try:
        decision = context.client.route(url, caller=caller, method=method, headers=pairs, namespace=context.namespace)
    except ApiError as error:
        raise Failure(error.message) from None
    if output == "json":
        context.view.plain(json.dumps(decision, indent=2))
        return
    for line in _lines(decision):
        context.view.plain(line)


def _lines(decision: dict[str, Any]) -> list[str]:
    lines = [f"from    {decision['from']}", f"host    {decision['host'] or 'no host matches this authority'}"]
    if decision["branch"]:
        lines.append(f"branch  {decision['branch']}")
    lines += [f"{'match ' if row['taken'] else 'skip  '}  {row['name']}: {row['why']}" for row in decision["rows"]]
    match decision["does"]:
        case "respond":
            lines.append(f"answer  {decision['status']} {(decision.get('body') or '').strip()}".rstrip())
        case "redirect":
            location = ", ".join(f"{name} {value}" for name, value in decision["to"].items())
            lines.append(f"answer  {decision['status']}, redirect: {location}")
    for destination in decision["destinations"]:
        pods = ", ".join(destination["pods"]) or "no ready pod: 503"
        lines.append(f"to      {destination['percent']:g} % {destination['cluster']}  ({pods})")
    lines += [f"also    {option}" for option in decision["also"]]
    return lines
