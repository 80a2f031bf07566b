"""A pod as controllers create it from a template. Pure."""

import copy
from collections.abc import Mapping
from typing import Any

from mesh.pods.controllers.objects import owner_reference
from mesh.resources.validation.pod_defaults import fill_pod
from mesh.resources.values.body import Body
from mesh.store import Stored


def new_pod(
    owner: Stored, template: Body, name: str, node_name: str, labels: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The body of a Pod that `owner` controls. `labels` are added to the template's.

    The caller may change the body before it is stored; it shares nothing with the template.
    """
    template = copy.deepcopy(template)
    template_metadata = template.get("metadata") or {}
    metadata: Body = {
        "name": name,
        "namespace": owner.ref.namespace,
        "labels": {**(template_metadata.get("labels") or {}), **(labels or {})},
        "ownerReferences": [owner_reference(owner)],
    }
    for field in ("annotations", "finalizers"):
        if template_metadata.get(field):
            metadata[field] = template_metadata[field]
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"nodeName": node_name, **template["spec"]},
        "status": {"phase": "Pending"},
    }
    # What only a pod has is in no template: the ServiceAccount, tolerations, requests.
    fill_pod(body)
    return body
