// Requests to the daemon. Everything is same-origin; what changes something carries the console's header.
import { createStore } from "./store.js";

export const NAMESPACE = "mesh";
/** Whether the daemon said that this page may not ask any more. */
export const signedOut = createStore(false);

/** An answer that is no success: `status` (0 when there was none) and the daemon's sentence. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "The daemon does not answer.");
  }
  if (answer.status === 401) signedOut.set(true);
  if (!answer.ok) throw new Refused(answer.status, await sentence(answer));
  return answer;
}

async function sentence(answer) {
  const text = await answer.text().catch(() => "");
  try {
    const body = JSON.parse(text);
    return body.message || body.detail || body.title || text;
  } catch {
    return text.slice(0, 500) || `The daemon answered ${answer.status}.`;
  }
}

export async function get(path, signal) {
  return (await ask(path, { signal })).json();
}

/** The open answer itself, for what is read piece by piece. */
export function open(path, signal) {
  return ask(path, { signal });
}

export async function send(method, path, body, type = "application/json") {
  const headers = { "x-meshmall-console": "1" };
  if (body !== undefined) headers["content-type"] = type;
  const answer = await ask(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  return answer.json().catch(() => ({}));
}

/** A path with a query; what is empty is left out. */
export function url(path, query) {
  const found = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") found.set(key, value);
  }
  const text = found.toString();
  return text ? `${path}?${text}` : path;
}

const KINDS = {
  branches: "/apis/meshmall.dev/v1",
  deployments: "/apis/apps/v1",
  pods: "/api/v1",
  events: "/api/v1",
  services: "/api/v1",
};

/** Kubernetes' path of a collection, or of one object in it. */
export function kube(plural, name = "", namespace = "") {
  const where = namespace || (name ? NAMESPACE : "");
  return `${KINDS[plural]}${where ? `/namespaces/${where}` : ""}/${plural}${name ? `/${encodeURIComponent(name)}` : ""}`;
}
