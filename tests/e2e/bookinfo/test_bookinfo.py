"""Bookinfo with a stock kubectl, as Istio's tasks walk through it: written for images, run by an images.yaml."""

import json
import shutil
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pyreqwest.client import SyncClientBuilder
from pyreqwest.exceptions import ConnectError

from tests.support.mesh import Mesh, run_kubectl
from tests.support.waiting import until

HERE = Path(__file__).parent
WHEELS = Path(sys.executable).parent / "kubectl"
KUBECTL = shutil.which("kubectl") or (str(WHEELS) if WHEELS.exists() else None)
LIMIT = 60.0
pytestmark = pytest.mark.skipif(KUBECTL is None, reason="there is no kubectl on this machine")


class Bookinfo:
    """Applies the sample's files, and looks at the page as somebody."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh

    def kubectl(self, *words: str) -> str:
        assert KUBECTL is not None
        ran = run_kubectl(KUBECTL, self.mesh.home, "-n", "default", *words, cwd=HERE)
        assert ran.code == 0, f"{words}: {ran.out}"
        return ran.out

    def get(self, path: str, user: str = "") -> tuple[int, str]:
        with SyncClientBuilder().no_proxy().build() as client:
            asked = client.get(self.mesh.gateway + path)
            answer = (asked.header("cookie", f"user={user}") if user else asked).build().send()
            return answer.status, answer.text()

    def reviews(self, user: str = "") -> Any:
        return json.loads(self.get("/api/v1/products/0/reviews", user)[1])

    def version(self, user: str = "") -> str:
        """Which version of reviews has answered: by the stars, and by the pod that says it was it."""
        found = self.reviews(user)
        if "error" in found:
            return "none"
        colour = found["reviews"][0].get("rating", {}).get("color", "none")
        version = {"none": "v1", "black": "v2", "red": "v3"}[colour]
        assert found["podname"].startswith(f"reviews-{version}-")
        return version

    def versions(self, count: int, user: str = "") -> Counter[str]:
        return Counter(self.version(user) for _ in range(count))

    def complete(self) -> bool:
        """Whether every part of the page is there, whichever reviews answers; not while nobody listens yet."""
        try:
            status, page = self.get("/productpage")
        except ConnectError:
            return False
        return status == 200 and "William Shakespeare" in page and "farce" in page


@pytest.fixture
def bookinfo(mesh: Mesh) -> Bookinfo:
    mesh.up("--empty")
    return Bookinfo(mesh)


def test_the_pods_wait_for_their_images_until_a_file_says_what_stands_for_them(bookinfo: Bookinfo) -> None:
    applied = bookinfo.kubectl("apply", "-f", "bookinfo.yaml")
    assert applied.count("deployment.apps/") == 6
    until(lambda: bookinfo.kubectl("get", "pods").count("ErrImageNeverPull") == 6, LIMIT)
    described = bookinfo.kubectl("describe", "pod", "-l", "app=ratings")
    assert str(bookinfo.mesh.home / "images.yaml") in described
    assert 'image: "docker.io/istio/examples-bookinfo-ratings-v1:1.20.1"' in described
    (bookinfo.mesh.home / "images.yaml").write_text("images: [{image: '*', comand: [sleep]}]")
    ran = bookinfo.mesh.run("status")
    assert ran.code == 1
    assert "images[0].comand" in ran.out + ran.err
    (bookinfo.mesh.home / "images.yaml").unlink()
    (bookinfo.mesh.home / "images.yaml").symlink_to(HERE / "images.yaml")
    bookinfo.kubectl("wait", "--for=condition=Available", "deployment", "--all", f"--timeout={LIMIT:g}s")
    bookinfo.kubectl("apply", "-f", "bookinfo-gateway.yaml")
    until(bookinfo.complete, LIMIT)


@pytest.mark.slow
def test_the_tasks_of_the_documentation_show_what_they_say(bookinfo: Bookinfo) -> None:
    (bookinfo.mesh.home / "images.yaml").symlink_to(HERE / "images.yaml")
    for file in ("bookinfo.yaml", "bookinfo-gateway.yaml", "destination-rule-all.yaml"):
        bookinfo.kubectl("apply", "-f", file)
    until(bookinfo.complete, LIMIT)
    until(lambda: set(bookinfo.versions(6)) == {"v1", "v2", "v3"}, LIMIT)

    # Request routing: everybody at v1, then jason alone at v2.
    bookinfo.kubectl("apply", "-f", "virtual-service-all-v1.yaml")
    until(lambda: bookinfo.versions(6) == {"v1": 6}, LIMIT)
    bookinfo.kubectl("apply", "-f", "virtual-service-reviews-test-v2.yaml")
    until(lambda: bookinfo.versions(6, "jason") == {"v2": 6}, LIMIT)
    assert bookinfo.versions(6) == {"v1": 6}
    assert bookinfo.versions(6, "jasonx") == {"v1": 6}

    # Fault injection: ratings fail for jason, then come after seven seconds, longer than the page waits for reviews.
    bookinfo.kubectl("apply", "-f", "virtual-service-ratings-test-abort.yaml")
    broken = {"error": "Ratings service is currently unavailable"}
    until(lambda: bookinfo.reviews("jason")["reviews"][0]["rating"] == broken, LIMIT)
    assert bookinfo.version() == "v1"
    bookinfo.kubectl("apply", "-f", "virtual-service-ratings-test-delay.yaml")
    until(lambda: "error" in bookinfo.reviews("jason"), LIMIT)
    assert "reviews are currently unavailable" in bookinfo.get("/productpage", "jason")[1]
    assert bookinfo.version() == "v1"

    # Traffic shifting: half at v3. 60 draws are between 12 and 48 but for once in a million.
    bookinfo.kubectl("apply", "-f", "virtual-service-all-v1.yaml", "-f", "virtual-service-reviews-50-v3.yaml")
    until(lambda: "v3" in bookinfo.versions(6, "jason"), LIMIT)
    found = bookinfo.versions(60)
    assert set(found) == {"v1", "v3"}
    assert 12 <= found["v3"] <= 48

    # Clean-up, as the sample's script does it.
    for file in ("virtual-service-all-v1.yaml", "destination-rule-all.yaml", "bookinfo-gateway.yaml", "bookinfo.yaml"):
        bookinfo.kubectl("delete", "-f", file)
    until(lambda: "No resources found" in bookinfo.kubectl("get", "pods"), LIMIT)


def test_a_branch_of_an_image_runs_what_stands_for_it(bookinfo: Bookinfo) -> None:
    (bookinfo.mesh.home / "images.yaml").symlink_to(HERE / "images.yaml")
    for file in ("bookinfo.yaml", "bookinfo-gateway.yaml", "destination-rule-all.yaml", "virtual-service-all-v1.yaml"):
        bookinfo.kubectl("apply", "-f", file)
    until(lambda: bookinfo.complete() and bookinfo.versions(6) == {"v1": 6}, LIMIT)
    forked = ("--cookie", "user=eve", "--fork", "reviews", "--env", "STARS=red")
    bookinfo.mesh.ok("branch", "create", "-n", "default", "eve", *forked)
    until(lambda: bookinfo.reviews("eve")["reviews"][0].get("rating") == {"stars": 5, "color": "red"}, LIMIT)
    assert bookinfo.reviews("eve")["podname"].startswith("reviews-eve-")
    assert bookinfo.versions(6) == {"v1": 6}
