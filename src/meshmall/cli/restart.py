"""`meshmall restart`: new pods for a workload, one after the other, without a failed request."""

from datetime import UTC, datetime

from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.values.ref import DEPLOYMENT, STATEFUL_SET, GroupKind
from meshmall.cli.apply import object_line, refusal, wait_ready
from meshmall.cli.context import Context
from meshmall.cli.kinds import refs_named
from meshmall.cli.options import require_output
from meshmall.cli.printing import print_objects

# kubectl's own: whoever follows a rollout's history finds the same words.
RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
KINDS: tuple[GroupKind, ...] = (DEPLOYMENT, STATEFUL_SET)


def restart(context: Context, words: list[str], *, wait: bool, timeout: float, output: str = "text") -> None:
    """Restarts Deployments (a name alone means one) and StatefulSets. Raises Failure, with nothing changed."""
    require_output(output, "text", "json", "yaml", "name")
    if words and all("/" not in word for word in words):
        words = [f"deployment/{word}" for word in words]
    refs = refs_named(context, words, "meshmall restart NAME... or KIND/NAME...")
    for ref in refs:
        if ref.group_kind not in KINDS:
            raise Failure(f"{object_line(ref)}: only Deployments and StatefulSets are restarted", code=2)
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    change = {"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: moment}}}}}
    try:
        for ref in refs:
            context.client.get(ref)
        for ref in refs:
            context.client.patch(ref, change)
    except ApiError as error:
        raise refusal(error, "use: meshmall get deployments") from None
    if wait:
        wait_ready(context, refs, timeout)
    if output != "text":
        print_objects(context.view, [context.client.get(ref) for ref in refs], output, one=True)
        return
    for ref in refs:
        context.view.plain(f"{object_line(ref)} {'restarted' if wait else 'is restarting'}")
