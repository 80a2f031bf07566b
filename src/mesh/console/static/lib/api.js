// Requests to the daemon. Everything is same-origin; requests that change something carry the console's header.
import { createStore } from "./store.js";

/** Whether the daemon has ended this page's session. */
export const signedOut = createStore(false);

/** A request that failed: `status` (0 without a response), the daemon's message, and what is wrong with which field. */
export class RequestError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {{field: string, message: string}[]} causes
   */
  constructor(status, message, causes = []) {
    super(message);
    this.status = status;
    this.causes = causes;
  }
}

async function request(path, options) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new RequestError(0, "The daemon does not answer.");
  }
  if (response.status === 401) signedOut.set(true);
  if (!response.ok) throw await errorOf(response);
  return response;
}

async function errorOf(response) {
  const text = await response.text().catch(() => "");
  try {
    const body = JSON.parse(text);
    return new RequestError(response.status, body.message || body.detail || body.title || text, body.details?.causes ?? []);
  } catch {
    return new RequestError(response.status, text.slice(0, 500) || `The daemon answered ${response.status}.`);
  }
}

export async function get(path, signal) {
  return (await request(path, { signal })).json();
}

/** The response itself, for a body that is read in chunks. */
export function open(path, signal, headers = {}) {
  return request(path, { signal, headers });
}

export async function send(method, path, body, type = "application/json") {
  const headers = { "x-meshmall-console": "1" };
  if (body !== undefined) headers["content-type"] = type;
  const response = await request(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  return response.json().catch(() => ({}));
}

/** A path with a query; empty values are omitted. */
export function url(path, query) {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") parameters.set(key, value);
  }
  const text = parameters.toString();
  return text ? `${path}?${text}` : path;
}

const API_ROOTS = {
  branches: "/apis/meshmall.dev/v1",
  virtualservices: "/apis/networking.istio.io/v1",
  deployments: "/apis/apps/v1",
  pods: "/api/v1",
  events: "/api/v1",
  services: "/api/v1",
};

/**
 * The Kubernetes API's path of a collection in all namespaces or in one, or of one object.
 * @param {keyof typeof API_ROOTS} plural
 */
export function kube(plural, namespace = "", name = "") {
  const scope = namespace ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${API_ROOTS[plural]}${scope}/${plural}${name ? `/${encodeURIComponent(name)}` : ""}`;
}
