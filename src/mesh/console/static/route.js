// Where in the console one is: `#/view/part?key=value`.
import { createStore, useStore } from "./store.js";

function parse(hash) {
  const [path, query] = hash.replace(/^#\/?/, "").split("?");
  const [view, ...parts] = path.split("/").map((part) => {
    try { return decodeURIComponent(part); } catch { return part; }
  });
  return { view: view || "topology", parts: parts.filter(Boolean), query: Object.fromEntries(new URLSearchParams(query || "")) };
}

const route = createStore(parse(location.hash));
addEventListener("hashchange", () => route.set(parse(location.hash)));

export const useRoute = () => useStore(route);

export function href(view, parts = [], query = {}) {
  const path = [view, ...parts].map(encodeURIComponent).join("/");
  const found = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  return `#/${path}${found ? `?${found}` : ""}`;
}

/** Goes there; `quiet` leaves no step in the history (for typing in a filter). */
export function go(view, parts, query, quiet = false) {
  const where = href(view, parts, query);
  if (where === location.hash) return;
  if (!quiet) {
    location.hash = where;
    return;
  }
  history.replaceState(null, "", where);
  route.set(parse(where));
}

/** Changes the query of where one is. */
export function change(query, quiet = false) {
  const { view, parts, query: now } = route.get();
  go(view, parts, { ...now, ...query }, quiet);
}
