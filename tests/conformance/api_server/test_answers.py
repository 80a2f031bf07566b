"""This API answers as a real kube-apiserver does, except where `differences/` says otherwise."""

from pathlib import Path

from tests.conformance.api_server.documented import documented
from tests.conformance.api_server.replay import api_server, differing_cases, differing_defaults

HINT = "`python -m tests.conformance.api_server --prune` removes what no longer differs"


async def test_wrong_and_odd_objects_get_the_recorded_code_reason_and_fields(tmp_path: Path) -> None:
    async with api_server(tmp_path / "home") as api:
        _only_documented("cases", await differing_cases(api))


async def test_objects_are_stored_with_the_recorded_defaults(tmp_path: Path) -> None:
    async with api_server(tmp_path / "home") as api:
        _only_documented("defaults", await differing_defaults(api))


def _only_documented(group: str, differences: dict[str, str]) -> None:
    known = documented(group)
    new = [f"{name}\n    {difference}" for name, difference in differences.items() if name not in known]
    assert not new, "not answered as recorded:\n" + "\n".join(new)
    gone = [name for name in known if name not in differences]
    assert not gone, f"no longer differ ({HINT}):\n" + "\n".join(gone)
    unexplained = [name for name, reason in known.items() if not reason.strip()]
    assert not unexplained, "without a reason:\n" + "\n".join(unexplained)
