"""Listeners that Envoy cannot open: why, in words that help, and for which objects. Pure.

A listener that cannot have its port harms nobody else: nothing is set aside for it, the objects that it was made of
show it, and it is offered again until the port is free.
"""

from collections.abc import Mapping

from mesh.control.outcome import Rejected
from mesh.envoy.data_plane import Refused
from mesh.envoy.xds.resources import Kind
from mesh.routing.model.listener import Listener
from mesh.routing.model.snapshot import Snapshot


def blocked_listeners(refused: Refused, snapshot: Snapshot) -> Mapping[str, Rejected]:
    """The refused listeners by name, sorted."""
    blocked = {}
    for (kind, name), reason in sorted(refused.items(), key=lambda entry: entry[0][1]):
        listener = snapshot.listeners.get(name)
        if kind is Kind.LISTENER and listener is not None:
            blocked[name] = Rejected(f"listener {name}", listener.origins, why_blocked(listener, reason))
    return blocked


def why_blocked(listener: Listener, reason: str) -> str:
    """Envoy's reason as what a user can do about it."""
    where = f"{listener.address}:{listener.port}"
    if "in use" in reason:
        return f"{where} is in use by another program; stop that program or choose another port"
    if "denied" in reason:
        return f"this user may not listen at {where}; choose a port of 1024 or above"
    if "Cannot assign" in reason:
        return f"{listener.address} is not an address of this machine"
    return f"Envoy cannot listen at {where}: {reason.strip()}"
