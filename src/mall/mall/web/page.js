// What every page of the shop has: the header with the user and the branch, prices, and how a product looks.
// Everything from the API is inserted as text, never as markup.
import { locale, text } from "./text.js";

const money = new Intl.NumberFormat(locale, { style: "currency", currency: "CNY", currencyDisplay: "narrowSymbol" });
const count = new Intl.NumberFormat(locale);
// The shapes of the mesh's console, so that a branch is recognized in both: diamond, square, triangle, circle.
const SHAPES = ["M5 0 10 5 5 10 0 5z", "M1 1h8v8H1z", "M5 .3 9.800 9.200H.200z", "M5 .5a4.500 4.500 0 1 1-.01 0z"];
const SVG = "http://www.w3.org/2000/svg";

export const price = (value) => money.format(value);

/** An element that the page itself has. */
export const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

export function element(name, properties = {}, ...children) {
  const created = Object.assign(document.createElement(name), properties);
  created.append(...children);
  return created;
}

function fact(className, key, value) {
  return element("span", { className }, element("b", { textContent: count.format(value) }), ` ${text(key)}`);
}

/** What is counted of a product: its score where it has one, sales, stock, and favorites where they are known. */
export function facts(product) {
  const line = element("p", { className: "facts" });
  if (product.score !== undefined) line.append(fact("score", "score", product.score));
  line.append(fact("sold", "sold", product.sales), fact("stock", "stock", product.stock));
  if (product.favorites !== undefined) line.append(fact("likes", "likes", product.favorites));
  return line;
}

/** The name in the cookie: who is signed in, also while the API cannot say more. */
function cookieName() {
  const value = /(?:^|;\s*)user=("?)([^;"]+)\1/.exec(document.cookie)?.[2] ?? "";
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

async function signOut() {
  const response = await fetch("/api/users", { method: "DELETE" }).catch(() => null);
  // Whoever wants to leave can, also while nothing answers.
  if (!response?.ok) document.cookie = "user=; Max-Age=0; Path=/; SameSite=Lax";
  location.reload();
}

/**
 * Shows who is signed in: the user that the API answered, or, while it cannot answer, the one of the cookie.
 * @param {{name: string, image: string}|null} user
 * @param {boolean} answered whether the API has looked the user up
 */
export function showUser(user, answered) {
  const nav = byId("who");
  const shown = user ?? (answered ? null : cookieName() && { name: cookieName(), image: "" });
  if (!shown) {
    nav.replaceChildren(element("a", { className: "button", href: "/login", textContent: text("signIn") }));
    return;
  }
  const picture = shown.image
    ? element("img", { src: shown.image, alt: "", width: 32, height: 32 })
    : element("span", { className: "initial", ariaHidden: "true", textContent: shown.name.slice(0, 1).toUpperCase() });
  nav.replaceChildren(picture, element("span", { className: "name", textContent: shown.name }),
    element("button", { textContent: text("signOut"), onclick: signOut }));
}

/** Shows in which branch the page is, in the colour and shape that the mesh's console has for it. */
export function showBranch(headers) {
  const name = (headers.get("x-branch") || "").split(";")[0].trim();
  const badge = byId("branch");
  badge.hidden = !name || name === "-";
  document.body.classList.toggle("branched", !badge.hidden);
  if (badge.hidden) return;
  const color = Number(headers.get("x-branch-color") ?? 0) % 12;
  document.body.dataset.color = String(color);
  const shape = document.createElementNS(SVG, "svg");
  shape.setAttribute("viewBox", "0 0 10 10");
  shape.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", SHAPES[color % SHAPES.length]);
  shape.append(path);
  badge.replaceChildren(shape, `${text("branch")} ${name}`);
}

/** A notice in place of what is missing, with a button. */
export function notice(key, buttonKey, onclick) {
  return element("div", { className: "failed" }, element("p", { textContent: text(key) }), element("button", { textContent: text(buttonKey), onclick }));
}
