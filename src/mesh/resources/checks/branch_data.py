"""What the stores of a Branch (`spec.data`) can get wrong by themselves."""

import ipaddress
from collections.abc import Iterator

from mesh.resources.meshmall.branch import Branch, BranchData
from mesh.resources.values.durations import seconds
from mesh.resources.values.names import wrong_label
from mesh.resources.values.problems import FieldError, duplicate

Errors = Iterator[FieldError]
MOST_STORES = 16
SHORTEST_FREEZE, LONGEST_FREEZE = 0.05, 60.0
WORKLOAD_KINDS = ("StatefulSet", "Deployment", "Pod")


def check_data(branch: Branch) -> Errors:
    """Everything wrong with the stores of a Branch, without looking at what they name."""
    spec = branch.spec
    if len(spec.data) > MOST_STORES:
        yield FieldError("spec.data", f"{len(spec.data)} entries; at most {MOST_STORES}")
    for name, store in spec.data.items():
        path = f"spec.data[{name}]"
        if wrong := wrong_label(name):
            yield FieldError(path, wrong)
        change = spec.services.get(name)
        if change is not None and change.fork is None:
            yield FieldError(path, f"spec.services[{name}] is a {change.kind}; a store can only be changed as a fork")
        yield from _store(store, path)
        yield from _names(name, store, spec.data, path)


def _store(store: BranchData, path: str) -> Errors:
    kind, slash, _ = store.workload.partition("/")
    if slash and kind.lower() not in [one.lower() for one in WORKLOAD_KINDS]:
        yield FieldError(f"{path}.workload", f'"{store.workload[:80]}" is not one of {", ".join(WORKLOAD_KINDS)}')
    if wrong := wrong_label(store.source):
        yield FieldError(f"{path}.from", f'{wrong}; use "baseline", "empty" or the name of a snapshot')
    try:
        limit = seconds(store.freeze_limit)
    except ValueError as error:
        yield FieldError(f"{path}.freezeLimit", str(error))
    else:
        if not SHORTEST_FREEZE <= limit <= LONGEST_FREEZE:
            yield FieldError(f"{path}.freezeLimit", f'"{store.freeze_limit}" is not in 50ms-60s')
    for field, command in (("before", store.before), ("after", store.after)):
        if command is not None and any("\0" in word for word in command):
            yield FieldError(f"{path}.{field}", "a word of a command cannot have a NUL character")
    if store.url:
        try:
            server_address(store.url)
        except ValueError as error:
            yield FieldError(f"{path}.url", str(error))


def _names(name: str, store: BranchData, stores: dict[str, BranchData], path: str) -> Errors:
    """Each Service leads to one store, and no store is its own client."""
    for number, service in enumerate(store.services):
        owner = next(
            (n for n, other in stores.items() if service == n or (n != name and service in other.services)), ""
        )
        if service in store.services[:number]:
            yield duplicate(f"{path}.services[{number}]", service)
        elif owner:
            yield FieldError(f"{path}.services[{number}]", f'"{service}" leads to spec.data[{owner}] already')
    for number, client in enumerate(store.clients):
        if client in (name, *store.services):
            yield FieldError(f"{path}.clients[{number}]", f'"{client}" is the store itself')
        elif client in store.clients[:number]:
            yield duplicate(f"{path}.clients[{number}]", client)


def server_address(url: str) -> tuple[str, int]:
    """The address and port of a developer's own server ("HOST:PORT"). Raises ValueError that says what is valid."""
    host, _, port = url.rpartition(":")
    address = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        ipaddress.ip_address(address)
        number = int(port) if port.isdecimal() else 0
    except ValueError:
        number = 0
    if not 0 < number < 65536:
        raise ValueError(f'"{url[:80]}" is not an address and a port (for example, "127.0.0.1:5433")')
    return address, number
