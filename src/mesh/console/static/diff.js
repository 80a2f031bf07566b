// Baseline and branch side by side: the same request to both, and what differs in the answers.
import { html, useState } from "./vendor/preact-htm.js";
import { send } from "./api.js";
import { milliseconds } from "./format.js";
import { Mark, Status, Trouble } from "./parts.js";

const MOST_SHOWN = 200;

export function Diff({ branch }) {
  const [path, setPath] = useState("/");
  const [{ items, problem, busy }, set] = useState({ items: null, problem: null, busy: false });
  const submit = async (event) => {
    event.preventDefault();
    set((now) => ({ ...now, busy: true, problem: null }));
    try {
      const found = await send("POST", "/mesh/v1/diff", { branch, paths: [path.startsWith("/") ? path : `/${path}`] });
      set({ items: found.items, problem: null, busy: false });
    } catch (error) {
      set({ items: null, problem: error, busy: false });
    }
  };
  return html`<form class="stack" onSubmit=${submit}><div class="field"><label class="unseen" for="diff-path">Path at the gateway</label>
      <input id="diff-path" value=${path} required onInput=${(event) => setPath(event.target.value)} spellcheck="false" />
      <button class="small" disabled=${busy}>${busy ? "Comparing ..." : "Compare"}</button></div></form>
    <${Trouble} error=${problem} />
    ${items?.map((each) => html`<${Compared} key=${each.path} of=${each} />`)}`;
}

function Compared({ of }) {
  const both = [["baseline", of.baseline], ["branch", of.branch]];
  return html`<section class="stack diff" aria-label=${`Comparison of ${of.path}`}>
    <p><code>${of.path}</code> ${of.same ? html`<${Mark} kind="good">no difference<//>` : html`<${Mark} kind="warn">${of.differences.length} differences<//>`}</p>
    <dl class="facts-list">${both.map(([name, answer]) => html`<dt key=${name}>${name}</dt><dd key=${`${name}+`}><${Status} code=${answer.status} /> in ${milliseconds(answer.milliseconds)}</dd>`)}</dl>
    ${of.differences.length > 0 && html`<table class="plain-table small"><thead><tr><th scope="col">Where</th><th scope="col">Baseline</th><th scope="col">Branch</th></tr></thead>
      <tbody>${of.differences.slice(0, MOST_SHOWN).map((each) => html`<tr key=${each.where}><td>${each.where}</td><td><del>${said(each.baseline)}</del></td><td><ins>${said(each.branch)}</ins></td></tr>`)}</tbody></table>`}
  </section>`;
}

function said(value) {
  if (value === null || value === undefined || value === "") return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}
