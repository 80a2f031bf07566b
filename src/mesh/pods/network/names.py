"""The names that pods can look up: a table that the daemon keeps up to date, and what it answers. Pure.

The schema is Kubernetes' (DNS-Based Service Discovery, 1.1.0). Keys are full names in lower case without the final
dot: search domains are the client's affair.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from mesh.pods.network.dns_message import (
    AAAA,
    CNAME,
    INTERNET,
    NOERROR,
    NXDOMAIN,
    PTR,
    SERVFAIL,
    SRV,
    A,
    Query,
    Record,
    address_record,
    authority_record,
    name_record,
    service_record,
)

TTL = 5
ZONE = "cluster.local"
# What lies below these is the mesh's alone: pods are 10.244.0.0/16, Services 10.96.0.0/12.
ZONES = (ZONE, "244.10.in-addr.arpa", *(f"{second}.10.in-addr.arpa" for second in range(96, 112)))
MOST_ALIASES = 8


class Name(NamedTuple):
    """What one name stands for.

    addresses: IPv4 addresses. alias: another name instead (ExternalName). services: (port, target name) of SRV.
    pointer: the name of an address, for keys such as 7.1.244.10.in-addr.arpa (see `pointer_name`).
    """

    addresses: tuple[str, ...] = ()
    alias: str = ""
    services: tuple[tuple[int, str], ...] = ()
    pointer: str = ""


class Verdict(NamedTuple):
    """What the table says to a query: result code and records; then the name to ask the outside for, or ""."""

    code: int
    records: list[Record]
    outside: str = ""
    authority: Record | None = None


def pointer_name(address: str) -> str:
    """The key of an address's reverse entry."""
    return ".".join(reversed(address.split("."))) + ".in-addr.arpa"


def changes(old: Mapping[str, Name], new: Mapping[str, Name]) -> dict[str, list[Any] | None]:
    """What turns one table into the other, as JSON: a name's fields, or None for a name that is gone."""
    changed: dict[str, list[Any] | None] = {name: None for name in old if name not in new}
    changed.update({name: list(value) for name, value in new.items() if old.get(name) != value})
    return changed


def apply(table: dict[str, Name], changed: Mapping[str, list[Any] | None]) -> None:
    """The inverse of `changes`, in place."""
    for name, fields in changed.items():
        if fields is None:
            table.pop(name, None)
        else:
            addresses, alias, services, pointer = fields
            ports = tuple((int(port), str(target)) for port, target in services)
            table[name] = Name(tuple(addresses), alias, ports, pointer)


def answer(table: Mapping[str, Name] | None, query: Query, turn: int = 0) -> Verdict:
    """Answers from the table, None before the daemon has sent it. `turn` rotates the order of addresses."""
    name = query.name
    zone = next((zone for zone in ZONES if name == zone or name.endswith("." + zone)), None)
    if query.kind_class != INTERNET:
        return Verdict(NXDOMAIN, [])
    if table is None:
        return Verdict(SERVFAIL, [], "" if zone else name)
    records: list[Record] = []
    for _ in range(MOST_ALIASES):
        entry = _find(table, name)
        if entry is None or not entry.alias:
            break
        records.append(name_record(name, CNAME, entry.alias, TTL))
        name = entry.alias.lower()
    entry = _find(table, name)
    if entry is None:
        if not _inside(name):
            return Verdict(NOERROR, records, name)
        # A name of the mesh's that an alias leads to may be missing, too.
        return Verdict(NXDOMAIN, records, authority=authority_record(zone or ZONE, TTL))
    own = _records(entry, query, name, turn)
    missing = authority_record(zone or ZONE, TTL) if not own and not records else None
    return Verdict(NOERROR, records + own, authority=missing)


def _inside(name: str) -> bool:
    return any(name == zone or name.endswith("." + zone) for zone in ZONES)


def _find(table: Mapping[str, Name], name: str) -> Name | None:
    """The entry of a name; a ServiceEntry's host may be a wildcard, which stands for one label and more."""
    if (entry := table.get(name)) is not None or _inside(name):
        return entry
    _, _, parent = name.partition(".")
    while parent:
        if (entry := table.get(f"*.{parent}")) is not None:
            return entry
        _, _, parent = parent.partition(".")
    return None


def _records(entry: Name, query: Query, name: str, turn: int) -> list[Record]:
    if query.kind == A and entry.addresses:
        first = turn % len(entry.addresses)
        return [address_record(name, address, TTL) for address in entry.addresses[first:] + entry.addresses[:first]]
    if query.kind == SRV:
        return [service_record(name, port, target, TTL) for port, target in entry.services]
    if query.kind == PTR and entry.pointer:
        return [name_record(name, PTR, entry.pointer, TTL)]
    return []


def has_no_address(query: Query) -> bool:
    """Whether the query asks for an IPv6 address: pods have no IPv6, so that none would be of use."""
    return query.kind == AAAA
