"""DeleteOptions (meta/v1): how a client wants objects deleted, checked as Kubernetes checks it."""

from typing import Any, NamedTuple

from mesh.api.transport.http import Request
from mesh.api.transport.status_errors import Problem, invalid_options

LONGEST_GRACE = 1_000_000
KIND, POLICY = "DeleteOptions", "propagationPolicy"
ORPHAN = "Orphan"
POLICIES = ("Background", "Foreground", ORPHAN)


class DeleteOptions(NamedTuple):
    """The options that mean something here. `grace` is seconds, None for the pod's own."""

    grace: int | None
    orphan: bool
    uid: str
    version: str
    dry_run: bool


async def delete_options(request: Request) -> DeleteOptions:
    """From the body or the query. Raises Problem (400, 422)."""
    body = await request.json()
    options = body if isinstance(body, dict) else {}
    if options.get("kind") not in (None, "", KIND):
        raise Problem(400, f'kind: "{options["kind"]}" is not what a deletion takes ("{KIND}")')
    conditions = options.get("preconditions")
    conditions = conditions if isinstance(conditions, dict) else {}
    return DeleteOptions(
        _grace(options, request),
        _orphan(options, request),
        str(conditions.get("uid") or ""),
        str(conditions.get("resourceVersion") or ""),
        _dry_run(options) or request.dry_run,
    )


def _grace(options: dict[str, Any], request: Request) -> int | None:
    grace = options.get("gracePeriodSeconds", request.number("gracePeriodSeconds"))
    if grace is not None and (not isinstance(grace, int) or grace > LONGEST_GRACE):
        raise Problem(400, f"gracePeriodSeconds: {grace!r} is not a number of seconds")
    # As Kubernetes: less than nothing is the shortest time in which a process can end by itself.
    return 1 if grace is not None and grace < 0 else grace


def _orphan(options: dict[str, Any], request: Request) -> bool:
    policy = options.get(POLICY) or request.query.get(POLICY, "")
    orphan = options.get("orphanDependents")
    if policy not in ("", *POLICIES):
        why = f'Unsupported value: "{policy}"; use one of {", ".join(POLICIES)}'
        raise invalid_options(KIND, POLICY, "FieldValueNotSupported", why)
    if policy and orphan is not None:
        why = f'Invalid value: "{policy}": orphanDependents and {POLICY} cannot both be set'
        raise invalid_options(KIND, POLICY, "FieldValueInvalid", why)
    return policy == ORPHAN or orphan is True


def _dry_run(options: dict[str, Any]) -> bool:
    value = options.get("dryRun") or []
    if value not in ([], ["All"]):
        raise invalid_options(KIND, "dryRun", "FieldValueNotSupported", f'Unsupported value: {value}; use "All"')
    return value == ["All"]
