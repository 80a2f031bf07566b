// A button that copies a text, and says so.
import { html, useState } from "../vendor/preact-htm.js";
import { Icon } from "./icons.js";
import { announce } from "./parts.js";

const SHOWN_MS = 1_500;

/** @param {{text: string, label: string, name?: string}} of `name` is shown beside the icon */
export function Copy({ text, label, name = "" }) {
  const [copied, setCopied] = useState(false);
  const copy = async (event) => {
    event.stopPropagation();
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      announce("The browser did not allow copying.");
      return;
    }
    setCopied(true);
    announce(`Copied ${label}.`);
    setTimeout(() => setCopied(false), SHOWN_MS);
  };
  return html`<button type="button" class="plain copy" aria-label=${`Copy ${label}`} title=${`Copy ${label}`} onClick=${copy}>
    <${Icon} name=${copied ? "ready" : "copy"} />${name}</button>`;
}
