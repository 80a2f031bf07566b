// Small components that every view uses.
import { html, useEffect, useRef, useState } from "../vendor/preact-htm.js";
import { colorClass, shapeOf } from "../lib/colors.js";
import { Icon } from "./icons.js";
import { useAnswer } from "../lib/live.js";
import { kube } from "../lib/api.js";
import { createStore, useStore } from "../lib/store.js";

/** A branch's name with its colour and shape. */
export const Branch = ({ name }) =>
  html`<span class="branch ${colorClass(name)}" title=${`branch ${name}`}><${Shape} name=${name} />${name}</span>`;

export const Shape = ({ name }) =>
  html`<svg class="shape ${colorClass(name)}" viewBox="0 0 10 10" width="9" height="9" aria-hidden="true"><path d=${shapeOf(name)} /></svg>`;

export const Mark = ({ kind, children }) => html`<span class="mark ${kind}">${children}</span>`;

/** A response status in the color of its class. */
export function Status({ code }) {
  const kind = !code || code >= 500 ? "bad" : code >= 400 ? "warn" : "good";
  return html`<span class="status ${kind}">${code || "none"}</span>`;
}

export function Empty({ title, children }) {
  return html`<div class="empty"><h2>${title}</h2>${children}</div>`;
}

/** An error message with a button to try again; nothing when there is no error. */
export function Trouble({ error, retry }) {
  if (!error) return null;
  return html`<div class="trouble" role="alert">
    <p>${error.message}</p>
    ${retry && html`<button class="small" onClick=${retry}>Try again</button>`}
  </div>`;
}

/** What is wrong with the field before it; the field refers to it by `id`. Empty while nothing is. */
export const FieldError = ({ id, text }) => html`<p class="field-error" id=${id} role=${text ? "alert" : null}>${text}</p>`;

/** Placeholder bars while data is loading. */
export const Waiting = ({ rows = 6 }) =>
  html`<div class="waiting" role="status"><span class="unseen">Loading ...</span>
    ${Array.from({ length: rows }, (_, number) => html`<i key=${number}></i>`)}</div>`;

const announcement = createStore("");

/** Shows a sentence for a moment, and has screen readers read it. */
export function announce(sentence) {
  // Empty first: a live region that gets the same text twice is not read again.
  announcement.set("");
  setTimeout(() => announcement.set(sentence), 30);
}

export function Announcement() {
  const sentence = useStore(announcement);
  const [shown, show] = useState("");
  useEffect(() => {
    show(sentence);
    const timer = setTimeout(() => show(""), 6_000);
    return () => clearTimeout(timer);
  }, [sentence]);
  return html`<div class="told ${shown ? "on" : ""}" role="status">${shown}</div>`;
}

/** A modal dialog; open for as long as it is rendered. */
export function Dialog({ title, onClose, children, kind = "" }) {
  const box = useRef(null);
  useEffect(() => {
    const previous = /** @type {HTMLElement|null} */ (document.activeElement);
    const dialog = box.current;
    dialog.showModal();
    dialog.querySelector("[data-first]")?.focus();
    return () => {
      dialog.close();
      if (previous?.isConnected) previous.focus();
    };
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    onClose();
  };
  return html`<dialog ref=${box} class=${kind} aria-label=${title} onCancel=${cancel}>
    <div class="inside">
      <header><h2>${title}</h2>
        <button class="plain" aria-label="Close" onClick=${onClose}><${Icon} name="close" /></button></header>
      ${children}
    </div>
  </dialog>`;
}

/**
 * The panel beside a list or the graph. Escape closes it, and the focus returns to where it was opened from.
 * @param {{label: string, title: any, kind?: string, onClose: () => void, children?: any}} of
 */
export function SidePanel({ label, title, kind = "", onClose, children }) {
  const panel = useRef(null);
  const close = useRef(onClose);
  const origin = useRef(/** @type {HTMLElement|null} */ (document.activeElement));
  const leave = () => {
    const isInside = panel.current?.contains(document.activeElement) || document.activeElement === document.body;
    close.current();
    const back = origin.current?.isConnected && origin.current !== document.body ? origin.current : document.querySelector(".list, .drawing");
    if (isInside) /** @type {HTMLElement|null} */ (back)?.focus();
  };
  close.current = onClose;
  useEffect(() => {
    const key = (event) => {
      // A dialog, and a search field with text, have their own use for Escape.
      const busy = event.defaultPrevented || document.querySelector("dialog[open]") || (event.target.type === "search" && event.target.value);
      if (event.key === "Escape" && !busy) leave();
    };
    document.addEventListener("keydown", key);
    return () => document.removeEventListener("keydown", key);
  }, []);
  return html`<aside class="side ${kind}" aria-label=${label} ref=${panel}>
    <header><button class="plain back" onClick=${leave} aria-label="Back to the list"><${Icon} name="back" /></button><h2>${title}</h2>
      <button class="plain" aria-label=${`Close ${label[0].toLowerCase()}${label.slice(1)}`} title="Close (Escape)" onClick=${leave}><${Icon} name="close" /></button></header>
    ${children}
  </aside>`;
}

// More names than this are no list to scroll through: the field completes what is typed instead.
const MOST_IN_LIST = 60;
const NAMES_EVERY_MS = 3_000;

/** Selects a branch: "" means all requests, "-" those in no branch. */
export function BranchChoice({ value, onChange }) {
  const { data } = useAnswer(kube("branches"), ["Branch"], NAMES_EVERY_MS);
  const names = (data?.items ?? []).map((branch) => branch.metadata.name).sort();
  if (value && value !== "-" && !names.includes(value)) names.unshift(value);
  if (names.length <= MOST_IN_LIST) {
    return html`<label class="field">Branch
      <select value=${value} onChange=${(event) => onChange(event.target.value)}>
        <option value="">all requests</option>
        <option value="-">baseline only</option>
        ${names.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
      </select></label>`;
  }
  return html`<${CompletingField} key=${value} value=${value} names=${names} onChange=${onChange} />`;
}

/** Takes effect once the text is the name of a branch. */
function CompletingField({ value, names, onChange }) {
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

/** The namespaces of some objects, sorted. */
export const namespacesOf = (objects) => [...new Set(objects.map(({ metadata }) => metadata.namespace))].filter(Boolean).sort();

/** Selects a namespace, "" means all. Not shown while there is only one to select. */
export function NamespaceChoice({ value, names, onChange }) {
  if (names.length < 2 && !value) return null;
  const options = value && !names.includes(value) ? [value, ...names] : names;
  return html`<label class="field">Namespace
    <select value=${value} onChange=${(event) => onChange(event.target.value)}>
      <option value="">all</option>
      ${options.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
    </select></label>`;
}
