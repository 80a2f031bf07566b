// A product's page.
import { byId, element, facts, notice, price, showBranch, showUser } from "./page.js";
import { text, translate } from "./text.js";

const id = location.pathname.split("/").at(-1) ?? "";

function show(product) {
  document.title = `${product.title} – mesh-mall`;
  byId("product").replaceChildren(
    element("img", { src: product.image, alt: "", width: 480, height: 360 }),
    element("div", { className: "about" },
      element("h1", { textContent: product.title }),
      element("p", { className: "price", textContent: price(product.price) }),
      facts(product),
      element("p", { className: product.stock > 0 ? "available" : "sold-out", textContent: text(product.stock > 0 ? "available" : "soldOut") })));
}

async function load() {
  byId("product").setAttribute("aria-busy", "true");
  try {
    const response = await fetch(`/api/product?id=${encodeURIComponent(id)}`);
    showBranch(response.headers);
    if (response.ok) show(await response.json());
    else if (response.status === 404 || response.status === 400) byId("product").replaceChildren(notice("noProduct", "toShop", () => location.assign("/")));
    else byId("product").replaceChildren(notice("productFailed", "retry", load));
  } catch {
    byId("product").replaceChildren(notice("productFailed", "retry", load));
  }
  byId("product").setAttribute("aria-busy", "false");
}

async function loadUser() {
  const response = await fetch("/api/users").catch(() => null);
  const answer = response?.ok ? await response.json() : null;
  showUser(answer?.data ?? null, Boolean(answer));
}

translate();
load();
loadUser();
