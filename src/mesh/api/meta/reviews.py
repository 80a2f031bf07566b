"""Who am I, and what may I do: Kubernetes' self-subject reviews. Whoever is authenticated may do everything."""

from mesh.api.transport.status_errors import Problem
from mesh.resources.values.body import Body

USER = {"username": "meshmall", "groups": ["system:masters", "system:authenticated"]}
EVERYTHING = "the mesh's kubeconfig allows everything"
AUTHORIZATION, AUTHENTICATION = "authorization.k8s.io", "authentication.k8s.io"
REVIEWS = {
    (AUTHORIZATION, "selfsubjectaccessreviews"): "SelfSubjectAccessReview",
    (AUTHORIZATION, "selfsubjectrulesreviews"): "SelfSubjectRulesReview",
    (AUTHENTICATION, "selfsubjectreviews"): "SelfSubjectReview",
}


def review(group: str, plural: str, request: Body) -> Body:
    """The answer to a review. Raises Problem (400) for an object of another kind."""
    kind = REVIEWS[group, plural]
    api_version = f"{group}/v1"
    if request.get("kind", kind) != kind or request.get("apiVersion", api_version) != api_version:
        raise Problem(400, f"this path takes a {kind} of {api_version}")
    metadata = request.get("metadata")
    body: Body = {"kind": kind, "apiVersion": api_version, "metadata": metadata if isinstance(metadata, dict) else {}}
    if isinstance(request.get("spec"), dict):
        body["spec"] = request["spec"]
    match kind:
        case "SelfSubjectAccessReview":
            body["status"] = {"allowed": True, "reason": EVERYTHING}
        case "SelfSubjectRulesReview":
            body["status"] = {
                "incomplete": False,
                "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
                "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
            }
        case _:
            body["status"] = {"userInfo": USER}
    return body
