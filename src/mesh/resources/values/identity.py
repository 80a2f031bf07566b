"""The identities of workloads as Istio writes them (SPIFFE, without the scheme)."""


def principal(namespace: str, service_account: str) -> str:
    """`cluster.local/ns/<namespace>/sa/<service account>`."""
    return f"cluster.local/ns/{namespace}/sa/{service_account}"


def trust_domain(name: str) -> str:
    """The trust domain of a principal; "" when there is no principal."""
    return name.partition("/")[0]
