// View: each Deployment with its pods, their problems, logs and events.
import { html } from "../vendor/preact-htm.js";
import { kube } from "../lib/api.js";
import { ago, plural } from "../lib/format.js";
import { Icon } from "../components/icons.js";
import { List } from "../components/list.js";
import { useAnswer, useTick } from "../lib/live.js";
import { Log } from "../components/log.js";
import { Branch, Empty, Mark, NamespaceChoice, Trouble, Waiting, namespacesOf } from "../components/parts.js";
import { change, go, href } from "../lib/route.js";

const COLUMNS = [
  { name: "Workload" },
  { name: "Branch", class: "wide-only" },
  { name: "Ready", class: "number" },
  { name: "State" },
  { name: "Restarts", class: "number" },
  { name: "Address", class: "wide-only" },
  { name: "Age", class: "wide-only" },
];
const BRANCH_LABEL = "meshmall.dev/branch";

export function Workloads({ route }) {
  const pods = useAnswer(kube("pods"), ["Pod"]);
  const deployments = useAnswer(kube("deployments"), ["Deployment"]);
  useTick(10);
  const { text = "", trouble = "", namespace = "" } = route.query;
  const all = [...(deployments.data?.items ?? []), ...(pods.data?.items ?? [])];
  const here = (object) => !namespace || object.metadata.namespace === namespace;
  const items = pods.data && deployments.data ? rowsOf(deployments.data.items.filter(here), pods.data.items.filter(here), text.toLowerCase(), Boolean(trouble)) : null;
  const name = route.parts[0];
  const open = items?.find((row) => row.key === name);
  const count = pods.data?.items.length ?? 0;
  return html`<form class="bar" role="search" onSubmit=${(event) => event.preventDefault()}>
      <h1 class="unseen">Workloads</h1>
      <label class="field grow">Search <input type="search" placeholder="a workload, pod or branch" value=${text}
        onInput=${(event) => change({ text: event.target.value }, true)} autocomplete="off" spellcheck="false" /></label>
      <label class="tick"><input type="checkbox" checked=${Boolean(trouble)} onChange=${(event) => change({ trouble: event.target.checked ? "1" : "" }, true)} /> problems only</label>
      <${NamespaceChoice} value=${namespace} names=${namespacesOf(all)} onChange=${(chosen) => change({ namespace: chosen }, true)} />
      <p class="facts"><b>${(deployments.data?.items.length ?? 0).toLocaleString("en")}</b> deployments, <b>${count.toLocaleString("en")}</b> pods</p>
    </form>
    <${Trouble} error=${pods.error ?? deployments.error} retry=${() => { pods.reload(); deployments.reload(); }} />
    <div class="with-side">
      <div class="main">
        ${!items && !pods.error && html`<${Waiting} />`}
        ${items && !items.length && (count
    ? html`<${Empty} title=${trouble ? "No problems" : "No matching workloads"} />`
    : html`<${Empty} title="Nothing is running"><p>Start something: <code>meshmall apply -f FILE</code></p><//>`)}
        ${items && items.length > 0 && html`<${List} label="Workloads and their pods" kind="workloads" columns=${COLUMNS} items=${items} height=${34}
          keyOf=${(row) => row.key} open=${name} cells=${(row) => cells(row, route.query)} onOpen=${(row) => go("workloads", [row.key], route.query)} />`}
      </div>
      ${open && html`<${Side} key=${open.key} row=${open} onClose=${() => go("workloads", [], route.query)} />`}
    </div>`;
}

/** Each Deployment followed by its pods; pods without a Deployment come last. */
function rowsOf(deployments, pods, text, trouble) {
  const owned = new Map();
  for (const pod of pods) {
    const owner = `${pod.metadata.namespace}/${ownerOf(pod)}`;
    if (!owned.has(owner)) owned.set(owner, []);
    owned.get(owner).push(pod);
  }
  const rows = [];
  const podRow = (pod) => ({ key: `${pod.metadata.namespace}/${pod.metadata.name}`, pod });
  const matches = (object) => [object.metadata.name, object.metadata.labels?.[BRANCH_LABEL] ?? ""].some((name) => name.includes(text));
  for (const deployment of [...deployments].sort(byName)) {
    const key = `${deployment.metadata.namespace}/${deployment.metadata.name}`;
    const ownPods = owned.get(key) ?? [];
    owned.delete(key);
    const matching = !text || matches(deployment) || (deployment.spec.template.metadata?.labels?.[BRANCH_LABEL] ?? "").includes(text);
    const shown = ownPods.filter((pod) => (matching || matches(pod)) && (!trouble || stateOf(pod).kind === "bad" || !isReady(pod)));
    const degraded = (deployment.status?.readyReplicas ?? 0) < (deployment.spec.replicas ?? 1);
    if (!shown.length && !(matching && (!trouble || degraded))) continue;
    rows.push({ key: `deployment/${key}`, deployment });
    for (const pod of shown.sort(byName)) rows.push(podRow(pod));
  }
  for (const pod of [...owned.values()].flat().sort(byName)) {
    if ((!text || matches(pod)) && (!trouble || !isReady(pod))) rows.push(podRow(pod));
  }
  return rows;
}

const byName = (one, other) => (one.metadata.name < other.metadata.name ? -1 : 1);

/** The Deployment that owns a pod's ReplicaSet, derived from the names that Kubernetes generates. */
function ownerOf(pod) {
  const owner = pod.metadata.ownerReferences?.[0];
  if (!owner) return "";
  const hash = pod.metadata.labels?.["pod-template-hash"];
  return hash && owner.name.endsWith(`-${hash}`) ? owner.name.slice(0, -hash.length - 1) : owner.name.replace(/-[^-]+$/, "");
}

const isReady = (pod) => (pod.status?.conditions ?? []).some(({ type, status }) => type === "Ready" && status === "True");
const restarts = (pod) => (pod.status?.containerStatuses ?? []).reduce((sum, { restartCount = 0 }) => sum + restartCount, 0);

/** A pod's state in one word, as kubectl prints it. */
function stateOf(pod) {
  if (pod.metadata.deletionTimestamp) return { text: "Terminating", kind: "warn" };
  for (const { state } of [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]) {
    const reason = state?.waiting?.reason ?? state?.terminated?.reason;
    if (reason && reason !== "Completed") return { text: reason, kind: reason === "ContainerCreating" || reason === "PodInitializing" ? "warn" : "bad" };
  }
  const phase = pod.status?.reason || pod.status?.phase || "Pending";
  if (phase === "Running" && !isReady(pod)) return { text: "not ready", kind: "warn" };
  return { text: phase, kind: { Running: "good", Succeeded: "", Failed: "bad" }[phase] ?? "warn" };
}

function cells({ key, deployment, pod }, query) {
  if (deployment) {
    const { metadata, spec, status = {} } = deployment;
    const desired = spec.replicas ?? 1;
    const ready = status.readyReplicas ?? 0;
    const branch = spec.template.metadata?.labels?.[BRANCH_LABEL];
    const state = desired === 0 ? ["", "scaled to 0"] : ready < desired ? ["bad", "degraded"] : ["good", "available"];
    return [html`<a class="to group" tabindex="-1" href=${href("workloads", [key], query)}>${metadata.name}</a>`, branch && html`<${Branch} name=${branch} />`, `${ready}/${desired}`,
      html`<${Mark} kind=${state[0]}>${state[1]}<//>`, "", "", ago(metadata.creationTimestamp).replace(" ago", "")];
  }
  const statuses = pod.status?.containerStatuses ?? [];
  const state = stateOf(pod);
  const count = restarts(pod);
  const branch = pod.metadata.labels?.[BRANCH_LABEL];
  return [html`<a class="to pod soft" tabindex="-1" href=${href("workloads", [key], query)}>${pod.metadata.name}</a>`, branch && html`<${Branch} name=${branch} />`,
    `${statuses.filter((status) => status.ready).length}/${pod.spec.containers.length}`, html`<${Mark} kind=${state.kind}>${state.text}<//>`,
    count ? html`<span class="bad">${count}</span>` : "0", html`<span class="soft">${pod.status?.podIP ?? ""}</span>`, ago(pod.metadata.creationTimestamp).replace(" ago", "")];
}

function Side({ row, onClose }) {
  const object = row.pod ?? row.deployment;
  const { name, namespace } = object.metadata;
  const { data } = useAnswer(`/api/v1/namespaces/${namespace}/events?fieldSelector=${encodeURIComponent(`involvedObject.name=${name}`)}`, ["Event"]);
  const problems = (object.status?.conditions ?? []).filter(({ status, message }) => status === "False" && message);
  return html`<aside class="side wide-side" aria-label=${name}>
    <header><h2>${name}</h2><button class="plain" aria-label="Close details" onClick=${onClose}><${Icon} name="close" /></button></header>
    ${problems.map(({ type, message }) => html`<div class="trouble" key=${type}><p>${type}: ${message}</p></div>`)}
    ${row.pod ? html`<${Containers} pod=${row.pod} />` : html`<${DeploymentDetails} deployment=${row.deployment} />`}
    <${Events} items=${(data?.items ?? []).filter((event) => event.involvedObject?.name === name)} />
    ${row.pod && html`<${Log} pod=${row.pod} />`}
  </aside>`;
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
