"""Settings of pods, with values that suit a developer's machine."""

from dataclasses import dataclass

from mesh.pods.controllers.jobs.plan import Pauses
from mesh.resources.values.ports import SIDECAR_PORT


@dataclass(frozen=True, slots=True)
class PodSettings:
    """Times are seconds, sizes bytes.

    In Kubernetes a container that ends is restarted at once, then after 10 s, 20 s ... 300 s, and from the beginning
    after ten stable minutes. Nobody waits that long in front of a laptop: `backoff_scale` multiplies these times, and
    0.1 makes them 1 s, 2 s ... 30 s and one stable minute.

    Until a container has been ready once, its startup and readiness probes are made every `first_check_every` for
    `first_checks_for`, whatever `periodSeconds` says: a refused connection costs nothing, a late start costs time.

    A probe that fails within `start_patience` after a container's start is the ordinary course of things; from then on
    the pod's status says how it fails.

    `stops_every` is how often containers are looked at for a process that was stopped.

    `images_every` is how often the home's images.yaml is checked for changes, `autoscale_every` how often autoscalers
    look at what pods use (15 s, as in Kubernetes), `volumes_every` how often emptyDirs with a sizeLimit are measured.
    """

    backoff_scale: float = 0.1
    first_check_every: float = 0.04
    first_checks_for: float = 10.0
    start_patience: float = 3.0
    settle_limit: float = 5.0
    stop_grace: float = 3.0
    log_size: int = 10 * 1024 * 1024
    log_interval: float = 0.05
    events_kept: int = 1000
    images_every: float = 0.5
    stops_every: float = 0.3
    autoscale_every: float = 15.0
    volumes_every: float = 10.0
    prune_every: float = 3600.0
    proxy_port: int = SIDECAR_PORT
    node_name: str = "localhost"
    host_ip: str = "127.0.0.1"

    @property
    def backoff_first(self) -> float:
        return 10.0 * self.backoff_scale

    @property
    def backoff_limit(self) -> float:
        return 300.0 * self.backoff_scale

    @property
    def backoff_reset(self) -> float:
        return 600.0 * self.backoff_scale

    @property
    def job_pauses(self) -> Pauses:
        """Before a Job's failed pod is replaced: 10 s, 20 s ... 600 s in Kubernetes."""
        return Pauses(10.0 * self.backoff_scale, 600.0 * self.backoff_scale)
