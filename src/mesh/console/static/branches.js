// View: all branches, what each changes, whether it answers, until when; create, extend, compare, delete.
import { html, useState } from "./vendor/preact-htm.js";
import { kube, send } from "./api.js";
import { CreateBranch } from "./branch_form.js";
import { Diff } from "./diff.js";
import { ago, span, until } from "./format.js";
import { Icon } from "./icons.js";
import { List } from "./list.js";
import { useAnswer, useTick } from "./live.js";
import { Branch, Dialog, Empty, Mark, Trouble, Waiting, say } from "./parts.js";
import { change, go, href } from "./route.js";

const COLUMNS = [
  { name: "Branch" },
  { name: "Phase" },
  { name: "Changes", class: "wide-only" },
  { name: "Ready", class: "number wide-only" },
  { name: "Address", class: "wide-only" },
  { name: "Ends" },
  { name: "Last used", class: "wide-only" },
  { name: html`<span class="unseen">Actions</span>`, class: "acts" },
];
const PHASES = { Ready: "good", Pending: "warn", Degraded: "bad", Expired: "bad" };
const SOON = 3600;
const ORDERS = {
  name: (branch) => branch.metadata.name,
  ends: (branch) => Date.parse(branch.status?.expiresAt) || Infinity,
  idle: (branch) => Date.parse(branch.status?.lastUsed) || 0,
};

export function Branches({ route }) {
  const { data, error, reload } = useAnswer(kube("branches"), ["Branch"]);
  const [asked, ask] = useState(null);
  useTick(10);
  const { text = "", phase = "", order = "name" } = route.query;
  const name = route.parts[0];
  const all = data?.items ?? [];
  const items = sorted(all.filter((each) => fits(each, text, phase)), order);
  const open = all.find((each) => each.metadata.name === name);
  const close = () => ask(null);
  const cells = (branch) => [
    html`<a class="to" tabindex="-1" href=${href("branches", [branch.metadata.name], route.query)}><${Branch} name=${branch.metadata.name} /></a>`,
    html`<${Phase} branch=${branch} />`,
    html`<${Changes} branch=${branch} />`,
    readiness(branch),
    html`<${Address} branch=${branch} />`,
    html`<${Ends} branch=${branch} />`,
    html`<span class="soft">${branch.status?.lastUsed ? ago(branch.status.lastUsed) : "never"}</span>`,
    html`<button class="plain" aria-label=${`Extend ${branch.metadata.name}`} title="Extend" onClick=${() => ask({ what: "extend", branch })}><${Icon} name="clock" /></button>
      <button class="plain" aria-label=${`Delete ${branch.metadata.name}`} title="Delete" onClick=${() => ask({ what: "delete", branch })}><${Icon} name="bin" /></button>`,
  ];
  return html`<form class="bar" role="search" onSubmit=${(event) => event.preventDefault()}>
      <h1 class="unseen">Branches</h1>
      <label class="field grow">Search <input type="search" placeholder="a name, or a service that it changes" value=${text}
        onInput=${(event) => change({ text: event.target.value }, true)} autocomplete="off" spellcheck="false" /></label>
      <label class="field">Phase <select value=${phase} onChange=${(event) => change({ phase: event.target.value }, true)}>
        <option value="">any</option>${Object.keys(PHASES).map((each) => html`<option key=${each} value=${each}>${each}</option>`)}</select></label>
      <label class="field">Order <select value=${order} onChange=${(event) => change({ order: event.target.value }, true)}>
        <option value="name">by name</option><option value="ends">ending first</option><option value="idle">unused longest</option></select></label>
      <p class="facts"><b>${items.length.toLocaleString("en")}</b>${items.length < all.length ? ` of ${all.length.toLocaleString("en")}` : ""} branches</p>
      <button type="button" onClick=${() => ask({ what: "create" })}>New branch</button>
    </form>
    <${Trouble} error=${error} retry=${reload} />
    <div class="with-side">
      <div class="main">
        ${!data && !error && html`<${Waiting} />`}
        ${data && !items.length && (all.length
    ? html`<${Empty} title="No branch fits"><p><button class="small" onClick=${() => go("branches", [], {})}>Show all</button></p><//>`
    : html`<${Empty} title="No branches yet"><p>A branch is an own view of the running system. Make one here, or by
          ${" "}<code>meshmall branch create fox --cookie user=fox --fork discount --env BANNER=true</code></p><//>`)}
        ${items.length > 0 && html`<${List} label="Branches" kind="branches" columns=${COLUMNS} items=${items} height=${42}
          keyOf=${(each) => each.metadata.uid} open=${open?.metadata.uid} cells=${cells}
          onOpen=${(each) => go("branches", [each.metadata.name], route.query)} />`}
      </div>
      ${open && html`<${Side} key=${name} branch=${open} onAsk=${(what) => ask({ what, branch: open })} onClose=${() => go("branches", [], route.query)} />`}
    </div>
    ${asked?.what === "create" && html`<${CreateBranch} onClose=${close} onMade=${(made) => { close(); reload(); say(`Branch ${made} is made.`); go("branches", [made], {}); }} />`}
    ${asked?.what === "extend" && html`<${Extend} branch=${asked.branch} onClose=${close} onDone=${reload} />`}
    ${asked?.what === "delete" && html`<${Delete} branch=${asked.branch} onClose=${close} onDone=${() => { reload(); if (name === asked.branch.metadata.name) go("branches", [], route.query); }} />`}`;
}

function fits(branch, text, phase) {
  if (phase && branch.status?.phase !== phase) return false;
  const wanted = text.toLowerCase();
  return !wanted || [branch.metadata.name, ...Object.keys(branch.spec.services ?? {}), ...(branch.spec.includes ?? [])].some((each) => each.includes(wanted));
}

function sorted(branches, order) {
  const by = ORDERS[order] ?? ORDERS.name;
  return branches.sort((one, other) => (by(one) < by(other) ? -1 : by(one) > by(other) ? 1 : one.metadata.name < other.metadata.name ? -1 : 1));
}

function Phase({ branch }) {
  const phase = branch.metadata.deletionTimestamp ? "Ending" : branch.status?.phase || "Pending";
  return html`<${Mark} kind=${PHASES[phase] ?? "warn"}>${phase}<//>`;
}

function readiness(branch) {
  const services = branch.status?.services ?? [];
  return services.length ? `${services.filter((each) => each.ready).length}/${services.length}` : "–";
}

function Changes({ branch }) {
  const services = Object.entries(branch.spec.services ?? {});
  const includes = branch.spec.includes ?? [];
  return html`<span class="changes">${services.map(([service, how]) => html`<span key=${service}>${service} <small>${kindOf(how)}</small></span>`)}
    ${includes.map((name) => html`<span key=${`+${name}`}>+ <${Branch} name=${name} /></span>`)}</span>`;
}

function kindOf(change) {
  if (change.fork) return "fork";
  if (change.template) return "new";
  return change.version ? `version ${change.version}` : change.url;
}

/** The preview's address; only one of http is made a link, whatever the object says. */
function Address({ branch }) {
  const address = branch.status?.url;
  if (!address || !/^https?:\/\//.test(address)) return html`<span class="soft">–</span>`;
  return html`<a href=${address} target="_blank" rel="noreferrer noopener">${address.replace(/^https?:\/\//, "").replace(/\/$/, "")}</a>`;
}

function Ends({ branch }) {
  const left = until(branch.status?.expiresAt);
  if (Number.isNaN(left)) return html`<span class="soft">–</span>`;
  if (left <= 0) return html`<${Mark} kind="bad">now<//>`;
  return left < SOON ? html`<${Mark} kind="warn">in ${span(left)}<//>` : html`in ${span(left)}`;
}

function Side({ branch, onAsk, onClose }) {
  const { metadata, spec, status = {} } = branch;
  const wrong = (status.conditions ?? []).filter((each) => each.message && each.status === (each.type === "Expiring" ? "True" : "False"));
  return html`<aside class="side mid" aria-label=${`Branch ${metadata.name}`}>
    <header><h2><${Branch} name=${metadata.name} /></h2><button class="plain" aria-label="Close details" onClick=${onClose}><${Icon} name="close" /></button></header>
    <p><${Phase} branch=${branch} /> <span class="soft">made ${ago(metadata.creationTimestamp)} · ends </span><${Ends} branch=${branch} /></p>
    <p class="links"><${Address} branch=${branch} /><a href=${href("topology", [], { branch: metadata.name })}>Its way</a>
      <a href=${href("requests", [], { branch: metadata.name })}>Its requests</a></p>
    ${wrong.map((each) => html`<div class="trouble" key=${each.type}><p>${each.message}</p></div>`)}
    <h3>Entered by</h3>
    <ul class="lines">${(spec.enter ?? []).map((entry, number) => html`<li key=${number}>${entryOf(entry)}</li>`)}
      <li class="soft">baggage branch=${metadata.name}, host ${metadata.name}.localhost</li></ul>
    <h3>What answers</h3>
    <ul class="lines">${(status.services ?? []).map((each) => html`<li key=${each.name}><b>${each.name}</b> <small>${each.kind}</small>
      ${" "}<${Mark} kind=${each.ready ? "good" : "bad"}>${each.ready ? "ready" : "not ready"}<//>
      ${each.fromBranch && html` by <${Branch} name=${each.fromBranch} />`}
      <div class="soft">${each.answers}${each.message && ` · ${each.message}`}</div></li>`)}</ul>
    <${Differences} services=${spec.services ?? {}} />
    ${(status.overlaps ?? []).length > 0 && html`<h3>Overlaps</h3><ul class="lines">${status.overlaps.map((each) => html`<li key=${each}>${each}</li>`)}</ul>`}
    <h3>Compare with the baseline</h3>
    <${Diff} branch=${metadata.name} />
    <div class="buttons links"><button class="quiet" onClick=${() => onAsk("extend")}>Extend</button>
      <button class="danger" onClick=${() => onAsk("delete")}>Delete</button></div>
  </aside>`;
}

function entryOf(entry) {
  if (entry.host) return `host ${entry.host}`;
  const kind = ["cookie", "header", "query", "baggage"].find((each) => entry[each]);
  return kind ? `${kind} ${entry[kind].name}=${entry[kind].value}` : "";
}

function Differences({ services }) {
  const lines = [];
  for (const [service, { fork }] of Object.entries(services)) {
    if (!fork) continue;
    for (const each of fork.env ?? []) lines.push(`${service}: ${each.name}=${each.value ?? "(from elsewhere)"}`);
    if (fork.image) lines.push(`${service}: image ${fork.image}`);
    if (fork.command?.length) lines.push(`${service}: command ${fork.command.join(" ")}`);
    if (fork.replicas > 1) lines.push(`${service}: ${fork.replicas} pods`);
  }
  if (!lines.length) return null;
  return html`<h3>What differs</h3><ul class="lines code">${lines.map((line) => html`<li key=${line}>${line}</li>`)}</ul>`;
}

function Extend({ branch, onClose, onDone }) {
  const [hours, set] = useState("24");
  const [problem, tell] = useState(null);
  const submit = async (event) => {
    event.preventDefault();
    const expires = new Date(Date.now() + Number(hours) * 3_600_000).toISOString().replace(/\.\d+Z$/, "Z");
    const { name, namespace } = branch.metadata;
    try {
      await send("PATCH", kube("branches", name, namespace), { spec: { expires } }, "application/merge-patch+json");
    } catch (error) {
      tell(error);
      return;
    }
    onDone();
    onClose();
    say(`Branch ${name} ends in ${span(Number(hours) * 3600)}.`);
  };
  return html`<${Dialog} title=${`Extend ${branch.metadata.name}`} kind="narrow" onClose=${onClose}><form onSubmit=${submit}>
    <label class="label">Let it live, from now, for hours
      <input type="number" min="0.1" max="8760" step="any" required value=${hours} onInput=${(event) => set(event.target.value)} /></label>
    <${Trouble} error=${problem} />
    <div class="buttons"><button type="button" class="quiet" onClick=${onClose}>Cancel</button><button>Extend</button></div>
  </form><//>`;
}

function Delete({ branch, onClose, onDone }) {
  const [problem, tell] = useState(null);
  const [busy, set] = useState(false);
  const { name, namespace } = branch.metadata;
  const remove = async () => {
    set(true);
    try {
      await send("DELETE", kube("branches", name, namespace));
    } catch (error) {
      if (error.status !== 404) {
        set(false);
        tell(error);
        return;
      }
    }
    onDone();
    onClose();
    say(`Branch ${name} is deleted.`);
  };
  return html`<${Dialog} title=${`Delete ${name}?`} kind="narrow" onClose=${onClose}><div class="stack">
    <p>What the branch owns goes with it; its requests meet the baseline again.</p>
    <${Trouble} error=${problem} />
    <div class="buttons"><button class="quiet" onClick=${onClose}>Cancel</button><button class="danger" disabled=${busy} onClick=${remove}>Delete ${name}</button></div>
  </div><//>`;
}
