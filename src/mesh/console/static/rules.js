// View: for each service the rows that decide, in their order, with the object behind each; and what was refused.
import { html } from "./vendor/preact-htm.js";
import { url } from "./api.js";
import { cluster } from "./format.js";
import { useAnswer } from "./live.js";
import { Branch, Empty, Mark, Trouble, Waiting } from "./parts.js";
import { change, href } from "./route.js";

const KINDS = ["*"];
const PAUSE = 1_000;
const MOST_BRANCHES = 100;

export function Rules({ route }) {
  const { data, error, reload } = useAnswer("/mesh/v1/rules", KINDS, PAUSE);
  const { text = "", row = "" } = route.query;
  const services = data?.services ?? [];
  const chosen = route.parts[0] ?? (services.find((each) => each.id === "gateway") ?? services[0])?.id ?? "";
  const found = useAnswer(chosen ? url("/mesh/v1/rules", { service: chosen }) : "", KINDS, PAUSE);
  const shown = services.filter((each) => each.id.includes(text.toLowerCase()));
  return html`<div class="bar"><h1 class="unseen">Rules</h1>
      <label class="field grow">Search <input type="search" placeholder="a service" value=${text}
        onInput=${(event) => change({ text: event.target.value }, true)} autocomplete="off" spellcheck="false" /></label>
      <p class="facts"><b>${services.length.toLocaleString("en")}</b> with rules</p></div>
    <${Trouble} error=${error} retry=${reload} />
    <${Refused} refused=${data?.refused ?? []} />
    ${!data && !error && html`<${Waiting} />`}
    ${data && !services.length && html`<${Empty} title="No rules yet"><p>Try <code>meshmall apply -f deploy/mesh-routing.yaml</code></p><//>`}
    ${services.length > 0 && html`<div class="with-side">
      <nav class="services-nav" aria-label="Services with rules" tabindex="0"><ul>${shown.map((each) => html`<li key=${each.id}><a href=${href("rules", [each.id], { text })}
        aria-current=${each.id === chosen ? "true" : null}><span>${each.id}</span><span>${each.rows}</span></a></li>`)}</ul></nav>
      <div class="scroll rows-of" tabindex="0" role="group" aria-label=${`Rules of ${chosen}`}>
        ${found.data ? html`<${Of} rules=${found.data} row=${row} />` : found.error ? html`<${Trouble} error=${found.error} />` : html`<${Waiting} />`}
      </div>
    </div>`}`;
}

function Refused({ refused }) {
  if (!refused.length) return null;
  return html`<section class="refused" aria-label="Refused" tabindex="0">${refused.map(({ object, reason }) => html`<div class="trouble" key=${`${object.kind} ${object.namespace}/${object.name}`}>
    <b>${object.kind} ${object.namespace}/${object.name} is not in force</b><p>${reason}</p></div>`)}</section>`;
}

function Of({ rules, row }) {
  const hosts = [...new Set(rules.rows.map((each) => each.host))];
  return html`<h2>${rules.service}</h2>
    <p class="soft">called as ${rules.hosts.slice(0, 8).join(", ")}${rules.hosts.length > 8 ? ` and ${rules.hosts.length - 8} more` : ""}; the first row that fits decides</p>
    ${hosts.map((host) => html`<${Rows} key=${host} host=${hosts.length > 1 ? host : ""} rows=${rules.rows.filter((each) => each.host === host)} chosen=${row} />`)}
    <${Elsewhere} branches=${rules.branches ?? []} />`;
}

function Rows({ host, rows, chosen }) {
  return html`${host && html`<h3>${host}</h3>`}
    <table class="plain-table rules-table"><thead><tr><th scope="col">#</th><th scope="col">When</th><th scope="col">Goes to</th><th scope="col">Also</th><th scope="col">By</th></tr></thead>
    <tbody>${rows.map((each) => html`<tr key=${each.number} class=${chosen && each.name === chosen ? "chosen" : ""}>
      <td class="soft">${each.number}</td>
      <td><ul>${each.matches.map((said) => html`<li key=${said}>${said}</li>`)}</ul></td>
      <td><ul>${each.destinations.map((to) => html`<li key=${to.to} title=${to.to}>${to.weight < 100 && html`<span class="weight">${to.weight} %</span>`}${cluster(to.to)}</li>`)}</ul></td>
      <td><ul>${each.effects.map((effect) => html`<li key=${effect}>${effect}</li>`)}</ul></td>
      <td>${each.origin ? html`${each.origin.kind} <b>${each.origin.namespace}/${each.origin.name}</b>` : html`<span class="soft">the Service alone</span>`}
        ${each.name && html`<div class="soft">row ${each.name}</div>`}</td>
    </tr>`)}</tbody></table>`;
}

function Elsewhere({ branches }) {
  if (!branches.length) return null;
  return html`<h3>${branches.length === 1 ? "1 branch meets" : `${branches.length.toLocaleString("en")} branches meet`} something else</h3>
    <ul class="lines across">${branches.slice(0, MOST_BRANCHES).map((each) => html`<li key=${`${each.host} ${each.branch}`}>
      <a href=${href("branches", [each.branch])}><${Branch} name=${each.branch} /></a> ${each.to.map(cluster).join(", ")}
      ${each.refusal && html` <${Mark} kind="bad">not ready: ${each.refusal}<//>`}</li>`)}</ul>
    ${branches.length > MOST_BRANCHES && html`<p class="soft">and ${branches.length - MOST_BRANCHES} more</p>`}`;
}
