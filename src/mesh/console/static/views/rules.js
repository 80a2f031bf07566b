// View: the routing rules of each service in order, with the object that defines each; and the rejected objects.
import { html } from "../vendor/preact-htm.js";
import { url } from "../lib/api.js";
import { cluster } from "../lib/format.js";
import { useAnswer } from "../lib/live.js";
import { Branch, Empty, Mark, Trouble, Waiting } from "../components/parts.js";
import { change, href } from "../lib/route.js";

const KINDS = ["*"];
const PAUSE_MS = 1_000;
const MOST_BRANCHES = 100;

export function Rules({ route }) {
  const { data, error, reload } = useAnswer("/mesh/v1/rules", KINDS, PAUSE_MS);
  const { text = "", row: rule = "" } = route.query;
  const services = data?.services ?? [];
  const selected = route.parts[0] ?? (services.find(({ id }) => id === "gateway") ?? services[0])?.id ?? "";
  const details = useAnswer(selected ? url("/mesh/v1/rules", { service: selected }) : "", KINDS, PAUSE_MS);
  const shown = services.filter(({ id }) => id.includes(text.toLowerCase()));
  return html`<div class="bar"><h1 class="unseen">Rules</h1>
      <label class="field grow">Search <input type="search" placeholder="a service" value=${text}
        onInput=${(event) => change({ text: event.target.value }, true)} autocomplete="off" spellcheck="false" /></label>
      <p class="facts"><b>${services.length.toLocaleString("en")}</b> services with rules</p></div>
    <${Trouble} error=${error} retry=${reload} />
    <${Rejected} objects=${data?.refused ?? []} />
    ${!data && !error && html`<${Waiting} />`}
    ${data && !services.length && html`<${Empty} title="No rules yet"><p>Apply one: <code>meshmall apply -f FILE</code></p><//>`}
    ${services.length > 0 && html`<div class="with-side">
      <nav class="services-nav" aria-label="Services with rules" tabindex="0"><ul>${shown.map(({ id, rows }) => html`<li key=${id}><a href=${href("rules", [id], { text })}
        aria-current=${id === selected ? "true" : null}><span>${id}</span><span>${rows}</span></a></li>`)}</ul></nav>
      <div class="scroll rows-of" tabindex="0" role="group" aria-label=${`Rules of ${selected}`}>
        ${details.data ? html`<${ServiceRules} rules=${details.data} selected=${rule} />` : details.error ? html`<${Trouble} error=${details.error} />` : html`<${Waiting} />`}
      </div>
    </div>`}`;
}

function Rejected({ objects }) {
  if (!objects.length) return null;
  return html`<section class="refused" aria-label="Rejected objects" tabindex="0">${objects.map(({ object, reason }) => html`<div class="trouble" key=${`${object.kind} ${object.namespace}/${object.name}`}>
    <b>${object.kind} ${object.namespace}/${object.name} was rejected</b><p>${reason}</p></div>`)}</section>`;
}

function ServiceRules({ rules, selected }) {
  const hosts = [...new Set(rules.rows.map(({ host }) => host))];
  return html`<h2>${rules.service}</h2>
    <p class="soft">hosts: ${rules.hosts.slice(0, 8).join(", ")}${rules.hosts.length > 8 ? ` and ${rules.hosts.length - 8} more` : ""}; the first matching rule applies</p>
    ${hosts.map((host) => html`<${HostRules} key=${host} host=${hosts.length > 1 ? host : ""} rules=${rules.rows.filter((rule) => rule.host === host)} selected=${selected} />`)}
    <${Overrides} branches=${rules.branches ?? []} />`;
}

function HostRules({ host, rules, selected }) {
  return html`${host && html`<h3>${host}</h3>`}
    <table class="plain-table rules-table"><thead><tr><th scope="col">#</th><th scope="col">When</th><th scope="col">Goes to</th><th scope="col">Options</th><th scope="col">Defined in</th></tr></thead>
    <tbody>${rules.map((rule) => html`<tr key=${rule.number} class=${selected && rule.name === selected ? "chosen" : ""}>
      <td class="soft">${rule.number}</td>
      <td><ul>${rule.matches.map((match) => html`<li key=${match}>${match}</li>`)}</ul></td>
      <td><ul>${rule.destinations.map((to) => html`<li key=${to.to} title=${to.to}>${to.weight < 100 && html`<span class="weight">${to.weight} %</span>`}${cluster(to.to)}</li>`)}</ul></td>
      <td><ul>${rule.effects.map((effect) => html`<li key=${effect}>${effect}</li>`)}</ul></td>
      <td>${rule.origin ? html`${rule.origin.kind} <b>${rule.origin.namespace}/${rule.origin.name}</b>` : html`<span class="soft">the Service itself</span>`}
        ${rule.name && html`<div class="soft">rule ${rule.name}</div>`}</td>
    </tr>`)}</tbody></table>`;
}

function Overrides({ branches }) {
  if (!branches.length) return null;
  return html`<h3>${branches.length === 1 ? "1 branch overrides this" : `${branches.length.toLocaleString("en")} branches override this`}</h3>
    <ul class="lines across">${branches.slice(0, MOST_BRANCHES).map(({ host, branch, to, refusal, faults }) => html`<li key=${`${host} ${branch}`}>
      <a href=${href("branches", [branch])}><${Branch} name=${branch} /></a> ${[...to.map(cluster), ...faults].join(", ")}
      ${refusal && html` <${Mark} kind="bad">not ready: ${refusal}<//>`}</li>`)}</ul>
    ${branches.length > MOST_BRANCHES && html`<p class="soft">and ${branches.length - MOST_BRANCHES} more</p>`}`;
}
