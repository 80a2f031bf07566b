"""How a host in a rule is resolved: short names become fully qualified in the rule's namespace."""

import ipaddress

DOMAIN = "cluster.local"
# The ports that URLs of these schemes leave out.
SCHEME_PORTS = {"http": 80, "https": 443}


def service_host(name: str, namespace: str) -> str:
    """The fully qualified name of a Service: `products.mesh.svc.cluster.local`."""
    return f"{name}.{namespace}.svc.{DOMAIN}"


def resolve(host: str, namespace: str) -> str:
    """A host as Istio resolves it: a name without dots is a Service of the rule's own namespace.

    Istio takes anything with a dot as it is; beyond that, callers look up `name.ns` and `name.ns.svc` in `aliases`.
    """
    if "." in host or "*" in host:
        return host.lower()
    return service_host(host.lower(), namespace)


def aliases(name: str, namespace: str, caller: str) -> tuple[str, ...]:
    """Every name by which a Service can be called from namespace `caller`, shortest first."""
    names = (f"{name}.{namespace}", f"{name}.{namespace}.svc", service_host(name, namespace))
    return (name, *names) if caller == namespace else names


def covers(pattern: str, host: str) -> bool:
    """Whether a pattern (`*`, `*.example.com`, or an exact host) matches a host or a narrower pattern."""
    if pattern == "*":
        return True
    if pattern.startswith("*"):
        return host.removeprefix("*").endswith(pattern[1:])
    return pattern == host


def specificity(host: str) -> tuple[int, int]:
    """Sort key: exact hosts before wildcards, longer before shorter."""
    return (1 if host.startswith("*") else 0, -len(host))


def is_address(text: str) -> bool:
    """Whether a host is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
