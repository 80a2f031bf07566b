"""What a real mesh does not show on demand: thousands of things, a lost daemon, markup in names, refusals."""

import gzip
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import LIMIT_MS, faults
from tests.support.console import STATIC, StandIn, branch, topology, trace

expect.set_options(timeout=LIMIT_MS)
Open = Callable[..., Page]
MARKUP = "<img src=x onerror=\"document.title='run'\">"
# More rows than this are never in the document, however many there are.
MOST_ROWS = 80


def names(page: Page) -> list[str]:
    return page.locator(".rows .row > div:first-child").all_inner_texts()


def scroll_to(page: Page, row: int, height: int) -> None:
    page.locator(".list").evaluate(f"list => {{ list.scrollTop = {row * height} }}")


def test_a_thousand_branches_are_listed_found_and_opened(stand_in: StandIn, at: Open) -> None:
    items = [branch(f"b{number:04d}") for number in range(1_000)]
    stand_in.answers["/apis/meshmall.dev/v1/branches"] = {"items": items}
    page = at("#/branches")
    expect(page.get_by_role("table", name="Branches")).to_have_attribute("aria-rowcount", "1001")
    assert page.locator(".rows .row").count() <= MOST_ROWS
    scroll_to(page, 990, 42)
    expect(page.get_by_text("b0999", exact=True)).to_be_visible()
    assert page.locator(".rows .row").count() <= MOST_ROWS
    page.get_by_role("searchbox").fill("b0500")
    expect(page.locator(".rows .row")).to_have_count(1)
    page.locator(".rows .row").click()
    expect(page.get_by_role("complementary", name="Branch b0500")).to_be_visible()


def test_the_graph_shows_few_of_a_thousand_branches_of_a_service_and_the_chosen_one(
    stand_in: StandIn, at: Open
) -> None:
    found = topology()
    discount = next(item for item in found["services"] if item["name"] == "discount")
    discount["versions"] += [
        {"workload": f"discount-b{number:04d}", "version": "v2", "branch": f"b{number:04d}", "ready": 1, "pods": 1}
        for number in range(1_000)
    ]
    stand_in.answers["/mesh/v1/topology"] = found
    stand_in.answers["/apis/meshmall.dev/v1/branches"] = {"items": [branch(f"b{n:04d}") for n in range(1_000)]}
    page = at("#/topology")
    node = page.locator(".node[data-id='mesh/discount']")
    expect(node).to_contain_text("more")
    assert node.locator(".version").count() <= 6
    page.get_by_label("Branch").fill("b0777")
    expect(node.locator(".version", has_text="b0777")).to_be_visible()


def test_ten_thousand_requests_are_scrolled_through(stand_in: StandIn, at: Open) -> None:
    traces = [trace(number) for number in range(10_000, 0, -1)]

    def some(query: dict[str, str]) -> dict[str, Any]:
        before, limit = int(query.get("before", 10**9)), int(query.get("limit", 200))
        fit = [item for item in traces if item["number"] < before]
        return {"items": fit[:limit], "more": len(fit) > limit}

    stand_in.answers["/mesh/v1/traces"] = some
    page = at("#/requests")
    table = page.get_by_role("table", name="Requests")
    expect(table).to_be_visible()
    while (rows := int(table.get_attribute("aria-rowcount") or 0)) < 10_001:
        scroll_to(page, rows, 34)
        expect(table).not_to_have_attribute("aria-rowcount", str(rows))
    assert page.locator(".rows .row").count() <= MOST_ROWS
    page.locator(".rows .row").nth(20).click()
    expect(page.get_by_role("complementary", name="One request")).to_be_visible()


def test_new_requests_do_not_move_those_that_are_read(stand_in: StandIn, at: Open) -> None:
    page = at("#/requests")
    expect(page.get_by_role("table")).to_have_attribute("aria-rowcount", "401")
    scroll_to(page, 100, 34)
    row: Locator = page.locator(".rows .row[aria-rowindex='110']")
    expect(row).to_be_visible()
    before = (row.inner_text(), row.bounding_box())
    stand_in.tell("traces", {"items": [trace(number, url="http://x/new") for number in range(401, 421)]})
    moved: Locator = page.locator(".rows .row[aria-rowindex='130']")
    expect(moved).to_have_text(re.compile(re.escape(before[0].split()[0])))
    assert (moved.inner_text(), moved.bounding_box()) == before


@pytest.mark.parametrize("place", ["#/topology?branch=fox", "#/requests", "#/branches/fox", "#/rules"])
def test_markup_in_names_is_shown_and_not_run(stand_in: StandIn, at: Open, place: str) -> None:
    found = topology()
    found["services"][1]["name"] = MARKUP
    stand_in.answers |= {
        "/mesh/v1/topology": found,
        "/mesh/v1/traces": {"items": [trace(1, url=f"http://{MARKUP}/", branch=MARKUP)], "more": False},
        "/apis/meshmall.dev/v1/branches": {"items": [branch("fox", services={MARKUP: {"fork": {}}}), branch(MARKUP)]},
    }
    named = {"kind": "VirtualService", "namespace": "mesh", "name": MARKUP}
    stand_in.answers["/mesh/v1/rules"] |= {"refused": [{"object": named, "reason": MARKUP}]}
    page = at(place)
    expect(page.locator("#app")).to_contain_text("<img src=x" if place != "#/topology?branch=fox" else "<img src=x one")
    assert page.locator("#app img[src='x']").count() == 0
    assert page.title() != "run"


def test_an_address_of_a_branch_that_is_no_http_is_no_link(stand_in: StandIn, at: Open) -> None:
    made = branch("fox")
    made["status"]["url"] = "javascript:document.title='run'"
    stand_in.answers["/apis/meshmall.dev/v1/branches"] = {"items": [made]}
    page = at("#/branches")
    expect(page.get_by_text("fox", exact=True)).to_be_visible()
    assert page.locator("a[href^='javascript']").count() == 0


def test_after_a_lost_stream_what_is_shown_is_fetched_again(stand_in: StandIn, at: Open) -> None:
    page = at("#/branches")
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    expect(page.locator(".rows .row")).to_have_count(1)
    stand_in.answers["/apis/meshmall.dev/v1/branches"] = {"items": [branch("fox"), branch("jason")]}
    stand_in.hang_up()
    expect(page.locator(".rows .row")).to_have_count(2)
    expect(page.get_by_text("live", exact=True)).to_be_visible()


def test_what_was_refused_is_told_with_its_reason(stand_in: StandIn, at: Open) -> None:
    named = {"kind": "VirtualService", "namespace": "mesh", "name": "bad"}
    stand_in.answers["/mesh/v1/rules"] |= {"refused": [{"object": named, "reason": "regex is invalid"}]}
    page = at("#/rules")
    told = page.get_by_role("region", name="Rejected objects")
    expect(told).to_contain_text("VirtualService mesh/bad was rejected")
    expect(told).to_contain_text("regex is invalid")


def test_a_graph_without_calls_says_what_to_type(stand_in: StandIn, at: Open) -> None:
    stand_in.answers["/mesh/v1/topology"] = {**topology(), "edges": []}
    page = at("#/topology")
    expect(page.get_by_text("meshmall load")).to_be_visible()
    expect(page.get_by_role("button", name="products: not called")).to_be_visible()


def test_a_fallback_and_a_failure_are_seen_in_the_waterfall(stand_in: StandIn, at: Open) -> None:
    span = {
        "parent": None,
        "source": "",
        "caller": "gateway",
        "service": "mesh/products",
        "destination": {"service": "mesh/products", "workload": "products-v1", "version": "v1", "branch": ""},
        "method": "GET",
        "url": "http://products:7000/products?ids=1",
        "status": 200,
        "start": 1.0,
        "milliseconds": 4.0,
        "branch": "fox",
        "fallback": True,
        "rule": None,
        "why": "Branch fox was not ready.",
    }
    lost = {**span, "parent": 0, "destination": {}, "status": 503, "fallback": False, "why": "No pod was ready."}
    stand_in.answers["/mesh/v1/requests"] = {"items": [span, lost]}
    page = at("#/requests/one")
    hops = page.locator(".hop")
    expect(hops.first).to_contain_text("fallback to baseline")
    expect(hops.last).to_contain_text("nobody")
    expect(hops.last).to_have_class(re.compile("failed"))


def test_the_keyboard_opens_a_node_and_walks_the_list(at: Open) -> None:
    page = at("#/topology")
    node = page.get_by_role("button", name=re.compile("^products:"))
    node.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Details of products")).to_be_visible()
    page.get_by_role("link", name="Requests", exact=True).press("Enter")
    table = page.get_by_role("table", name="Requests, newest first")
    expect(table).to_be_visible()
    table.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".rows .row.open")).to_have_attribute("aria-rowindex", "2")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".rows .row.open")).to_have_attribute("aria-rowindex", "3")


def test_the_chosen_colours_are_kept(at: Open) -> None:
    page = at("#/topology", color_scheme="light")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Theme: system").click()
    page.get_by_role("button", name="Theme: light").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("place", ["#/topology", "#/topology?as=table&branch=fox", "#/requests", "#/branches/fox"])
def test_axe_finds_no_serious_fault(at: Open, place: str, scheme: str) -> None:
    page = at(place, color_scheme=scheme)
    expect(page.locator(".waiting")).to_have_count(0)
    expect(page.locator(".rows .row, .node, tbody tr").first).to_be_visible()
    assert faults(page) == []


def test_the_files_name_no_other_host_and_are_small() -> None:
    files = [file for file in STATIC.rglob("*") if file.suffix in (".html", ".js", ".css", ".svg")]
    for file in files:
        for found in re.findall(r"""["'(=\s](https?://[^"')\s]+)""", file.read_text()):
            assert found.startswith(("http://www.w3.org/", "http://127.0.0.1:9000")), f"{file.name}: {found}"
    # What a browser transfers: the console sends its files compressed.
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) < 90_000


def pod(name: str, **status: Any) -> dict[str, Any]:
    ready = {"type": "Ready", "status": "False" if status.get("restartCount") else "True"}
    return {
        "metadata": {
            "name": name,
            "namespace": "mesh",
            "uid": name,
            "labels": {"pod-template-hash": "x1"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": name.rpartition("-")[0]}],
            "creationTimestamp": "2026-11-24T00:00:00Z",
        },
        "spec": {"containers": [{"name": "main"}]},
        "status": {
            "phase": "Running",
            "podIP": "127.1.0.1",
            "conditions": [ready],
            "containerStatuses": [{"name": "main", "ready": not status, "restartCount": 0, **status}],
        },
    }


def deployment(name: str, ready: int) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "mesh", "uid": name, "creationTimestamp": "2026-11-24T00:00:00Z"},
        "spec": {"replicas": 1, "template": {"metadata": {"labels": {}}, "spec": {"containers": [{"name": "main"}]}}},
        "status": {"readyReplicas": ready},
    }


def test_a_pod_in_trouble_is_found_with_its_reason(stand_in: StandIn, at: Open) -> None:
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "exit code 3"}}
    stand_in.answers["/api/v1/pods"] = {
        "items": [pod("good-x1-a"), pod("bad-x1-b", restartCount=4, state=waiting)],
    }
    stand_in.answers["/apis/apps/v1/deployments"] = {"items": [deployment("good", 1), deployment("bad", 0)]}
    page = at("#/workloads", expected="status of 404")
    expect(page.locator(".rows .row")).to_have_count(4)
    page.get_by_label("problems only").check()
    rows = page.locator(".rows .row")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("degraded")
    expect(rows.last).to_contain_text("CrashLoopBackOff")
    expect(rows.last.get_by_role("cell").nth(4)).to_have_text("4")
    rows.last.click()
    expect(page.get_by_role("complementary", name="bad-x1-b")).to_contain_text("exit code 3")
    assert faults(page) == []


def test_an_answer_that_fails_is_told_and_can_be_asked_for_again(stand_in: StandIn, at: Open) -> None:
    kept = stand_in.answers.pop("/apis/meshmall.dev/v1/branches")
    page = at("#/branches", expected="status of 404")
    expect(page.get_by_role("alert")).to_contain_text("nothing at")
    stand_in.answers["/apis/meshmall.dev/v1/branches"] = kept
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".rows .row")).to_have_count(1)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_browser_that_is_not_let_in_any_more_says_what_to_run(stand_in: StandIn, at: Open) -> None:
    page = at("#/branches", expected="status of 401")
    expect(page.locator(".rows .row")).to_have_count(1)
    stand_in.refused = 401
    stand_in.hang_up()
    expect(page.get_by_role("heading", level=1)).to_have_text("You're signed out")
    assert faults(page) == []


def test_a_name_that_is_being_typed_stays_while_figures_come(stand_in: StandIn, at: Open) -> None:
    stand_in.answers["/apis/meshmall.dev/v1/branches"] = {"items": [branch(f"b{n:04d}") for n in range(100)]}
    page = at("#/topology")
    field = page.get_by_label("Branch")
    expect(page.locator("datalist option")).to_have_count(100)
    field.press_sequentially("b00")
    found = topology()
    found["edges"][0]["rate"] = 77
    stand_in.tell("topology", found)
    expect(page.locator(".node[data-id='mesh/mall']")).to_contain_text("77/s")
    expect(field).to_have_value("b00")
    field.press_sequentially("42")
    expect(page).to_have_url(re.compile("branch=b0042"))


def test_after_a_long_break_no_request_between_is_missing(stand_in: StandIn, at: Open) -> None:
    page = at("#/requests")
    table = page.get_by_role("table")
    expect(table).to_have_attribute("aria-rowcount", "401")
    newer = [trace(number) for number in range(2_000, 0, -1)]

    def some(query: dict[str, str]) -> dict[str, Any]:
        fit = [item for item in newer if item["number"] < int(query.get("before", 10**9))]
        limit = int(query["limit"])
        return {"items": fit[:limit], "more": len(fit) > limit}

    stand_in.answers["/mesh/v1/traces"] = some
    stand_in.hang_up()
    expect(table).to_have_attribute("aria-rowcount", "501")
    while (rows := int(table.get_attribute("aria-rowcount") or 0)) < 2_001:
        scroll_to(page, rows, 34)
        expect(table).not_to_have_attribute("aria-rowcount", str(rows))


def test_a_form_is_not_lost_by_a_click_beside_it(at: Open) -> None:
    page = at("#/branches")
    page.get_by_role("button", name="New branch").click()
    page.get_by_label("Name", exact=True).fill("ann")
    page.mouse.click(5, 400)
    expect(page.get_by_label("Name", exact=True)).to_have_value("ann")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="New branch")).to_be_focused()


def in_namespace(namespace: str, body: dict[str, Any]) -> dict[str, Any]:
    uid = f"{namespace}-{body['metadata'].get('uid', '')}"
    return {**body, "metadata": {**body["metadata"], "namespace": namespace, "uid": uid}}


def test_workloads_of_the_same_name_in_two_namespaces_are_told_apart(stand_in: StandIn, at: Open) -> None:
    stand_in.answers["/api/v1/pods"] = {"items": [pod("web-x1-a"), in_namespace("shop", pod("web-x1-a"))]}
    stand_in.answers["/apis/apps/v1/deployments"] = {
        "items": [deployment("web", 1), in_namespace("shop", deployment("web", 0))]
    }
    page = at("#/workloads")
    rows = page.locator(".rows .row")
    expect(rows).to_have_count(4)
    page.get_by_label("Namespace").select_option("shop")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("degraded")
    expect(rows.first.get_by_role("link")).to_have_attribute("href", re.compile("deployment%2Fshop%2Fweb"))


def test_a_branch_is_created_in_the_chosen_namespace(stand_in: StandIn, at: Open) -> None:
    def service(name: str, namespace: str) -> dict[str, Any]:
        return {"metadata": {"name": name, "namespace": namespace}}

    stand_in.answers["/api/v1/services"] = {
        "items": [service("mall", "mesh"), service("users", "mesh"), service("orders", "shop")]
    }
    stand_in.answers["/apis/meshmall.dev/v1/namespaces/shop/branches"] = {}
    page = at("#/branches")
    page.get_by_role("button", name="New branch").click()
    form = page.get_by_role("dialog", name="New branch")
    form.get_by_label("Name", exact=True).fill("ann")
    form.get_by_role("combobox", name="Namespace").select_option("shop")
    form.get_by_role("combobox", name="Service", exact=True).select_option("orders")
    form.get_by_role("button", name="Create branch").click()
    expect(form).to_have_count(0)
    assert "POST /apis/meshmall.dev/v1/namespaces/shop/branches" in stand_in.asked


def test_the_graph_shows_one_namespace(stand_in: StandIn, at: Open) -> None:
    graph = topology()
    other = {**graph["services"][-1], "id": "shop/orders", "name": "orders", "namespace": "shop"}
    stand_in.answers["/mesh/v1/topology"] = {**graph, "services": [*graph["services"], other]}
    page = at("#/topology")
    expect(page.locator(".node[data-id='mesh/mall']")).to_be_visible()
    page.get_by_label("Namespace").select_option("shop")
    expect(page.locator(".node[data-id='mesh/mall']")).to_have_count(0)
    expect(page.locator(".node[data-id='shop/orders']")).to_be_visible()
