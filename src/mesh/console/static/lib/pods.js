// What Deployments and pods say about themselves, in words. Pure.
export const BRANCH_LABEL = "meshmall.dev/branch";

/** The Deployment that owns a pod's ReplicaSet, derived from the names that Kubernetes generates. */
export function ownerOf(pod) {
  const owner = pod.metadata.ownerReferences?.[0];
  if (!owner) return "";
  const hash = pod.metadata.labels?.["pod-template-hash"];
  return hash && owner.name.endsWith(`-${hash}`) ? owner.name.slice(0, -hash.length - 1) : owner.name.replace(/-[^-]+$/, "");
}

export const isReady = (pod) => (pod.status?.conditions ?? []).some(({ type, status }) => type === "Ready" && status === "True");
export const restarts = (pod) => (pod.status?.containerStatuses ?? []).reduce((sum, { restartCount = 0 }) => sum + restartCount, 0);
export const replicasOf = (deployment) => deployment.spec.replicas ?? 1;
export const readyOf = (deployment) => deployment.status?.readyReplicas ?? 0;
export const branchOf = (workload) => workload.spec.template?.metadata?.labels?.[BRANCH_LABEL] ?? "";

/** A pod's state in one word, as kubectl prints it. */
export function stateOf(pod) {
  if (pod.metadata.deletionTimestamp) return { text: "Terminating", kind: "warn" };
  for (const { state } of [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]) {
    const reason = state?.waiting?.reason ?? state?.terminated?.reason;
    if (reason && reason !== "Completed") return { text: reason, kind: reason === "ContainerCreating" || reason === "PodInitializing" ? "warn" : "bad" };
  }
  const phase = pod.status?.reason || pod.status?.phase || "Pending";
  if (phase === "Running" && !isReady(pod)) return { text: "not ready", kind: "warn" };
  return { text: phase, kind: { Running: "good", Succeeded: "", Failed: "bad" }[phase] ?? "warn" };
}

/** Why a pod is not ready, in a sentence: its container's reason and how its last run ended; "" for one that is. */
export function whyNotReady(pod) {
  if (isReady(pod)) return "";
  for (const { name, state, lastState, restartCount = 0 } of [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]) {
    const waiting = state?.waiting ?? state?.terminated;
    const last = lastState?.terminated ?? state?.terminated;
    if (!waiting?.reason && !last) continue;
    // The kubelet's message often quotes the same last lines.
    const said = last?.message && !waiting?.message?.includes(last.message.trim()) ? last.message : "";
    const parts = [waiting?.reason && `${waiting.reason}${waiting.message ? `: ${waiting.message}` : ""}`];
    if (last && last.exitCode !== undefined) parts.push(`container ${name} ended with exit code ${last.exitCode}${said ? ` (${said})` : ""}`);
    if (restartCount) parts.push(`${restartCount} restarts`);
    return parts.filter(Boolean).join("; ");
  }
  const condition = (pod.status?.conditions ?? []).find(({ status, message }) => status === "False" && message);
  return condition?.message ?? stateOf(pod).text;
}
