"""What is wrong and why, at a glance; logs by level and text; restart, scale and YAML; errors beside their fields."""

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_console import deployment, pod
from tests.support.browser import LIMIT_MS, faults
from tests.support.console import StandIn, branch, topology

expect.set_options(timeout=LIMIT_MS)
Open = Callable[..., Page]
LOG = "/api/v1/namespaces/mesh/pods/stock-v1-x1-a/log"
REQUEST = "0000018f-0000-4000-8000-000000000000"


@pytest.fixture
def trouble(stand_in: StandIn) -> StandIn:
    """stock is down (its pod crashes), and branch fox is not ready."""
    crashed = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting"}}
    last = {"terminated": {"exitCode": 3, "reason": "Error", "message": "no such table: stock"}}
    graph = topology()
    for service in graph["services"]:
        if service["name"] == "stock":
            service["versions"][0]["ready"] = 0
    fox = branch("fox")
    fox["status"] |= {
        "phase": "Degraded",
        "services": [{"name": "discount", "kind": "fork", "ready": False, "message": "x"}],
    }
    stand_in.answers |= {
        "/mesh/v1/topology": graph,
        "/api/v1/pods": {"items": [pod("stock-v1-x1-a", restartCount=4, state=crashed, lastState=last)]},
        "/apis/apps/v1/deployments": {"items": [deployment("stock-v1", 0), deployment("discount-fox", 0)]},
        "/apis/meshmall.dev/v1/branches": {"items": [fox]},
        "/api/v1/namespaces/mesh/events": {"items": []},
        "/mesh/v1/failures": {
            "window": 300,
            "items": [
                {
                    "service": "mesh/stock",
                    "workload": "",
                    "branch": "",
                    "status": 503,
                    "reason": "no pod was ready to answer",
                    "count": 7,
                    "requestId": REQUEST,
                    "at": time.time(),
                    "method": "GET",
                    "url": "http://stock:7000/stock",
                }
            ],
        },
        LOG: "".join(
            f"2026-11-24T00:00:0{number}Z {line}\n"
            for number, line in enumerate(
                (
                    "Starting up",
                    json.dumps({"level": "info", "method": "GET", "path": "/stock", "status": 200, "ms": 1.25}),
                    json.dumps({"level": "warn", "msg": "slow disk", "request_id": f"{REQUEST}@fox-1"}),
                    "ERROR: no such table: stock",
                )
            )
        ),
    }
    return stand_in


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_wrong_is_named_with_its_reason_once(trouble: StandIn, at: Open, scheme: str) -> None:
    assert trouble.answers
    page = at("#/health", color_scheme=scheme)
    expect(page.get_by_role("status").filter(has_text="problems")).to_contain_text("2 problems")
    problems = page.locator(".problem")
    expect(problems).to_have_count(2)
    expect(problems.first).to_contain_text("stock: 7 failed requests in the last five minutes")
    expect(problems.first).to_contain_text("no pod was ready to answer")
    expect(problems.first).to_contain_text("container main ended with exit code 3 (no such table: stock)")
    expect(problems.last).to_contain_text("is degraded: discount is not ready")
    expect(page.get_by_role("link", name="Health 2 problems")).to_be_visible()
    expect(page.locator(".service-cards > li").first).to_contain_text("stock")
    assert faults(page) == []
    problems.first.get_by_role("link", name="A failed request").click()
    expect(page).to_have_url(re.compile(f"requests/{REQUEST}"))


def test_a_mesh_without_problems_says_so(at: Open) -> None:
    page = at("#/health")
    expect(page.get_by_text("Everything works.")).to_be_visible()
    expect(page.get_by_role("link", name="Health", exact=True)).to_be_visible()


def test_a_log_is_read_by_level_and_text_and_leads_to_the_request(trouble: StandIn, at: Open) -> None:
    assert trouble.answers
    page = at("#/workloads/mesh%2Fstock-v1-x1-a", viewport={"width": 1440, "height": 900})
    lines = page.locator(".log-line")
    expect(lines).to_have_count(4)
    expect(lines.nth(1)).to_contain_text("info GET /stock 200 1.3 ms")
    page.get_by_label("Level").select_option("warning")
    expect(lines).to_have_count(2)
    expect(lines.last).to_contain_text("no such table")
    page.get_by_label("Level").select_option("")
    page.get_by_role("searchbox", name="Search").last.fill("slow")
    expect(lines).to_have_count(1)
    expect(page).to_have_url(re.compile("log=slow"))
    page.reload()
    expect(lines).to_have_count(1)
    assert faults(page) == []
    lines.get_by_role("link").click()
    expect(page).to_have_url(re.compile(f"requests/{REQUEST}"))


def test_a_request_leads_to_its_lines_in_the_log(trouble: StandIn, at: Open) -> None:
    assert trouble.answers
    page = at(f"#/workloads/mesh%2Fstock-v1-x1-a?log={REQUEST}")
    expect(page.locator(".log-line")).to_have_count(1)
    expect(page.locator(".log-line")).to_contain_text("slow disk")


def test_a_deployment_is_restarted_scaled_and_shown_as_yaml(trouble: StandIn, at: Open) -> None:
    path = "/apis/apps/v1/namespaces/mesh/deployments/stock-v1"
    text = (
        "apiVersion: apps/v1\nmetadata:\n  managedFields:\n  - manager: x\n  name: stock-v1\nstatus:\n  replicas: 1\n"
    )
    trouble.answers |= {path: text, f"{path}/scale": {}}
    page = at("#/workloads/deployment%2Fmesh%2Fstock-v1")
    page.get_by_role("button", name="Restart").click()
    page.get_by_role("button", name="Restart stock-v1").click()
    expect(page.locator(".told")).to_contain_text("Restarting stock-v1")
    page.get_by_role("button", name="Scale").click()
    field = page.get_by_role("dialog").get_by_label("Pods")
    field.fill("many")
    field.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_have_text("Enter a whole number from 0 to 50.")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("3")
    field.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert trouble.sent[-1] == {"spec": {"replicas": 3}}
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
        trouble.sent[-2]["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"],
    )
    page.get_by_role("button", name="YAML").click()
    yaml = page.get_by_label("Deployment mesh/stock-v1 as YAML")
    expect(yaml).to_have_text("apiVersion: apps/v1\nmetadata:\n  name: stock-v1")
    page.get_by_label("with status and managed fields").check()
    expect(yaml).to_contain_text("replicas: 1")
    assert faults(page) == []


REFUSAL: dict[str, Any] = {
    "kind": "Status",
    "message": "The Branch is invalid",
    "details": {"causes": [{"field": "spec.enter[0].cookie", "message": "user=ann already enters Branch mesh/x"}]},
}


def test_an_error_is_beside_its_field_and_gets_the_focus(stand_in: StandIn, at: Open) -> None:
    stand_in.answers["/api/v1/services"] = {"items": [{"metadata": {"name": "mall", "namespace": "mesh"}}]}
    page = at("#/branches", expected="status of 422")
    page.get_by_role("button", name="New branch").click()
    form = page.get_by_role("dialog", name="New branch")
    create = form.get_by_role("button", name="Create branch")
    create.click()
    name = form.get_by_label("Name", exact=True)
    expect(name).to_be_focused()
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(form.get_by_text("Enter a name for the branch.")).to_be_visible()
    expect(form.get_by_text("Select the service that the branch changes.")).to_be_visible()
    assert faults(page) == []
    name.fill("ann")
    expect(form.get_by_text("Enter a name for the branch.")).to_have_count(0)
    form.get_by_role("combobox", name="Service", exact=True).select_option("mall")
    form.get_by_label("Environment, one variable per line").fill("BANNER")
    create.click()
    expect(form.get_by_text('"BANNER" must be NAME=value.')).to_be_visible()
    form.get_by_label("Environment, one variable per line").fill("BANNER=true")
    page.route(
        "**/branches",
        lambda route: route.fulfill(status=422, body=json.dumps(REFUSAL), content_type="application/json"),
    )
    create.click()
    expect(form.get_by_label("and value")).to_be_focused()
    expect(form.get_by_role("alert")).to_have_text("user=ann already enters Branch mesh/x.")


@pytest.mark.parametrize("place", ["#/topology?node=mesh%2Fproducts", "#/requests", "#/branches/fox", "#/health"])
def test_fingers_find_what_they_press(trouble: StandIn, at: Open, place: str) -> None:
    assert trouble.answers
    page = at(place, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    expect(page.locator(".waiting")).to_have_count(0)
    for target in page.locator(
        "button:visible, select:visible, nav a:visible, .rows .row:visible, .links a:visible"
    ).all():
        box = target.bounding_box()
        assert box is not None
        assert box["height"] >= 44, target.evaluate("item => item.outerHTML.slice(0, 200)")


@pytest.mark.parametrize("place", ["#/topology?node=mesh%2Fproducts&as=graph", "#/branches/fox", "#/health"])
def test_nothing_is_cut_off_at_any_width(trouble: StandIn, at: Open, place: str) -> None:
    assert trouble.answers
    page = at(place)
    expect(page.locator(".waiting")).to_have_count(0)
    for width in (390, 768, 1440, 2560):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for part in page.locator("header.top, main, aside.side").all():
            assert part.evaluate("item => item.scrollWidth <= item.clientWidth + 1"), (width, part)
