// View: all branches, what each changes, whether it is ready, when it expires; create, extend, compare, delete.
import { html, useState } from "../vendor/preact-htm.js";
import { kube } from "../lib/api.js";
import { CreateBranch } from "../components/branch_form.js";
import { Address, BranchDetails, Expires, PHASES, Phase } from "../components/branch_details.js";
import { DeleteBranch, ExtendBranch } from "../components/branch_dialogs.js";
import { ago } from "../lib/format.js";
import { Icon } from "../components/icons.js";
import { List } from "../components/list.js";
import { useAnswer, useTick } from "../lib/live.js";
import { Branch, Empty, NamespaceChoice, Trouble, Waiting, announce, namespacesOf } from "../components/parts.js";
import { change, go, href } from "../lib/route.js";

const COLUMNS = [
  { name: "Branch" },
  { name: "Phase" },
  { name: "Changes", class: "wide-only" },
  { name: "Ready", class: "number wide-only" },
  { name: "Address", class: "wide-only" },
  { name: "Expires" },
  { name: "Last used", class: "wide-only" },
  { name: html`<span class="unseen">Actions</span>`, class: "acts" },
];
const ORDERS = {
  name: (branch) => branch.metadata.name,
  expires: (branch) => Date.parse(branch.status?.expiresAt) || Infinity,
  idle: (branch) => Date.parse(branch.status?.lastUsed) || 0,
};

export function Branches({ route }) {
  const { data, error, reload } = useAnswer(kube("branches"), ["Branch"]);
  const [dialog, setDialog] = useState(null);
  useTick(10);
  const { text = "", phase = "", order = "name", namespace = "" } = route.query;
  const name = route.parts[0];
  const all = data?.items ?? [];
  const items = sorted(all.filter((branch) => matches(branch, text, phase, namespace)), order);
  const open = all.find((branch) => branch.metadata.name === name);
  const close = () => setDialog(null);
  const cells = (branch) => [
    html`<a class="to" tabindex="-1" href=${href("branches", [branch.metadata.name], route.query)}><${Branch} name=${branch.metadata.name} /></a>`,
    html`<${Phase} branch=${branch} />`,
    html`<${Changes} branch=${branch} />`,
    readiness(branch),
    html`<${Address} branch=${branch} />`,
    html`<${Expires} branch=${branch} />`,
    html`<span class="soft">${branch.status?.lastUsed ? ago(branch.status.lastUsed) : "never"}</span>`,
    html`<button class="plain" aria-label=${`Extend ${branch.metadata.name}`} title="Extend" onClick=${() => setDialog({ what: "extend", branch })}><${Icon} name="clock" /></button>
      <button class="plain" aria-label=${`Delete ${branch.metadata.name}`} title="Delete" onClick=${() => setDialog({ what: "delete", branch })}><${Icon} name="bin" /></button>`,
  ];
  return html`<form class="bar" role="search" onSubmit=${(event) => event.preventDefault()}>
      <h1 class="unseen">Branches</h1>
      <label class="field grow">Search <input type="search" placeholder="a branch, or a service it changes" value=${text}
        onInput=${(event) => change({ text: event.target.value }, true)} autocomplete="off" spellcheck="false" /></label>
      <label class="field">Phase <select value=${phase} onChange=${(event) => change({ phase: event.target.value }, true)}>
        <option value="">any</option>${Object.keys(PHASES).map((item) => html`<option key=${item} value=${item}>${item}</option>`)}</select></label>
      <${NamespaceChoice} value=${namespace} names=${namespacesOf(all)} onChange=${(chosen) => change({ namespace: chosen }, true)} />
      <label class="field">Order <select value=${order} onChange=${(event) => change({ order: event.target.value }, true)}>
        <option value="name">by name</option><option value="expires">expiring first</option><option value="idle">least recently used</option></select></label>
      <p class="facts"><b>${items.length.toLocaleString("en")}</b>${items.length < all.length ? ` of ${all.length.toLocaleString("en")}` : ""} branches</p>
      <button type="button" onClick=${() => setDialog({ what: "create" })}>New branch</button>
    </form>
    <${Trouble} error=${error} retry=${reload} />
    <div class="with-side">
      <div class="main">
        ${!data && !error && html`<${Waiting} />`}
        ${data && !items.length && (all.length
    ? html`<${Empty} title="No matching branches"><p><button class="small" onClick=${() => go("branches", [], {})}>Show all</button></p><//>`
    : html`<${Empty} title="No branches yet"><p>A branch is your own view of the running system. Create one here, or with
          ${" "}<code>meshmall branch create fox --cookie user=fox --fork discount --env BANNER=true</code></p><//>`)}
        ${items.length > 0 && html`<${List} label="Branches" kind="branches" columns=${COLUMNS} items=${items} height=${42}
          keyOf=${(branch) => branch.metadata.uid} open=${open?.metadata.uid} cells=${cells}
          onOpen=${(branch) => go("branches", [branch.metadata.name], route.query)} />`}
      </div>
      ${open && html`<${BranchDetails} key=${name} branch=${open} onAction=${(what) => setDialog({ what, branch: open })} onClose=${() => go("branches", [], route.query)} />`}
    </div>
    ${dialog?.what === "create" && html`<${CreateBranch} onClose=${close} onCreated=${(created) => { close(); reload(); announce(`Created branch ${created}.`); go("branches", [created], {}); }} />`}
    ${dialog?.what === "extend" && html`<${ExtendBranch} branch=${dialog.branch} onClose=${close} onDone=${reload} />`}
    ${dialog?.what === "delete" && html`<${DeleteBranch} branch=${dialog.branch} onClose=${close} onDone=${() => { reload(); if (name === dialog.branch.metadata.name) go("branches", [], route.query); }} />`}`;
}

function matches(branch, text, phase, namespace) {
  if (namespace && branch.metadata.namespace !== namespace) return false;
  if (phase && branch.status?.phase !== phase) return false;
  const search = text.toLowerCase();
  return !search || [branch.metadata.name, ...Object.keys(branch.spec.services ?? {}), ...(branch.spec.includes ?? [])].some((name) => name.includes(search));
}

function sorted(branches, order) {
  const key = ORDERS[order] ?? ORDERS.name;
  return branches.sort((one, other) => (key(one) < key(other) ? -1 : key(one) > key(other) ? 1 : one.metadata.name < other.metadata.name ? -1 : 1));
}

function readiness(branch) {
  const services = branch.status?.services ?? [];
  return services.length ? `${services.filter((service) => service.ready).length}/${services.length}` : "–";
}

function Changes({ branch }) {
  const services = Object.entries(branch.spec.services ?? {});
  const includes = branch.spec.includes ?? [];
  return html`<span class="changes">${services.map(([service, replacement]) => html`<span key=${service}>${service} <small>${kindOf(replacement)}</small></span>`)}
    ${includes.map((name) => html`<span key=${`+${name}`}>+ <${Branch} name=${name} /></span>`)}</span>`;
}

/** How a branch replaces a service. */
function kindOf({ fork, template, version, url }) {
  if (fork) return "fork";
  if (template) return "new";
  return version ? `version ${version}` : url;
}
