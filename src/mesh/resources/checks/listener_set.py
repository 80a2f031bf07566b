"""What the schemas of ListenerSet and XMesh refuse."""

from collections.abc import Iterator

from mesh.resources.checks.api_listeners import check_listeners
from mesh.resources.gateway_api.listener_set import ListenerSet
from mesh.resources.gateway_api.mesh import XMesh
from mesh.resources.values.names import wrong_subdomain
from mesh.resources.values.problems import FieldError, required

Errors = Iterator[FieldError]


def check_listener_set(listener_set: ListenerSet) -> Errors:
    """Everything wrong with a ListenerSet by itself."""
    if not listener_set.spec.listeners:
        yield required("spec.listeners", "is empty; a ListenerSet needs at least one listener")
    yield from check_listeners(listener_set.spec.listeners)


def check_mesh(mesh: XMesh) -> Errors:
    """Everything wrong with an XMesh by itself."""
    domain, slash, path = mesh.spec.controller_name.partition("/")
    if not slash or not path or wrong_subdomain(domain):
        yield FieldError("spec.controllerName", f'"{mesh.spec.controller_name[:80]}" is not "domain/path"')


def check_mesh_update(before: XMesh, after: XMesh) -> Errors:
    """What may not change in an XMesh."""
    if before.spec.controller_name != after.spec.controller_name:
        yield FieldError("spec.controllerName", "cannot be changed")
