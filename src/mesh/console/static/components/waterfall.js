// One request through the mesh: who called whom, who answered, how long it took, by which rule and why.
import { html, useEffect, useState } from "../vendor/preact-htm.js";
import { get, url } from "../lib/api.js";
import { clock, hue, milliseconds, pathOf, plural, shortName, shortUrl } from "../lib/format.js";
import { Icon } from "./icons.js";
import { follow } from "../lib/live.js";
import { Branch, Empty, Mark, Status, Trouble, Waiting } from "./parts.js";
import { href } from "../lib/route.js";

export function Waterfall({ id, onClose }) {
  const [{ spans, error }, set] = useState({ spans: null, error: null });
  useEffect(() => {
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
  return html`<aside class="side waterfall" aria-label="One request">
    <header><button class="plain back" onClick=${onClose} aria-label="Back to the list"><${Icon} name="back" /></button>
      <h2>${spans?.length ? html`${spans[0].method} ${shortUrl(spans[0].url)}` : "Request"}</h2>
      <button class="plain" aria-label="Close request" onClick=${onClose}><${Icon} name="close" /></button></header>
    <${Trouble} error=${error} />
    ${!spans && !error && html`<${Waiting} />`}
    ${spans && !spans.length && html`<${Empty} title="Request not found"><p>The mesh remembers the last 10,000 requests.</p><//>`}
    ${spans?.length > 0 && html`<${Spans} spans=${spans} id=${id} />`}
  </aside>`;
}

function Spans({ spans, id }) {
  const start = Math.min(...spans.map((span) => span.start));
  const end = Math.max(...spans.map((span) => span.start + span.milliseconds / 1000));
  const total = Math.max((end - start) * 1000, 0.001);
  const root = spans[0];
  return html`<p class="facts"><${Status} code=${root.status} /> ${" "}<b>${milliseconds(total)}</b> · ${plural(spans.length, "hop")} · ${clock(start)} ·
      ${" "}${root.branch ? html`in <${Branch} name=${root.branch} />` : "baseline"}<br /><code class="soft">${id}</code></p>
    <ol class="spans">${tree(spans).map(({ span, depth, number }) => html`<${Hop} key=${number} span=${span} depth=${depth} start=${start} total=${total} />`)}</ol>`;
}

/** The spans in call order, each with its depth. Spans whose parents form a loop come last. */
export function tree(spans) {
  const children = new Map();
  spans.forEach((span, number) => {
    const parent = span.parent !== null && span.parent !== number ? span.parent : -1;
    if (!children.has(parent)) children.set(parent, []);
    children.get(parent).push(number);
  });
  const ordered = [];
  const seen = new Set();
  const walk = (parent, depth) => {
    for (const number of children.get(parent) ?? []) {
      if (seen.has(number)) continue;
      seen.add(number);
      ordered.push({ span: spans[number], depth, number });
      walk(number, depth + 1);
    }
  };
  walk(-1, 0);
  spans.forEach((span, number) => seen.has(number) || ordered.push({ span, depth: 0, number }));
  return ordered;
}

function Hop({ span, depth, start, total }) {
  const pod = span.destination ?? {};
  const service = pod.service || span.service || "unknown";
  const failed = !span.status || span.status >= 500;
  const left = ((span.start - start) * 1000 * 100) / total;
  const length = Math.max((span.milliseconds * 100) / total, 0.6);
  return html`<li class="hop ${failed ? "failed" : ""} ${pod.branch ? "own" : ""}" style=${{ "--depth": depth, "--hue": hue(pod.branch ?? "") }}>
    <div class="line">
      <span class="who"><b>${shortName(service)}</b> ${pod.workload && html`<span class="version">${pod.workload}</span> `}<${Answerer} span=${span} /></span>
      <div class="track"><i style=${{ left: `${Math.min(left, 99.4)}%`, width: `${Math.min(length, 100 - Math.min(left, 99.4))}%` }}></i></div>
      <span class="took"><${Status} code=${span.status} /> ${milliseconds(span.milliseconds)}</span>
    </div>
    <p class="why"><span class="ask" title=${`${span.source || span.caller || "outside"} calls ${span.url}`}>${span.method} ${pathOf(span.url)}</span> ${span.why} <${Rule} rule=${span.rule} service=${service} /></p>
  </li>`;
}

/** What answered: the branch, the baseline, or the baseline as the branch's fallback. Outside branches it is always the
 * baseline, which needs no mark. */
function Answerer({ span }) {
  if (!span.destination?.workload) return html`<${Mark} kind="bad">nobody<//>`;
  if (span.destination.branch) return html`<${Branch} name=${span.destination.branch} />`;
  if (span.fallback) return html`<${Mark} kind="warn">fallback to baseline<//>`;
  return span.branch ? html`<${Mark}>baseline<//>` : "";
}

function Rule({ rule, service }) {
  if (!rule) return null;
  return html`<a class="rule" href=${href("rules", [service], { row: rule.row })}>View rule</a>`;
}
