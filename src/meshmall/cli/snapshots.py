"""`meshmall snapshot`: asks the daemon, and prints what there is."""

import json
import time
from collections.abc import Sequence

from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.values.body import Body
from meshmall.cli.branch.data import Namespace, find_store
from meshmall.cli.branch.data_text import size_text
from meshmall.cli.context import Context
from meshmall.cli.options import require_output

LIMIT = 600.0


def create(context: Context, name: str, typed: Sequence[str], freeze_limit: str) -> None:
    """Makes a snapshot of stores, named as for `branch create --data`. Raises Failure."""
    namespace = Namespace.of(context)
    stores: dict[str, Body] = {}
    for text in typed:
        store, workload = find_store(text, namespace)
        if workload is None:
            raise Failure(f"--data {text}: Service {store} has no workload here to copy")
        stores[store] = {"freezeLimit": freeze_limit}
    begun = time.perf_counter()
    with context.view.spinner(f"copying {', '.join(stores)}"):
        made = _ask(context, "", {"name": name, "stores": stores})
    size = sum(store["bytes"] for store in made["stores"].values())
    took = (time.perf_counter() - begun) * 1000
    frozen = f", baseline frozen for {made['frozenMilliseconds']:,} ms" if made["frozenMilliseconds"] else ""
    context.view.say(f"Snapshot [bold]{name}[/] of {', '.join(stores)}: {size_text(size)}{frozen} ({took:,.0f} ms)")


def list_snapshots(context: Context, output: str) -> None:
    """Prints a line for each snapshot of the namespace."""
    require_output(output, "table", "json", "name")
    snapshots = context.client.snapshots(context.namespace)
    if output == "json":
        context.view.plain(json.dumps(snapshots, indent=2))
    elif output == "name":
        for one in snapshots:
            context.view.plain(one["name"])
    elif not snapshots:
        context.view.say("no snapshots; make one with: meshmall snapshot create NAME --data STORE")
    else:
        rows = [
            [
                one["name"],
                ", ".join(one["stores"]),
                size_text(sum(s["bytes"] for s in one["stores"].values())),
                one["created"],
            ]
            for one in snapshots
        ]
        context.view.columns(["NAME", "STORES", "SIZE", "CREATED"], rows)


def restore(context: Context, name: str) -> None:
    """Puts the baseline's stores back to a snapshot. Raises Failure."""
    with context.view.spinner(f"restoring snapshot {name}"):
        restored = _ask(context, "/restore", {"name": name})
    context.view.say(f"Restored {', '.join(restored['stores'])} to snapshot [bold]{name}[/] of {restored['created']}")


def delete(context: Context, names: Sequence[str]) -> None:
    """Deletes snapshots. Raises Failure at the first that does not exist."""
    for name in names:
        _ask(context, "/delete", {"name": name})
        context.view.say(f"Deleted snapshot {name}")


def _ask(context: Context, path: str, body: Body) -> Body:
    try:
        return context.client.change_snapshot(path, {"namespace": context.namespace, **body}, limit=LIMIT)
    except ApiError as error:
        raise Failure(error.message) from None
