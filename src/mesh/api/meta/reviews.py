"""Who is this, and what may they do: Kubernetes' reviews. Whoever is authenticated may do everything.

There are no users besides the one of the kubeconfig, and no rules: a review of somebody else's access is answered as if
they had a token of this mesh.
"""

import time

from mesh.api.transport.pod_access import pod_of
from mesh.api.transport.service_account_tokens import account_of
from mesh.api.transport.status_errors import Problem
from mesh.resources.values.body import Body

USER = {"username": "meshmall", "groups": ["system:masters", "system:authenticated"]}
EVERYTHING = "the mesh's kubeconfig allows everything"
AUTHORIZATION, AUTHENTICATION = "authorization.k8s.io", "authentication.k8s.io"
REVIEWS = {
    (AUTHORIZATION, "selfsubjectaccessreviews"): "SelfSubjectAccessReview",
    (AUTHORIZATION, "selfsubjectrulesreviews"): "SelfSubjectRulesReview",
    (AUTHORIZATION, "subjectaccessreviews"): "SubjectAccessReview",
    (AUTHENTICATION, "selfsubjectreviews"): "SelfSubjectReview",
    (AUTHENTICATION, "tokenreviews"): "TokenReview",
}
LOCAL = "localsubjectaccessreviews"
LOCAL_PATH = f"/apis/{AUTHORIZATION}/v1/namespaces/{{namespace}}/{LOCAL}"
# What `kubectl auth can-i --list` shows on any cluster of those who have authenticated.
ANYBODY = (
    {"verbs": ["create"], "apiGroups": [AUTHENTICATION], "resources": ["selfsubjectreviews"]},
    {
        "verbs": ["create"],
        "apiGroups": [AUTHORIZATION],
        "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
    },
)
ANY_PATHS = (
    *("/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz"),
    *("/version", "/version/"),
)

PUBLIC_PATHS = ("/healthz", "/livez", "/readyz", "/version", "/version/")


def review(kind: str, group: str, request: Body, secret: str) -> Body:
    """The answer to a review; `secret` is the mesh's token. Raises Problem (400) for an object of another kind."""
    api_version = f"{group}/v1"
    if request.get("kind", kind) != kind or request.get("apiVersion", api_version) != api_version:
        raise Problem(400, f"this path takes a {kind} of {api_version}")
    metadata = request.get("metadata")
    body: Body = {"kind": kind, "apiVersion": api_version, "metadata": metadata if isinstance(metadata, dict) else {}}
    spec = request.get("spec")
    if isinstance(spec, dict):
        body["spec"] = spec
    match kind:
        case "SelfSubjectRulesReview":
            body["status"] = _rules()
        case "SelfSubjectReview":
            body["status"] = {"userInfo": USER}
        case "TokenReview":
            token = spec.get("token") if isinstance(spec, dict) else None
            body["status"] = _token(str(token or ""), secret)
        case _:
            body["status"] = {"allowed": True, "reason": EVERYTHING}
    return body


def _rules() -> Body:
    return {
        "incomplete": False,
        "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}, *ANYBODY],
        "nonResourceRules": [
            {"verbs": ["*"], "nonResourceURLs": ["*"]},
            *({"verbs": ["get"], "nonResourceURLs": [path]} for path in (*ANY_PATHS, *PUBLIC_PATHS)),
        ],
    }


def _token(token: str, secret: str) -> Body:
    """Whose token it is."""
    if token == secret:
        return {"authenticated": True, "user": USER}
    if account := account_of(token, secret, time.time()):
        user = {"username": account.username, "uid": account.uid, "groups": account.groups}
        return {"authenticated": True, "user": user}
    if pod := pod_of(token, secret):
        namespace, name, uid = pod
        extra = {"authentication.kubernetes.io/pod-name": [name], "authentication.kubernetes.io/pod-uid": [uid]}
        user = {"username": f"system:serviceaccount:{namespace}:default", "groups": ["system:authenticated"]}
        return {"authenticated": True, "user": {**user, "extra": extra}}
    return {"authenticated": False, "user": {}, "error": "the token was not issued by this mesh, or has expired"}
