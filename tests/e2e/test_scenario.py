"""The seed's scenario: jason, fox and everybody else each see their own mall."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from pyreqwest.client import SyncClientBuilder

from tests.support.mesh import BASELINE, FOX, JASON, Mesh, seen
from tests.support.waiting import until

REQUESTS = int(os.environ.get("SCENARIO_REQUESTS", "3000"))
EXPECTED = {"user=jason": JASON, "user=fox": FOX, "user=xx": BASELINE}


def test_the_demo_shows_what_each_of_them_sees(mesh: Mesh) -> None:
    out = mesh.up(command="demo")
    assert "user=jason" in out
    assert "on 12 of 12" in out
    assert mesh.gateway in out
    again = mesh.up(command="demo")
    assert "is already running" in again
    assert "on 12 of 12" in again


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        *EXPECTED.items(),
        ("theme=dark; user=jason; lang=zh", JASON),
        ("user=fox; theme=dark", FOX),
        ("superuser=jason", BASELINE),
        ("user=jason2", BASELINE),
        ("other=1", BASELINE),
    ],
)
def test_a_cookie_decides_which_mall_one_sees(demo: Mesh, cookie: str, expected: tuple[bool, bool, int]) -> None:
    assert seen(demo.mall(cookie)) == expected
    assert seen(demo.mall(cookie, f"http://{demo.address}:31004")) == expected


def test_three_thousand_requests_at_once_meet_no_wrong_service(demo: Mesh) -> None:
    def ask(cookies: list[str]) -> int:
        wrong = 0
        with SyncClientBuilder().no_proxy().build() as client:
            for cookie in cookies:
                answer = client.get(f"{demo.gateway}/api/mall").header("cookie", cookie).build().send()
                wrong += answer.status != 200 or seen(json.loads(answer.text())) != EXPECTED[cookie]
        return wrong

    cookies = [*EXPECTED] * (REQUESTS // len(EXPECTED))
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, [cookies[number::8] for number in range(8)])) == 0


class Traffic:
    """Somebody else's requests, without pause until `stop`."""

    def __init__(self, mesh: Mesh, cookies: list[str]) -> None:
        self.count = 0
        self.wrong: list[str] = []
        self._mesh = mesh
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(cookie,)) for cookie in cookies]
        for thread in self._threads:
            thread.start()

    def _ask(self, cookie: str) -> None:
        with SyncClientBuilder().no_proxy().build() as client:
            while not self._stopped.is_set():
                answer = client.get(f"{self._mesh.gateway}/api/mall").header("cookie", cookie).build().send()
                text = answer.text()
                if answer.status != 200 or seen(json.loads(text)) != EXPECTED[cookie]:
                    self.wrong.append(f"{cookie}: {answer.status} {text[:200]}")
                self.count += 1

    def stop(self) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()


def test_a_branch_comes_and_goes_while_nobody_else_notices(mesh: Mesh) -> None:
    mesh.up(command="demo")
    traffic = Traffic(mesh, ["user=jason", "user=xx", "user=xx"])
    try:
        for _ in range(3):
            mesh.ok("delete", "-f", mesh.manifest("fox.yaml"))
            assert seen(mesh.mall("user=fox")) == BASELINE
            mesh.ok("apply", "-f", mesh.manifest("fox.yaml"), "--wait")
            assert seen(mesh.mall("user=fox")) == FOX
    finally:
        traffic.stop()
    assert traffic.wrong == []
    assert traffic.count > 50


def test_the_canary_halves_and_goes_again(mesh: Mesh) -> None:
    """600 draws of 1/2: the count lies within 300 +- 62 but for one run in two million (5 sigma, 12.2 each)."""
    mesh.up()
    mesh.ok("apply", "-f", mesh.manifest("mall-v2.yaml"), "--wait")

    def versions(count: int) -> list[str]:
        found = []
        with SyncClientBuilder().no_proxy().build() as client:
            for _ in range(count):
                answer = client.get(f"{mesh.gateway}/healthz/live").build().send()
                found.append(answer.headers["server"])
        return found

    drawn = versions(600)
    assert set(drawn) == {"mall-mall/v1", "mall-mall/v2"}
    assert 238 <= drawn.count("mall-mall/v2") <= 362
    mesh.ok("delete", "-f", mesh.manifest("mall-v2.yaml"))
    assert set(versions(50)) == {"mall-mall/v1"}


def test_what_was_applied_comes_back_after_down_and_up(mesh: Mesh) -> None:
    mesh.up(command="demo")
    mesh.ok("down")
    assert mesh.processes() == []
    mesh.ok("up")
    until(lambda: seen(mesh.mall("user=fox")) == FOX)
    assert seen(mesh.mall("user=jason")) == JASON


def test_two_meshes_run_side_by_side(new_mesh: Callable[[], Mesh]) -> None:
    one, two = new_mesh(), new_mesh()
    one.up(command="demo")
    two.up()
    assert seen(one.mall("user=jason")) == JASON
    assert seen(two.mall("user=jason")) == BASELINE
    one.ok("down")
    assert one.processes() == []
    assert seen(two.mall("user=jason")) == BASELINE


def test_the_commands_of_curl_and_jq_print_what_the_readme_says(demo: Mesh) -> None:
    if not (shutil.which("curl") and shutil.which("jq")):
        pytest.skip("curl or jq is not installed")
    for user, banner in (("jason", "true"), ("xx", "false")):
        command = f"curl -s -H 'cookie: user={user}' {demo.gateway}/api/mall | jq .recommend.banner"
        assert subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout == f"{banner}\n"
