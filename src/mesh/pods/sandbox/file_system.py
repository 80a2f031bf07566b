"""A container's file system."""

from mesh.pods.sandbox.spec import ProcessSpec
from mesh.pods.sandbox.syscalls import MS_BIND, MS_REC, mount


def enter_view(spec: ProcessSpec, staging: str) -> None:
    """Gives this process, which is in a mount namespace of its own, the file system that `spec` describes."""
    for entry in spec.mounts:
        mount(entry.source, entry.target, flags=MS_BIND | MS_REC)
    mount("proc", "/proc", "proc")
