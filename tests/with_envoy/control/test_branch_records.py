"""What Envoy's scripts make of the records of branches: without any push, and when a record cannot be read."""

from pathlib import Path

from mesh.envoy.xds.resources import Kind, Resources
from tests.support.objects import Body, branch, rule, service, to
from tests.support.programmed import PORT, Plane


async def shop(plane: Plane) -> tuple[Body, Body]:
    """Two services, and a process beside them; returns a caller, and what puts that process in place of products."""
    base = await plane.backend("base", app="products")
    fox = await plane.backend("fox", app="nobody")
    other = await plane.backend("other", app="other")
    await plane.apply(service("products", app="products"), service("other", app="other"), base, other)
    return base, {"products": {"url": f"http://{fox['status']['podIP']}:{PORT}"}}


async def who(plane: Plane, caller: Body, name: str) -> str:
    reply = await plane.call(caller, "products:7000", **({"x-branch": name} if name else {}))
    return reply.body.split("\n")[0] if reply.status == 200 else str(reply.status)


def versions(sent: Resources) -> dict[tuple[Kind, str], str]:
    return {(kind, name): resource.version for kind, group in sent.items() for name, resource in group.items()}


async def test_one_more_branch_changes_nothing_that_envoy_has(plane: Plane) -> None:
    base, changes = await shop(plane)
    await plane.apply(branch("first", services=changes))
    before = versions(plane.data.sent)
    await plane.apply(branch("second", services=changes))
    assert await who(plane, base, "second") == "fox"
    assert versions(plane.data.sent) == before
    await plane.delete(branch("second", services=changes))
    assert await who(plane, base, "second") == "base"
    assert await who(plane, base, "first") == "fox"
    assert versions(plane.data.sent) == before


async def test_a_row_that_changes_keeps_the_requests_of_branches(plane: Plane) -> None:
    base, changes = await shop(plane)
    await plane.apply(branch("fox", services=changes))
    for destination in ("other", "products"):
        await plane.apply(rule("products", "products", to(destination)))
        assert await who(plane, base, "") == {"other": "other", "products": "base"}[destination]
        assert await who(plane, base, "fox") == "fox"


async def test_a_name_that_is_a_path_is_no_branch(plane: Plane) -> None:
    base, changes = await shop(plane)
    await plane.apply(branch("fox", services=changes))
    for name in ("../name/fox", "fox/", "./fox", "FOX", "f" * 300, "..", "fox,fox"):
        assert await who(plane, base, name) == "base"


async def test_a_record_that_cannot_be_read_sends_no_request_to_the_baseline(plane: Plane, home: Path) -> None:
    base, changes = await shop(plane)
    await plane.apply(branch("fox", services=changes))
    record = home / "run" / "branches" / "name" / "fox"
    text = record.read_bytes()
    # Like a process without descriptors: something is there, and reading it fails.
    record.unlink()
    record.mkdir()
    assert await who(plane, base, "fox") == "503"
    assert await who(plane, base, "") == "base"
    record.rmdir()
    record.write_bytes(text)
    assert await who(plane, base, "fox") == "fox"


async def test_the_end_of_a_mesh_leaves_no_records(plane: Plane, home: Path) -> None:
    _, changes = await shop(plane)
    await plane.apply(branch("fox", services=changes))
    await plane.programmer.stop()
    await plane.data.stop()
    assert {path.name for path in (home / "run").iterdir()} & {"branches", "hops.pipe", "xds.sock"} == set()
