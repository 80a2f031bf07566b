// Two requests side by side: the same calls in one line, with what answered and how much longer it took.
import { html } from "../vendor/preact-htm.js";
import { url } from "../lib/api.js";
import { clock, milliseconds, pathOf, shortName } from "../lib/format.js";
import { useAnswer } from "../lib/live.js";
import { isFailed, pairs, serviceOf } from "../lib/spans.js";
import { Answerer } from "./hop.js";
import { Empty, Status, Trouble, Waiting } from "./parts.js";
import { useSpans } from "./waterfall.js";

const MOST_OFFERED = 40;
// Milliseconds, and a share of the longer call, below which a difference is noise.
const NOISE_MS = 1;
const NOISE_SHARE = 0.25;

/** A choice among recent requests to the same path. */
export function Others({ root, id, other, onChoose }) {
  const path = pathOf(root.url).split("?")[0];
  const { data } = useAnswer(url("/mesh/v1/traces", { text: path, limit: MOST_OFFERED }));
  const offered = (data?.items ?? []).filter((trace) => trace.requestId !== id && trace.method === root.method);
  const unlisted = other && !offered.some((trace) => trace.requestId === other);
  return html`<label class="field compare-with">Compare with <select value=${other} onChange=${(event) => onChoose(event.target.value)}>
      <option value="">no other request</option>
      ${unlisted && html`<option value=${other}>${other.slice(0, 13)}…</option>`}
      ${offered.map((trace) => html`<option key=${trace.requestId} value=${trace.requestId}>
        ${clock(trace.start)} · ${trace.branch || "baseline"} · ${trace.status} · ${milliseconds(trace.milliseconds)} · ${pathOf(trace.url)}</option>`)}
    </select></label>`;
}

export function Comparison({ spans, other }) {
  const { spans: others, error } = useSpans(other);
  if (error) return html`<${Trouble} error=${error} />`;
  if (!others) return html`<${Waiting} />`;
  if (!others.length) return html`<${Empty} title="The other request was not found" />`;
  const rows = pairs(spans, others);
  const total = (all) => Math.max(...all.map((span) => span.milliseconds));
  const names = [spans[0].branch || "baseline", others[0].branch || "baseline"];
  return html`<div class="comparison" role="group" aria-label="Two requests compared" tabindex="0"><table class="plain-table small"><thead><tr><th scope="col">Call</th>
      <th scope="col">This request (${names[0]})</th><th scope="col">The other (${names[1]})</th><th scope="col" class="number">Difference</th></tr></thead>
    <tbody>${rows.map(({ one, other: second, depth }, number) => html`<tr key=${number} class=${differs(one, second) ? "differs" : ""}>
      <td style=${{ "--depth": depth }} class="call"><b>${shortName(serviceOf(one ?? second))}</b> <small>${(one ?? second).method} ${pathOf((one ?? second).url).split("?")[0]}</small></td>
      <${Side} span=${one} /><${Side} span=${second} /><${Difference} one=${one} other=${second} /></tr>`)}
    <tr class="total"><td><b>All</b></td><td><b>${milliseconds(total(spans))}</b></td><td><b>${milliseconds(total(others))}</b></td><${Difference} one=${{ milliseconds: total(spans) }} other=${{ milliseconds: total(others) }} /></tr>
    </tbody></table></div>`;
}

function Side({ span }) {
  if (!span) return html`<td class="soft">not called</td>`;
  return html`<td><span class="nowrap"><${Status} code=${span.status} /> ${milliseconds(span.milliseconds)}</span> ${span.destination?.branch || !span.destination?.workload ? html`<${Answerer} span=${span} />` : html`<small>${span.destination.workload}</small>`}</td>`;
}

function differs(one, other) {
  return !one || !other || one.status !== other.status || one.destination?.workload !== other.destination?.workload || isFailed(one);
}

function Difference({ one, other }) {
  if (!one || !other) return html`<td class="number"></td>`;
  const more = one.milliseconds - other.milliseconds;
  const noise = Math.abs(more) < Math.max(NOISE_MS, NOISE_SHARE * Math.max(one.milliseconds, other.milliseconds));
  return html`<td class="number ${noise ? "soft" : more > 0 ? "slower" : "faster"}">${more > 0 ? "+" : "−"}${milliseconds(Math.abs(more))}</td>`;
}
