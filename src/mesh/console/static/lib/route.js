// The current place in the console: `#/view/part?key=value`.
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

/** The place without following it, for links that change only a part of it. */
export const here = () => route.get();

export function href(view, parts = [], query = {}) {
  const path = [view, ...parts].map(encodeURIComponent).join("/");
  const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value)).toString();
  return `#/${path}${text ? `?${text}` : ""}`;
}

/** Navigates; `quiet` adds no step to the history (for typing in a filter). */
export function go(view, parts, query, quiet = false) {
  const target = href(view, parts, query);
  if (target === location.hash) return;
  if (!quiet) {
    location.hash = target;
    return;
  }
  history.replaceState(null, "", target);
  route.set(parse(target));
}

/** Changes the query of the current place. */
export function change(query, quiet = false) {
  const { view, parts, query: now } = route.get();
  go(view, parts, { ...now, ...query }, quiet);
}
