// One hop of a request: a line with its chips and its bar, and on demand why it went there.
import { html } from "../vendor/preact-htm.js";
import { colorClass } from "../lib/colors.js";
import { milliseconds, pathOf, shortName } from "../lib/format.js";
import { href } from "../lib/route.js";
import { isFailed, serviceOf } from "../lib/spans.js";
import { Copy } from "./copy.js";
import { Icon } from "./icons.js";
import { Branch, Mark, Status } from "./parts.js";

export function Hop({ span, depth, start, total, own, slow, origin, id, calls, closed, open, onFold, onOpen }) {
  const pod = span.destination ?? {};
  const service = serviceOf(span);
  const left = Math.min(((span.start - start) * 1000 * 100) / total, 99.4);
  const length = Math.min(Math.max((span.milliseconds * 100) / total, 0.6), 100 - left);
  const kind = ["hop", isFailed(span) && "failed", pod.branch && "own", colorClass(pod.branch), open && "opened"].filter(Boolean).join(" ");
  const label = `${shortName(service)}, ${span.method} ${pathOf(span.url)}`;
  return html`<li class=${kind} style=${{ "--depth": depth }}>
    <div class="line" onClick=${(event) => !event.target.closest("a, button") && onOpen()}>
      <span class="who">
        ${calls > 0
      ? html`<button class="plain fold ${closed ? "closed" : ""}" aria-expanded=${!closed} aria-label=${`Calls of ${label}`} onClick=${onFold}><${Icon} name="minimise" /></button>`
      : html`<span class="fold"></span>`}
        <button class="plain named" aria-expanded=${open} aria-label=${`Details of ${label}`} onClick=${onOpen}><b>${shortName(service)}</b></button>
        ${pod.workload && html`<span class="version">${pod.workload}</span> `}${!(origin && span.problem) && html`<${Answerer} span=${span} />`}
        ${closed && html` <small>+ ${calls} ${calls === 1 ? "call" : "calls"}</small>`}
        ${slow && html` <${Mark} kind="warn">slowest<//>`}${origin && html` <${Mark} kind="bad">${span.problem || "failed here"}<//>`}</span>
      <div class="track"><i style=${{ left: `${left}%`, width: `${length}%` }}></i></div>
      <span class="took"><${Status} code=${span.status} /> ${milliseconds(span.milliseconds)}</span>
    </div>
    ${open && html`<${Details} span=${span} service=${service} own=${own} id=${id} />`}
  </li>`;
}

function Details({ span, service, own, id }) {
  const pod = span.destination ?? {};
  const namespace = service.includes("/") ? service.split("/")[0] : "";
  const name = pod.pod ? pod.pod.split("/").at(-1) : "";
  return html`<div class="why">
    <p><span class="ask">${span.method} ${pathOf(span.url)}</span> from ${span.source || span.caller || "outside"}; ${milliseconds(own)} itself.</p>
    <p>${span.why}</p>
    <p class="links">${span.rule && html`<a href=${href("rules", [service], { row: span.rule.row })}>View rule</a>`}
      ${name && html`<a href=${href("workloads", [`${namespace}/${name}`], { log: id })}>Log of this request</a>`}
      <${Copy} text=${span.url} label="the URL" name="URL" /></p></div>`;
}

/** What answered: the branch, the baseline, or the baseline as the branch's fallback. Outside branches it is always the
 * baseline, which needs no mark. */
export function Answerer({ span }) {
  if (!span.destination?.workload) return html`<${Mark} kind="bad">nobody<//>`;
  if (span.destination.branch) return html`<${Branch} name=${span.destination.branch} />`;
  if (span.fallback) return html`<${Mark} kind="warn">fallback to baseline<//>`;
  return span.branch ? html`<${Mark}>baseline<//>` : "";
}
