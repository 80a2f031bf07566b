"""What every namespace has on a cluster: the ServiceAccount `default` and the ConfigMap `kube-root-ca.crt`.

Programs and charts look them up, and pods without an account run as `default`. Who deletes one gets it back, as from
Kubernetes' controllers. Secrets of type kubernetes.io/service-account-token get their token here, too.
"""

import base64
import time
from collections.abc import Iterable

from mesh.api.transport.service_account_tokens import ISSUER, Account, issue
from mesh.reconcile.follower import follow
from mesh.resources.core.config import NAMESPACE_LABEL
from mesh.resources.values.body import Body
from mesh.resources.values.ref import NAMESPACE, Ref
from mesh.store import Event, Put, Store, Stored

DEFAULT_ACCOUNT, AUTHORITY = "default", "kube-root-ca.crt"
SYSTEM_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
TOKEN_TYPE = "kubernetes.io/service-account-token"  # noqa: S105 - the type's name
ACCOUNT_NAME, ACCOUNT_UID = "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"
DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the "
    "internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes "
    "clusters."
)


class Furnishing:
    """Furnishes the namespaces of one store. `authority` is the API's certificate authority (PEM)."""

    def __init__(self, store: Store, authority: str, secret: str) -> None:
        self._store = store
        self._authority = authority
        self._secret = secret

    async def run(self) -> None:
        """Examines everything once, then every change."""
        await follow(self._store, relist=self.sweep, take=self._take)

    def ensure_namespaces(self, more: Iterable[str] = ()) -> None:
        """Creates the namespaces that every cluster has, and `more`."""
        for name in dict.fromkeys((*SYSTEM_NAMESPACES, *more)):
            ref = Ref("", "Namespace", "", name)
            if self._store.get(ref) is None:
                metadata = {"name": name, "labels": {NAMESPACE_LABEL: name}}
                body = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata, "status": {"phase": "Active"}}
                self._store.commit([Put(ref, {**body, "spec": {"finalizers": ["kubernetes"]}})])

    def sweep(self) -> None:
        """Furnishes all namespaces, and fills all Secrets that wait for a token."""
        for namespace in self._store.list("", "Namespace"):
            self.furnish(namespace.ref.name)
        for secret in self._store.list("", "Secret"):
            self._fill(secret)

    def furnish(self, name: str) -> None:
        """Creates what a namespace lacks, unless it is being deleted."""
        namespace = self._store.get(Ref("", "Namespace", "", name))
        if namespace is None or namespace.metadata.get("deletionTimestamp"):
            return
        account: Body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {}}
        bundle: Body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"annotations": {"kubernetes.io/description": DESCRIPTION}},
            "data": {"ca.crt": self._authority},
        }
        wanted = {
            Ref("", "ServiceAccount", name, DEFAULT_ACCOUNT): account,
            Ref("", "ConfigMap", name, AUTHORITY): bundle,
        }
        puts = []
        for ref, body in wanted.items():
            stored = self._store.get(ref)
            # The authority may be a new one since the last start.
            if stored is None or (ref.name == AUTHORITY and stored.body.get("data") != bundle["data"]):
                puts.append(Put(ref, body if stored is None else {**stored.body, "data": bundle["data"]}))
        if puts:
            self._store.commit(puts)

    def _take(self, event: Event) -> None:
        ref = event.object.ref
        if ref.group_kind == NAMESPACE and event.type == "ADDED":
            self.furnish(ref.name)
        elif ref.group:
            return
        elif ref.kind in ("ServiceAccount", "ConfigMap") and ref.name in (DEFAULT_ACCOUNT, AUTHORITY):
            if event.type != "ADDED":
                self.furnish(ref.namespace)
        elif ref.kind == "Secret" and event.type != "DELETED":
            self._fill(event.object)

    def _fill(self, secret: Stored) -> None:
        """Writes token, certificate and namespace into a Secret of a ServiceAccount that has none yet."""
        data = secret.body.get("data") or {}
        name = (secret.metadata.get("annotations") or {}).get(ACCOUNT_NAME)
        if secret.body.get("type") != TOKEN_TYPE or not name or data.get("token"):
            return
        stored = self._store.get(Ref("", "ServiceAccount", secret.ref.namespace, name))
        if stored is None or self._store.get(secret.ref) is not secret:
            return
        token = issue(self._secret, Account(secret.ref.namespace, name, stored.uid), [ISSUER], int(time.time()), None)
        parts = {"ca.crt": self._authority, "namespace": secret.ref.namespace, "token": token}
        filled = {key: base64.b64encode(value.encode()).decode() for key, value in parts.items()}
        annotations = {**secret.metadata["annotations"], ACCOUNT_UID: stored.uid}
        metadata = {**secret.metadata, "annotations": annotations}
        self._store.commit([Put(secret.ref, {**secret.body, "metadata": metadata, "data": {**data, **filled}})])
