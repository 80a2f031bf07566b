// The form that creates a branch.
import { html, useState } from "../vendor/preact-htm.js";
import { kube, send } from "../lib/api.js";
import { useAnswer } from "../lib/live.js";
import { Dialog, Trouble } from "./parts.js";
import { Icon } from "./icons.js";

const BLANK = { service: "", how: "fork", env: "", image: "", command: "", version: "", url: "", port: "7000" };
const ENTRY_KINDS = { cookie: "a cookie", header: "a header", query: "a query parameter", baggage: "a baggage member", none: "its preview address only" };

export function CreateBranch({ onClose, onCreated }) {
  const [name, setName] = useState("");
  const [entry, setEntry] = useState({ kind: "cookie", name: "user", value: "" });
  const [changes, setChanges] = useState([BLANK]);
  const [includes, setIncludes] = useState("");
  const [expires, setExpires] = useState("");
  const [fallback, setFallback] = useState(false);
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const services = useServices();
  const namespaces = Object.keys(services).sort();
  const [chosenNamespace, setNamespace] = useState("");
  const namespace = chosenNamespace || defaultNamespace(services);

  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const body = branchOf({ name: name.trim(), namespace, entry, changes, includes, expires: expires.trim(), fallback });
      await send("POST", kube("branches", namespace), body);
      onCreated(body.metadata.name);
    } catch (error) {
      setBusy(false);
      setProblem(error);
    }
  };
  const update = (number, part) => setChanges(changes.map((change, at) => (at === number ? { ...change, ...part } : change)));
  return html`<${Dialog} title="New branch" onClose=${onClose}><form onSubmit=${submit}>
    <${Field} label="Name" value=${name} onInput=${setName} required data-first placeholder="fox" autocomplete="off" spellcheck="false" />
    ${namespaces.length > 1 && html`<label class="label">Namespace <select value=${namespace} onChange=${(event) => setNamespace(event.target.value)}>
      ${namespaces.map((item) => html`<option key=${item} value=${item}>${item}</option>`)}</select></label>`}
    <div class="pair">
      <label class="label">Entered by <select value=${entry.kind} onChange=${(event) => setEntry({ ...entry, kind: event.target.value })}>
        ${Object.entries(ENTRY_KINDS).map(([kind, label]) => html`<option key=${kind} value=${kind}>${label}</option>`)}</select></label>
      ${entry.kind !== "none" && html`<${Field} label="with name" value=${entry.name} onInput=${(value) => setEntry({ ...entry, name: value })} required />
        <${Field} label="and value" value=${entry.value} onInput=${(value) => setEntry({ ...entry, value })} placeholder=${name || "fox"} />`}
    </div>
    ${changes.map((change, number) => html`<${Change} key=${number} number=${number} change=${change} services=${services[namespace] ?? []} onChange=${(part) => update(number, part)}
      onRemove=${changes.length > 1 ? () => setChanges(changes.filter((_, at) => at !== number)) : null} />`)}
    <div><button type="button" class="quiet small" onClick=${() => setChanges([...changes, BLANK])}>Change another service</button></div>
    <div class="pair">
      <${Field} label="Includes (other branches)" value=${includes} onInput=${setIncludes} placeholder="jason, fox" />
      <${Field} label="Expires after" value=${expires} onInput=${setExpires} placeholder="48h" />
    </div>
    <label class="tick"><input type="checkbox" checked=${fallback} onChange=${(event) => setFallback(event.target.checked)} />
      Fall back to the baseline while the branch is not ready</label>
    <${Trouble} error=${problem} />
    <div class="buttons"><button type="button" class="quiet" onClick=${onClose}>Cancel</button><button disabled=${busy}>Create branch</button></div>
  </form><//>`;
}

function Field({ label, onInput, ...rest }) {
  return html`<label class="label">${label} <input ...${rest} onInput=${(event) => onInput(event.target.value)} /></label>`;
}

function Change({ number, change, services, onChange, onRemove }) {
  const text = (key) => (value) => onChange({ [key]: value });
  return html`<fieldset><legend>Change ${number + 1}</legend>
    <div class="pair">
      <label class="label">How <select value=${change.how} onChange=${(event) => onChange({ how: event.target.value })}>
        <option value="fork">fork of a service</option><option value="version">an existing version</option>
        <option value="url">a process I run myself</option><option value="new">a new service</option></select></label>
      ${change.how === "new"
      ? html`<${Field} label="Service" value=${change.service} onInput=${text("service")} placeholder="my-service" />
          <${Field} label="Port" type="number" min="1" max="65535" value=${change.port} onInput=${text("port")} required />`
      : html`<label class="label">Service <select value=${change.service} onChange=${(event) => onChange({ service: event.target.value })}>
          <option value="">select one</option>${services.map((service) => html`<option key=${service} value=${service}>${service}</option>`)}</select></label>`}
      ${onRemove && html`<button type="button" class="plain" onClick=${onRemove} aria-label=${`Remove change ${number + 1}`}><${Icon} name="bin" /></button>`}
    </div>
    ${change.how === "version" && html`<${Field} label="Version (a subset, or the pods' label)" value=${change.version} onInput=${text("version")} placeholder="v2" required />`}
    ${change.how === "url" && html`<${Field} label="Address" type="url" value=${change.url} onInput=${text("url")} placeholder="http://127.0.0.1:9000" required />`}
    ${(change.how === "fork" || change.how === "new") && html`
      <label class="label">Environment, one variable per line <textarea value=${change.env} placeholder="BANNER=true" spellcheck="false" onInput=${(event) => onChange({ env: event.target.value })}></textarea></label>
      <div class="pair"><${Field} label=${change.how === "new" ? "Command" : "Command (if different)"} value=${change.command} onInput=${text("command")} placeholder="python -m my_service" required=${change.how === "new" && !change.image} />
        <${Field} label="Image (if different)" value=${change.image} onInput=${text("image")} /></div>`}
  </fieldset>`;
}

/** The services that a branch can change, by namespace: all but those that a branch has created. */
function useServices() {
  const { data } = useAnswer(kube("services"), ["Service"]);
  /** @type {Record<string, string[]>} */
  const services = {};
  for (const { metadata } of data?.items ?? []) {
    if (!metadata.labels?.["meshmall.dev/branch"]) (services[metadata.namespace] ??= []).push(metadata.name);
  }
  for (const names of Object.values(services)) names.sort();
  return services;
}

/** The namespace with most services: `default` alone has nothing that a branch could change. */
const defaultNamespace = (services) =>
  Object.keys(services).sort((one, other) => services[other].length - services[one].length || (one < other ? -1 : 1))[0] ?? "default";

/** The form as a Branch object. Throws an Error that says which field is wrong. */
export function branchOf({ name, namespace, entry, changes, includes, expires, fallback }) {
  const spec = {};
  if (entry.kind !== "none") spec.enter = [{ [entry.kind]: { name: entry.name.trim(), value: entry.value.trim() || name } }];
  const services = {};
  for (const change of changes) {
    const service = change.service.trim();
    if (!service) {
      if (changes.length === 1 && includes.trim()) continue;
      throw new Error("Select the service that the branch changes.");
    }
    services[service] = changed(service, change);
  }
  if (Object.keys(services).length) spec.services = services;
  const others = includes.split(/[\s,]+/).filter(Boolean);
  if (others.length) spec.includes = others;
  if (expires) spec.expires = expires;
  if (fallback) spec.fallback = "baseline";
  return { apiVersion: "meshmall.dev/v1", kind: "Branch", metadata: { name, namespace }, spec };
}

function changed(service, { how, env, image, command, version, url, port }) {
  if (how === "version") return { version: version.trim() };
  if (how === "url") return { url: url.trim() };
  const container = {};
  const variables = variablesOf(env);
  if (variables.length) container.env = variables;
  if (image.trim()) container.image = image.trim();
  if (command.trim()) container.command = words(command);
  if (how === "fork") return { fork: container };
  return { template: { spec: { containers: [{ name: service, ...container, ports: [{ containerPort: Number(port) }] }] } } };
}

function variablesOf(text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean).map((line) => {
    const at = line.indexOf("=");
    if (at < 1) throw new Error(`Environment: "${line}" must be NAME=value.`);
    return { name: line.slice(0, at).trim(), value: line.slice(at + 1) };
  });
}

/** A command's words; quotes keep spaces together. */
export function words(text) {
  const result = [];
  for (const [unquoted, double, single] of text.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|[^\s"']+/g)) {
    result.push(single ?? double?.replace(/\\(.)/g, "$1") ?? unquoted);
  }
  return result;
}
