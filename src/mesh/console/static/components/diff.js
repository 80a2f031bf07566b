// Sends the same request to the baseline and a branch, and shows how the responses differ.
import { html, useState } from "../vendor/preact-htm.js";
import { send } from "../lib/api.js";
import { milliseconds, plural } from "../lib/format.js";
import { Mark, Status, Trouble } from "./parts.js";

const MOST_SHOWN = 200;

export function Diff({ branch }) {
  const [path, setPath] = useState("/");
  const [{ items, problem, busy }, set] = useState({ items: null, problem: null, busy: false });
  const submit = async (event) => {
    event.preventDefault();
    set((now) => ({ ...now, busy: true, problem: null }));
    try {
      const result = await send("POST", "/mesh/v1/diff", { branch, paths: [path.startsWith("/") ? path : `/${path}`] });
      set({ items: result.items, problem: null, busy: false });
    } catch (error) {
      set({ items: null, problem: error, busy: false });
    }
  };
  return html`<form class="stack" onSubmit=${submit}><div class="field"><label class="unseen" for="diff-path">Path at the gateway</label>
      <input id="diff-path" value=${path} required onInput=${(event) => setPath(event.target.value)} spellcheck="false" />
      <button class="small" disabled=${busy}>${busy ? "Comparing ..." : "Compare"}</button></div></form>
    <${Trouble} error=${problem} />
    ${items?.map((comparison) => html`<${Comparison} key=${comparison.path} of=${comparison} />`)}`;
}

function Comparison({ of }) {
  const both = [["baseline", of.baseline], ["branch", of.branch]];
  return html`<section class="stack diff" aria-label=${`Comparison of ${of.path}`}>
    <p><code>${of.path}</code> ${of.same ? html`<${Mark} kind="good">no differences<//>` : html`<${Mark} kind="warn">${plural(of.differences.length, "difference")}<//>`}</p>
    <dl class="facts-list">${both.map(([name, answer]) => html`<dt key=${name}>${name}</dt><dd key=${`${name}+`}><${Status} code=${answer.status} /> in ${milliseconds(answer.milliseconds)}</dd>`)}</dl>
    ${of.differences.length > 0 && html`<table class="plain-table small"><thead><tr><th scope="col">Where</th><th scope="col">Baseline</th><th scope="col">Branch</th></tr></thead>
      <tbody>${of.differences.slice(0, MOST_SHOWN).map(({ where, baseline, branch }) => html`<tr key=${where}><td>${where}</td><td><del>${shown(baseline)}</del></td><td><ins>${shown(branch)}</ins></td></tr>`)}</tbody></table>`}
  </section>`;
}

function shown(value) {
  if (value === null || value === undefined || value === "") return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}
