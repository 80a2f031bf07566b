"""The identities of workloads as Istio writes them (SPIFFE, without the scheme)."""


def principal(namespace: str, service_account: str) -> str:
    """`cluster.local/ns/<namespace>/sa/<service account>`."""
    return f"cluster.local/ns/{namespace}/sa/{service_account}"
