// The daemon's event stream. After an interruption everything on screen is fetched again, so nothing is missed.
import { useEffect, useRef, useState } from "../vendor/preact-htm.js";
import { RequestError, get, signedOut } from "./api.js";
import { createStore, useStore } from "./store.js";

/** "connecting", "live" or "lost". */
export const connection = createStore("connecting");
/** The latest graph of all requests. */
export const topology = createStore(null);

const followers = { traces: new Set(), objects: new Set(), reconnected: new Set() };
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 10_000;
// A hidden page closes its stream: browsers allow six connections per host, for all pages together.
const HIDDEN_MS = 10_000;
let retry = FIRST_RETRY_MS;
let source = null;

/**
 * Calls `follower` with each event: "traces" ({items}), "objects" ({kinds}) or "reconnected".
 * @param {keyof typeof followers} event
 */
export function follow(event, follower) {
  followers[event].add(follower);
  return () => followers[event].delete(follower);
}

function notify(event, body = undefined) {
  for (const follower of [...followers[event]]) follower(body);
}

export function start() {
  let opened = false;
  const restart = () => {
    source = new EventSource("/mesh/v1/stream");
    source.onopen = () => {
      retry = FIRST_RETRY_MS;
      connection.set("live");
      if (opened) notify("reconnected");
      opened = true;
    };
    source.onerror = () => {
      connection.set("lost");
      // The browser reconnects by itself, unless the response was not a stream at all (401, for example).
      if (source.readyState !== EventSource.CLOSED) return;
      get("/mesh/v1/status").catch(() => {});
      setTimeout(() => !signedOut.get() && source.readyState === EventSource.CLOSED && restart(), retry);
      retry = Math.min(retry * 2, LONGEST_RETRY_MS);
    };
    source.addEventListener("topology", (event) => topology.set(JSON.parse(event.data)));
    source.addEventListener("traces", (event) => notify("traces", JSON.parse(event.data)));
    source.addEventListener("objects", (event) => notify("objects", JSON.parse(event.data)));
  };
  restart();
  signedOut.follow(() => source.close());
  let hidden = 0;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hidden);
    if (document.hidden) hidden = setTimeout(() => source.close(), HIDDEN_MS);
    else if (source.readyState === EventSource.CLOSED && !signedOut.get()) restart();
  });
}

/** The graph from the event stream; until its first event, fetched once. */
export function useTopology() {
  const graph = useStore(topology);
  useEffect(() => {
    if (!topology.get()) get("/mesh/v1/topology?window=60").then((fetched) => topology.set((current) => current ?? fetched), () => {});
  }, []);
  return graph;
}

const cache = new Map();
const MOST_CACHED = 30;
const PAUSE_MS = 400;

function remember(path, data) {
  cache.delete(path);
  cache.set(path, data);
  if (cache.size > MOST_CACHED) cache.delete(cache.keys().next().value);
}

/**
 * The response of `path`, fetched again when an object of one of `kinds` changes ("*" means any) and after an
 * interruption; until then the last response stays. An empty path fetches nothing. Changes within `pause` milliseconds
 * cause one request.
 * @param {string} path
 * @param {string[]} kinds
 * @returns {{data: any, error: RequestError|null, reload: () => void}}
 */
export function useAnswer(path, kinds = [], pause = PAUSE_MS) {
  const [, redraw] = useState(0);
  const state = useRef({ path: null, data: null, error: null, reload() {} });
  if (state.current.path !== path) state.current = { path, data: cache.get(path) ?? null, error: null, reload() {} };
  const kindsKey = kinds.join();
  useEffect(() => {
    if (!path) return undefined;
    const current = state.current;
    let timer = 0;
    let busy = false;
    let again = false;
    let unmounted = false;
    const fetchNow = async () => {
      timer = 0;
      busy = true;
      try {
        current.data = await get(path);
        current.error = null;
        remember(path, current.data);
      } catch (error) {
        current.error = error instanceof RequestError ? error : new RequestError(0, String(error));
      }
      busy = false;
      if (unmounted) return;
      redraw((count) => count + 1);
      if (again) {
        again = false;
        soon();
      }
    };
    const soon = () => {
      if (busy) again = true;
      else if (!timer) timer = setTimeout(fetchNow, pause);
    };
    current.reload = () => {
      clearTimeout(timer);
      if (busy) again = true;
      else fetchNow();
    };
    fetchNow();
    const relevant = new Set(kinds);
    const stops = [
      follow("objects", (event) => (relevant.has("*") || event.kinds.some((kind) => relevant.has(kind))) && soon()),
      follow("reconnected", soon),
    ];
    return () => {
      unmounted = true;
      clearTimeout(timer);
      for (const stop of stops) stop();
    };
  }, [path, kindsKey]);
  return state.current;
}

/**
 * The response of `path`, fetched again every `every` milliseconds while the page is visible; the last one stays meanwhile.
 * @param {string} path
 * @param {number} every
 * @returns {{data: any, error: RequestError|null}}
 */
export function usePolled(path, every) {
  const { data, error, reload } = useAnswer(path);
  const latest = useRef(reload);
  latest.current = reload;
  useEffect(() => {
    const timer = setInterval(() => !document.hidden && latest.current(), every);
    return () => clearInterval(timer);
  }, [path, every]);
  return { data, error };
}

/** Renders the component again every `seconds`, for times relative to now. */
export function useTick(seconds) {
  const [, redraw] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => redraw((count) => count + 1), seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
}
