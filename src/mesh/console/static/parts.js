// Small pieces that every view uses.
import { html, useEffect, useRef, useState } from "./vendor/preact-htm.js";
import { hue } from "./format.js";
import { Icon } from "./icons.js";
import { useAnswer } from "./live.js";
import { kube } from "./api.js";
import { createStore, useStore } from "./store.js";

/** A branch's name in its colour. */
export const Branch = ({ name }) =>
  html`<span class="branch" style=${{ "--hue": hue(name) }} title=${`branch ${name}`}>${name}</span>`;

export const Mark = ({ kind, children }) => html`<span class="mark ${kind}">${children}</span>`;

/** An answer's status in the colour of its class. */
export function Status({ code }) {
  const kind = !code || code >= 500 ? "bad" : code >= 400 ? "warn" : "good";
  return html`<span class="status ${kind}">${code || "none"}</span>`;
}

export function Empty({ title, children }) {
  return html`<div class="empty"><h2>${title}</h2>${children}</div>`;
}

/** What went wrong while fetching; nothing when nothing did. */
export function Trouble({ error, retry }) {
  if (!error) return null;
  return html`<div class="trouble" role="alert">
    <p>${error.message}</p>
    ${retry && html`<button class="small" onClick=${retry}>Try again</button>`}
  </div>`;
}

/** Bars in the place of what is still being fetched. */
export const Waiting = ({ rows = 6 }) =>
  html`<div class="waiting" role="status"><span class="unseen">Loading ...</span>
    ${Array.from({ length: rows }, (_, number) => html`<i key=${number}></i>`)}</div>`;

const told = createStore("");

/** Says a sentence to who cannot see what changed, and shows it for a moment. */
export function say(sentence) {
  told.set("");
  setTimeout(() => told.set(sentence), 30);
}

export function Told() {
  const sentence = useStore(told);
  const [shown, show] = useState("");
  useEffect(() => {
    show(sentence);
    const timer = setTimeout(() => show(""), 6_000);
    return () => clearTimeout(timer);
  }, [sentence]);
  return html`<div class="told ${shown ? "on" : ""}" role="status">${shown}</div>`;
}

/** A modal dialog; it is open as long as it is drawn. */
export function Dialog({ title, onClose, children, kind = "" }) {
  const at = useRef(null);
  useEffect(() => {
    const from = document.activeElement;
    const dialog = at.current;
    dialog.showModal();
    at.current.querySelector("[data-first]")?.focus();
    return () => {
      dialog.close();
      if (from?.isConnected) from.focus();
    };
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    onClose();
  };
  return html`<dialog ref=${at} class=${kind} aria-label=${title} onCancel=${cancel}>
    <div class="inside">
      <header><h2>${title}</h2>
        <button class="plain" aria-label="Close" onClick=${onClose}><${Icon} name="close" /></button></header>
      ${children}
    </div>
  </dialog>`;
}

const FEW = 60;
const NAMES_EVERY = 3_000;

/** A choice of branch: "" is all requests, "-" those of no branch. A long list becomes a field that completes. */
export function BranchChoice({ value, onChange }) {
  const { data } = useAnswer(kube("branches"), ["Branch"], NAMES_EVERY);
  const names = (data?.items ?? []).map((each) => each.metadata.name).sort();
  if (value && value !== "-" && !names.includes(value)) names.unshift(value);
  if (names.length <= FEW) {
    return html`<label class="field">Branch
      <select value=${value} onChange=${(event) => onChange(event.target.value)}>
        <option value="">all requests</option>
        <option value="-">baseline only</option>
        ${names.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
      </select></label>`;
  }
  return html`<${Completing} key=${value} value=${value} names=${names} onChange=${onChange} />`;
}

/** What is typed counts when it names a branch; until then it is left as it is. */
function Completing({ value, names, onChange }) {
  const [text, type] = useState(value);
  const choose = (event) => {
    const typed = event.target.value.trim();
    type(event.target.value);
    if (typed === "" || typed === "-" || names.includes(typed)) onChange(typed);
  };
  return html`<label class="field">Branch
    <input list="branch-names" placeholder="all requests" value=${text} onInput=${choose} autocomplete="off" />
    <datalist id="branch-names">${names.map((name) => html`<option key=${name} value=${name} />`)}</datalist></label>`;
}
