// A Deployment or a pod in full: its problems, what runs, events, and a pod's log.
import { html } from "../vendor/preact-htm.js";
import { kube } from "../lib/api.js";
import { ago, plural } from "../lib/format.js";
import { useAnswer } from "../lib/live.js";
import { BRANCH_LABEL, branchOf } from "../lib/pods.js";
import { href } from "../lib/route.js";
import { Log } from "./log.js";
import { Branch, SidePanel } from "./parts.js";
import { WorkloadActions } from "./workload_actions.js";
import { YamlButton } from "./yaml.js";

export function WorkloadDetails({ row, query, onClose }) {
  const object = row.pod ?? row.deployment;
  const { name, namespace } = object.metadata;
  const { data } = useAnswer(`/api/v1/namespaces/${namespace}/events?fieldSelector=${encodeURIComponent(`involvedObject.name=${name}`)}`, ["Event"]);
  const problems = (object.status?.conditions ?? []).filter(({ status, message }) => status === "False" && message);
  return html`<${SidePanel} label=${name} title=${name} kind="wide-side" onClose=${onClose}>
    <${Links} row=${row} />
    ${problems.map(({ type, message }) => html`<div class="trouble" key=${type}><p>${type}: ${message}</p></div>`)}
    ${row.pod ? html`<${Containers} pod=${row.pod} />` : html`<${DeploymentDetails} deployment=${row.deployment} />`}
    <${Events} items=${(data?.items ?? []).filter((event) => event.involvedObject?.name === name)} />
    ${row.pod && html`<${Log} pod=${row.pod} query=${query} />`}
  <//>`;
}

function Links({ row: { pod, deployment } }) {
  if (deployment) {
    const branch = branchOf(deployment);
    return html`${branch && html`<p>of <a class="to" href=${href("branches", [branch])}><${Branch} name=${branch} /></a></p>`}<${WorkloadActions} deployment=${deployment} />`;
  }
  const { name, namespace, labels = {} } = pod.metadata;
  const service = labels["meshmall.dev/service"] ?? labels.app;
  return html`<div class="bar actions">
    <${YamlButton} path=${kube("pods", namespace, name)} name=${`Pod ${namespace}/${name}`} />
    ${service && html`<a href=${href("requests", [], { service: `${namespace}/${service}`, branch: labels[BRANCH_LABEL] ?? "" })}>Requests of ${service}</a>`}</div>`;
}

function Containers({ pod }) {
  return html`<dl class="facts-list">${(pod.status?.containerStatuses ?? []).map((status) => {
    const [kind, state] = Object.entries(status.state ?? {})[0] ?? ["waiting", {}];
    const last = status.lastState?.terminated;
    return html`<dt key=${status.name}>${status.name}</dt><dd key=${`${status.name}+`}>${kind}${state.reason ? `: ${state.reason}` : ""}${state.message ? `, ${state.message}` : ""}
      ${status.restartCount > 0 && html`, restarted ${plural(status.restartCount, "time")}`}${last && html`, last run: ${last.reason} (exit code ${last.exitCode})`}</dd>`;
  })}</dl>`;
}

function DeploymentDetails({ deployment }) {
  const container = deployment.spec.template.spec.containers[0] ?? {};
  const env = (container.env ?? []).map(({ name, value }) => `${name}=${value ?? "(from another object)"}`);
  return html`<dl class="facts-list">
    ${container.image && html`<dt>image</dt><dd class="code">${container.image}</dd>`}
    ${(container.command ?? []).length > 0 && html`<dt>command</dt><dd class="code">${[...container.command, ...(container.args ?? [])].join(" ")}</dd>`}
    ${env.length > 0 && html`<dt>env</dt><dd class="code">${env.join("  ")}</dd>`}
  </dl>`;
}

const timeOf = (event) => event.lastTimestamp || event.eventTime || event.metadata.creationTimestamp;

function Events({ items }) {
  if (!items.length) return html`<p class="soft">No recent events.</p>`;
  const newest = [...items].sort((one, other) => (timeOf(one) < timeOf(other) ? 1 : -1)).slice(0, 30);
  return html`<h3>Events</h3><ul class="lines events">${newest.map((event) => html`<li key=${event.metadata.uid} class=${event.type === "Warning" ? "warn" : ""}>
    <b>${event.reason}</b> <span class="soft">${ago(timeOf(event))}${event.count > 1 ? `, ${event.count} times` : ""}</span><div>${event.message}</div></li>`)}</ul>`;
}
