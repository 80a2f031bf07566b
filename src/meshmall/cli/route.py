"""`meshmall route`: a dry run of one request, with the reason of every row."""

import json
from collections.abc import Sequence
from typing import Any

from mesh.client.api import ApiError
from mesh.daemon.failure import Failure
from meshmall.cli.context import Context


def show_route(context: Context, url: str, *, caller: str, method: str, headers: Sequence[str], output: str) -> None:
    """Prints which row takes the request and where it goes. Raises Failure when the question is wrong."""
    if output not in ("text", "json"):
        raise Failure(f"-o {output}: known are text, json", code=2)
    pairs = [_pair(each) for each in headers]
    try:
        found = context.client.route(url, caller=caller, method=method, headers=pairs, namespace=context.namespace)
    except ApiError as error:
        raise Failure(error.message) from None
    if output == "json":
        context.view.plain(json.dumps(found, indent=2))
        return
    for line in _lines(found):
        context.view.plain(line)


def _pair(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise Failure(f'--header "{text}": a name and a value, as "cookie: user=fox"', code=2)
    return name.strip(), value.strip()


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [f"from    {found['from']}", f"host    {found['host'] or 'none takes this authority'}"]
    if found["branch"]:
        lines.append(f"branch  {found['branch']}")
    lines += [f"{'taken ' if row['taken'] else 'passed'}  {row['name']}: {row['why']}" for row in found["rows"]]
    match found["does"]:
        case "respond":
            lines.append(f"answer  {found['status']} {(found.get('body') or '').strip()}".rstrip())
        case "redirect":
            said = ", ".join(f"{name} {value}" for name, value in found["to"].items())
            lines.append(f"answer  {found['status']}, redirected: {said}")
    for each in found["destinations"]:
        pods = ", ".join(each["pods"]) or "no ready pod: 503"
        lines.append(f"to      {each['percent']:g} % {each['cluster']}  ({pods})")
    lines += [f"also    {each}" for each in found["also"]]
    return lines
