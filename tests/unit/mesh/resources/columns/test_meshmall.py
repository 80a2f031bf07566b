"""The columns of Branch."""

from mesh.resources.columns.meshmall import BRANCH
from mesh.resources.values.body import Body

FOX: Body = {
    "metadata": {"name": "fox"},
    "spec": {"enter": [{"cookie": {"name": "user", "value": "fox"}}, {"host": "fox.example.com"}]},
    "status": {
        "phase": "Ready",
        "services": [{"name": "stock"}, {"name": "sales"}],
        "expiresAt": "2030-01-01T00:00:00Z",
    },
}


def test_a_branch_shows_its_changes_and_its_entries() -> None:
    cells = {column.name: column.cell(FOX) for column in BRANCH}
    assert (cells["Phase"], cells["Changes"], cells["Enters"]) == ("Ready", "stock,sales", "user=fox,fox.example.com")


def test_a_branch_without_a_status_is_pending() -> None:
    cells = {column.name: column.cell({"metadata": {"name": "fox"}, "spec": {}}) for column in BRANCH}
    assert (cells["Phase"], cells["Changes"], cells["Enters"]) == ("Pending", "<none>", "<none>")
