"""What can be set about pods, with the values that suit a developer's machine."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PodSettings:
    """Times are seconds, sizes bytes.

    A container that ends is started again at once, then after 10 s, 20 s ... 300 s in Kubernetes, and its count
    starts anew after ten good minutes. Nobody waits that long in front of a laptop: `backoff_scale` multiplies
    these times, and 0.1 makes them 1 s, 2 s ... 30 s and one good minute.

    While a container has not been ready once, its startup and readiness probes are tried every `first_check_every`
    for `first_checks_for`, whatever `periodSeconds` says: a refused connection costs nothing, a late one does.

    `images_every` is how often it is looked whether the home's images.yaml has changed.
    """

    backoff_scale: float = 0.1
    first_check_every: float = 0.04
    first_checks_for: float = 10.0
    settle_limit: float = 5.0
    stop_grace: float = 3.0
    log_size: int = 10 * 1024 * 1024
    log_interval: float = 0.05
    events_kept: int = 1000
    images_every: float = 0.5
    proxy_port: int = 15001
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
