"""The reason and the remedy for each way in which a machine refuses namespaces."""

import pytest

from mesh.pods.sandbox.availability import Failure, Machine, explain

LAPTOP = Machine((6, 8), False, 15000, apparmor_restricts=False, debian_restricts=False, seccomp=False, container=False)
REFUSED = Failure("namespaces", 1, "Operation not permitted")


@pytest.mark.parametrize(
    ("machine", "failure", "reason", "remedy"),
    [
        (LAPTOP._replace(kernel=(5, 4)), None, "Linux 5.4 is too old; 5.12 or newer is needed", "kernel"),
        (LAPTOP._replace(apparmor_restricts=True), REFUSED, "AppArmor", "apparmor_restrict_unprivileged_userns=0"),
        (LAPTOP._replace(debian_restricts=True), REFUSED, "only root", "kernel.unprivileged_userns_clone=1"),
        (LAPTOP._replace(most_user_namespaces=0), REFUSED, "switched off", "user.max_user_namespaces=15000"),
        (LAPTOP._replace(container=True, seccomp=True), REFUSED, "seccomp", "--privileged"),
        (LAPTOP._replace(container=True, most_user_namespaces=0), Failure("namespaces", 28, "full"), "off", "sysctl"),
        (LAPTOP._replace(apparmor_restricts=True), REFUSED._replace(step="network"), "AppArmor", "sysctl"),
        (LAPTOP._replace(most_user_namespaces=0, root=True), REFUSED, "namespaces: Operation not", "kernel"),
        (LAPTOP, Failure("namespaces", 28, "No space left on device"), "limit of namespaces", "max_net_namespaces"),
        (LAPTOP, Failure("nftables", 95, "Operation not supported"), "nftables", "modprobe -a nf_tables"),
        (LAPTOP, Failure("network", 95, "Operation not supported"), "bridges", "modprobe -a bridge veth"),
        (LAPTOP, Failure("proc", 1, "Operation not permitted"), "/proc", "systempaths=unconfined"),
    ],
)
def test_reason_and_remedy(machine: Machine, failure: Failure | None, reason: str, remedy: str) -> None:
    verdict = explain(machine, failure)
    assert reason in verdict.reason
    assert remedy in verdict.remedy
    assert "\n" not in verdict.reason + verdict.remedy
