"""`branch data diff`: what differs between a branch's stores and the baseline's."""

import json
from collections.abc import Sequence

from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.values.body import Body
from meshmall.cli.branch.wait import fetch
from meshmall.cli.context import Context
from meshmall.cli.options import require_output

LIMIT = 900.0
MOST_SHOWN = 30


def show_changes(context: Context, name: str, stores: Sequence[str], output: str) -> int:
    """Prints the differences; returns 1 when there are any. Raises Failure."""
    require_output(output, "text", "json")
    branch = fetch(context, name)
    if not branch["spec"].get("data"):
        raise Failure(f"branch {name} has no data of its own", "give it some: meshmall branch create NAME --data STORE")
    question = {"namespace": context.namespace, "branch": name, "stores": list(stores)}
    try:
        with context.view.spinner(f"reading the data of branch {name}"):
            found = context.client.data_diff(question, limit=LIMIT)
    except ApiError as error:
        raise Failure(error.message) from None
    if output == "json":
        context.view.plain(json.dumps(found, indent=2))
    else:
        for store in found:
            for line in store_lines(store):
                context.view.say(line)
    return int(any(store["differences"] for store in found))


def store_lines(store: Body) -> list[str]:
    """A store's differences, as lines: `+` is what only the branch has, `-` what only the baseline has."""
    unit = {"files": "files", "Redis": "keys"}.get(store["by"], "rows")
    if not store["differences"]:
        return [f"{store['store']} ({store['by']}): no difference"]
    lines = [f"{store['store']} ({store['by']}; +{unit} only in the branch, -{unit} only in the baseline)"]
    lines += [
        f"  {difference['what']}  +{difference['added']:,} -{difference['removed']:,}"
        for difference in store["differences"][:MOST_SHOWN]
    ]
    if (more := len(store["differences"]) - MOST_SHOWN) > 0:
        lines.append(f"  and {more:,} more")
    return lines
