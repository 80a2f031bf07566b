// View: which services call which, how often, how fast, with how many errors; live.
import { html, useEffect, useMemo, useRef, useState } from "../vendor/preact-htm.js";
import { get, url } from "../lib/api.js";
import { displayName, milliseconds, plural, rate, share, shortName } from "../lib/format.js";
import { Graph, keyOf, sum } from "../components/graph.js";
import { layout } from "../components/graph_layout.js";
import { useTopology } from "../lib/live.js";
import { Branch, BranchChoice, Empty, Mark, NamespaceChoice, SidePanel, Waiting } from "../components/parts.js";
import { Sparks, useSeries } from "../components/spark.js";
import { change, here, href } from "../lib/route.js";

// A graph of five columns does not fit a phone.
const MOST_VERSIONS = 50;
const NARROW = matchMedia("(max-width: 760px)");

export function Topology({ route }) {
  const everything = useTopology();
  const { branch = "", namespace = "" } = route.query;
  const graph = useMemo(() => (everything && namespace ? within(everything, namespace) : everything), [everything, namespace]);
  const namespaces = [...new Set((everything?.services ?? []).map((service) => service.namespace))].filter(Boolean).sort();
  const ownEdges = useBranchEdges(branch, graph);
  const shape = graph ? shapeOf(graph, branch) : "";
  const plan = useMemo(() => (graph ? layout(graph.services, graph.edges, branch) : null), [shape]);
  if (!graph) return html`<${Bar} branch=${branch} namespace=${namespace} namespaces=${namespaces} /><${Waiting} />`;
  refresh(plan, graph);
  const lit = branch ? new Map((ownEdges ?? []).map((edge) => [keyOf(edge), edge])) : null;
  const select = ({ node = "", link = "" }) => change({ node: route.query.node === node ? "" : node, link });
  const all = sum(graph.edges.filter((edge) => edge.source === "gateway"));
  const table = (route.query.as ?? (NARROW.matches ? "table" : "graph")) === "table";
  return html`<${Bar} branch=${branch} namespace=${namespace} namespaces=${namespaces} table=${table}>
      <p class="facts"><b>${rate(all.rate)}</b> requests/s at the gateway · <b>${milliseconds(all.p99)}</b> p99 ·
        ${" "}<b>${share(all.errorShare)}</b> errors · last minute</p>
    <//>
    ${graph.edges.length === 0 && html`<${Empty} title="No requests in the last minute">
      <p>Send a request to the gateway, or run <code>meshmall load</code>: calls appear here as they happen.</p><//>`}
    ${lit && lit.size === 0 && graph.edges.length > 0 && html`<p class="note">No requests of ${branch === "-" ? "the baseline" : html`<${Branch} name=${branch} />`} in the last minute.</p>`}
    <div class="with-side">
      ${table
      ? html`<${Table} edges=${lit ? [...lit.values()] : graph.edges} />`
      : html`<${Graph} plan=${plan} lit=${lit} branch=${branch} selected=${route.query.node || route.query.link} onSelect=${select} />`}
      <${Side} graph=${graph} plan=${plan} lit=${lit} query=${route.query} />
    </div>`;
}

/** The edges of one branch's requests, refreshed with the graph. */
function useBranchEdges(branch, graph) {
  const [own, setOwn] = useState({ branch: "", edges: null });
  const busy = useRef(false);
  useEffect(() => {
    if (!branch || (busy.current && own.branch === branch)) return;
    busy.current = true;
    get(url("/mesh/v1/topology", { window: 60, branch }))
      .then((fetched) => setOwn({ branch, edges: fetched.edges }), () => {})
      .finally(() => { busy.current = false; });
  }, [branch, graph]);
  return own.branch === branch ? own.edges : null;
}

/** Services and calls that are in a namespace, or touch it. */
function within(graph, namespace) {
  const inside = new Set(graph.services.filter((service) => service.namespace === namespace).map((service) => service.id));
  const edges = graph.edges.filter((edge) => inside.has(edge.source) || inside.has(edge.target));
  const used = new Set([...inside, ...edges.flatMap((edge) => [edge.source, edge.target])]);
  return { ...graph, services: graph.services.filter((service) => used.has(service.id)), edges };
}

/** What the layout depends on. Figures are not part of it: they change every second and must not move anything. */
function shapeOf(graph, branch) {
  const services = graph.services.map((service) => `${service.id}:${service.versions.map((version) => `${version.workload}/${version.branch}`)}`);
  return [branch, ...services, ...graph.edges.map(keyOf).sort()].join("|");
}

/** Updates the figures of a layout whose shape has not changed. */
function refresh(plan, graph) {
  const edges = new Map(graph.edges.map((edge) => [keyOf(edge), edge]));
  for (const link of plan.links) link.edges = link.edges.map((edge) => edges.get(keyOf(edge)) ?? edge);
  const services = new Map(graph.services.map((service) => [service.id, service]));
  for (const node of [...plan.nodes, ...plan.idle]) {
    const versions = new Map(services.get(node.id)?.versions.map((version) => [version.workload, version]));
    node.rows = node.rows.map((row) => ({ ...row, ...versions.get(row.workload) }));
  }
}

function Bar({ branch, namespace, namespaces, table = false, children = null }) {
  return html`<div class="bar">
    <h1 class="unseen">Topology</h1>
    <${BranchChoice} value=${branch} onChange=${(name) => change({ branch: name })} />
    <${NamespaceChoice} value=${namespace} names=${namespaces} onChange=${(name) => change({ namespace: name })} />
    <div class="choice" role="group" aria-label="Show as">
      <button aria-pressed=${!table} onClick=${() => change({ as: "graph" })}>Graph</button>
      <button aria-pressed=${Boolean(table)} onClick=${() => change({ as: "table" })}>Table</button>
    </div>
    ${children}
  </div>`;
}

function Table({ edges }) {
  const sorted = [...edges].sort((one, other) => other.requests - one.requests);
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Calls"><table class="plain-table">
    <thead><tr><th scope="col">From</th><th scope="col" class="wide-only">To</th><th scope="col">Answered by</th><th scope="col" class="number">per s</th>
      <th scope="col" class="number wide-only">p50</th><th scope="col" class="number">p99</th><th scope="col" class="number">Errors</th></tr></thead>
    <tbody>${sorted.map((edge) => html`<tr key=${keyOf(edge)}>
      <td>${shortName(edge.source)} <small class="wide-only">${edge.sourceWorkload}</small></td><td class="wide-only">${shortName(edge.target)}</td>
      <td>${edge.targetWorkload || "nobody"} ${edge.branch && html`<${Branch} name=${edge.branch} />`}</td>
      <${Figures} of=${edge} /></tr>`)}</tbody></table></div>`;
}

const Figures = ({ of }) => html`<td class="number">${rate(of.rate)}</td><td class="number wide-only">${milliseconds(of.p50)}</td>
  <td class="number">${milliseconds(of.p99)}</td><td class="number ${of.errors ? "bad" : ""}">${share(of.errorShare)}</td>`;

function Side({ graph, plan, lit, query }) {
  const close = () => change({ node: "", link: "" });
  const service = graph.services.find(({ id }) => id === query.node);
  const link = plan.links.find(({ key }) => key === query.link);
  if (!service && !link) return null;
  const title = service ? service.name : `${link.source.service.name} → ${link.target.service.name}`;
  return html`<${SidePanel} key=${title} label=${`Details of ${title}`} title=${title} onClose=${close}>
    ${service ? html`<${ServiceDetails} service=${service} graph=${graph} lit=${lit} query=${query} />`
    : html`<${LinkDetails} link=${link} lit=${lit} />`}
  <//>`;
}

function ServiceDetails({ service, graph, lit, query }) {
  const edges = lit ? [...lit.values()] : graph.edges;
  const into = edges.filter((edge) => edge.target === service.id);
  const from = edges.filter((edge) => edge.source === service.id);
  const { byName, step } = useSeries(service.id, query.branch);
  const nobody = byName.get("");
  const names = graph.services;
  return html`
    ${service.namespace && html`<p class="soft">${service.namespace}</p>`}
    ${service.versions.length > 0 && html`<h3>Versions, last five minutes</h3>
    <ul class="versions">${service.versions.slice(0, MOST_VERSIONS).map((version) => html`<li key=${version.workload}>
      <a href=${href("workloads", [], { text: version.workload })}>${version.workload}</a>
      ${version.branch && html`<${Branch} name=${version.branch} />`}
      <${Mark} kind=${version.ready < version.pods || !version.pods ? "bad" : ""}>${version.ready}/${version.pods} ready<//>
      ${byName.has(version.workload) && html`<${Sparks} series=${byName.get(version.workload)} step=${step} />`}</li>`)}
      ${nobody && html`<li><span class="bad">No pod answered</span><${Sparks} series=${nobody} step=${step} /></li>`}</ul>`}
    <${Calls} title="Called by" arrow="from" edges=${into} peer=${callerOf} names=${names} />
    <${Calls} title="Calls" arrow="to" edges=${from} peer=${calleeOf} names=${names} />
    <p class="links"><a href=${href("requests", [], { service: service.id, branch: query.branch })}>Show requests</a>
      <a href=${href("requests", [], { service: service.id, branch: query.branch, status: "error" })}>Failed requests</a>
      <a href=${href("rules", [service.id])}>Show rules</a></p>`;
}

const callerOf = (edge) => ({ id: edge.source, workload: edge.sourceWorkload, own: edge.targetWorkload });
const calleeOf = (edge) => ({ id: edge.target, workload: edge.targetWorkload, own: edge.sourceWorkload });

/** Calls in one direction. Each row names the service at the other end, its version, and the own version that takes part. */
function Calls({ title, arrow, edges, peer, names }) {
  if (!edges.length) return null;
  const ids = names.map(({ id }) => id);
  const branchOf = new Map(names.flatMap(({ versions }) => versions.map(({ workload, branch }) => [workload, branch])));
  return html`<h3>${title}</h3><table class="plain-table small calls-table"><thead><tr><th scope="col">${arrow === "from" ? "Caller" : "Callee"}</th>
      <th scope="col" class="number">per s</th><th scope="col" class="number wide-only">p50</th><th scope="col" class="number">p99</th><th scope="col" class="number">errors</th></tr></thead>
    <tbody>${edges.map((edge) => {
    const { id, workload, own } = peer(edge);
    return html`<tr key=${keyOf(edge)}><td><span class="arrow" aria-hidden="true">${arrow === "from" ? "←" : "→"}</span>
        <a class="to" href=${href("topology", [], { ...here().query, node: id, link: "" })}><b>${displayName(id, ids)}</b></a>
        ${branchOf.get(workload) && html` <${Branch} name=${branchOf.get(workload)} />`}
        <small class="ends">${workload || (id === "gateway" ? "from outside" : "no pod answered")}${own ? ` ${arrow === "from" ? "→" : "←"} ${own}` : ""}</small></td>
      <${Figures} of=${edge} /></tr>`;
  })}</tbody></table>`;
}

function LinkDetails({ link, lit }) {
  const edges = lit ? link.edges.map((edge) => lit.get(keyOf(edge))).filter(Boolean) : link.edges;
  const all = sum(edges);
  const branches = new Map();
  for (const edge of edges) {
    for (const [name, count] of Object.entries(edge.byBranch)) branches.set(name, (branches.get(name) ?? 0) + count);
  }
  return html`<dl class="figures">
      <div><dt>requests/s</dt><dd>${rate(all.rate)}</dd></div><div><dt>p50</dt><dd>${milliseconds(all.p50)}</dd></div>
      <div><dt>p99</dt><dd>${milliseconds(all.p99)}</dd></div><div><dt>errors</dt><dd class=${all.errors ? "bad" : ""}>${share(all.errorShare)}</dd></div>
    </dl>
    <h3>Answered by</h3>
    <ul class="lines">${edges.map((edge) => html`<li key=${keyOf(edge)}>${edge.targetWorkload || "nobody"}
      ${edge.branch && html` <${Branch} name=${edge.branch} />`} <span class="soft">${plural(edge.requests, "request")}</span></li>`)}</ul>
    <h3>Requests by branch</h3>
    <ul class="lines">${[...branches].slice(0, 50).map(([name, count]) => html`<li key=${name}>
      ${name ? html`<${Branch} name=${name} />` : "the baseline"} <span class="soft">${plural(count, "request")}</span></li>`)}</ul>
    <p class="links"><a href=${href("requests", [], { service: link.target.id })}>Show requests</a>
      <a href=${href("rules", [link.target.id])}>Show rules</a></p>`;
}
