// The form that creates a branch.
import { html, useEffect, useRef, useState } from "../vendor/preact-htm.js";
import { RequestError, kube, send } from "../lib/api.js";
import { BLANK, branchOf, formErrors, refusalErrors } from "../lib/branch_spec.js";
import { useAnswer } from "../lib/live.js";
import { Dialog, FieldError, Trouble } from "./parts.js";
import { Icon } from "./icons.js";

const ENTRY_KINDS = { cookie: "a cookie", header: "a header", query: "a query parameter", baggage: "a baggage member", none: "its preview address only" };

export function CreateBranch({ onClose, onCreated }) {
  const [name, setName] = useState("");
  const [entry, setEntry] = useState({ kind: "cookie", name: "user", value: "" });
  const [changes, setChanges] = useState([BLANK]);
  const [includes, setIncludes] = useState("");
  const [expires, setExpires] = useState("");
  const [fallback, setFallback] = useState(false);
  const [errors, setErrors] = useState(/** @type {Record<string, string>} */ ({}));
  const form = useRef(null);
  const [busy, setBusy] = useState(false);
  const services = useServices();
  const namespaces = Object.keys(services).sort();
  const [chosenNamespace, setNamespace] = useState("");
  const namespace = chosenNamespace || defaultNamespace(services);

  const fields = { name: name.trim(), namespace, entry, changes, includes, expires: expires.trim(), fallback };
  const refuse = (found) => {
    setErrors(found);
    setBusy(false);
  };
  // The first field with an error gets the focus: people who cannot see the form learn of it there.
  useEffect(() => { form.current?.querySelector('[aria-invalid="true"]')?.focus(); }, [errors]);
  const submit = async (event) => {
    event.preventDefault();
    const found = formErrors(fields);
    if (Object.keys(found).length) {
      refuse(found);
      return;
    }
    setBusy(true);
    setErrors({});
    const body = branchOf(fields);
    try {
      await send("POST", kube("branches", namespace), body);
      onCreated(body.metadata.name);
    } catch (error) {
      refuse(error instanceof RequestError ? refusalErrors(error, changes) : { form: String(error) });
    }
  };
  const clear = (...keys) => keys.some((key) => errors[key]) && setErrors(Object.fromEntries(Object.entries(errors).filter(([key]) => !keys.includes(key))));
  const set = (key, setter) => (value) => { setter(value); clear(key); };
  const update = (number, part) => {
    setChanges(changes.map((change, at) => (at === number ? { ...change, ...part } : change)));
    clear(...Object.keys(part).map((key) => `${number}.${key}`));
  };
  return html`<${Dialog} title="New branch" onClose=${onClose}><form onSubmit=${submit} ref=${form} novalidate>
    <${Field} label="Name" value=${name} onInput=${set("name", setName)} error=${errors.name} data-first placeholder="fox" autocomplete="off" spellcheck="false" />
    ${namespaces.length > 1 && html`<label class="label">Namespace <select value=${namespace} onChange=${(event) => setNamespace(event.target.value)}>
      ${namespaces.map((item) => html`<option key=${item} value=${item}>${item}</option>`)}</select></label>`}
    <div class="pair">
      <label class="label">Entered by <select value=${entry.kind} onChange=${(event) => setEntry({ ...entry, kind: event.target.value })}>
        ${Object.entries(ENTRY_KINDS).map(([kind, label]) => html`<option key=${kind} value=${kind}>${label}</option>`)}</select></label>
      ${entry.kind !== "none" && html`<${Field} label="with name" value=${entry.name} error=${errors.entryName} onInput=${set("entryName", (value) => setEntry({ ...entry, name: value }))} />
        <${Field} label="and value" value=${entry.value} error=${errors.entryValue} onInput=${set("entryValue", (value) => setEntry({ ...entry, value }))} placeholder=${name || "fox"} />`}
    </div>
    ${changes.map((change, number) => html`<${Change} key=${number} number=${number} change=${change} services=${services[namespace] ?? []} errors=${errors} onChange=${(part) => update(number, part)}
      onRemove=${changes.length > 1 ? () => setChanges(changes.filter((_, at) => at !== number)) : null} />`)}
    <div><button type="button" class="quiet small" onClick=${() => setChanges([...changes, BLANK])}>Change another service</button></div>
    <div class="pair">
      <${Field} label="Includes (other branches)" value=${includes} error=${errors.includes} onInput=${set("includes", setIncludes)} placeholder="jason, fox" />
      <${Field} label="Expires after" value=${expires} error=${errors.expires} onInput=${set("expires", setExpires)} placeholder="48h" />
    </div>
    <label class="tick"><input type="checkbox" checked=${fallback} onChange=${(event) => setFallback(event.target.checked)} />
      Fall back to the baseline while the branch is not ready</label>
    <${Trouble} error=${errors.form && { message: errors.form }} />
    <div class="buttons"><button type="button" class="quiet" onClick=${onClose}>Cancel</button><button disabled=${busy}>Create branch</button></div>
  </form><//>`;
}

/** A text field; what is wrong with it is written below it. */
function Field({ label, onInput, error = "", ...rest }) {
  const id = `problem-of-${label.replace(/\W+/g, "-").toLowerCase()}`;
  return html`<div class="label"><label>${label} <input ...${rest} aria-invalid=${Boolean(error)} aria-describedby=${error ? id : null}
    onInput=${(event) => onInput(event.target.value)} /></label><${FieldError} id=${id} text=${error} /></div>`;
}

function Change({ number, change, services, errors, onChange, onRemove }) {
  const field = (key) => ({ value: change[key], error: errors[`${number}.${key}`], onInput: (value) => onChange({ [key]: value }) });
  const serviceError = errors[`${number}.service`];
  return html`<fieldset><legend>Change ${number + 1}</legend>
    <div class="pair">
      <label class="label">How <select value=${change.how} onChange=${(event) => onChange({ how: event.target.value })}>
        <option value="fork">fork of a service</option><option value="version">an existing version</option>
        <option value="url">a process I run myself</option><option value="new">a new service</option></select></label>
      ${change.how === "new"
      ? html`<${Field} label="Service" ...${field("service")} placeholder="my-service" />
          <${Field} label="Port" inputmode="numeric" ...${field("port")} />`
      : html`<div class="label"><label>Service <select value=${change.service} aria-invalid=${Boolean(serviceError)} aria-describedby=${`problem-of-service-${number}`}
            onChange=${(event) => onChange({ service: event.target.value })}>
          <option value="">select one</option>${services.map((service) => html`<option key=${service} value=${service}>${service}</option>`)}</select></label>
          <${FieldError} id=${`problem-of-service-${number}`} text=${serviceError ?? ""} /></div>`}
      ${onRemove && html`<button type="button" class="plain" onClick=${onRemove} aria-label=${`Remove change ${number + 1}`}><${Icon} name="bin" /></button>`}
    </div>
    ${change.how === "version" && html`<${Field} label="Version (a subset, or the pods' label)" ...${field("version")} placeholder="v2" />`}
    ${change.how === "url" && html`<${Field} label="Address" inputmode="url" ...${field("url")} placeholder="http://127.0.0.1:9000" />`}
    ${(change.how === "fork" || change.how === "new") && html`
      <div class="label"><label>Environment, one variable per line <textarea value=${change.env} placeholder="BANNER=true" spellcheck="false" aria-invalid=${Boolean(errors[`${number}.env`])}
        aria-describedby=${`problem-of-env-${number}`} onInput=${(event) => onChange({ env: event.target.value })}></textarea></label>
        <${FieldError} id=${`problem-of-env-${number}`} text=${errors[`${number}.env`] ?? ""} /></div>
      <div class="pair"><${Field} label=${change.how === "new" ? "Command" : "Command (if different)"} ...${field("command")} placeholder="python -m my_service" />
        <${Field} label="Image (if different)" ...${field("image")} /></div>`}
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
