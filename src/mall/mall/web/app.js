// The shop's page: asks /api/mall once, shows each area, and retries an area alone when it failed.
// Whatever comes from the API is put in as text, never as markup.
import { language, text, translate } from "./text.js";

const AREAS = {
  recommend: { path: "/api/recommends", banner: ["recommendBanner", "recommendBannerMore"] },
  discount: { path: "/api/products", banner: ["discountBanner", "discountBannerMore"] },
};
const money = new Intl.NumberFormat(language === "zh" ? "zh-CN" : "en", { style: "currency", currency: "CNY", currencyDisplay: "narrowSymbol" });
const count = new Intl.NumberFormat(language === "zh" ? "zh-CN" : "en");

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
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
  const section = document.getElementById(area);
  const place = section.querySelector(".area");
  section.setAttribute("aria-busy", "false");
  if (!data) {
    const retry = element("button", { textContent: text("retry"), onclick: () => ask(area) });
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

// Tries an area again. The button that was pressed goes: the focus goes on to what came in its place.
async function ask(area) {
  const section = document.getElementById(area);
  const heading = section.querySelector("h1, h2");
  section.setAttribute("aria-busy", "true");
  heading.focus();
  section.querySelector(".area").replaceChildren(skeleton());
  try {
    const answer = await fetch(AREAS[area].path);
    show(area, answer.ok ? await answer.json() : null);
  } catch {
    show(area, null);
  }
  if (document.activeElement === heading) section.querySelector(".failed button")?.focus();
}

function who(user) {
  const nav = document.getElementById("who");
  if (!user) {
    nav.replaceChildren(element("a", { className: "button", href: "/login", textContent: text("signIn") }));
    return;
  }
  const leave = async () => {
    const answer = await fetch("/api/users", { method: "DELETE" }).catch(() => null);
    if (answer?.ok) location.reload();
  };
  nav.replaceChildren(
    element("img", { src: user.image, alt: "", width: 32, height: 32 }),
    element("span", { className: "name", textContent: user.name }),
    element("button", { textContent: text("signOut"), onclick: leave }));
}

function branch(header) {
  const name = (header || "").split(";")[0].trim();
  const badge = document.getElementById("branch");
  badge.hidden = !name || name === "-";
  document.body.classList.toggle("branched", !badge.hidden);
  if (badge.hidden) return;
  let hue = 0;
  for (const character of name) hue = (hue * 31 + character.codePointAt(0)) % 360;
  document.body.style.setProperty("--hue", hue);
  badge.textContent = `${text("branch")} ${name}`;
}

async function open() {
  for (const area of Object.keys(AREAS)) document.querySelector(`#${area} .area`).replaceChildren(skeleton());
  try {
    const answer = await fetch("/api/mall");
    if (!answer.ok) throw new Error(answer.status);
    const mall = await answer.json();
    branch(answer.headers.get("x-branch"));
    who(mall.user);
    for (const area of Object.keys(AREAS)) show(area, mall[area]);
  } catch {
    who(null);
    for (const area of Object.keys(AREAS)) show(area, null);
  }
}

translate();
open();
