// One request through the mesh: who called whom, who answered, how long it took, by which rule and why.
import { html, useEffect, useState } from "./vendor/preact-htm.js";
import { get, url } from "./api.js";
import { clock, hue, milliseconds, pathOf, plural, shortName, shortUrl } from "./format.js";
import { Icon } from "./icons.js";
import { follow } from "./live.js";
import { Branch, Empty, Mark, Status, Trouble, Waiting } from "./parts.js";
import { href } from "./route.js";

export function Waterfall({ id, onClose }) {
  const [{ spans, error }, set] = useState({ spans: null, error: null });
  useEffect(() => {
    let over = false;
    const load = () => get(url("/mesh/v1/requests", { id })).then(
      (found) => !over && set({ spans: found.items, error: null }),
      (problem) => !over && set((now) => ({ ...now, error: problem })),
    );
    load();
    const stop = follow("traces", ({ items }) => items.some((each) => each.requestId === id) && load());
    const stopBack = follow("back", load);
    return () => {
      over = true;
      stop();
      stopBack();
    };
  }, [id]);
  return html`<aside class="side waterfall" aria-label="One request">
    <header><button class="plain back" onClick=${onClose} aria-label="Back to the list"><${Icon} name="back" /></button>
      <h2>${spans?.length ? html`${spans[0].method} ${shortUrl(spans[0].url)}` : "Request"}</h2>
      <button class="plain" aria-label="Close the request" onClick=${onClose}><${Icon} name="close" /></button></header>
    <${Trouble} error=${error} />
    ${!spans && !error && html`<${Waiting} />`}
    ${spans && !spans.length && html`<${Empty} title="Not kept any more"><p>The mesh keeps the last 10,000 requests.</p><//>`}
    ${spans?.length > 0 && html`<${Spans} spans=${spans} id=${id} />`}
  </aside>`;
}

function Spans({ spans, id }) {
  const start = Math.min(...spans.map((each) => each.start));
  const end = Math.max(...spans.map((each) => each.start + each.milliseconds / 1000));
  const whole = Math.max((end - start) * 1000, 0.001);
  const root = spans[0];
  return html`<p class="facts"><${Status} code=${root.status} /> ${" "}<b>${milliseconds(whole)}</b> · ${plural(spans.length, "hop")} · ${clock(start)} ·
      ${" "}${root.branch ? html`in <${Branch} name=${root.branch} />` : "baseline"}<br /><code class="soft">${id}</code></p>
    <ol class="spans">${tree(spans).map(({ span, depth, number }) => html`<${Hop} key=${number} span=${span} depth=${depth} start=${start} whole=${whole} />`)}</ol>`;
}

/** The spans in the order of the calls, each with its depth. */
export function tree(spans) {
  const children = new Map();
  spans.forEach((span, number) => {
    const parent = span.parent !== null && span.parent !== number ? span.parent : -1;
    if (!children.has(parent)) children.set(parent, []);
    children.get(parent).push(number);
  });
  const found = [];
  const seen = new Set();
  const walk = (parent, depth) => {
    for (const number of children.get(parent) ?? []) {
      if (seen.has(number)) continue;
      seen.add(number);
      found.push({ span: spans[number], depth, number });
      walk(number, depth + 1);
    }
  };
  walk(-1, 0);
  spans.forEach((span, number) => seen.has(number) || found.push({ span, depth: 0, number }));
  return found;
}

function Hop({ span, depth, start, whole }) {
  const answered = span.destination ?? {};
  const service = answered.service || span.service || "unknown";
  const failed = !span.status || span.status >= 500;
  const left = ((span.start - start) * 1000 * 100) / whole;
  const length = Math.max((span.milliseconds * 100) / whole, 0.6);
  return html`<li class="hop ${failed ? "failed" : ""} ${answered.branch ? "own" : ""}" style=${{ "--depth": depth, "--hue": hue(answered.branch ?? "") }}>
    <div class="line">
      <span class="who"><b>${shortName(service)}</b> ${answered.workload && html`<span class="version">${answered.workload}</span> `}<${Answerer} span=${span} /></span>
      <div class="track"><i style=${{ left: `${Math.min(left, 99.4)}%`, width: `${Math.min(length, 100 - Math.min(left, 99.4))}%` }}></i></div>
      <span class="took"><${Status} code=${span.status} /> ${milliseconds(span.milliseconds)}</span>
    </div>
    <p class="why"><span class="ask" title=${`${span.source || span.caller || "outside"} asks ${span.url}`}>${span.method} ${pathOf(span.url)}</span> ${span.why} <${Rule} rule=${span.rule} service=${service} /></p>
  </li>`;
}

/** In whose name the answer came: a branch, the baseline, or the baseline in place of the branch. Of a request that is in
 * no branch there is nothing to say. */
function Answerer({ span }) {
  if (!span.destination?.workload) return html`<${Mark} kind="bad">nobody<//>`;
  if (span.destination.branch) return html`<${Branch} name=${span.destination.branch} />`;
  if (span.fallback) return html`<${Mark} kind="warn">fallback to baseline<//>`;
  return span.branch ? html`<${Mark}>baseline<//>` : "";
}

function Rule({ rule, service }) {
  if (!rule) return null;
  return html`<a class="rule" href=${href("rules", [service], { row: rule.row })}>Show the row</a>`;
}
