"""`meshmall logs`: whose log is printed."""

from pathlib import Path
from typing import Any

import pytest

from mesh.daemon.failure import Failure
from mesh.resources.values.ref import Ref
from meshmall.cli.logs import print_logs
from tests.support.commands import FakeClient, context_with


def logs(client: FakeClient, home: Path, target: str) -> None:
    options: dict[str, Any] = {"follow": False, "tail": 5, "container": None, "previous": False, "timestamps": True}
    print_logs(context_with(client, home, "shop"), target, **options)


@pytest.mark.parametrize("target", ["mall-v1-x", "pod/mall-v1-x", "pods/mall-v1-x", "po/mall-v1-x"])
def test_a_pod_is_named_in_any_of_kubectl_s_ways(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], target: str
) -> None:
    client = FakeClient()
    logs(client, tmp_path, target)
    assert capfdbinary.readouterr().out == b"one\ntwo\n"
    namespace, pod, options = client.answers["log"]
    assert (namespace, pod, options["tail"], options["timestamps"]) == ("shop", "mall-v1-x", 5, True)


def test_what_has_no_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="service/mall: only pods have logs"):
        logs(FakeClient(), tmp_path, "service/mall")


def test_why_a_container_does_not_stay_up_is_said_after_its_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off; its last lines:\nEADDRINUSE\nhint: listen elsewhere"}
    status = {"containerStatuses": [{"state": {"waiting": waiting}}, {"state": {"waiting": waiting}}]}
    client = FakeClient({Ref("", "Pod", "shop", "web"): {"status": status}})
    logs(client, tmp_path, "web")
    assert capsys.readouterr().err.count("hint: listen elsewhere") == 1
