"""NO_PROXY: which hosts are reached directly."""

from contextlib import suppress
from ipaddress import ip_address, ip_network


def is_direct(host: str, no_proxy: str) -> bool:
    """Whether the list has the host: its name, a domain above it (with or without a leading dot), its IP address, a
    network in CIDR notation, or `*`. Entries are separated by commas; case and ports do not matter."""
    host = host.lower().rstrip(".")
    return any(_matches(host, entry.strip().lower()) for entry in no_proxy.split(",") if entry.strip())


def _matches(host: str, entry: str) -> bool:
    if entry == "*":
        return True
    with suppress(ValueError):
        address = ip_address(host)
        with suppress(ValueError):
            return address in ip_network(entry, strict=False)
        return False
    domain = entry.removeprefix("*").strip(".")
    name, colon, port = domain.rpartition(":")
    if colon and port.isdecimal():
        domain = name
    return host == domain or host.endswith(f".{domain}")
