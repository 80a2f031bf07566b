"""The service graph: zoom, pan, fit and legend, labels that never overlap, and colours that tell branches apart."""

import itertools
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import LIMIT_MS, faults
from tests.support.colors import SIGHT, distance, linear
from tests.support.console import StandIn, branch, topology

expect.set_options(timeout=LIMIT_MS)
Open = Callable[..., Page]

# Graphs of any shape, with any calls selected: returns what overlaps. Seeded, so that a failure can be repeated.
OVERLAPS = """async () => {
  const { layout } = await import("/components/graph_layout.js");
  const { boxOf, labelsToDraw, overlap } = await import("/components/graph_labels.js");
  let state = 20261126;
  const random = (below) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor(state / 65536) % below;
  };
  const found = [];
  let labels = 0;
  for (let graph = 0; graph < 250; graph += 1) {
    const count = 2 + random(14);
    const services = Array.from({ length: count }, (_, number) => ({
      id: `mesh/s${number}`, name: `s${number}`, namespace: "mesh", kind: "service",
      versions: Array.from({ length: random(9) }, (_, version) => ({
        workload: `s${number}-v${version}`, version: `v${version}`, branch: random(3) ? "" : `b${version}`,
        ready: 1, pods: 1,
      })),
    }));
    const edges = Array.from({ length: 1 + random(40) }, () => {
      const [from, to] = [services[random(count)], services[random(count)]];
      const workload = (service) => service.versions[random(service.versions.length || 1)]?.workload ?? "";
      const ends = { source: from.id, target: to.id, sourceWorkload: workload(from), targetWorkload: workload(to) };
      return { ...ends, version: "", branch: "", requests: random(999) };
    });
    const plan = layout(services, edges, random(2) ? "b1" : "");
    const nodes = [...plan.nodes, ...plan.idle];
    for (let selection = 0; selection < 3; selection += 1) {
      const first = new Set(plan.links.filter(() => !random(3)).map(({ key }) => key));
      const drawn = [...labelsToDraw(plan.links, nodes, first).values()].map(boxOf);
      labels += drawn.length;
      drawn.forEach((box, at) => {
        for (const other of drawn.slice(at + 1)) if (overlap(box, other)) found.push(`labels in graph ${graph}`);
        for (const { id, x, y, width, height } of nodes) {
          if (overlap(box, [x, y, x + width, y + height])) found.push(`${id} in graph ${graph}`);
        }
      });
    }
  }
  return { found: found.slice(0, 5), labels };
}"""


def test_labels_cover_neither_each_other_nor_a_service_in_any_graph(at: Open) -> None:
    result = at("#/rules").evaluate(OVERLAPS)
    assert result["found"] == []
    assert result["labels"] > 5_000


def test_the_labels_that_are_drawn_do_not_overlap(at: Open) -> None:
    page = at("#/topology", viewport={"width": 1440, "height": 900})
    expect(page.locator(".labels .label").first).to_be_visible()
    page.locator(".node[data-id='mesh/products']").hover()
    boxes = page.locator(".labels .label, .node .card").evaluate_all(
        """all => all.map(item => item.getBoundingClientRect())
            .map(({left, top, right, bottom}) => [left, top, right, bottom])"""
    )
    assert len(boxes) > 20
    for one, other in itertools.combinations(boxes, 2):
        apart = one[0] >= other[2] - 1 or other[0] >= one[2] - 1 or one[1] >= other[3] - 1 or other[1] >= one[3] - 1
        assert apart, (one, other)


def scale(page: Page) -> float:
    matched = re.search(r"scale\(([\d.]+)\)", page.locator("svg.graph > g").get_attribute("transform") or "")
    assert matched is not None
    return float(matched[1])


def place(page: Page) -> str:
    return page.locator("svg.graph > g").get_attribute("transform") or ""


def test_the_graph_is_zoomed_moved_and_fitted_by_buttons_pointer_and_keys(at: Open) -> None:
    page = at("#/topology", viewport={"width": 1440, "height": 900})
    expect(page.locator(".node").first).to_be_visible()
    fitted, whole = scale(page), place(page)
    page.get_by_role("button", name="Zoom in").click()
    assert scale(page) == pytest.approx(fitted * 1.25)
    page.get_by_role("button", name="Fit to the window").click()
    assert place(page) == whole
    page.mouse.move(720, 300)
    page.mouse.wheel(0, -200)
    expect(page.locator("svg.graph > g")).not_to_have_attribute("transform", whole)
    assert scale(page) > fitted
    page.get_by_role("group", name=re.compile("^Service graph")).focus()
    page.keyboard.press("0")
    assert place(page) == whole
    page.keyboard.press("ArrowLeft")
    moved = place(page)
    assert moved != whole
    # A drag moves the graph and selects nothing, also where it ends on a service.
    box = page.locator(".node[data-id='mesh/mall'] .card").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 60, steps=4)
    page.mouse.up()
    assert place(page) != moved
    expect(page.locator("aside")).to_have_count(0)
    page.get_by_role("button", name="Legend").click()
    expect(page.locator(".legend")).to_contain_text("the selected branch's path")
    assert faults(page) == []


def test_a_service_that_gets_the_focus_is_moved_into_view(at: Open) -> None:
    page = at("#/topology", viewport={"width": 600, "height": 700})
    page.get_by_role("button", name="Graph", exact=True).click()
    node = page.locator(".node[data-id='mesh/favorites']")
    node.focus()
    drawing, card = page.locator(".drawing").bounding_box(), node.locator(".card").bounding_box()
    assert drawing is not None
    assert card is not None
    assert card["x"] + card["width"] <= drawing["x"] + drawing["width"]


def test_rows_of_the_panel_name_the_direction_and_the_other_end(stand_in: StandIn, at: Open) -> None:
    stand_in.answers["/mesh/v1/series"] = {
        "step": 5,
        "end": 0,
        "items": [
            {
                "name": "products-v1",
                "requests": [1, 2, 5],
                "errors": [0, 1, 0],
                "p50": [3.0, None, 3.0],
                "p99": [9.0, None, 8.0],
            }
        ],
    }
    page = at("#/topology?node=mesh%2Fproducts")
    side = page.get_by_role("complementary", name="Details of products")
    expect(side.get_by_role("table")).to_have_count(2)
    into, out = side.get_by_role("table").all()
    expect(into.get_by_role("columnheader").first).to_have_text("Caller")
    expect(into.get_by_role("row").filter(has_text="discount-fox → products-fox").locator(".branch")).to_have_text(
        "fox"
    )
    expect(out.get_by_role("row").filter(has_text="sales-v1 ← products-v1")).to_contain_text("sales")
    version = side.get_by_role("listitem").filter(has_text="products-v1")
    expect(version.get_by_role("img", name="requests, last five minutes: now 1.0/s")).to_be_visible()
    expect(version.get_by_role("img", name="errors, last five minutes: now 13 %")).to_be_visible()
    assert version.locator(".spark.times path").get_attribute("d").count("M") == 2  # type: ignore[union-attr]
    into.get_by_role("link", name="recommend").first.click()
    expect(page.get_by_role("complementary", name="Details of recommend")).to_be_visible()
    assert faults(page) == []


def test_a_dozen_branches_are_told_apart_by_colour_and_shape_whoever_looks(stand_in: StandIn, at: Open) -> None:
    items = [branch(f"b{number}") for number in range(12)]
    for number, item in enumerate(items):
        item["status"]["color"] = number
    stand_in.answers["/apis/meshmall.dev/v1/branches"] = {"items": items}
    for scheme in ("light", "dark"):
        page = at("#/branches", color_scheme=scheme, viewport={"width": 1440, "height": 900})
        expect(page.locator(".rows .shape")).to_have_count(12)
        seen = page.locator(".rows .shape").evaluate_all(
            "all => all.map(item => [getComputedStyle(item).fill, item.firstChild.getAttribute('d')])"
        )
        colors = [linear(*map(float, re.findall(r"[\d.]+", fill)[:3])) for fill, _ in seen]
        for (one, (_, shape)), (other, (_, other_shape)) in itertools.combinations(zip(colors, seen, strict=True), 2):
            assert distance(one, other, "all cones") > 0.09
            for sight in SIGHT:
                assert shape != other_shape or distance(one, other, sight) > 0.1
        assert faults(page) == []


def test_a_branch_has_one_colour_in_every_view(stand_in: StandIn, at: Open) -> None:
    item = branch("fox")
    item["status"]["color"] = 7
    stand_in.answers["/apis/meshmall.dev/v1/branches"] = {"items": [item]}
    page = at("#/topology?node=mesh%2Fproducts")
    expect(page.locator(".node .version.own").first).to_have_class(re.compile(r"\bc7\b"))
    expect(page.locator(".link.own").first).to_have_class(re.compile(r"\bc7\b"))
    expect(page.locator("aside .branch").first).to_have_class(re.compile(r"\bc7\b"))
    page.get_by_role("link", name="Requests", exact=True).click()
    expect(page.locator(".rows .branch").first).to_have_class(re.compile(r"\bc7\b"))


def test_the_graph_as_it_was_shared_opens_again(at: Open) -> None:
    assert topology()["edges"]
    page = at("#/topology?branch=fox&node=mesh%2Fproducts&as=graph")
    expect(page.get_by_label("Branch")).to_have_value("fox")
    expect(page.get_by_role("complementary", name="Details of products")).to_be_visible()
    page.reload()
    expect(page.get_by_role("complementary", name="Details of products")).to_be_visible()
