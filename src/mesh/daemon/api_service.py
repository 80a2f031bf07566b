"""The Service `default/kubernetes`: where in-cluster clients find the mesh's API.

Its address leads to the API by the mesh's own routes (`mesh.routing.network`), and pods have its name and variables in
any case. The object is there for those who look for it, as on every cluster; a deleted one is back at the next start.
"""

from mesh.pods.network.pools import API_ADDRESS
from mesh.resources.core.service import API_SERVICE
from mesh.resources.values.ref import Ref
from mesh.store import Put, Store
from mesh.store.cascade import removal

REF = Ref("", "Service", *API_SERVICE)
LABELS = {"component": "apiserver", "provider": "kubernetes"}
PORT = 443


def ensure_api_service(store: Store, api_port: int, *, namespaces: bool) -> None:
    """Writes the object where pods have networks of their own; on loopback, where nothing is at its address, removes
    one that is left of another start. A Service of that name that a user has written stays."""
    stored = store.get(REF)
    if stored is not None and stored.metadata.get("labels") != LABELS:
        return
    if not namespaces:
        if stored is not None:
            store.commit(removal(store, [stored]))
        return
    port = {"name": "https", "port": PORT, "protocol": "TCP", "targetPort": api_port}
    spec = {
        "type": "ClusterIP",
        "clusterIP": API_ADDRESS,
        "clusterIPs": [API_ADDRESS],
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "internalTrafficPolicy": "Cluster",
        "sessionAffinity": "None",
        "ports": [port],
    }
    if stored is None or stored.body["spec"] != spec:
        metadata = {"name": REF.name, "namespace": REF.namespace, "labels": LABELS}
        body = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
        store.commit([Put(REF, body if stored is None else {**stored.body, "spec": spec})])
