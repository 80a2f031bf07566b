// One request through the mesh: who called whom, who answered, how long it took; by which rule and why on demand.
import { html, useEffect, useState } from "../vendor/preact-htm.js";
import { get, url } from "../lib/api.js";
import { clock, milliseconds, plural, shortName, shortUrl } from "../lib/format.js";
import { follow } from "../lib/live.js";
import { isFailed, origins, ownTimes, serviceOf, slowest, tree } from "../lib/spans.js";
import { change } from "../lib/route.js";
import { Comparison, Others } from "./comparison.js";
import { Copy } from "./copy.js";
import { Hop } from "./hop.js";
import { Branch, Empty, SidePanel, Status, Trouble, Waiting } from "./parts.js";

/** The spans of a request, and again whenever it gets more. */
export function useSpans(id) {
  const [{ spans, error }, set] = useState({ spans: null, error: null });
  useEffect(() => {
    if (!id) return undefined;
    let unmounted = false;
    const load = () => get(url("/mesh/v1/requests", { id })).then(
      (body) => !unmounted && set({ spans: body.items, error: null }),
      (problem) => !unmounted && set((now) => ({ ...now, error: problem })),
    );
    load();
    const stop = follow("traces", ({ items }) => items.some((trace) => trace.requestId === id) && load());
    const stopReconnected = follow("reconnected", load);
    return () => {
      unmounted = true;
      stop();
      stopReconnected();
    };
  }, [id]);
  return { spans, error };
}

/** @param {{id: string, other: string, onClose: () => void}} of `other` is a second request to compare with, "" for none */
export function Waterfall({ id, other, onClose }) {
  const { spans, error } = useSpans(id);
  const title = spans?.length ? html`${spans[0].method} ${shortUrl(spans[0].url)}` : "Request";
  return html`<${SidePanel} label="One request" title=${title} kind="waterfall" onClose=${onClose}>
    <${Trouble} error=${error} />
    ${!spans && !error && html`<${Waiting} />`}
    ${spans && !spans.length && html`<${Empty} title="Request not found"><p>The mesh remembers the last 10,000 requests.</p><//>`}
    ${spans?.length > 0 && html`<${Facts} spans=${spans} id=${id} other=${other} />
      ${other ? html`<${Comparison} spans=${spans} other=${other} />` : html`<${Spans} spans=${spans} id=${id} />`}`}
  <//>`;
}

const extent = (spans) => {
  const start = Math.min(...spans.map((span) => span.start));
  const end = Math.max(...spans.map((span) => span.start + span.milliseconds / 1000));
  return { start, total: Math.max((end - start) * 1000, 0.001) };
};

function Facts({ spans, id, other }) {
  const { start, total } = extent(spans);
  const root = spans[0];
  return html`<p class="facts"><${Status} code=${root.status} /> ${" "}<b>${milliseconds(total)}</b> · ${plural(spans.length, "hop")} · ${clock(start)} ·
      ${" "}${root.branch ? html`in <${Branch} name=${root.branch} />` : "baseline"}</p>
    <div class="bar ids"><code class="soft">${id}</code><span class="acts">
      <${Copy} text=${id} label="the x-request-id" name="id" /><${Copy} text=${location.href} label="a link to this request" name="link" />
      <${Copy} text=${curl(root)} label="the request as curl" name="curl" /></span></div>
    <${Others} root=${root} id=${id} other=${other} onChoose=${(chosen) => change({ with: chosen })} />`;
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** The request as a command; its headers and body are not recorded, but a branch can be entered by its baggage. */
const curl = (root) =>
  ["curl", ...(root.method === "GET" ? [] : ["-X", root.method]), ...(root.branch ? ["-H", quoted(`baggage: branch=${root.branch}`)] : []), quoted(root.url)].join(" ");

function Spans({ spans, id }) {
  const [closed, setClosed] = useState(() => new Set());
  const [open, setOpen] = useState(() => new Set());
  const { start, total } = extent(spans);
  const own = ownTimes(spans);
  const rows = tree(spans);
  const slow = slowest(spans);
  const failed = origins(spans);
  const toggled = (set, number) => new Set(set.has(number) ? [...set].filter((item) => item !== number) : [...set, number]);
  let hiddenBelow = Infinity;
  const shown = rows.filter(({ depth, number }) => {
    if (depth > hiddenBelow) return false;
    hiddenBelow = closed.has(number) ? depth : Infinity;
    return true;
  });
  const parents = rows.filter(({ children }) => children.length).map(({ number }) => number);
  return html`<${Verdict} spans=${spans} own=${own} slow=${slow} failed=${failed} onShow=${(number) => { setClosed(new Set()); setOpen(new Set([...open, number])); }} />
    <div class="bar folding">
      <button class="small quiet" onClick=${() => setOpen(open.size ? new Set() : new Set(rows.map(({ number }) => number)))}>${open.size ? "Hide details" : "Show all details"}</button>
      ${parents.length > 1 && html`<button class="small quiet" onClick=${() => setClosed(closed.size ? new Set() : new Set(parents))}>${closed.size ? "Expand all" : "Collapse all"}</button>`}</div>
    <ol class="spans">${shown.map(({ span, depth, number, children }) => html`<${Hop} key=${number} span=${span} depth=${depth} start=${start} total=${total}
      own=${own[number]} slow=${number === slow} origin=${failed.includes(number)} id=${id} calls=${children.length}
      closed=${closed.has(number)} open=${open.has(number)}
      onFold=${() => setClosed(toggled(closed, number))} onOpen=${() => setOpen(toggled(open, number))} />`)}</ol>`;
}

/** In a sentence: where the request failed and why, or where its time went. */
function Verdict({ spans, own, slow, failed, onShow }) {
  const show = (number) => html`<button class="link" onClick=${() => onShow(number)}>${shortName(serviceOf(spans[number]))}</button>`;
  if (failed.length) {
    const alike = new Map(failed.map((number) => [`${serviceOf(spans[number])} ${reasonOf(spans[number])}`, number]));
    return html`<ul class="verdict bad">${[...alike.values()].map((number) => html`<li key=${number}>${show(number)} ${reasonOf(spans[number])}</li>`)}</ul>`;
  }
  const total = Math.max(...spans.map((span) => span.milliseconds));
  return html`<p class="verdict">Most time went into ${show(slow)}: <b>${milliseconds(own[slow])}</b> of ${milliseconds(total)} itself.</p>`;
}

/** Why a hop failed, as the end of a sentence that begins with its service. */
export function reasonOf(span) {
  if (span.problem) return `failed: ${span.problem}`;
  if (!span.destination?.workload) return `failed with ${span.status || "no response"}`;
  return isFailed(span) ? `answered ${span.status || "nothing"} itself (${span.destination.workload})` : "";
}
