// What a request's spans say together: their tree, where the time went, where it failed, and how two requests differ. Pure.
import { pathOf } from "./format.js";

/** The spans in call order, each with its depth and the numbers of its children. Spans whose parents form a loop come last. */
export function tree(spans) {
  const children = new Map();
  spans.forEach((span, number) => {
    const parent = span.parent !== null && span.parent !== number ? span.parent : -1;
    if (!children.has(parent)) children.set(parent, []);
    children.get(parent).push(number);
  });
  const ordered = [];
  const seen = new Set();
  const walk = (parent, depth) => {
    for (const number of children.get(parent) ?? []) {
      if (seen.has(number)) continue;
      seen.add(number);
      ordered.push({ span: spans[number], depth, number, children: children.get(number) ?? [] });
      walk(number, depth + 1);
    }
  };
  walk(-1, 0);
  spans.forEach((span, number) => seen.has(number) || ordered.push({ span, depth: 0, number, children: [] }));
  return ordered;
}

/** The milliseconds that each span took itself: without the time in which at least one of its calls was under way. */
export function ownTimes(spans) {
  const calls = spans.map(() => /** @type {[number, number][]} */ ([]));
  spans.forEach((span, number) => {
    if (span.parent !== null && span.parent !== number) calls[span.parent]?.push([span.start, span.start + span.milliseconds / 1000]);
  });
  return spans.map((span, number) => {
    const end = span.start + span.milliseconds / 1000;
    let covered = 0;
    let reached = span.start;
    for (const [from, to] of calls[number].sort((one, other) => one[0] - other[0])) {
      const start = Math.max(from, reached);
      const stop = Math.min(to, end);
      if (stop > start) {
        covered += stop - start;
        reached = stop;
      }
    }
    return Math.max(0, span.milliseconds - covered * 1000);
  });
}

export const isFailed = (span) => !span.status || span.status >= 500;

/** The number of the span that took most time itself; -1 without spans. */
export function slowest(spans) {
  const own = ownTimes(spans);
  return own.reduce((best, value, number) => (best < 0 || value > own[best] ? number : best), -1);
}

// Seconds that a call may seem to start before its cause: Envoy's workers read the clock at different moments.
const SLACK = 0.002;

/**
 * The numbers of the failed spans that no other failed call explains: where the failures began. A call explains a span
 * when the workload that answered it made the call meanwhile: of two calls into one pod at the same time, the tree can only
 * guess which one made a further call.
 */
export function origins(spans) {
  const end = (span) => span.start + span.milliseconds / 1000;
  const failed = spans.map((_, number) => number).filter((number) => isFailed(spans[number]));
  const explains = (call, span) => call !== span && call.source && call.source === span.destination?.workload &&
    call.start <= end(span) + SLACK && end(call) >= span.start - SLACK;
  return failed.filter((number) => !failed.some((other) => spans[other].parent === number || explains(spans[other], spans[number])));
}

/** "namespace/name" where the mesh knows the service. */
export const serviceOf = (span) => span.service || span.destination?.service || "unknown";

/** The same call in two requests: its place in the tree, by service, method and path, and which of several alike it is. */
function keys(spans) {
  const byNumber = new Map();
  const counts = new Map();
  for (const { span, number } of tree(spans)) {
    const parent = span.parent !== null ? byNumber.get(span.parent) ?? "" : "";
    const name = `${parent}>${serviceOf(span).replace(/^.*\//, "")} ${span.method} ${pathOf(span.url).split("?")[0]}`;
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    byNumber.set(number, `${name}#${count}`);
  }
  return byNumber;
}

/**
 * Two requests call by call, in the order of the first; calls that only the second made come after their caller's.
 * @returns {{one: any, other: any, depth: number}[]} null where a request did not make the call
 */
export function pairs(spans, others) {
  const otherKeys = keys(others);
  const byKey = new Map([...otherKeys].map(([number, key]) => [key, number]));
  const mine = keys(spans);
  const rows = tree(spans).map(({ span, depth, number }) => {
    const match = byKey.get(mine.get(number));
    byKey.delete(mine.get(number));
    return { key: mine.get(number), one: span, other: match === undefined ? null : others[match], depth };
  });
  for (const { span, depth, number } of tree(others)) {
    const key = otherKeys.get(number);
    if (!byKey.has(key)) continue;
    const parent = span.parent !== null ? otherKeys.get(span.parent) : undefined;
    let at = parent === undefined ? rows.length : rows.findLastIndex((row) => row.key.startsWith(parent)) + 1;
    if (!at) at = rows.length;
    rows.splice(at, 0, { key, one: null, other: span, depth });
  }
  return rows.map(({ one, other, depth }) => ({ one, other, depth }));
}
