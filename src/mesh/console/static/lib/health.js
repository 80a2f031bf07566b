// What is wrong, and why: the problems of everything that the mesh knows, joined where one explains another. Pure.
import { clock, plural, shortName } from "./format.js";
import { branchOf, isReady, ownerOf, readyOf, replicasOf, stateOf, whyNotReady } from "./pods.js";
import { href } from "./route.js";

/**
 * @typedef {{kind: string, key: string, title: string, what: string, why: string[], branches: string[], links: string[][]}} Problem
 * `kind` is "bad" or "warn", `what` is what users notice, `why` the reasons, `links` where to look further: texts and addresses.
 */

/**
 * @param {{problems?: string[], failures?: any[], refused?: any[], services?: any[], deployments?: any[], pods?: any[], branches?: any[]}} of
 * @returns {Problem[]} those that users notice first
 */
export function problemsOf({ problems = [], failures = [], refused = [], services = [], deployments = [], pods = [], branches = [] }) {
  const explained = new Set();
  const podsOf = new Map();
  for (const pod of pods) {
    const owner = `${pod.metadata.namespace}/${ownerOf(pod)}`;
    podsOf.set(owner, [...(podsOf.get(owner) ?? []), pod]);
  }
  const byKey = new Map(deployments.map((deployment) => [`${deployment.metadata.namespace}/${deployment.metadata.name}`, deployment]));
  const why = (key) => whyWorkload(byKey.get(key), podsOf.get(key) ?? []);
  return [
    ...problems.map((text) => ({ kind: "bad", key: `mesh ${text}`, title: "The mesh itself", what: text, why: [], branches: [], links: [] })),
    ...failing(failures, services, why, explained),
    ...branches.filter(isBroken).map((branch) => brokenBranch(branch, why, explained)),
    ...deployments.filter((deployment) => readyOf(deployment) < replicasOf(deployment)).flatMap((deployment) => degraded(deployment, podsOf, why, explained)),
    ...refused.map(({ object, reason }) => ({ kind: "bad", key: `refused ${object.kind} ${object.namespace}/${object.name}`, title: `${object.kind} ${object.namespace}/${object.name}`,
      what: "was rejected and has no effect", why: [reason], branches: [], links: [["Rules", href("rules")]] })),
  ];
}

/** Failing services, with what their workloads say about it. */
function failing(failures, services, why, explained) {
  const groups = new Map();
  for (const failure of failures) {
    const key = [failure.service, failure.reason, failure.reason ? "" : failure.status, failure.workload].join("|");
    const group = groups.get(key) ?? { ...failure, count: 0, branches: [] };
    group.count += failure.count;
    if (failure.at > group.at) Object.assign(group, { at: failure.at, requestId: failure.requestId });
    if (failure.branch && !group.branches.includes(failure.branch)) group.branches.push(failure.branch);
    groups.set(key, group);
  }
  return [...groups].map(([key, failure]) => {
    const namespace = failure.service.includes("/") ? failure.service.split("/")[0] : "";
    const versions = services.find(({ id }) => id === failure.service)?.versions ?? [];
    const down = failure.workload ? [] : versions.filter(({ ready, branch }) => !ready && (!branch || failure.branches.includes(branch)));
    const reasons = [];
    for (const { workload } of down) {
      explained.add(`${namespace}/${workload}`);
      reasons.push(...why(`${namespace}/${workload}`));
    }
    if (failure.workload) reasons.push(`${failure.workload} answered ${failure.status || "nothing"} itself; its log says more`);
    const workload = failure.workload || down[0]?.workload;
    return {
      kind: "bad", key: `failing ${key}`, title: shortName(failure.service),
      what: `${plural(failure.count, "failed request")} in the last five minutes, the latest at ${clock(failure.at)}: ${failure.reason || `status ${failure.status || "none"}`}`,
      why: reasons, branches: failure.branches,
      links: [["A failed request", href("requests", [failure.requestId])],
        ...(workload ? [["Workload", href("workloads", [`deployment/${namespace}/${workload}`], { text: workload })]] : []),
        ["In the graph", href("topology", [], { node: failure.service })]],
    };
  });
}

/** What a workload says about why nothing of it answers. */
function whyWorkload(deployment, pods) {
  if (!deployment) return [];
  const { name } = deployment.metadata;
  if (replicasOf(deployment) === 0) return [`${name} is scaled to 0`];
  const waiting = pods.filter((pod) => !isReady(pod)).map((pod) => `${pod.metadata.name}: ${whyNotReady(pod)}`);
  const condition = (deployment.status?.conditions ?? []).find(({ status, message }) => status === "False" && message);
  return waiting.length ? [...new Set(waiting)].slice(0, 3) : [`${name}: ${condition?.message ?? "no pod is ready"}`];
}

const isBroken = (branch) => ["Degraded", "Expired"].includes(branch.status?.phase) || (branch.status?.phase === "Pending" && (branch.status.services ?? []).some(({ ready }) => !ready));

function brokenBranch(branch, why, explained) {
  const { name, namespace } = branch.metadata;
  const waiting = (branch.status.services ?? []).filter(({ ready }) => !ready);
  const conditions = (branch.status.conditions ?? []).filter(({ type, status, message }) => status === "False" && message && !["Ready", "Programmed", "Expiring"].includes(type));
  const reasons = [];
  for (const service of waiting) {
    const key = `${namespace}/${service.name}-${name}`.slice(0, namespace.length + 64);
    explained.add(key);
    const more = why(key);
    reasons.push(...(more.length ? more : [`${service.name}: ${service.message || "not ready"}`]));
  }
  return {
    kind: "bad", key: `branch ${namespace}/${name}`, title: "Branch",
    what: `is ${branch.status.phase.toLowerCase()}: ${waiting.length ? `${waiting.map((service) => service.name).join(", ")} ${waiting.length === 1 ? "is" : "are"} not ready` : conditions[0]?.message ?? "not ready"}`,
    why: reasons, branches: [name],
    links: [["Branch", href("branches", [name])], ...(waiting.length ? [["Workload", href("workloads", [], { text: name })]] : [])],
  };
}

/** A Deployment with too few pods, unless another problem has explained it. */
function degraded(deployment, podsOf, why, explained) {
  const { name, namespace } = deployment.metadata;
  const key = `${namespace}/${name}`;
  if (explained.has(key)) return [];
  const starting = (podsOf.get(key) ?? []).every((pod) => isReady(pod) || stateOf(pod).kind === "warn");
  const branch = branchOf(deployment);
  return [{
    kind: starting ? "warn" : "bad", key: `workload ${key}`, title: name, what: `${readyOf(deployment)} of ${plural(replicasOf(deployment), "pod")} ready`,
    why: why(key), branches: branch ? [branch] : [], links: [["Workload", href("workloads", [`deployment/${key}`], { text: name })]],
  }];
}
