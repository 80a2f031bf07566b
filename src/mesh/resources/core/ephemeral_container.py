"""EphemeralContainer (Kubernetes core/v1): a container that `kubectl debug` adds to a pod that runs."""

from mesh.resources.core.pod import Container


class EphemeralContainer(Container, frozen=True):
    """It is never restarted, and the pod's end does not wait for its own."""

    target_container_name: str = ""
