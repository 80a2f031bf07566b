"""kubectl prints what it prints of a real API server, but for the known differences."""

from pathlib import Path

import pytest

from tests.conformance.api_server.conversations import reasons, undocumented
from tests.conformance.api_server.kubectl import expected, run_all
from tests.support.api import KUBECTL


@pytest.mark.skipif(KUBECTL is None, reason="there is no kubectl")
async def test_kubectl_exits_and_prints_as_recorded_but_for_known_differences(tmp_path: Path) -> None:
    recorded = expected()
    problems = undocumented(recorded, await run_all(tmp_path, recorded), reasons("kubectl"))
    assert not problems, f"{len(problems)} differences\n" + "\n".join(problems)
