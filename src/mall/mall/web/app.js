// The shop's page: requests /api/mall once, shows each area, and retries only the area that failed.
// Everything from the API is inserted as text, never as markup.
import { locale, text, translate } from "./text.js";

const AREAS = {
  recommend: { path: "/api/recommends", banner: ["recommendBanner", "recommendBannerMore"] },
  discount: { path: "/api/products", banner: ["discountBanner", "discountBannerMore"] },
};
const money = new Intl.NumberFormat(locale, { style: "currency", currency: "CNY", currencyDisplay: "narrowSymbol" });
const count = new Intl.NumberFormat(locale);

/** An element that the page itself has. */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const inside = (section, selector) => /** @type {HTMLElement} */ (section.querySelector(selector));

function element(name, properties = {}, ...children) {
  const created = Object.assign(document.createElement(name), properties);
  created.append(...children);
  return created;
}

function fact(className, key, value) {
  return element("span", { className }, element("b", { textContent: count.format(value) }), ` ${text(key)}`);
}

function card(product, area) {
  const facts = element("p", { className: "facts" });
  if (area === "recommend") facts.append(fact("score", "score", product.score));
  facts.append(fact("sold", "sold", product.sales), fact("stock", "stock", product.stock));
  if (product.favorites !== undefined) facts.append(fact("likes", "likes", product.favorites));
  return element("li", { className: "card" },
    element("img", { src: product.image, alt: "", width: 160, height: 120, loading: "lazy" }),
    element("h3", { textContent: product.title }),
    element("p", { className: "price", textContent: money.format(product.price) }),
    facts);
}

function skeleton() {
  const list = element("ul", { className: "cards", ariaHidden: "true" });
  for (let n = 0; n < 6; n += 1) list.append(element("li", { className: "card waiting" }));
  return list;
}

function show(area, data) {
  const section = byId(area);
  const place = inside(section, ".area");
  section.setAttribute("aria-busy", "false");
  if (!data) {
    const retry = element("button", { textContent: text("retry"), onclick: () => reload(area) });
    place.replaceChildren(element("div", { className: "failed" }, element("p", { textContent: text("failed") }), retry));
    return;
  }
  const parts = [];
  if (data.banner) {
    const [title, more] = AREAS[area].banner;
    parts.push(element("div", { className: `banner ${area}` },
      element("strong", { textContent: text(title) }), element("span", { textContent: text(more) })));
  }
  if (data.products.length) parts.push(element("ul", { className: "cards" }, ...data.products.map((p) => card(p, area))));
  else parts.push(element("p", { className: "empty", textContent: text("empty") }));
  place.replaceChildren(...parts);
}

// Requests an area again. The button that was pressed disappears, so the focus moves to the area's heading, and to the
// new button when the request fails again.
async function reload(area) {
  const section = byId(area);
  const heading = inside(section, "h1, h2");
  section.setAttribute("aria-busy", "true");
  heading.focus();
  inside(section, ".area").replaceChildren(skeleton());
  try {
    const response = await fetch(AREAS[area].path);
    show(area, response.ok ? await response.json() : null);
  } catch {
    show(area, null);
  }
  if (document.activeElement === heading) inside(section, ".failed button")?.focus();
}

function showUser(user) {
  const nav = byId("who");
  if (!user) {
    nav.replaceChildren(element("a", { className: "button", href: "/login", textContent: text("signIn") }));
    return;
  }
  const signOut = async () => {
    const response = await fetch("/api/users", { method: "DELETE" }).catch(() => null);
    if (response?.ok) location.reload();
  };
  nav.replaceChildren(
    element("img", { src: user.image, alt: "", width: 32, height: 32 }),
    element("span", { className: "name", textContent: user.name }),
    element("button", { textContent: text("signOut"), onclick: signOut }));
}

// The color is the same as in the mesh's console, so that a branch is recognized in both.
function showBranch(header) {
  const name = (header || "").split(";")[0].trim();
  const badge = byId("branch");
  badge.hidden = !name || name === "-";
  document.body.classList.toggle("branched", !badge.hidden);
  if (badge.hidden) return;
  let hue = 0;
  for (const character of name) hue = (hue * 31 + character.codePointAt(0)) % 360;
  document.body.style.setProperty("--hue", String(hue));
  badge.textContent = `${text("branch")} ${name}`;
}

async function load() {
  for (const area of Object.keys(AREAS)) inside(byId(area), ".area").replaceChildren(skeleton());
  try {
    const response = await fetch("/api/mall");
    if (!response.ok) throw new Error(`status ${response.status}`);
    const mall = await response.json();
    showBranch(response.headers.get("x-branch"));
    showUser(mall.user);
    for (const area of Object.keys(AREAS)) show(area, mall[area]);
  } catch {
    showUser(null);
    for (const area of Object.keys(AREAS)) show(area, null);
  }
}

translate();
load();
