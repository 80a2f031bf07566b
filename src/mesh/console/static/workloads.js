// View: what runs: each Deployment with its pods, what is wrong with them, their logs and events.
import { html } from "./vendor/preact-htm.js";
import { kube } from "./api.js";
import { ago } from "./format.js";
import { Icon } from "./icons.js";
import { List } from "./list.js";
import { useAnswer, useTick } from "./live.js";
import { Log } from "./log.js";
import { Branch, Empty, Mark, Trouble, Waiting } from "./parts.js";
import { change, go, href } from "./route.js";

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
  const { text = "", trouble = "" } = route.query;
  const items = pods.data && deployments.data ? rowsOf(deployments.data.items, pods.data.items, text.toLowerCase(), Boolean(trouble)) : null;
  const name = route.parts[0];
  const open = items?.find((each) => each.key === name);
  const count = pods.data?.items.length ?? 0;
  return html`<form class="bar" role="search" onSubmit=${(event) => event.preventDefault()}>
      <h1 class="unseen">Workloads</h1>
      <label class="field grow">Search <input type="search" placeholder="a workload, a pod, a branch" value=${text}
        onInput=${(event) => change({ text: event.target.value }, true)} autocomplete="off" spellcheck="false" /></label>
      <label class="tick"><input type="checkbox" checked=${Boolean(trouble)} onChange=${(event) => change({ trouble: event.target.checked ? "1" : "" }, true)} /> in trouble only</label>
      <p class="facts"><b>${(deployments.data?.items.length ?? 0).toLocaleString("en")}</b> deployments, <b>${count.toLocaleString("en")}</b> pods</p>
    </form>
    <${Trouble} error=${pods.error ?? deployments.error} retry=${() => { pods.reload(); deployments.reload(); }} />
    <div class="with-side">
      <div class="main">
        ${!items && !pods.error && html`<${Waiting} />`}
        ${items && !items.length && (count
    ? html`<${Empty} title=${trouble ? "Nothing is in trouble" : "No workload fits"} />`
    : html`<${Empty} title="Nothing runs"><p>Try <code>meshmall apply -f deploy/mesh-mall-v1.yaml</code></p><//>`)}
        ${items?.length > 0 && html`<${List} label="Workloads and their pods" kind="workloads" columns=${COLUMNS} items=${items} height=${34}
          keyOf=${(each) => each.key} open=${name} cells=${(each) => cells(each, route.query)} onOpen=${(each) => go("workloads", [each.key], route.query)} />`}
      </div>
      ${open && html`<${Side} key=${open.key} row=${open} onClose=${() => go("workloads", [], route.query)} />`}
    </div>`;
}

/** Each Deployment followed by its pods; pods of none come last. */
function rowsOf(deployments, pods, text, trouble) {
  const owned = new Map();
  for (const pod of pods) {
    const owner = `${pod.metadata.namespace}/${ownerOf(pod)}`;
    if (!owned.has(owner)) owned.set(owner, []);
    owned.get(owner).push(pod);
  }
  const found = [];
  const named = (object) => [object.metadata.name, object.metadata.labels?.[BRANCH_LABEL] ?? ""].some((each) => each.includes(text));
  for (const deployment of [...deployments].sort(byName)) {
    const key = `${deployment.metadata.namespace}/${deployment.metadata.name}`;
    const mine = owned.get(key) ?? [];
    owned.delete(key);
    const whole = !text || named(deployment) || (deployment.spec.template.metadata?.labels?.[BRANCH_LABEL] ?? "").includes(text);
    const some = mine.filter((pod) => (whole || named(pod)) && (!trouble || stateOf(pod).kind === "bad" || !isReady(pod)));
    const lacks = (deployment.status?.readyReplicas ?? 0) < (deployment.spec.replicas ?? 1);
    if (!some.length && !(whole && (!trouble || lacks))) continue;
    found.push({ key: `deployment/${deployment.metadata.name}`, deployment });
    for (const pod of some.sort(byName)) found.push({ key: pod.metadata.name, pod });
  }
  for (const pod of [...owned.values()].flat().sort(byName)) {
    if ((!text || named(pod)) && (!trouble || !isReady(pod))) found.push({ key: pod.metadata.name, pod });
  }
  return found;
}

const byName = (one, other) => (one.metadata.name < other.metadata.name ? -1 : 1);

/** The Deployment behind a pod's ReplicaSet, by the names that Kubernetes gives. */
function ownerOf(pod) {
  const owner = pod.metadata.ownerReferences?.[0];
  if (!owner) return "";
  const hash = pod.metadata.labels?.["pod-template-hash"];
  return hash && owner.name.endsWith(`-${hash}`) ? owner.name.slice(0, -hash.length - 1) : owner.name.replace(/-[^-]+$/, "");
}

const isReady = (pod) => (pod.status?.conditions ?? []).some((each) => each.type === "Ready" && each.status === "True");
const restarts = (pod) => (pod.status?.containerStatuses ?? []).reduce((sum, each) => sum + (each.restartCount ?? 0), 0);

/** A pod's state in a word, as kubectl says it. */
function stateOf(pod) {
  if (pod.metadata.deletionTimestamp) return { said: "Terminating", kind: "warn" };
  for (const each of [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]) {
    const reason = each.state?.waiting?.reason ?? each.state?.terminated?.reason;
    if (reason && reason !== "Completed") return { said: reason, kind: reason === "ContainerCreating" || reason === "PodInitializing" ? "warn" : "bad" };
  }
  const phase = pod.status?.reason || pod.status?.phase || "Pending";
  if (phase === "Running" && !isReady(pod)) return { said: "not ready", kind: "warn" };
  return { said: phase, kind: { Running: "good", Succeeded: "", Failed: "bad" }[phase] ?? "warn" };
}

function cells({ key, deployment, pod }, query) {
  if (deployment) {
    const { metadata, spec, status = {} } = deployment;
    const wanted = spec.replicas ?? 1;
    const ready = status.readyReplicas ?? 0;
    const branch = spec.template.metadata?.labels?.[BRANCH_LABEL];
    const state = wanted === 0 ? ["", "scaled to 0"] : ready < wanted ? ["bad", "not whole"] : ["good", "available"];
    return [html`<a class="to group" tabindex="-1" href=${href("workloads", [key], query)}>${metadata.name}</a>`, branch && html`<${Branch} name=${branch} />`, `${ready}/${wanted}`,
      html`<${Mark} kind=${state[0]}>${state[1]}<//>`, "", "", ago(metadata.creationTimestamp).replace(" ago", "")];
  }
  const statuses = pod.status?.containerStatuses ?? [];
  const state = stateOf(pod);
  const count = restarts(pod);
  const branch = pod.metadata.labels?.[BRANCH_LABEL];
  return [html`<a class="to pod soft" tabindex="-1" href=${href("workloads", [key], query)}>${pod.metadata.name}</a>`, branch && html`<${Branch} name=${branch} />`,
    `${statuses.filter((each) => each.ready).length}/${pod.spec.containers.length}`, html`<${Mark} kind=${state.kind}>${state.said}<//>`,
    count ? html`<span class="bad">${count}</span>` : "0", html`<span class="soft">${pod.status?.podIP ?? ""}</span>`, ago(pod.metadata.creationTimestamp).replace(" ago", "")];
}

function Side({ row, onClose }) {
  const object = row.pod ?? row.deployment;
  const { name, namespace } = object.metadata;
  const { data } = useAnswer(`/api/v1/namespaces/${namespace}/events?fieldSelector=${encodeURIComponent(`involvedObject.name=${name}`)}`, ["Event"]);
  const wrong = (object.status?.conditions ?? []).filter((each) => each.status === "False" && each.message);
  return html`<aside class="side wide-side" aria-label=${name}>
    <header><h2>${name}</h2><button class="plain" aria-label="Close details" onClick=${onClose}><${Icon} name="close" /></button></header>
    ${wrong.map((each) => html`<div class="trouble" key=${each.type}><p>${each.type}: ${each.message}</p></div>`)}
    ${row.pod ? html`<${Containers} pod=${row.pod} />` : html`<${OfDeployment} deployment=${row.deployment} />`}
    <${Events} items=${(data?.items ?? []).filter((each) => each.involvedObject?.name === name)} />
    ${row.pod && html`<${Log} pod=${row.pod} />`}
  </aside>`;
}

function Containers({ pod }) {
  return html`<dl class="facts-list">${(pod.status?.containerStatuses ?? []).map((each) => {
    const [kind, state] = Object.entries(each.state ?? {})[0] ?? ["waiting", {}];
    const last = each.lastState?.terminated;
    return html`<dt key=${each.name}>${each.name}</dt><dd key=${`${each.name}+`}>${kind}${state.reason ? `: ${state.reason}` : ""}${state.message ? `, ${state.message}` : ""}
      ${each.restartCount > 0 && html`, restarted ${each.restartCount} times`}${last && html`, before: ${last.reason} (exit code ${last.exitCode})`}</dd>`;
  })}</dl>`;
}

function OfDeployment({ deployment }) {
  const container = deployment.spec.template.spec.containers[0] ?? {};
  const env = (container.env ?? []).map((each) => `${each.name}=${each.value ?? "(from elsewhere)"}`);
  return html`<dl class="facts-list">
    ${container.image && html`<dt>image</dt><dd class="code">${container.image}</dd>`}
    ${(container.command ?? []).length > 0 && html`<dt>command</dt><dd class="code">${[...container.command, ...(container.args ?? [])].join(" ")}</dd>`}
    ${env.length > 0 && html`<dt>env</dt><dd class="code">${env.join("  ")}</dd>`}
  </dl>`;
}

const when = (event) => event.lastTimestamp || event.eventTime || event.metadata.creationTimestamp;

function Events({ items }) {
  if (!items.length) return html`<p class="soft">No events of it are kept.</p>`;
  const newest = [...items].sort((one, other) => (when(one) < when(other) ? 1 : -1)).slice(0, 30);
  return html`<h3>Events</h3><ul class="lines events">${newest.map((each) => html`<li key=${each.metadata.uid} class=${each.type === "Warning" ? "warn" : ""}>
    <b>${each.reason}</b> <span class="soft">${ago(when(each))}${each.count > 1 ? `, ${each.count} times` : ""}</span><div>${each.message}</div></li>`)}</ul>`;
}
