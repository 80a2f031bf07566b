// View: each Deployment with its pods, their problems, logs and events.
import { html } from "../vendor/preact-htm.js";
import { kube } from "../lib/api.js";
import { ago } from "../lib/format.js";
import { List } from "../components/list.js";
import { useAnswer, useTick } from "../lib/live.js";
import { Branch, Empty, Mark, NamespaceChoice, Trouble, Waiting, namespacesOf } from "../components/parts.js";
import { BRANCH_LABEL, branchOf, isReady, ownerOf, readyOf, replicasOf, restarts, stateOf } from "../lib/pods.js";
import { change, go, href } from "../lib/route.js";
import { WorkloadDetails } from "../components/workload_details.js";

const COLUMNS = [
  { name: "Workload" },
  { name: "Branch", class: "wide-only" },
  { name: "Ready", class: "number" },
  { name: "State" },
  { name: "Restarts", class: "number" },
  { name: "Address", class: "wide-only" },
  { name: "Age", class: "wide-only" },
];

export function Workloads({ route }) {
  const pods = useAnswer(kube("pods"), ["Pod"]);
  const deployments = useAnswer(kube("deployments"), ["Deployment"]);
  useTick(10);
  const { text = "", trouble = "", namespace = "" } = route.query;
  const all = [...(deployments.data?.items ?? []), ...(pods.data?.items ?? [])];
  const here = (object) => !namespace || object.metadata.namespace === namespace;
  const items = pods.data && deployments.data ? rowsOf(deployments.data.items.filter(here), pods.data.items.filter(here), text.toLowerCase(), Boolean(trouble)) : null;
  const name = route.parts[0];
  const open = items?.find((row) => row.key === name) ?? rowNamed(name, deployments.data?.items ?? [], pods.data?.items ?? []);
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
      ${open && html`<${WorkloadDetails} key=${open.key} row=${open} query=${route.query} onClose=${() => go("workloads", [], { ...route.query, log: "", level: "" })} />`}
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
    const matching = !text || matches(deployment) || branchOf(deployment).includes(text);
    const shown = ownPods.filter((pod) => (matching || matches(pod)) && (!trouble || stateOf(pod).kind === "bad" || !isReady(pod)));
    const degraded = readyOf(deployment) < replicasOf(deployment);
    if (!shown.length && !(matching && (!trouble || degraded))) continue;
    rows.push({ key: `deployment/${key}`, deployment });
    for (const pod of shown.sort(byName)) rows.push(podRow(pod));
  }
  for (const pod of [...owned.values()].flat().sort(byName)) {
    if ((!text || matches(pod)) && (!trouble || !isReady(pod))) rows.push(podRow(pod));
  }
  return rows;
}

/** The row that an address names, also where the filters hide it: an address that somebody was sent must lead somewhere. */
function rowNamed(key, deployments, pods) {
  const named = ({ metadata }, prefix) => `${prefix}${metadata.namespace}/${metadata.name}` === key;
  const deployment = deployments.find((object) => named(object, "deployment/"));
  const pod = pods.find((object) => named(object, ""));
  return deployment ? { key, deployment } : pod && { key, pod };
}

const byName = (one, other) => (one.metadata.name < other.metadata.name ? -1 : 1);

function cells({ key, deployment, pod }, query) {
  if (deployment) {
    const { metadata } = deployment;
    const [desired, ready, branch] = [replicasOf(deployment), readyOf(deployment), branchOf(deployment)];
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
