// View: what is wrong and why, at a glance; below it how each service is doing.
import { html } from "../vendor/preact-htm.js";
import { kube } from "../lib/api.js";
import { displayName, plural } from "../lib/format.js";
import { problemsOf } from "../lib/health.js";
import { useAnswer, usePolled, useTopology } from "../lib/live.js";
import { href } from "../lib/route.js";
import { Branch, Mark, Trouble, Waiting } from "../components/parts.js";
import { Sparks, useSeries } from "../components/spark.js";

const EVERY_MS = 5_000;
const WINDOW_SECONDS = 300;

/** The problems that there are now; null until everything has been fetched once. */
export function useProblems() {
  const status = usePolled("/mesh/v1/status", EVERY_MS);
  const failures = usePolled(`/mesh/v1/failures?window=${WINDOW_SECONDS}`, EVERY_MS);
  const rules = useAnswer("/mesh/v1/rules", ["*"], EVERY_MS);
  const deployments = useAnswer(kube("deployments"), ["Deployment"], 1_000);
  const pods = useAnswer(kube("pods"), ["Pod"], 1_000);
  const branches = useAnswer(kube("branches"), ["Branch"], 1_000);
  const services = useTopology()?.services ?? [];
  const answers = [status, failures, rules, deployments, pods, branches];
  const error = answers.find((answer) => answer.error)?.error ?? null;
  // What cannot be fetched (telemetry may be switched off) must not hide what can.
  const complete = answers.every((answer) => answer.data || answer.error);
  const items = (answer) => answer.data?.items ?? [];
  const problems = complete ? problemsOf({
    problems: status.data?.problems ?? [], failures: items(failures), refused: rules.data?.refused ?? [], services,
    deployments: items(deployments), pods: items(pods), branches: items(branches),
  }) : null;
  return { problems, error };
}

export function Health() {
  const { problems, error } = useProblems();
  const services = (useTopology()?.services ?? []).filter(({ kind, versions }) => kind === "service" && versions.length);
  const { byName, step } = useSeries("");
  const failing = new Set((problems ?? []).filter(({ key }) => key.startsWith("failing")).map(({ title }) => title));
  const ids = services.map(({ id }) => id);
  // Those in trouble first, otherwise by name: nothing moves while figures change.
  const rank = (service) => (failing.has(service.name) || service.versions.some(({ ready, pods }) => ready < pods || !pods) ? 0 : 1);
  const sorted = [...services].sort((one, other) => rank(one) - rank(other) || (one.id < other.id ? -1 : 1));
  return html`<h1 class="unseen">Health</h1>
    <${Trouble} error=${error} />
    ${!problems && !error && html`<${Waiting} />`}
    <div class="scroll health-page" tabindex="0" role="group" aria-label="Health">
      ${problems && html`<${Verdict} problems=${problems} />
        <ul class="problems">${problems.map((problem) => html`<${Problem} key=${problem.key} problem=${problem} />`)}</ul>`}
      <h2>Services, last five minutes</h2>
      <ul class="service-cards">${sorted.map((service) => html`<li key=${service.id} class=${rank(service) ? "" : "troubled"}>
        <div class="card-head"><a href=${href("topology", [], { node: service.id })}>${displayName(service.id, ids)}</a>
          <${Readiness} versions=${service.versions} /></div>
        ${byName.has(service.id) ? html`<${Sparks} series=${byName.get(service.id)} step=${step} />` : html`<p class="soft">not called</p>`}</li>`)}</ul>
    </div>`;
}

function Verdict({ problems }) {
  const bad = problems.filter(({ kind }) => kind === "bad").length;
  if (!problems.length) return html`<p class="verdict-line good" role="status"><b>Everything works.</b> All pods are ready, no request failed in the last five minutes, every rule is in force.</p>`;
  return html`<p class="verdict-line ${bad ? "bad" : "warn"}" role="status"><b>${plural(problems.length, "problem")}.</b> ${bad ? "What users notice comes first." : "Nothing that users notice so far."}</p>`;
}

function Problem({ problem: { kind, title, what, why, branches, links } }) {
  return html`<li class="problem is-${kind}"><p><b>${title}</b>${title === "Branch" ? "" : ": "} ${title === "Branch" && html`<${Branch} name=${branches[0]} /> `}${what}
      ${title !== "Branch" && branches.map((name) => html` <${Branch} key=${name} name=${name} />`)}</p>
    ${why.length > 0 && html`<ul>${why.map((reason) => html`<li key=${reason}>${reason}</li>`)}</ul>`}
    <p class="links">${links.map(([text, to]) => html`<a key=${text} href=${to}>${text}</a>`)}</p></li>`;
}

function Readiness({ versions }) {
  const ready = versions.reduce((sum, version) => sum + version.ready, 0);
  const pods = versions.reduce((sum, version) => sum + version.pods, 0);
  if (!pods) return html`<${Mark} kind="bad">scaled to 0<//>`;
  return html`<${Mark} kind=${ready < pods ? "bad" : "good"}>${ready}/${pods} ready<//>`;
}
