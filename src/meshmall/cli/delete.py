"""`meshmall delete`: removes what manifests name."""

from collections.abc import Sequence
from typing import Any

from mesh.client import rollout
from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.values.ref import Ref
from meshmall.cli.apply import object_line, refusal, settle
from meshmall.cli.context import Context
from meshmall.cli.kinds import refs_named
from meshmall.cli.options import require_output
from meshmall.cli.printing import print_results
from meshmall.manifests import read


def delete_named_or_files(
    context: Context, words: list[str], files: Sequence[str], *, wait: bool, timeout: float, output: str = "text"
) -> None:
    """Deletes what `KIND NAME...` or the files name. Raises Failure when neither or both are given."""
    require_output(output, "text", "json", "name")
    if output != "text":
        context.view.only_data()
    if bool(words) == bool(files):
        raise Failure("name objects, or files with -f", "meshmall delete KIND NAME, or meshmall delete -f FILE", code=2)
    if files:
        refs = [_ref(context, body) for body in read(files)]
    else:
        refs = refs_named(context, words, "meshmall delete KIND NAME... or KIND/NAME...")
    delete_objects(context, refs, wait=wait, timeout=timeout, output=output)


def delete_objects(context: Context, refs: Sequence[Ref], *, wait: bool, timeout: float, output: str) -> None:
    """Deletes objects, and waits for Envoy and (with `wait`) until their workloads' pods are gone."""
    workloads = [ref for ref in refs if ref.group_kind in rollout.WORKLOADS]
    # Asked before the workloads are deleted: the owners of their pods go with them.
    owners = rollout.owners_of_pods(context.client, workloads) if wait else {}
    try:
        answer = context.client.delete(refs)
    except ApiError as error:
        raise refusal(error, "nothing was deleted") from None
    if output == "json":
        print_results(context.view, answer.results)
    else:
        for result in answer.results:
            context.view.plain(object_line(result.ref) + (f" {result.result}" if output == "text" else ""))
    milliseconds = settle(context, answer.version, ())
    context.view.say(f"[dim]Envoy acknowledged in {milliseconds:,.0f} ms[/]")
    if left := rollout.wait_gone(context.client, owners, timeout):
        raise Failure(f"these pods did not stop within {timeout:g} s: {', '.join(left)}")


def _ref(context: Context, body: dict[str, Any]) -> Ref:
    metadata = body.get("metadata") or {}
    group = str(body.get("apiVersion", "")).rpartition("/")[0]
    if not body.get("kind") or not metadata.get("name"):
        raise Failure("an object to delete needs apiVersion, kind and metadata.name")
    return Ref(group, body["kind"], metadata.get("namespace") or context.namespace, metadata["name"])
