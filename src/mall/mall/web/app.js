// The shop's page: requests /api/mall once, shows each area, and retries only the area that failed.
import { byId, element, facts, notice, price, showBranch, showUser } from "./page.js";
import { text, translate } from "./text.js";

const AREAS = {
  recommend: { path: "/api/recommends", banner: ["recommendBanner", "recommendBannerMore"] },
  discount: { path: "/api/products", banner: ["discountBanner", "discountBannerMore"] },
};
// Seconds until the page tries again by itself while nothing works; each time twice as long.
const FIRST_RETRY = 4;
const LONGEST_RETRY = 60;

const inside = (section, selector) => /** @type {HTMLElement} */ (section.querySelector(selector));

function card(product) {
  return element("li", { className: "card" },
    element("img", { src: product.image, alt: "", width: 160, height: 120, loading: "lazy" }),
    element("h3", {}, element("a", { href: `/products/${product.id}`, textContent: product.title })),
    element("p", { className: "price", textContent: price(product.price) }),
    facts(product));
}

function skeleton() {
  const list = element("ul", { className: "cards", ariaHidden: "true" });
  for (let n = 0; n < 6; n += 1) list.append(element("li", { className: "card waiting" }));
  return list;
}

/** Which areas are missing at the moment. */
const missing = new Set();

function show(area, data) {
  const section = byId(area);
  const place = inside(section, ".area");
  section.setAttribute("aria-busy", "false");
  if (!data) {
    missing.add(area);
    place.replaceChildren(notice(missing.size === Object.keys(AREAS).length ? "failedToo" : "failed", "retry", () => reload(area)));
    return;
  }
  missing.delete(area);
  const parts = [];
  if (data.banner) {
    const [title, more] = AREAS[area].banner;
    parts.push(element("div", { className: `banner ${area}` },
      element("strong", { textContent: text(title) }), element("span", { textContent: text(more) })));
  }
  if (data.products.length) parts.push(element("ul", { className: "cards" }, ...data.products.map(card)));
  else parts.push(element("p", { className: "empty", textContent: text("empty") }));
  place.replaceChildren(...parts);
}

let timer = 0;
let wait = FIRST_RETRY;

/** While no area works, one notice says so for all of them, and the page tries again by itself. */
function showOutage() {
  const out = missing.size === Object.keys(AREAS).length;
  byId("outage").hidden = !out;
  document.body.classList.toggle("out", out);
  clearTimeout(timer);
  if (!out) {
    wait = FIRST_RETRY;
    byId("outage").replaceChildren();
    return;
  }
  byId("outage").replaceChildren(notice("allFailed", "retry", () => load()));
  timer = setTimeout(load, wait * 1000);
  wait = Math.min(wait * 2, LONGEST_RETRY);
}

// Requests an area again. The button that was pressed disappears, so the focus moves to the area's heading, and to the
// new button when the request fails again.
async function reload(area) {
  const section = byId(area);
  const heading = inside(section, "h2");
  section.setAttribute("aria-busy", "true");
  heading.focus();
  inside(section, ".area").replaceChildren(skeleton());
  try {
    const response = await fetch(AREAS[area].path);
    show(area, response.ok ? await response.json() : null);
  } catch {
    show(area, null);
  }
  showOutage();
  if (document.activeElement === heading) inside(section, ".failed button")?.focus();
}

async function load() {
  // What is shown stays until there is something better.
  for (const area of Object.keys(AREAS)) if (!missing.has(area)) inside(byId(area), ".area").replaceChildren(skeleton());
  let mall = null;
  try {
    const response = await fetch("/api/mall");
    if (response.ok) {
      mall = await response.json();
      showBranch(response.headers);
    }
  } catch { /* shown as an outage */ }
  showUser(mall?.user ?? null, Boolean(mall) && !mall.errors?.some(({ area }) => area === "user"));
  // Both are known to be missing before the first is shown: its notice depends on it.
  for (const area of Object.keys(AREAS)) if (!mall?.[area]) missing.add(area);
  for (const area of Object.keys(AREAS)) show(area, mall?.[area]);
  showOutage();
}

translate();
load();
