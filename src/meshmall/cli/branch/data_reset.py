"""`branch data reset`: copies a branch's stores again."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from mesh.daemon.failure import Failure
from mesh.resources.meshmall.branch import DATA_RESET
from mesh.resources.values.body import Body
from meshmall.cli.branch.data_text import data_progress, store_text
from meshmall.cli.branch.wait import FIRST_PAUSE, LONGEST_PAUSE, DataFailed, branch_ref, condition, fetch
from meshmall.cli.context import Context


def reset(context: Context, name: str, timeout: float) -> None:
    """Has the stores copied anew and waits until the branch is ready on them.

    Raises Failure when the branch has no data of its own, or when it is not ready in time.
    """
    branch = fetch(context, name)
    if not branch["spec"].get("data"):
        raise Failure(f"branch {name} has no data of its own", "give it some: meshmall branch create NAME --data STORE")
    begun = time.perf_counter()
    token = datetime.now(UTC).isoformat()
    context.client.patch(branch_ref(context, name), {"metadata": {"annotations": {DATA_RESET: token}}})
    with context.view.spinner(f"copying the data of branch {name}") as show:
        branch = _until_copied(context, name, token, timeout, data_progress(show))
    context.view.say(
        f"The data of branch [bold]{name}[/] was copied anew ({(time.perf_counter() - begun) * 1000:,.0f} ms)"
    )
    for store in branch["status"]["data"]:
        context.view.say(f"  data      {store_text(store)}")


def _until_copied(context: Context, name: str, token: str, timeout: float, progress: Callable[[Body], None]) -> Body:
    deadline = time.monotonic() + timeout
    pause = FIRST_PAUSE
    while True:
        branch = fetch(context, name)
        progress(branch)
        stores = (branch.get("status") or {}).get("data", [])
        if stores and all(store.get("reset") == token for store in stores):
            data = condition(branch, "DataReady")
            if data.get("reason") == "Failed":
                raise DataFailed(f"branch {name}: {data['message']}")
            if data.get("status") == "True" and condition(branch, "Ready").get("status") == "True":
                return branch
        if time.monotonic() > deadline:
            message = condition(branch, "Ready").get("message", "it has no status yet")
            raise Failure(f"the data of branch {name} is not ready: {message}", f"see: meshmall branch show {name}")
        time.sleep(pause)
        pause = min(pause * 1.3, LONGEST_PAUSE)
