"""The console on a whole mesh: what it shows is what the requests did."""

import re
import time

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import LIMIT_MS, Served, faults
from tests.support.mesh import seen

expect.set_options(timeout=LIMIT_MS)


def visit(served: Served, who: str, times: int = 1) -> None:
    for _ in range(times):
        served.mesh.mall(f"user={who}")


def first_request(page: Page, branch: str) -> None:
    """Opens the newest `/api/mall` of a branch."""
    page.get_by_label("Branch").select_option(branch)
    page.get_by_role("searchbox", name="Search").fill("/api/mall")
    page.get_by_role("row").filter(has_text="/api/mall").first.click()


def test_who_was_not_let_in_is_told_what_to_run(served: Served) -> None:
    page = served.open()
    expect(page.get_by_role("navigation", name="Views")).to_be_visible()
    page.context.clear_cookies()
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator("main")).to_contain_text("Run meshmall console again")


def test_the_graph_shows_calls_as_they_happen(served: Served) -> None:
    page = served.open("#/topology")
    visit(served, "jason", 2)
    expect(page.get_by_role("button", name=re.compile("^recommend: [0-9.]+ requests per second"))).to_be_visible()
    expect(page.locator(".node[data-id='mesh/recommend']")).to_contain_text("jason")
    assert faults(page) == []


def test_a_chosen_branch_lights_its_way_and_dims_the_rest(served: Served) -> None:
    visit(served, "fox", 2)
    visit(served, "xx", 2)
    page = served.open("#/topology")
    page.get_by_label("Branch").select_option("fox")
    lit = page.locator(".node:not(.dim)")
    expect(page.locator(".link.flows").first).to_be_attached()
    expect(lit.filter(has_text="favorites")).to_have_count(1)
    expect(page.locator(".node[data-id='mesh/discount'] .version.dim")).to_contain_text("v1")
    expect(page.locator(".node[data-id='mesh/discount'] .version:not(.dim)")).to_contain_text("fox")
    expect(page.locator(".link.dim").first).to_be_attached()


def test_a_node_tells_its_versions_and_who_calls_it(served: Served) -> None:
    visit(served, "fox", 2)
    page = served.open("#/topology")
    page.get_by_role("button", name=re.compile("^products:")).press("Enter")
    side = page.get_by_role("complementary", name="Details of products")
    expect(side.get_by_role("link", name="products-fox")).to_be_visible()
    expect(side.get_by_role("table").first).to_contain_text("recommend-v1")


def test_a_request_appears_without_asking_again(served: Served) -> None:
    page = served.open("#/requests?text=name%3Dnewcomer")
    expect(page.get_by_text("No matching requests")).to_be_visible()
    served.mesh.mall("user=newcomer")
    expect(
        page.get_by_role("row").filter(has_text="name=newcomer").or_(page.get_by_text("No matching requests"))
    ).to_be_visible()
    page.get_by_role("searchbox", name="Search").fill("/api/mall")
    expect(page.get_by_role("row").filter(has_text="/api/mall").first).to_be_visible()
    rows = page.get_by_role("row").filter(has_text="/api/mall")
    before = rows.count()
    served.mesh.mall("user=newcomer")
    expect(rows).not_to_have_count(before)


def test_requests_are_filtered_by_branch(served: Served) -> None:
    visit(served, "fox")
    visit(served, "xx")
    page = served.open("#/requests")
    expect(page.get_by_role("row").filter(has_text="baseline").first).to_be_visible()
    page.get_by_label("Branch").select_option("fox")
    expect(page.get_by_role("row").filter(has_text="baseline")).to_have_count(0)
    expect(page.locator(".rows .branch").first).to_have_text("fox")


def test_the_waterfall_says_who_answered_and_why(served: Served) -> None:
    visit(served, "fox")
    page = served.open("#/requests")
    first_request(page, "fox")
    hops = page.locator(".hop")
    expect(hops).to_have_count(13)
    answered = sorted(
        (hop.locator(".who b").inner_text(), hop.locator(".who .branch, .who .mark").first.inner_text())
        for hop in hops.all()
    )
    assert answered == [
        ("discount", "fox"),
        ("favorites", "fox"),
        ("favorites", "fox"),
        ("mall", "baseline"),
        ("products", "fox"),
        ("products", "fox"),
        ("recommend", "baseline"),
        ("sales", "baseline"),
        ("sales", "baseline"),
        ("scores", "baseline"),
        ("stock", "baseline"),
        ("stock", "baseline"),
        ("users", "baseline"),
    ]
    expect(hops.first).not_to_contain_text("VirtualService mesh/mall-gateway")
    page.get_by_role("button", name="Show all details").click()
    expect(hops.filter(has_text="discount").first).to_contain_text("Branch fox has its own mesh/discount")
    expect(hops.first).to_contain_text("VirtualService mesh/mall-gateway")
    assert faults(page) == []


def test_a_branch_is_made_and_deleted_by_hand(served: Served) -> None:
    page = served.open("#/branches")
    page.get_by_role("button", name="New branch").click()
    form = page.get_by_role("dialog", name="New branch")
    form.get_by_label("Name", exact=True).fill("ann")
    form.get_by_role("combobox", name="Service", exact=True).select_option("recommend")
    form.get_by_label("Environment, one variable per line").fill("BANNER=true")
    form.get_by_label("Expires after").fill("2h")
    assert faults(page) == []
    form.get_by_role("button", name="Create branch").click()
    side = page.get_by_role("complementary", name="Branch ann")
    expect(side).to_contain_text("recommend: BANNER=true")
    row = page.get_by_role("row").filter(has_text="ann")
    expect(row).to_contain_text("Ready")
    expect(row).to_contain_text("in 1 h")
    assert seen(served.mesh.mall("user=ann"))[0] is True

    row.get_by_role("button", name="Extend ann").click()
    page.get_by_label("Extend by (hours from now)").fill("30")
    page.get_by_role("button", name="Extend", exact=True).last.click()
    expect(row).to_contain_text("in 29 h")

    row.get_by_role("button", name="Delete ann").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete ann").click()
    expect(row).to_have_count(0)
    assert "ann" not in served.mesh.ok("branch", "list")


def test_a_refused_branch_is_told_in_the_form(served: Served) -> None:
    page = served.open("#/branches", expected="status of 4")
    page.get_by_role("button", name="New branch").click()
    form = page.get_by_role("dialog", name="New branch")
    form.get_by_label("Name", exact=True).fill("fox2")
    form.get_by_label("and value").fill("fox")
    form.get_by_role("combobox", name="Service", exact=True).select_option("discount")
    form.get_by_role("button", name="Create branch").click()
    expect(form.get_by_role("alert")).to_contain_text("fox")
    expect(form.get_by_role("button", name="Create branch")).to_be_enabled()


def test_baseline_and_branch_are_compared(served: Served) -> None:
    page = served.open("#/branches/fox")
    page.get_by_label("Path at the gateway").fill("/api/mall")
    page.get_by_role("button", name="Compare").click()
    compared = page.get_by_role("region", name="Comparison of /api/mall")
    expect(compared.locator("ins", has_text="discount-fox")).to_be_visible()
    expect(compared.get_by_role("row").filter(has_text="banner")).to_contain_text("true")
    assert faults(page) == []


def test_a_pods_log_follows_what_it_writes(served: Served) -> None:
    page = served.open("#/workloads?text=discount-fox")
    page.get_by_role("row").filter(has_text=re.compile("discount-fox-")).click()
    side = page.get_by_role("complementary")
    expect(side.get_by_role("listitem").filter(has_text="Started").first).to_be_visible()
    log = side.locator("pre")
    expect(log).to_contain_text("discount")
    before = log.inner_text().count("/discount")
    visit(served, "fox")
    deadline = time.monotonic() + 30
    while log.inner_text().count("/discount") <= before:
        assert time.monotonic() < deadline, log.inner_text()
        page.wait_for_timeout(100)
    assert faults(page) == []


RULE = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: stock, namespace: mesh}
spec:
  hosts: [stock]
  http:
  - name: slow
    match: [{headers: {x-slow: {exact: "yes"}}}]
    timeout: 9s
    route: [{destination: {host: stock}}]
  - name: others
    route: [{destination: {host: stock}}]
"""


def test_a_services_rows_stand_in_order_and_change_with_the_objects(served: Served) -> None:
    page = served.open("#/rules/mesh%2Fstock")
    rules = page.get_by_role("group", name="Rules of mesh/stock")
    rows = rules.get_by_role("table").first.locator("tbody tr")
    expect(rows).to_have_count(1)
    kept = served.mesh.ok("get", "virtualservice", "stock", "-o", "json")
    try:
        served.mesh.ok("apply", "-f", "-", stdin=RULE)
        expect(rows).to_have_count(2)
        expect(rows.first).to_contain_text("x-slow")
        expect(rows.first).to_contain_text("timeout 9 s")
        expect(rows.first).to_contain_text("VirtualService mesh/stock")
    finally:
        served.mesh.ok("apply", "-f", "-", stdin=kept)
    expect(rows).to_have_count(1)
    assert faults(page) == []


@pytest.mark.parametrize("view", ["topology", "requests", "branches", "workloads", "rules"])
def test_each_view_stands_on_a_phone(served: Served, view: str) -> None:
    page = served.open(f"#/{view}", viewport={"width": 390, "height": 800}, color_scheme="dark")
    expect(page.get_by_role("link", name=view.capitalize())).to_have_attribute("aria-current", "page")
    expect(page.locator(".waiting")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert faults(page) == []
