// One colour and one shape per branch, the same everywhere: the daemon gives each branch the least used of twelve.
// The shape tells branches apart for whom two of the colours look alike (see style.css for the colours).
import { createStore } from "./store.js";

export const COLORS = 12;
/** The shapes, drawn in a box of 10 by 10; four are easy to tell apart in the size of a letter. */
export const SHAPES = [
  "M5 0 10 5 5 10 0 5z", // diamond
  "M1 1h8v8H1z", // square
  "M5 .3 9.800 9.200H.200z", // triangle
  "M5 .5a4.500 4.500 0 1 1-.01 0z", // circle
];

/** Colour numbers by branch, as the daemon has assigned them. */
export const branchColors = createStore(/** @type {Map<string, number>} */ (new Map()));

/** Takes the colours of the branches that there are; the colours of deleted ones stay, for their requests. */
export function learnColors(branches) {
  const known = branchColors.get();
  const news = branches.filter(({ metadata, status }) => Number.isInteger(status?.color) && known.get(metadata.name) !== status.color);
  if (news.length) branchColors.set(new Map([...known, ...news.map(({ metadata, status }) => [metadata.name, status.color])]));
}

/** A branch's colour, 0 to 11. A branch that the daemon no longer has gets one by its name. */
export function colorOf(name) {
  const assigned = branchColors.get().get(name);
  if (assigned !== undefined) return assigned % COLORS;
  let value = 0;
  for (const character of name) value = (value * 31 + (character.codePointAt(0) ?? 0)) % 9973;
  return value % COLORS;
}

/** The class that sets a branch's colours; "" for the baseline. */
export const colorClass = (name) => (name && name !== "-" ? `c${colorOf(name)}` : "");

export const shapeOf = (name) => SHAPES[colorOf(name) % SHAPES.length];
