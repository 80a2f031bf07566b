// What the daemon tells by itself. After a break everything that is shown is fetched again, so nothing is missed.
import { useEffect, useRef, useState } from "./vendor/preact-htm.js";
import { Refused, get, signedOut } from "./api.js";
import { createStore } from "./store.js";

/** "connecting", "live" or "lost". */
export const connection = createStore("connecting");
/** The last graph, of all requests. */
export const topology = createStore(null);

const followers = { traces: new Set(), objects: new Set(), back: new Set() };
const RETRY_LEAST = 1_000;
const RETRY_MOST = 10_000;
// A page that nobody looks at gives its connection back: browsers have six to a host, for all pages together.
const HIDDEN = 10_000;
let retry = RETRY_LEAST;
let source = null;

/** Calls `follower` with each "traces" ({items}), "objects" ({kinds}) or "back" (connected anew). */
export function follow(event, follower) {
  followers[event].add(follower);
  return () => followers[event].delete(follower);
}

function tell(event, body) {
  for (const follower of [...followers[event]]) follower(body);
}

export function start() {
  let opened = false;
  const restart = () => {
    source = new EventSource("/mesh/v1/stream");
    source.onopen = () => {
      retry = RETRY_LEAST;
      connection.set("live");
      if (opened) tell("back");
      opened = true;
    };
    source.onerror = () => {
      connection.set("lost");
      // The browser tries again by itself unless the answer was no stream at all, as 401 is.
      if (source.readyState !== EventSource.CLOSED) return;
      get("/mesh/v1/status").catch(() => {});
      setTimeout(() => !signedOut.get() && source.readyState === EventSource.CLOSED && restart(), retry);
      retry = Math.min(retry * 2, RETRY_MOST);
    };
    source.addEventListener("topology", (event) => topology.set(JSON.parse(event.data)));
    source.addEventListener("traces", (event) => tell("traces", JSON.parse(event.data)));
    source.addEventListener("objects", (event) => tell("objects", JSON.parse(event.data)));
  };
  restart();
  signedOut.follow(() => source.close());
  let hidden = 0;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hidden);
    if (document.hidden) hidden = setTimeout(() => source.close(), HIDDEN);
    else if (source.readyState === EventSource.CLOSED && !signedOut.get()) restart();
  });
}

const cache = new Map();
const MOST_CACHED = 30;
const PAUSE = 400;

function keep(path, data) {
  cache.delete(path);
  cache.set(path, data);
  if (cache.size > MOST_CACHED) cache.delete(cache.keys().next().value);
}

/**
 * What `path` answers, fetched again when an object of one of `kinds` changes ("*" is any) and after a break; the last
 * answer stays until then. An empty path fetches nothing. Changes within `pause` milliseconds are one.
 * @returns {{data: any, error: Refused|null, reload: () => void}}
 */
export function useAnswer(path, kinds = [], pause = PAUSE) {
  const [, redraw] = useState(0);
  const state = useRef({ path: null, data: null, error: null, reload() {} });
  if (state.current.path !== path) state.current = { path, data: cache.get(path) ?? null, error: null, reload() {} };
  const wanted = kinds.join();
  useEffect(() => {
    if (!path) return undefined;
    const mine = state.current;
    let timer = 0;
    let busy = false;
    let again = false;
    let over = false;
    const fetchNow = async () => {
      timer = 0;
      busy = true;
      try {
        mine.data = await get(path);
        mine.error = null;
        keep(path, mine.data);
      } catch (error) {
        mine.error = error instanceof Refused ? error : new Refused(0, String(error));
      }
      busy = false;
      if (over) return;
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
    mine.reload = () => {
      clearTimeout(timer);
      if (busy) again = true;
      else fetchNow();
    };
    fetchNow();
    const kindsWanted = new Set(kinds);
    const stops = [
      follow("objects", (told) => (kindsWanted.has("*") || told.kinds.some((kind) => kindsWanted.has(kind))) && soon()),
      follow("back", soon),
    ];
    return () => {
      over = true;
      clearTimeout(timer);
      for (const stop of stops) stop();
    };
  }, [path, wanted]);
  return state.current;
}

/** Draws the part again every `seconds`, for what tells a time that passes. */
export function useTick(seconds) {
  const [, redraw] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => redraw((count) => count + 1), seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
}
