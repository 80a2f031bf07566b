"""`branch create`, `delete` and `extend`, with a client that answers from memory."""

import re
from pathlib import Path

import pytest

from mesh.client.errors import ApiError
from mesh.daemon.failure import Failure
from mesh.resources.values.body import Body
from mesh.resources.values.ref import Ref
from meshmall.cli.branch.create import create, delete, entry_text, extend
from tests.support.commands import FakeClient, context_with

FOX = Ref("meshmall.dev", "Branch", "mesh", "fox")
BODY: Body = {"kind": "Branch", "metadata": {"name": "fox"}, "spec": {"services": {"products": {"fork": {}}}}}


def test_a_branch_is_stored_and_its_warnings_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    client = FakeClient(warnings=("spec.expires: is long",))
    create(context_with(client, tmp_path), BODY, wait=False, timeout=1)
    assert client.applied == [BODY]
    shown = capsys.readouterr()
    assert "Created branch fox" in shown.out
    assert "warning: spec.expires: is long" in shown.err


def test_a_branch_that_exists_is_left_alone(tmp_path: Path) -> None:
    client = FakeClient({FOX: BODY})
    with pytest.raises(Failure, match="branch fox already exists"):
        create(context_with(client, tmp_path), BODY, wait=False, timeout=1)
    assert client.applied == []


def test_a_refusal_names_every_cause(tmp_path: Path) -> None:
    client = FakeClient(
        refuses=ApiError(422, "refused", ["spec.services[a]: is no Service", "spec.enter[0]: is taken"])
    )
    with pytest.raises(Failure) as caught:
        create(context_with(client, tmp_path), BODY, wait=False, timeout=1)
    told = f"{caught.value.message} {caught.value.remedy}"
    assert "spec.services[a]: is no Service" in told
    assert "spec.enter[0]: is taken" in told
    assert "nothing was changed" in told


def test_what_the_demo_has_created_is_named_with_the_command_that_deletes_it(tmp_path: Path) -> None:
    taken = "Branch mesh/fox: spec.services[products]: Deployment mesh/products-fox, which the branch would create, "
    client = FakeClient(refuses=ApiError(422, "refused", [f"{taken}already exists and does not belong to the branch"]))
    with pytest.raises(Failure) as failure:
        create(context_with(client, tmp_path), BODY, wait=False, timeout=1)
    assert re.search(r"if it is the demo's: meshmall delete -f \S+/fox\.yaml", failure.value.remedy)
    ann = {**BODY, "metadata": {"name": "ann"}}
    with pytest.raises(Failure) as failure:
        create(context_with(client, tmp_path), ann, wait=False, timeout=1)
    assert failure.value.remedy == "nothing was changed"


def test_of_several_branches_none_is_deleted_when_one_does_not_exist(tmp_path: Path) -> None:
    client = FakeClient({FOX: BODY})
    with pytest.raises(Failure, match="no branch 'ann'"):
        delete(context_with(client, tmp_path), ["fox", "ann"])
    assert client.deleted == []
    delete(context_with(client, tmp_path), ["fox"])
    assert client.deleted == [FOX]


def test_the_end_of_a_branch_is_counted_from_now(tmp_path: Path) -> None:
    client = FakeClient({FOX: BODY})
    extend(context_with(client, tmp_path), "fox", "48h")
    ((ref, change),) = client.patched
    assert ref == FOX
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", change["spec"]["expires"])
    for duration in ("soon", "-1h", "9" * 30 + "h"):
        with pytest.raises(Failure):
            extend(context_with(client, tmp_path), "fox", duration)
    assert len(client.patched) == 1


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({"cookie": {"name": "user", "value": "fox"}}, "cookie user=fox"),
        ({"host": "fox.example.com"}, "host fox.example.com"),
        ({}, ""),
    ],
)
def test_an_entry_is_shown_as_people_write_it(entry: Body, text: str) -> None:
    assert entry_text(entry) == text
