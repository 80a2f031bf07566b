"""The shop's further pages, and what it says while its API does not answer."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import LIMIT_MS, Visit, faults
from tests.support.console import STATIC
from tests.support.mesh import Mesh
from tests.support.places import ROOT

expect.set_options(timeout=LIMIT_MS)
WEB = ROOT / "src" / "mall" / "mall" / "web"
PALETTE = re.compile(r"--l: ([\d.]+); --k: ([\d.]+); --h: (\d+);")


def without_api(page: Page, status: int = 503) -> None:
    page.route("**/api/**", lambda route: route.fulfill(status=status, body="{}", content_type="application/json"))


def test_a_product_has_a_page(visit: Visit) -> None:
    page = visit("fox")
    page.get_by_role("link", name="Kubernetes").click()
    page.wait_for_url("**/products/1")
    expect(page.get_by_role("heading", level=1)).to_have_text("Kubernetes")
    expect(page.locator("#product")).to_contain_text("2,001 in stock")
    # In fox's branch, as on the first page.
    expect(page.locator("#product .likes")).to_contain_text("90")
    expect(page.locator("#branch")).to_have_text("branch fox")
    expect(page.locator("header .name")).to_have_text("fox")
    page.get_by_role("link", name="Back to the shop").click()
    expect(page.locator(".card img")).to_have_count(12)


def test_a_product_that_does_not_exist_is_said(visit: Visit) -> None:
    page = visit(path="/products/99", expected="404")
    expect(page.get_by_text("There is no such product.")).to_be_visible()
    page.get_by_role("button", name="To the shop").click()
    expect(page.locator(".card img")).to_have_count(12)


def test_an_address_that_does_not_exist_leads_back(visit: Visit) -> None:
    page = visit(path="/no/such/page", expected="404")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")
    page.get_by_role("link", name="To the shop").click()
    expect(page.locator(".card img")).to_have_count(12)


def test_while_nothing_answers_the_shop_does_not_say_that_the_rest_works(
    visit: Visit, mesh_with_branches: Mesh
) -> None:
    page = visit("fox", blank=True, expected="503")
    without_api(page)
    page.goto(f"{mesh_with_branches.gateway}/")
    expect(page.get_by_role("alert")).to_contain_text("The shop can't show its products right now")
    expect(page.get_by_text("The rest of the shop works")).to_have_count(0)
    expect(page.locator("header .name")).to_have_text("fox")
    expect(page.get_by_role("link", name="Sign in")).to_have_count(0)
    assert faults(page) == []
    # It tries again by itself.
    page.unroute("**/api/**")
    expect(page.locator(".card img")).to_have_count(12)
    expect(page.get_by_role("alert")).to_be_hidden()


def test_who_signs_out_while_nothing_answers_is_signed_out(visit: Visit, mesh_with_branches: Mesh) -> None:
    page = visit("fox", blank=True, expected="503")
    without_api(page)
    page.goto(f"{mesh_with_branches.gateway}/products/1")
    expect(page.get_by_text("This product is unavailable right now.")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()


CONTRAST = """() => Promise.all([...document.querySelectorAll(".card img")].map(async (img) => {
  const text = await (await fetch(img.src)).text();
  const opacity = Number(text.match(/fill-opacity="([.0-9]+)"/)[1]);
  return [text.match(/stroke="(#[0-9a-f]{6})"/)[1], opacity, getComputedStyle(img).filter];
}))"""


def luminance(color: tuple[float, ...]) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_drawing_is_visible_in_the_dark(visit: Visit) -> None:
    page = visit("admin", color_scheme="dark")
    expect(page.locator(".card img")).to_have_count(12)
    paper = [
        int(part) / 255 for part in re.findall(r"\d+", page.evaluate("getComputedStyle(document.body).backgroundColor"))
    ]
    for stroke, opacity, image_filter in page.evaluate(CONTRAST):
        line = [int(stroke[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        tile = [opacity * part + (1 - opacity) * under for part, under in zip(line, paper, strict=True)]
        matched = re.search(r"brightness\(([\d.]+)\)", image_filter)
        factor = float(matched[1]) if matched is not None else 1.0
        light, dark = (luminance(tuple(min(1.0, factor * part) for part in color)) for color in (line, tile))
        # WCAG 1.4.11 asks for 3:1 of graphics.
        assert (light + 0.05) / (dark + 0.05) >= 3, stroke


def test_a_branch_has_the_colour_of_the_console(visit: Visit, mesh_with_branches: Mesh) -> None:
    assert PALETTE.findall((WEB / "style.css").read_text()) == PALETTE.findall((STATIC / "style.css").read_text())
    color = json.loads(mesh_with_branches.ok("get", "branch", "fox", "-o", "json"))["status"]["color"]
    page = visit("fox")
    expect(page.locator("#branch")).to_be_visible()
    assert page.evaluate("document.body.dataset.color") == str(color)


@pytest.mark.parametrize("path", ["/", "/login", "/products/1"])
def test_fingers_find_what_they_press(visit: Visit, path: str) -> None:
    page = visit("fox", path, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    expect(page.locator("button:visible").first).to_be_visible()
    for target in page.locator("button:visible, a.button:visible, input:visible").all():
        box = target.bounding_box()
        assert box is not None
        assert box["height"] >= 44, target.inner_html()
