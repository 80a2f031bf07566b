// One branch in full: its entries, what answers, what it changes, and a comparison with the baseline.
import { html } from "../vendor/preact-htm.js";
import { kube } from "../lib/api.js";
import { ago, span, until } from "../lib/format.js";
import { href } from "../lib/route.js";
import { Diff } from "./diff.js";
import { Branch, Mark, SidePanel } from "./parts.js";
import { YamlButton } from "./yaml.js";

export const PHASES = { Ready: "good", Pending: "warn", Degraded: "bad", Expired: "bad" };
// Seconds: a branch that expires sooner is marked.
const SOON = 3600;

export function Phase({ branch }) {
  const phase = branch.metadata.deletionTimestamp ? "Deleting" : branch.status?.phase || "Pending";
  return html`<${Mark} kind=${PHASES[phase] ?? "warn"}>${phase}<//>`;
}

/** The preview address. Only http addresses become links: anything else in the object could run a script. */
export function Address({ branch }) {
  const address = branch.status?.url;
  if (!address || !/^https?:\/\//.test(address)) return html`<span class="soft">–</span>`;
  return html`<a href=${address} target="_blank" rel="noreferrer noopener">${address.replace(/^https?:\/\//, "").replace(/\/$/, "")}</a>`;
}

export function Expires({ branch }) {
  const left = until(branch.status?.expiresAt);
  if (Number.isNaN(left)) return html`<span class="soft">–</span>`;
  if (left <= 0) return html`<${Mark} kind="bad">now<//>`;
  return left < SOON ? html`<${Mark} kind="warn">in ${span(left)}<//>` : html`in ${span(left)}`;
}

export function BranchDetails({ branch, onAction, onClose }) {
  const { metadata, spec, status = {} } = branch;
  const conditions = (status.conditions ?? []).filter(({ type, status: value, reason, message }) => message && reason !== "Pending" && value === (type === "Expiring" ? "True" : "False"));
  // Ready repeats what the condition that it depends on says.
  const problems = [...new Map(conditions.map((condition) => [condition.message, condition])).values()];
  return html`<${SidePanel} label=${`Branch ${metadata.name}`} title=${html`<${Branch} name=${metadata.name} />`} kind="mid" onClose=${onClose}>
    <p><${Phase} branch=${branch} /> <span class="soft">${metadata.namespace} · created ${ago(metadata.creationTimestamp)} · expires </span><${Expires} branch=${branch} /></p>
    <p class="links"><${Address} branch=${branch} /><a href=${href("topology", [], { branch: metadata.name })}>Show in topology</a>
      <a href=${href("requests", [], { branch: metadata.name })}>Show requests</a></p>
    ${problems.map(({ type, message }) => html`<div class="trouble" key=${type}><p>${message}</p></div>`)}
    <h3>Entries</h3>
    <ul class="lines">${(spec.enter ?? []).map((entry, number) => html`<li key=${number}>${entryOf(entry)}</li>`)}
      <li class="soft">baggage branch=${metadata.name}, host ${metadata.name}.localhost</li></ul>
    <h3>Services</h3>
    <ul class="lines">${(status.services ?? []).map((service) => html`<li key=${service.name}><b>${service.name}</b> <small>${service.kind}</small>
      ${" "}<${Mark} kind=${service.ready ? "good" : "bad"}>${service.ready ? "ready" : "not ready"}<//>
      ${service.fromBranch && html` from <${Branch} name=${service.fromBranch} />`}
      <div class="soft">${service.answers}${service.message && ` · ${service.message}`}</div></li>`)}</ul>
    <${Changes} services=${spec.services ?? {}} />
    ${(status.overlaps ?? []).length > 0 && html`<h3>Overlaps</h3><ul class="lines">${status.overlaps.map((overlap) => html`<li key=${overlap}>${overlap}</li>`)}</ul>`}
    <h3>Compare with the baseline</h3>
    <${Diff} branch=${metadata.name} />
    <div class="buttons links"><${YamlButton} path=${kube("branches", metadata.namespace, metadata.name)} name=${`Branch ${metadata.namespace}/${metadata.name}`} />
      <button class="quiet" onClick=${() => onAction("extend")}>Extend</button>
      <button class="danger" onClick=${() => onAction("delete")}>Delete</button></div>
  <//>`;
}

function entryOf(entry) {
  if (entry.host) return `host ${entry.host}`;
  const kind = ["cookie", "header", "query", "baggage"].find((name) => entry[name]);
  return kind ? `${kind} ${entry[kind].name}=${entry[kind].value}` : "";
}

function Changes({ services }) {
  const lines = [];
  for (const [service, { fork }] of Object.entries(services)) {
    if (!fork) continue;
    for (const variable of fork.env ?? []) lines.push(`${service}: ${variable.name}=${variable.value ?? "(from another object)"}`);
    if (fork.image) lines.push(`${service}: image ${fork.image}`);
    if (fork.command?.length) lines.push(`${service}: command ${fork.command.join(" ")}`);
    if (fork.replicas > 1) lines.push(`${service}: ${fork.replicas} pods`);
  }
  if (!lines.length) return null;
  return html`<h3>Changes</h3><ul class="lines code">${lines.map((line) => html`<li key=${line}>${line}</li>`)}</ul>`;
}
