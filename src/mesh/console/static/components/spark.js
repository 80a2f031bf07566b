// Small curves over the last five minutes: one value per five seconds.
import { html } from "../vendor/preact-htm.js";
import { url } from "../lib/api.js";
import { milliseconds, rate, share } from "../lib/format.js";
import { usePolled } from "../lib/live.js";

const WIDTH = 120;
const HEIGHT = 26;
const EVERY_MS = 5_000;

/** The curves of one service by workload, or with "" of all services; the answer of /mesh/v1/series by name. */
export function useSeries(service, branch = "") {
  const { data } = usePolled(url("/mesh/v1/series", { service, branch: branch === "-" ? "" : branch }), EVERY_MS);
  return { step: data?.step ?? 5, byName: new Map((data?.items ?? []).map((item) => [item.name, item])) };
}

/** The path of a line through values, left to right; a null interrupts it. */
export function linePath(values, most, width = WIDTH, height = HEIGHT) {
  const across = width / Math.max(1, values.length - 1);
  let path = "";
  let drawing = false;
  values.forEach((value, number) => {
    if (value === null) {
      drawing = false;
      return;
    }
    const y = height - 1.5 - (most ? value / most : 0) * (height - 3);
    path += `${drawing ? "L" : "M"}${(number * across).toFixed(1)} ${y.toFixed(1)}`;
    // A value alone between two gaps is a line of no length, which round ends make a dot.
    if (!drawing && (values[number + 1] ?? null) === null) path += "h.01";
    drawing = true;
  });
  return path;
}

/**
 * One curve with its newest value in words; `kind` sets its colour.
 * @param {{values: (number|null)[], most?: number, kind?: string, label: string, text: string}} of
 */
export function Spark({ values, most = Math.max(0, ...values.map((value) => value ?? 0)), kind = "", label, text }) {
  return html`<span class="spark ${kind}" role="img" aria-label=${`${label}, last five minutes: now ${text}`}>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width=${WIDTH} height=${HEIGHT} preserveAspectRatio="none" aria-hidden="true"><path d=${linePath(values, most)} /></svg>
    <span aria-hidden="true">${label} <b>${text}</b></span></span>`;
}

const last = (values) => values[values.length - 1] ?? null;

/** Requests, errors and durations of one series, next to each other. */
export function Sparks({ series, step }) {
  const { requests, errors, p99 } = series;
  const shares = requests.map((count, number) => (count ? errors[number] / count : null));
  const total = requests.reduce((sum, count) => sum + count, 0);
  const failed = errors.reduce((sum, count) => sum + count, 0);
  return html`<div class="sparks">
    <${Spark} values=${requests} label="requests" text=${`${rate((last(requests) ?? 0) / step)}/s`} />
    <${Spark} values=${shares} most=${1} kind=${failed ? "failing" : ""} label="errors" text=${share(total ? failed / total : 0)} />
    <${Spark} values=${p99} kind="times" label="p99" text=${milliseconds(last(p99.filter((value) => value !== null)))} />
  </div>`;
}
