// Values that components follow.
import { useEffect, useState } from "../vendor/preact-htm.js";

/**
 * A value with followers; `set` takes a value or a function of the current one.
 * @template T
 * @param {T} initial
 */
export function createStore(initial) {
  let value = initial;
  const followers = new Set();
  return {
    get: () => value,
    set(next) {
      const updated = typeof next === "function" ? next(value) : next;
      if (updated === value) return;
      value = updated;
      for (const follower of [...followers]) follower(value);
    },
    follow(follower) {
      followers.add(follower);
      return () => followers.delete(follower);
    },
  };
}

/** The store's value; the component renders again when `select` of it changes. */
export function useStore(store, select = (value) => value) {
  const [, redraw] = useState(0);
  const selected = select(store.get());
  useEffect(() => {
    let last = selected;
    const check = (value) => {
      const next = select(value);
      if (next === last) return;
      last = next;
      redraw((count) => count + 1);
    };
    check(store.get());
    return store.follow(check);
  }, [store]);
  return selected;
}
