// View: recent requests, newest first; the selected one as a waterfall.
import { html, useEffect, useRef, useState } from "../vendor/preact-htm.js";
import { get, signedOut, url } from "../lib/api.js";
import { clock, hostOf, milliseconds, pathOf, displayName, plural, shortName, shortUrl } from "../lib/format.js";
import { List } from "../components/list.js";
import { follow, topology } from "../lib/live.js";
import { Branch, BranchChoice, Empty, Mark, Status, Trouble, Waiting } from "../components/parts.js";
import { change, go, href } from "../lib/route.js";
import { useStore } from "../lib/store.js";
import { Waterfall } from "../components/waterfall.js";

const PAGE = 500;
const MOST_KEPT = 10_000;
const FILTERS = ["branch", "service", "status", "min", "text"];
const ORDERS = {
  "": (one, other) => other.number - one.number,
  slowest: (one, other) => other.milliseconds - one.milliseconds || other.number - one.number,
};
const COLUMNS = [
  { name: "Time" },
  { name: "Status" },
  { name: "Request" },
  { name: "Branch" },
  { name: "Hops", class: "number wide-only" },
  { name: "Duration", class: "number" },
];

export function Requests({ route }) {
  const filters = Object.fromEntries(FILTERS.map((name) => [name, route.query[name] ?? ""]));
  const order = route.query.order in ORDERS ? route.query.order : "";
  const { items, more, error, loadMore, reload } = useTraces(filters, order);
  const id = route.parts[0];
  const filtered = FILTERS.some((name) => filters[name]);
  let body;
  if (items === null) body = error ? null : html`<${Waiting} rows=${12} />`;
  else if (!items.length) body = filtered
    ? html`<${Empty} title="No matching requests"><p><button class="small" onClick=${() => go("requests", [], { order })}>Clear filters</button></p><//>`
    : html`<${Empty} title="No requests yet"><p>Send a request to the gateway, or run <code>meshmall load</code>.</p><//>`;
  else body = html`<${List} label=${order ? "Requests, slowest first" : "Requests, newest first"} kind="traces" columns=${COLUMNS} items=${items} height=${34}
      keyOf=${(trace) => trace.requestId} open=${id} cells=${(trace) => cells(trace, route.query)} onNearEnd=${loadMore}
      onOpen=${(trace) => go("requests", [trace.requestId], { ...route.query, with: "" })} />`;
  return html`<${Bar} filters=${filters} order=${order} count=${items && `${items.length.toLocaleString("en")}${more ? "+" : ""}`} />
    <${Trouble} error=${error} retry=${reload} />
    <div class="with-side ${id ? "opened" : ""}">
      <div class="main">${body}</div>
      ${id && html`<${Waterfall} id=${id} key=${id} other=${route.query.with ?? ""} onClose=${() => go("requests", [], { ...route.query, with: "" })} />`}
    </div>`;
}

function cells(trace, query) {
  return [
    html`<time class="soft">${clock(trace.start)}</time>`,
    html`<${Status} code=${trace.status} />`,
    html`<a class="to ask" tabindex="-1" href=${href("requests", [trace.requestId], query)}><b>${trace.method}</b> ${pathOf(trace.url)} <span class="soft">${hostOf(trace.url)}</span></a>`,
    html`${trace.branch ? html`<${Branch} name=${trace.branch} />` : html`<span class="soft">baseline</span>`}
      ${trace.fallback.length > 0 && html` <${Mark} kind="warn">fallback<//>`}`,
    html`${trace.hops}${trace.errors > 0 && html` <span class="bad" title=${plural(trace.errors, "error")}>▲${trace.errors}</span>`}`,
    milliseconds(trace.milliseconds),
  ];
}

/** The traces that match the filters, in an order of ORDERS: new ones are added as they arrive, older ones by `loadMore`. */
function useTraces(filters, order) {
  const [shown, show] = useState({ key: "", items: null, more: false, error: null });
  const state = useRef({ key: "", items: new Map(), more: false, busy: false, order: null });
  const key = JSON.stringify([filters, order]);

  const load = async (older) => {
    const current = state.current;
    if (current.busy && current.key === key) return;
    if (current.key !== key) Object.assign(current, { key, items: new Map(), more: false });
    current.busy = true;
    const before = older ? Math.min(...numbers(current.items)) : undefined;
    try {
      const page = await get(url("/mesh/v1/traces", { ...filters, order, before, limit: PAGE }));
      if (current.key !== key) return;
      // After a long interruption the newest page may not reach back to what is shown, which would leave a gap.
      const gap = !order && !older && page.more && !page.items.some((trace) => current.items.has(trace.requestId));
      if (gap) current.items.clear();
      // The slowest have no next page.
      if (older || !current.items.size) current.more = page.more && !order;
      for (const trace of page.items) current.items.set(trace.requestId, trace);
      current.busy = false;
      publish(null);
    } catch (error) {
      if (current.key !== key) return;
      current.busy = false;
      if (!signedOut.get()) publish(error);
    }
  };
  const publish = (error) => {
    const current = state.current;
    const items = [...current.items.values()].sort(ORDERS[order]);
    for (const trace of items.splice(MOST_KEPT)) current.items.delete(trace.requestId);
    show({ key: current.key, items: error && !items.length ? null : items, more: current.more && items.length < MOST_KEPT, error });
  };

  useEffect(() => {
    load(false);
    let timer = 0;
    const stops = [
      follow("traces", ({ items }) => {
        const current = state.current;
        if (current.key !== key) return;
        for (const trace of items) if (matches(trace, filters)) current.items.set(trace.requestId, trace);
        timer ||= setTimeout(() => { timer = 0; publish(null); }, 250);
      }),
      follow("reconnected", () => load(false)),
    ];
    return () => {
      clearTimeout(timer);
      for (const stop of stops) stop();
    };
  }, [key]);
  const current = shown.key === key ? shown : { items: null, more: false, error: null };
  return { ...current, reload: () => load(false), loadMore: () => current.more && load(true) };
}

function* numbers(items) {
  for (const trace of items.values()) yield trace.number;
}

/** Does a streamed trace match the filters? The daemon applies the same filters to the traces that are fetched. */
function matches(trace, { branch, service, status, min, text }) {
  if (branch && trace.branch !== (branch === "-" ? "" : branch)) return false;
  if (service && !trace.services.some((id) => id === service || shortName(id) === service)) return false;
  if (min && trace.milliseconds < Number(min)) return false;
  if (status === "error" && !trace.errors) return false;
  if (status && status !== "error" && !String(trace.status).startsWith(status.replace(/xx$/, ""))) return false;
  const search = text.toLowerCase();
  return !search || shortUrl(trace.url).toLowerCase().includes(search) || trace.requestId.startsWith(search);
}

function Bar({ filters, order, count }) {
  const services = useStore(topology)?.services.filter((service) => service.kind !== "gateway") ?? [];
  const ids = services.map((service) => service.id);
  if (filters.service && !ids.includes(filters.service)) ids.unshift(filters.service);
  const set = (name) => (event) => change({ [name]: event.target.value }, true);
  return html`<form class="bar" role="search" onSubmit=${(event) => event.preventDefault()}>
    <h1 class="unseen">Requests</h1>
    <${BranchChoice} value=${filters.branch} onChange=${(name) => change({ branch: name }, true)} />
    <label class="field">Service <select value=${filters.service} onChange=${set("service")}>
      <option value="">any</option>${ids.map((id) => html`<option key=${id} value=${id}>${displayName(id, ids)}</option>`)}</select></label>
    <label class="field">Status <select value=${filters.status} onChange=${set("status")}>
      <option value="">any</option><option value="error">with errors</option>
      ${["2xx", "3xx", "4xx", "5xx", "404", "503"].map((status) => html`<option key=${status} value=${status}>${status}</option>`)}</select></label>
    <label class="field">At least <select value=${filters.min} onChange=${set("min")}>
      <option value="">any duration</option>
      ${[5, 10, 20, 50, 100, 500, 1000, 5000].map((min) => html`<option key=${min} value=${min}>${milliseconds(min)}</option>`)}</select></label>
    <label class="field">Order <select value=${order} onChange=${set("order")}><option value="">newest first</option><option value="slowest">slowest first</option></select></label>
    <label class="field grow">Search <input type="search" placeholder="part of the URL, or an x-request-id" value=${filters.text}
      onInput=${set("text")} autocomplete="off" spellcheck="false" /></label>
    ${count && html`<p class="facts"><b>${count}</b> requests</p>`}
  </form>`;
}
