"""The shop as its visitors see it."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.browser import LIMIT_MS, Visit, faults
from tests.support.mesh import Mesh
from tests.support.places import ROOT

expect.set_options(timeout=LIMIT_MS)
WEB = ROOT / "src" / "mall" / "mall" / "web"
LARGEST = 100_000
PRODUCT = {"id": 1, "title": "x", "image": "/static/products/1.svg", "price": 1, "sales": 1, "stock": 1, "score": 1}


def answer(page: Page, recommended: list[dict[str, Any]], user: dict[str, str] | None = None) -> None:
    """What the API says, as far as the catalogue cannot be made to say it."""
    area = {"products": recommended, "banner": False}
    body = json.dumps({"user": user, "recommend": area, "discount": area, "errors": []})
    page.route("**/api/mall", lambda route: route.fulfill(body=body, content_type="application/json"))


@pytest.mark.parametrize(
    ("user", "recommend_banner", "discount_banner", "favourites"),
    [("jason", True, False, False), ("fox", False, True, True), ("admin", False, False, False)],
)
def test_each_sees_the_own_shop(
    visit: Visit, user: str, recommend_banner: bool, discount_banner: bool, favourites: bool
) -> None:
    page = visit(user)
    expect(page.locator(".card img")).to_have_count(12)
    expect(page.locator("header .name")).to_have_text(user)
    expect(page.locator("#recommend .banner")).to_have_count(int(recommend_banner))
    expect(page.locator("#discount .banner")).to_have_count(int(discount_banner))
    expect(page.locator(".likes")).to_have_count(12 if favourites else 0)
    badge = page.locator("#branch")
    if user == "admin":
        expect(badge).to_be_hidden()
    else:
        expect(badge).to_have_text(f"branch {user}")
        expect(page.locator("body")).to_have_class("branched")
    first = page.locator("#discount .card").first
    expect(first).to_contain_text("Kubernetes")
    expect(first).to_contain_text("502 sold")
    expect(first).to_contain_text("2,001 in stock")
    expect(page.locator("#recommend .score")).to_have_count(6)


def test_nobody_is_asked_to_sign_in(visit: Visit) -> None:
    page = visit()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    expect(page.locator(".card img")).to_have_count(12)


def test_signing_in_and_out(visit: Visit) -> None:
    page = visit(path="/login")
    field = page.get_by_label("Name")
    expect(field).to_be_focused()
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text(re.compile("1 to 64 characters"))
    field.fill("fox")
    field.press("Enter")
    expect(page.locator("header .name")).to_have_text("fox")
    expect(page.locator("#branch")).to_have_text("branch fox")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    expect(page.locator("#branch")).to_be_hidden()


def test_one_click_tries_a_developer_s_shop(visit: Visit) -> None:
    page = visit(path="/login")
    page.get_by_role("button", name="jason").click()
    expect(page.locator("#recommend .banner")).to_be_visible()


def test_names_with_markup_are_shown_and_not_run(visit: Visit) -> None:
    name = "<img src=x onerror=alert(1)>"
    page = visit(path="/login")
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("header .name")).to_have_text(name)
    other = visit(blank=True)
    other.on("dialog", lambda dialog: pytest.fail(dialog.message))
    answer(
        other,
        [{**PRODUCT, "title": f"<b>bold</b>{name}"}],
        {"id": "1", "name": name, "image": "/static/users/avatar-1.svg"},
    )
    other.goto(page.url)
    expect(other.locator("#recommend h3")).to_have_text(f"<b>bold</b>{name}")
    expect(other.locator("h3 b, h3 img, .name img")).to_have_count(0)


def test_no_products_is_said(visit: Visit, mesh_with_branches: Mesh) -> None:
    page = visit(blank=True)
    answer(page, [])
    page.goto(f"{mesh_with_branches.gateway}/")
    expect(page.locator(".empty")).to_have_text(["Nothing here today."] * 2)


def test_the_page_stands_before_the_api_has_answered(visit: Visit, mesh_with_branches: Mesh) -> None:
    page = visit(blank=True)
    held: list[Route] = []
    page.route("**/api/mall", lambda route: held.append(route))  # noqa: PLW0108 - it must take attributes
    page.goto(f"{mesh_with_branches.gateway}/", wait_until="commit")
    expect(page.get_by_role("heading", name="On sale")).to_be_visible()
    expect(page.locator(".card.waiting")).to_have_count(12)
    expect(page.locator("#recommend")).to_have_attribute("aria-busy", "true")
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length === 1")
    held[0].continue_()
    expect(page.locator(".card img")).to_have_count(12)
    expect(page.locator("#recommend")).to_have_attribute("aria-busy", "false")


def scaled(mesh: Mesh, name: str, replicas: int) -> None:
    body = json.loads(mesh.ok("get", "deployment", name, "-o", "json"))
    body["spec"]["replicas"] = replicas
    kept = {key: body[key] for key in ("apiVersion", "kind", "metadata", "spec")}
    mesh.ok("apply", "--wait", "-f", "-", stdin=json.dumps(kept))


def test_a_dead_service_is_one_area_and_can_be_tried_again(visit: Visit, mesh_with_branches: Mesh) -> None:
    mesh = mesh_with_branches
    scaled(mesh, "discount-v1", 0)
    try:
        page = visit("admin", expected="503")
        expect(page.locator("#discount .failed")).to_contain_text("is unavailable right now")
        expect(page.locator("#recommend .card img")).to_have_count(6)
        page.get_by_role("button", name="Try again").click()
        expect(page.locator("#discount .failed")).to_be_visible()
        expect(page.get_by_role("button", name="Try again")).to_be_focused()
        assert faults(page) == []
    finally:
        scaled(mesh, "discount-v1", 1)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#discount .card img")).to_have_count(6)
    # Who uses the keyboard goes on from there.
    expect(page.get_by_role("heading", name="On sale")).to_be_focused()


@pytest.mark.parametrize("width", [360, 390])
def test_a_phone_shows_all_of_it_without_scrolling_sideways(visit: Visit, width: int) -> None:
    page = visit("jason", viewport={"width": width, "height": 740})
    expect(page.locator(".card img")).to_have_count(12)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width == 390:
        for whole in (page.locator("#branch"), page.locator("header .name")):
            assert whole.evaluate("each => each.scrollWidth <= each.clientWidth")
    bar = page.locator(".bar").bounding_box()
    assert bar is not None
    assert bar["height"] < 80
    narrow = page.locator(".card").first.bounding_box()
    assert narrow is not None
    assert narrow["width"] > 140


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/login", "/products/7", "/nothing"])
def test_it_is_accessible_in_light_and_dark(visit: Visit, scheme: str, path: str) -> None:
    page = visit("fox", path, color_scheme=scheme, expected="404" if path == "/nothing" else "")
    if path == "/":
        expect(page.locator(".card img")).to_have_count(12)
    red, green, blue = map(
        int, re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))[:3]
    )
    assert (red + green + blue > 600) == (scheme == "light")
    assert faults(page) == []


def test_chinese_browsers_read_chinese(visit: Visit) -> None:
    page = visit("fox", locale="zh-CN")
    expect(page.get_by_role("heading", name="推荐商品")).to_be_visible()
    expect(page.locator("#branch")).to_have_text("分支 fox")
    expect(page.locator("#discount .banner")).to_contain_text("半价好物")
    expect(page.get_by_role("button", name="退出")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "zh-CN"


def test_the_keyboard_is_enough(visit: Visit) -> None:
    page = visit()
    expect(page.locator(".card img")).to_have_count(12)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to products")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="mesh-mall")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Sign in")).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/login")
    page.keyboard.type("jason")
    page.keyboard.press("Enter")
    expect(page.locator("header .name")).to_have_text("jason")


def test_nothing_moves_for_those_who_asked_for_that(visit: Visit, mesh_with_branches: Mesh) -> None:
    page = visit(blank=True, reduced_motion="reduce")
    page.route("**/api/mall", lambda _: None)
    page.goto(f"{mesh_with_branches.gateway}/", wait_until="commit")
    expect(page.locator(".waiting").first).to_be_visible()
    assert page.evaluate("document.getAnimations().length") == 0


def test_all_of_it_is_small_and_names_no_other_host() -> None:
    files = [item for item in WEB.rglob("*") if item.is_file()]
    assert sum(file.stat().st_size for file in files) <= LARGEST
    own = {"http://www.w3.org/2000/svg"}
    for each in files:
        assert set(re.findall(r"https?://[^\s\"'<>)]+", each.read_text())) <= own, each
    assert {f"{number}.svg" for number in range(1, 16)} <= {item.name for item in WEB.glob("products/*.svg")}
