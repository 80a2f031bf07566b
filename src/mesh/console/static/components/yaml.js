// An object as YAML, as the API writes it.
import { html, useEffect, useState } from "../vendor/preact-htm.js";
import { open } from "../lib/api.js";
import { Copy } from "./copy.js";
import { Dialog, Trouble, Waiting } from "./parts.js";

/** A button that shows the object at a path of the API. */
export function YamlButton({ path, name }) {
  const [shown, show] = useState(false);
  return html`<button type="button" class="small quiet" onClick=${() => show(true)}>YAML</button>
    ${shown && html`<${Yaml} path=${path} name=${name} onClose=${() => show(false)} />`}`;
}

function Yaml({ path, name, onClose }) {
  const [{ text, error }, set] = useState({ text: "", error: null });
  const [status, setStatus] = useState(false);
  useEffect(() => {
    open(path, undefined, { accept: "application/yaml" }).then((response) => response.text())
      .then((body) => set({ text: body, error: null }), (problem) => set({ text: "", error: problem }));
  }, [path]);
  const shown = status ? text : withoutStatus(text);
  return html`<${Dialog} title=${name} kind="wide" onClose=${onClose}>
    <${Trouble} error=${error} />
    ${!text && !error && html`<${Waiting} />`}
    ${text && html`<div class="bar"><label class="tick"><input type="checkbox" checked=${status} onChange=${(event) => setStatus(event.target.checked)} /> with status and managed fields</label>
      <${Copy} text=${shown} label="the YAML" name="Copy" /></div>
      <pre class="yaml" tabindex="0" aria-label=${`${name} as YAML`}>${shown}</pre>`}
  <//>`;
}

/** The part of an object that people write: without the top-level `status` and without `metadata.managedFields`. */
export function withoutStatus(text) {
  let skip = -1;
  return text.split("\n").filter((line) => {
    const indent = line.search(/[^ ]/);
    // A list may stand at its key's own indentation.
    const inside = skip >= 0 && (indent > skip || (indent === skip && line.trimStart().startsWith("- ")));
    if (inside || indent < 0) return !inside || skip < 0;
    skip = /^status:/.test(line) || /^ {2}managedFields:/.test(line) ? indent : -1;
    return skip < 0;
  }).join("\n");
}
