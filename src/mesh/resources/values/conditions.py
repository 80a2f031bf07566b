"""The conditions of a status: the one way to find them and to merge new ones into those an object already carries.

Follows Kubernetes' API conventions ("Typical status properties"): a condition has type, status, reason, message,
observedGeneration and lastTransitionTime. Pure: the caller passes the time.
"""

from collections.abc import Iterable

from mesh.resources.values.body import Body

TIMES = ("lastTransitionTime", "lastUpdateTime", "lastProbeTime")


def find_condition(conditions: Iterable[Body] | None, type_: str) -> Body | None:
    """The condition of a type; None when there is none."""
    return next((condition for condition in conditions or () if condition.get("type") == type_), None)


def merge_conditions(
    former: Iterable[Body] | None,
    desired: Iterable[Body],
    now: str,
    *,
    generation: int | None = None,
    keep_others: bool = True,
) -> list[Body]:
    """The conditions to write: `desired`, each with the time of its last transition.

    Equal to `former` when nothing changed, so comparing the two shows whether there is anything to write.

    - `desired` come without lastTransitionTime. It is `now` for a new condition and for one whose status turned, and
      stays when only reason, message or generation changed.
    - A condition that says nothing new is returned as it was, with times that `desired` does not mention, such as
      a Deployment's lastUpdateTime.
    - `generation` (metadata.generation) becomes the observedGeneration of every desired condition.
    - Types that are not in `desired` belong to another writer: they come first, unchanged, unless `keep_others` is
      false.
    """
    before = {str(condition.get("type")): condition for condition in former or ()}
    observed: Body = {} if generation is None else {"observedGeneration": generation}
    merged = [_merge(before.get(condition["type"]), {**condition, **observed}, now) for condition in desired]
    if not keep_others:
        return merged
    types = {condition["type"] for condition in merged}
    return [*(condition for type_, condition in before.items() if type_ not in types), *merged]


def _merge(former: Body | None, desired: Body, now: str) -> Body:
    if former is None:
        return {**desired, "lastTransitionTime": now}
    if "lastTransitionTime" in former and _content(former, desired) == desired:
        return former
    # Only a turn of the status is a transition: a new message must not reset the time that people wait on.
    turned = former.get("status") != desired["status"]
    since = now if turned else former.get("lastTransitionTime", now)
    return {**desired, "lastTransitionTime": since}


def _content(former: Body, desired: Body) -> Body:
    """`former` without the times that `desired` leaves to it."""
    return {name: value for name, value in former.items() if name not in TIMES or name in desired}
