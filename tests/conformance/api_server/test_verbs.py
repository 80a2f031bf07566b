"""Every verb of the API answers as a real API server did, but for the known differences."""

from pathlib import Path

from tests.conformance.api_server.conversations import reasons, undocumented
from tests.conformance.api_server.verbs import ANSWERS, PROBES, answered


def test_every_recorded_case_has_a_probe() -> None:
    assert sorted(PROBES) == sorted(ANSWERS)


async def test_the_verbs_answer_as_recorded_but_for_known_differences(tmp_path: Path) -> None:
    problems = undocumented(ANSWERS, await answered(tmp_path), reasons("verbs"))
    assert not problems, f"{len(problems)} differences\n" + "\n".join(problems)
