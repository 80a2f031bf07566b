// The form that makes a branch.
import { html, useState } from "./vendor/preact-htm.js";
import { NAMESPACE, kube, send } from "./api.js";
import { useAnswer } from "./live.js";
import { Dialog, Trouble } from "./parts.js";
import { Icon } from "./icons.js";

const BLANK = { service: "", how: "fork", env: "", image: "", command: "", version: "", url: "", port: "7000" };
const WAYS = { cookie: "a cookie", header: "a header", query: "a query parameter", baggage: "a baggage member", none: "its own address alone" };

export function CreateBranch({ onClose, onMade }) {
  const [name, setName] = useState("");
  const [entry, setEntry] = useState({ kind: "cookie", name: "user", value: "" });
  const [changes, setChanges] = useState([BLANK]);
  const [includes, setIncludes] = useState("");
  const [expires, setExpires] = useState("");
  const [fallback, setFallback] = useState(false);
  const [problem, tell] = useState(null);
  const [busy, setBusy] = useState(false);
  const services = useServices();

  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    tell(null);
    try {
      const body = branchOf({ name: name.trim(), entry, changes, includes, expires: expires.trim(), fallback });
      await send("POST", `/apis/meshmall.dev/v1/namespaces/${NAMESPACE}/branches`, body);
      onMade(body.metadata.name);
    } catch (error) {
      setBusy(false);
      tell(error);
    }
  };
  const put = (number, part) => setChanges(changes.map((each, at) => (at === number ? { ...each, ...part } : each)));
  return html`<${Dialog} title="New branch" onClose=${onClose}><form onSubmit=${submit}>
    <${Field} label="Name" value=${name} onInput=${setName} required data-first placeholder="fox" autocomplete="off" spellcheck="false" />
    <div class="pair">
      <label class="label">Entered by <select value=${entry.kind} onChange=${(event) => setEntry({ ...entry, kind: event.target.value })}>
        ${Object.entries(WAYS).map(([kind, said]) => html`<option key=${kind} value=${kind}>${said}</option>`)}</select></label>
      ${entry.kind !== "none" && html`<${Field} label="named" value=${entry.name} onInput=${(value) => setEntry({ ...entry, name: value })} required />
        <${Field} label="that is" value=${entry.value} onInput=${(value) => setEntry({ ...entry, value })} placeholder=${name || "fox"} />`}
    </div>
    ${changes.map((each, number) => html`<${Change} key=${number} number=${number} change=${each} services=${services} onPut=${(part) => put(number, part)}
      onDrop=${changes.length > 1 ? () => setChanges(changes.filter((_, at) => at !== number)) : null} />`)}
    <div><button type="button" class="quiet small" onClick=${() => setChanges([...changes, BLANK])}>Change another service</button></div>
    <div class="pair">
      <${Field} label="Includes (other branches)" value=${includes} onInput=${setIncludes} placeholder="jason, fox" />
      <${Field} label="Ends after" value=${expires} onInput=${setExpires} placeholder="48h" />
    </div>
    <label class="tick"><input type="checkbox" checked=${fallback} onChange=${(event) => setFallback(event.target.checked)} />
      Where the branch is not ready, the baseline answers</label>
    <${Trouble} error=${problem} />
    <div class="buttons"><button type="button" class="quiet" onClick=${onClose}>Cancel</button><button disabled=${busy}>Create branch</button></div>
  </form><//>`;
}

function Field({ label, onInput, ...rest }) {
  return html`<label class="label">${label} <input ...${rest} onInput=${(event) => onInput(event.target.value)} /></label>`;
}

function Change({ number, change, services, onPut, onDrop }) {
  const text = (key) => (value) => onPut({ [key]: value });
  return html`<fieldset><legend>Change ${number + 1}</legend>
    <div class="pair">
      <label class="label">How <select value=${change.how} onChange=${(event) => onPut({ how: event.target.value })}>
        <option value="fork">fork of a service</option><option value="version">a version that there is</option>
        <option value="url">a process that I run</option><option value="new">a new service</option></select></label>
      ${change.how === "new"
      ? html`<${Field} label="Service" value=${change.service} onInput=${text("service")} placeholder="favorites" />
          <${Field} label="Port" type="number" min="1" max="65535" value=${change.port} onInput=${text("port")} required />`
      : html`<label class="label">Service <select value=${change.service} onChange=${(event) => onPut({ service: event.target.value })}>
          <option value="">choose one</option>${services.map((each) => html`<option key=${each} value=${each}>${each}</option>`)}</select></label>`}
      ${onDrop && html`<button type="button" class="plain" onClick=${onDrop} aria-label=${`Remove change ${number + 1}`}><${Icon} name="bin" /></button>`}
    </div>
    ${change.how === "version" && html`<${Field} label="Version (a subset, or the pods' label)" value=${change.version} onInput=${text("version")} placeholder="v2" required />`}
    ${change.how === "url" && html`<${Field} label="Address" type="url" value=${change.url} onInput=${text("url")} placeholder="http://127.0.0.1:9000" required />`}
    ${(change.how === "fork" || change.how === "new") && html`
      <label class="label">Environment, a line each <textarea value=${change.env} placeholder="BANNER=true" spellcheck="false" onInput=${(event) => onPut({ env: event.target.value })}></textarea></label>
      <div class="pair"><${Field} label=${change.how === "new" ? "Command" : "Command (if it differs)"} value=${change.command} onInput=${text("command")} placeholder="python -m mall.favorites" required=${change.how === "new" && !change.image} />
        <${Field} label="Image (if it differs)" value=${change.image} onInput=${text("image")} /></div>`}
  </fieldset>`;
}

/** The services that a branch can change: those that are no branch's own. */
function useServices() {
  const { data } = useAnswer(`/api/v1/namespaces/${NAMESPACE}/services`, ["Service"]);
  return (data?.items ?? []).filter((each) => !each.metadata.labels?.["meshmall.dev/branch"]).map((each) => each.metadata.name).sort();
}

/** The form as a Branch. Throws an Error that names what is wrong. */
export function branchOf({ name, entry, changes, includes, expires, fallback }) {
  const spec = {};
  if (entry.kind !== "none") spec.enter = [{ [entry.kind]: { name: entry.name.trim(), value: entry.value.trim() || name } }];
  const services = {};
  for (const change of changes) {
    const service = change.service.trim();
    if (!service) {
      if (changes.length === 1 && includes.trim()) continue;
      throw new Error("Choose the service that the branch changes.");
    }
    services[service] = changed(service, change);
  }
  if (Object.keys(services).length) spec.services = services;
  const others = includes.split(/[\s,]+/).filter(Boolean);
  if (others.length) spec.includes = others;
  if (expires) spec.expires = expires;
  if (fallback) spec.fallback = "baseline";
  return { apiVersion: "meshmall.dev/v1", kind: "Branch", metadata: { name, namespace: NAMESPACE }, spec };
}

function changed(service, { how, env, image, command, version, url, port }) {
  if (how === "version") return { version: version.trim() };
  if (how === "url") return { url: url.trim() };
  const same = {};
  const variables = variablesOf(env);
  if (variables.length) same.env = variables;
  if (image.trim()) same.image = image.trim();
  if (command.trim()) same.command = words(command);
  if (how === "fork") return { fork: same };
  return { template: { spec: { containers: [{ name: service, ...same, ports: [{ containerPort: Number(port) }] }] } } };
}

function variablesOf(text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
    const at = line.indexOf("=");
    if (at < 1) throw new Error(`Environment: "${line}" is not NAME=value.`);
    return { name: line.slice(0, at).trim(), value: line.slice(at + 1) };
  });
}

/** A command's words; quotes keep blanks together. */
export function words(text) {
  const found = [];
  for (const [whole, double, single] of text.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|[^\s"']+/g)) {
    found.push(single ?? double?.replace(/\\(.)/g, "$1") ?? whole);
  }
  return found;
}
