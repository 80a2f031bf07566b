"""Objects on stdout for other programs: `-o json`, `-o yaml` and `-o name`, as kubectl prints them."""

import json
from collections.abc import Sequence

from mesh.client.api import Result
from mesh.resources.values.body import Body
from meshmall.cli.view import View


def print_body(view: View, body: Body | Sequence[Body], output: str) -> None:
    """Prints a value as `json` or `yaml`."""
    if output == "json":
        view.plain(json.dumps(body, indent=2))
        return
    import yaml  # noqa: PLC0415 - 10 ms that no other format needs

    view.plain(yaml.safe_dump(body, sort_keys=False, allow_unicode=True))


def print_objects(view: View, bodies: Sequence[Body], output: str, *, one: bool) -> None:
    """Prints objects as `json`, `yaml` or `name`. With `one`, a single object stands by itself instead of in a List."""
    if output == "name":
        for body in bodies:
            view.plain(object_name(body))
    else:
        is_single = one and len(bodies) == 1
        print_body(view, bodies[0] if is_single else {"apiVersion": "v1", "kind": "List", "items": [*bodies]}, output)


def print_results(view: View, results: Sequence[Result]) -> None:
    """Prints what became of objects as JSON."""
    print_body(view, [{**result.ref._asdict(), "result": result.result} for result in results], "json")


def object_name(body: Body) -> str:
    """An object as kubectl names it: `deployment.apps/mall-v1`."""
    group = str(body["apiVersion"]).rpartition("/")[0]
    kind = str(body["kind"]).lower()
    return f"{kind}.{group}/{body['metadata']['name']}" if group else f"{kind}/{body['metadata']['name']}"
