"""The ways into branches, arranged as they are looked up: by Envoy where requests come in, and by the dry run. Pure."""

from typing import NamedTuple

from mesh.resources.meshmall.branch import ENTRY_ORDER, implied_keys
from mesh.routing.model.table import Entries


class Ways(NamedTuple):
    """`by_key` has the branches of the entries that users wrote (`cookie:user=fox`); `names` the names of all branches,
    from which the preview host and the baggage member follow. `fields` are the names to look for in a request, by kind.
    """

    by_key: dict[str, str]
    names: tuple[str, ...]
    fields: dict[str, tuple[str, ...]]


def ways_of(entries: Entries) -> Ways:
    """Arranges entries. Of one kind, fields are looked for in the order in which the entries name them."""
    names = tuple(dict.fromkeys([entry.branch for entry in entries.entries]))
    # The keys with their branches first, then without those that a name implies: with thousands of branches, asking of
    # each key whether it is implied takes twice as long.
    by_key = {entry.key: entry.branch for entry in entries.entries}
    for name in names:
        for key in implied_keys(name):
            by_key.pop(key, None)
    # Many keys share a few fields: only these are taken apart.
    pairs = [field.split(":", 1) for field in dict.fromkeys([key.partition("=")[0] for key in by_key])]
    fields = {kind: tuple(name for of, name in pairs if of == kind) for kind in ENTRY_ORDER if kind != "host"}
    return Ways(by_key, names, fields)
