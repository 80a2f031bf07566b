// View: the last requests, newest first; one of them as a waterfall.
import { html, useEffect, useRef, useState } from "./vendor/preact-htm.js";
import { get, signedOut, url } from "./api.js";
import { clock, hostOf, milliseconds, pathOf, plural, shortName, shortUrl } from "./format.js";
import { List } from "./list.js";
import { follow, topology } from "./live.js";
import { Branch, BranchChoice, Empty, Mark, Status, Trouble, Waiting } from "./parts.js";
import { change, go, href } from "./route.js";
import { useStore } from "./store.js";
import { Waterfall } from "./waterfall.js";

const PAGE = 500;
const MOST = 10_000;
const FILTERS = ["branch", "service", "status", "min", "text"];
const COLUMNS = [
  { name: "Time" },
  { name: "Status" },
  { name: "Request" },
  { name: "Branch" },
  { name: "Hops", class: "number wide-only" },
  { name: "Took", class: "number" },
];

export function Requests({ route }) {
  const filters = Object.fromEntries(FILTERS.map((name) => [name, route.query[name] ?? ""]));
  const { items, more, error, loadMore, reload } = useTraces(filters);
  const id = route.parts[0];
  const some = FILTERS.some((name) => filters[name]);
  let body;
  if (items === null) body = error ? null : html`<${Waiting} rows=${12} />`;
  else if (!items.length) body = some
    ? html`<${Empty} title="No request fits"><p><button class="small" onClick=${() => go("requests", [], {})}>Clear the filters</button></p><//>`
    : html`<${Empty} title="No requests yet"><p>Open the shop, or let <code>meshmall load</code> drive it.</p><//>`;
  else body = html`<${List} label="Requests, newest first" kind="traces" columns=${COLUMNS} items=${items} height=${34}
      keyOf=${(each) => each.requestId} open=${id} cells=${(each) => cells(each, route.query)} onNearEnd=${loadMore}
      onOpen=${(each) => go("requests", [each.requestId], route.query)} />`;
  return html`<${Bar} filters=${filters} count=${items && `${items.length.toLocaleString("en")}${more ? "+" : ""}`} />
    <${Trouble} error=${error} retry=${reload} />
    <div class="with-side ${id ? "opened" : ""}">
      <div class="main">${body}</div>
      ${id && html`<${Waterfall} id=${id} key=${id} onClose=${() => go("requests", [], route.query)} />`}
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

/** The traces that fit, with new ones as they come, older ones by `loadMore`. */
function useTraces(filters) {
  const [shown, show] = useState({ key: "", items: null, more: false, error: null });
  const state = useRef({ key: "", items: new Map(), more: false, busy: false, order: null });
  const key = JSON.stringify(filters);

  const load = async (older) => {
    const mine = state.current;
    if (mine.busy && mine.key === key) return;
    if (mine.key !== key) Object.assign(mine, { key, items: new Map(), more: false });
    mine.busy = true;
    const before = older ? Math.min(...numbers(mine.items)) : undefined;
    try {
      const found = await get(url("/mesh/v1/traces", { ...filters, before, limit: PAGE }));
      if (mine.key !== key) return;
      // After a long break the newest may not reach down to what is there: then what is between would be missing.
      const apart = !older && found.more && !found.items.some((each) => mine.items.has(each.requestId));
      if (apart) mine.items.clear();
      if (older || !mine.items.size) mine.more = found.more;
      for (const each of found.items) mine.items.set(each.requestId, each);
      mine.busy = false;
      publish(null);
    } catch (error) {
      if (mine.key !== key) return;
      mine.busy = false;
      if (!signedOut.get()) publish(error);
    }
  };
  const publish = (error) => {
    const mine = state.current;
    const items = [...mine.items.values()].sort((one, other) => other.number - one.number);
    for (const each of items.splice(MOST)) mine.items.delete(each.requestId);
    show({ key: mine.key, items: error && !items.length ? null : items, more: mine.more && items.length < MOST, error });
  };

  useEffect(() => {
    load(false);
    let timer = 0;
    const stops = [
      follow("traces", ({ items }) => {
        const mine = state.current;
        if (mine.key !== key) return;
        for (const each of items) if (fits(each, filters)) mine.items.set(each.requestId, each);
        timer ||= setTimeout(() => { timer = 0; publish(null); }, 250);
      }),
      follow("back", () => load(false)),
    ];
    return () => {
      clearTimeout(timer);
      for (const stop of stops) stop();
    };
  }, [key]);
  const mine = shown.key === key ? shown : { items: null, more: false, error: null };
  return { ...mine, reload: () => load(false), loadMore: () => mine.more && load(true) };
}

function* numbers(items) {
  for (const each of items.values()) yield each.number;
}

/** Whether a trace that was told fits what was asked for; the daemon decides the same for those that are fetched. */
function fits(trace, { branch, service, status, min, text }) {
  if (branch && trace.branch !== (branch === "-" ? "" : branch)) return false;
  if (service && !trace.services.some((each) => each === service || shortName(each) === service)) return false;
  if (min && trace.milliseconds < Number(min)) return false;
  if (status === "error" && !trace.errors) return false;
  if (status && status !== "error" && !String(trace.status).startsWith(status.replace(/xx$/, ""))) return false;
  const wanted = text.toLowerCase();
  return !wanted || shortUrl(trace.url).toLowerCase().includes(wanted) || trace.requestId.startsWith(wanted);
}

function Bar({ filters, count }) {
  const services = useStore(topology)?.services.filter((each) => each.kind !== "gateway") ?? [];
  const ids = services.map((each) => each.id);
  if (filters.service && !ids.includes(filters.service)) ids.unshift(filters.service);
  const set = (name) => (event) => change({ [name]: event.target.value }, true);
  return html`<form class="bar" role="search" onSubmit=${(event) => event.preventDefault()}>
    <h1 class="unseen">Requests</h1>
    <${BranchChoice} value=${filters.branch} onChange=${(name) => change({ branch: name }, true)} />
    <label class="field">Service <select value=${filters.service} onChange=${set("service")}>
      <option value="">any</option>${ids.map((id) => html`<option key=${id} value=${id}>${shortName(id)}</option>`)}</select></label>
    <label class="field">Status <select value=${filters.status} onChange=${set("status")}>
      <option value="">any</option><option value="error">with errors</option>
      ${["2xx", "3xx", "4xx", "5xx", "404", "503"].map((each) => html`<option key=${each} value=${each}>${each}</option>`)}</select></label>
    <label class="field">At least <select value=${filters.min} onChange=${set("min")}>
      <option value="">any time</option>
      ${[5, 10, 20, 50, 100, 500, 1000, 5000].map((each) => html`<option key=${each} value=${each}>${milliseconds(each)}</option>`)}</select></label>
    <label class="field grow">Search <input type="search" placeholder="part of the URL, or an x-request-id" value=${filters.text}
      onInput=${set("text")} autocomplete="off" spellcheck="false" /></label>
    ${count && html`<p class="facts"><b>${count}</b> requests</p>`}
  </form>`;
}
