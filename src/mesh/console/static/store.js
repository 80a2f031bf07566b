// Values that parts of the page follow.
import { useEffect, useState } from "./vendor/preact-htm.js";

/** A value with followers; `set` takes a value or a function of the last one. */
export function createStore(initial) {
  let value = initial;
  const followers = new Set();
  return {
    get: () => value,
    set(next) {
      const found = typeof next === "function" ? next(value) : next;
      if (found === value) return;
      value = found;
      for (const follower of [...followers]) follower(value);
    },
    follow(follower) {
      followers.add(follower);
      return () => followers.delete(follower);
    },
  };
}

/** The store's value; the part is drawn again when `select` of it changes. */
export function useStore(store, select = (value) => value) {
  const [, redraw] = useState(0);
  const selected = select(store.get());
  useEffect(() => {
    let last = selected;
    const look = (value) => {
      const next = select(value);
      if (next === last) return;
      last = next;
      redraw((count) => count + 1);
    };
    look(store.get());
    return store.follow(look);
  }, [store]);
  return selected;
}
