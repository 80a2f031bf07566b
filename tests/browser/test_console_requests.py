"""One request in full: where its time went, why it failed, what to copy, and how it differs from another one."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import LIMIT_MS, faults
from tests.support.console import StandIn, trace

expect.set_options(timeout=LIMIT_MS)
Open = Callable[..., Page]
ID = trace(400)["requestId"]
OTHER = trace(399)["requestId"]


def span(parent: int | None, service: str, start: float, milliseconds: float, **given: Any) -> dict[str, Any]:
    workload = {"service": service, "workload": f"{service}-v1", "pod": f"{service}-v1-x", "branch": ""}
    return {
        "parent": parent,
        "source": "" if parent is None else "caller-v1",
        "caller": "gateway",
        "service": f"mesh/{service}",
        "destination": workload,
        "method": "GET",
        "url": f"http://{service}:7000/{service}?ids=1",
        "status": 200,
        "start": start,
        "milliseconds": milliseconds,
        "branch": "",
        "fallback": False,
        "problem": "",
        "rule": None,
        "why": f"The reason for {service}.",
        **given,
    }


@pytest.fixture
def spans(stand_in: StandIn) -> list[dict[str, Any]]:
    """mall calls users and products, products calls stock; most time is products' own."""
    items = [
        span(None, "mall", 1.0, 100.0),
        span(0, "users", 1.005, 5.0),
        span(0, "products", 1.02, 70.0),
        span(2, "stock", 1.03, 10.0),
    ]
    stand_in.answers["/mesh/v1/requests"] = {"items": items}
    return items


def test_the_time_is_attributed_and_details_come_on_demand(spans: list[dict[str, Any]], at: Open) -> None:
    assert len(spans) == 4
    page = at(f"#/requests/{ID}", viewport={"width": 1440, "height": 900})
    panel = page.get_by_role("complementary", name="One request")
    expect(panel).to_contain_text("Most time went into products: 60 ms of 100 ms itself.")
    expect(panel.locator(".hop").filter(has_text="slowest").locator(".named")).to_have_text("products")
    expect(panel.get_by_text("The reason for products.")).to_have_count(0)
    panel.get_by_role("button", name="Details of products").click()
    expect(panel.get_by_text("The reason for products.")).to_be_visible()
    expect(panel.get_by_role("link", name="Log of this request")).to_have_attribute(
        "href", f"#/workloads/mesh%2Fproducts-v1-x?log={ID}"
    )
    panel.get_by_role("button", name="Calls of products").click()
    expect(panel.locator(".hop")).to_have_count(3)
    expect(panel.locator(".hop").last).to_contain_text("+ 1 call")
    panel.get_by_role("button", name="Expand all").click()
    expect(panel.locator(".hop")).to_have_count(4)
    assert faults(page) == []


def test_what_is_needed_elsewhere_is_copied(spans: list[dict[str, Any]], stand_in: StandIn, at: Open) -> None:
    spans[0] |= {"branch": "fox", "url": "http://127.0.0.1:8080/api/it's"}
    page = at(f"#/requests/{ID}", permissions=["clipboard-read", "clipboard-write"])
    for name, text in (
        ("Copy the x-request-id", ID),
        ("Copy a link to this request", f"{stand_in.url}#/requests/{ID}"),
        ("Copy the request as curl", "curl -H 'baggage: branch=fox' 'http://127.0.0.1:8080/api/it'\\''s'"),
    ):
        page.get_by_role("button", name=name).click()
        expect(page.locator(".told")).to_contain_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == text


def test_the_hop_where_a_failure_began_is_named_with_its_reason(spans: list[dict[str, Any]], at: Open) -> None:
    spans[0] |= {"status": 502}
    spans[2] |= {"status": 502}
    spans[3] |= {"status": 503, "destination": {}, "problem": "no pod was ready to answer"}
    page = at(f"#/requests/{ID}")
    panel = page.get_by_role("complementary", name="One request")
    expect(panel.locator(".verdict li")).to_have_text(["stock failed: no pod was ready to answer"])
    expect(panel.locator(".hop .mark.bad")).to_have_text(["no pod was ready to answer"])
    assert faults(page) == []


def test_two_requests_are_compared_call_by_call(spans: list[dict[str, Any]], stand_in: StandIn, at: Open) -> None:
    fox = {"service": "products", "workload": "products-fox", "pod": "p", "branch": "fox"}
    others = [
        {**spans[0], "branch": "fox"},
        {**spans[2], "parent": 0, "destination": fox, "milliseconds": 20.0},
        span(1, "favorites", 1.03, 4.0),
    ]
    stand_in.answers["/mesh/v1/requests"] = lambda query: {"items": spans if query["id"] == ID else others}
    page = at(f"#/requests/{ID}", viewport={"width": 1600, "height": 900})
    page.get_by_label("Compare with").select_option(OTHER)
    table = page.get_by_role("group", name="Two requests compared").get_by_role("table")
    rows = table.locator("tbody tr")
    expect(rows.locator("td:first-child b")).to_have_text(["mall", "users", "products", "stock", "favorites", "All"])
    expect(rows.nth(1)).to_contain_text("not called")
    expect(rows.nth(2)).to_contain_text("fox")
    expect(rows.nth(2).locator(".slower")).to_have_text("+50 ms")
    expect(page).to_have_url(re.compile(f"with={OTHER}"))
    page.reload()
    expect(rows).to_have_count(6)
    assert faults(page) == []
    page.get_by_label("Compare with").select_option("")
    expect(page.locator(".hop")).to_have_count(4)


def test_the_slowest_requests_are_listed_first_on_request(stand_in: StandIn, at: Open) -> None:
    page = at("#/requests")
    page.get_by_label("Order").select_option("slowest")
    expect(page.locator(".rows .row").first).to_contain_text("44 ms")
    assert any("order=slowest" in path for path in stand_in.asked)


def test_keys_walk_the_rows_and_escape_returns_to_them(spans: list[dict[str, Any]], at: Open) -> None:
    assert spans
    page = at("#/requests")
    table = page.get_by_role("table")
    expect(table).to_have_attribute("aria-rowcount", "401")
    table.focus()
    for key, row in (("ArrowDown", "2"), ("ArrowDown", "3"), ("End", "401"), ("Home", "2")):
        page.keyboard.press(key)
        expect(page.locator(".rows .row.open")).to_have_attribute("aria-rowindex", row)
    panel = page.get_by_role("complementary", name="One request")
    panel.get_by_role("button", name="Show all details").focus()
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    expect(table).to_be_focused()
