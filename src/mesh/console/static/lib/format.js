// Numbers, times and names as people read them.

/** Requests per second: 0.2, 12, 340. */
export function rate(value) {
  if (value === 0) return "0";
  if (value < 0.095) return value.toFixed(2);
  return value < 9.95 ? value.toFixed(1) : String(Math.round(value));
}

export function milliseconds(value) {
  if (value === null || value === undefined) return "–";
  if (value < 9.95) return `${value.toFixed(1)} ms`;
  return value < 9_995 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;
}

/** A share of 1 as a percentage; a share above 0 is never shown as 0. */
export function share(value) {
  const percent = value * 100;
  if (percent === 0) return "0 %";
  return percent < 1 ? "< 1 %" : `${Math.round(percent)} %`;
}

/** The local time of day for seconds since 1970. */
export function clock(seconds) {
  const date = new Date(seconds * 1000);
  const digits = (value) => String(value).padStart(2, "0");
  return `${digits(date.getHours())}:${digits(date.getMinutes())}:${digits(date.getSeconds())}`;
}

/** A duration in seconds in its largest unit: "47 h", "3 min". */
export function span(seconds) {
  const length = Math.abs(seconds);
  if (length < 60) return `${Math.floor(length)} s`;
  if (length < 3600) return `${Math.floor(length / 60)} min`;
  return length < 172_800 ? `${Math.floor(length / 3600)} h` : `${Math.floor(length / 86_400)} d`;
}

/** Seconds from now to an RFC 3339 time; NaN for none. */
export const until = (text) => (Date.parse(text) - Date.now()) / 1000;

export function ago(text) {
  const seconds = -until(text);
  return Number.isNaN(seconds) ? "" : `${span(Math.max(0, seconds))} ago`;
}

/** A URL without its scheme. */
export const shortUrl = (text) => text.replace(/^https?:\/\//, "");

export const hostOf = (text) => shortUrl(text).split("/", 1)[0];

export const pathOf = (text) => shortUrl(text).slice(hostOf(text).length) || "/";

/** The name in an id such as `shop/products`. */
export const shortName = (id) => id.slice(id.lastIndexOf("/") + 1);

/** The name in an id, with its namespace where another of the ids has the same name. */
export const displayName = (id, ids) =>
  (ids.some((other) => other !== id && shortName(other) === shortName(id)) ? id : shortName(id));

/** An Envoy cluster's name in words: `outbound|7000|v1|products.shop.svc.cluster.local` is "products v1". */
export function cluster(name) {
  const [kind, first, second, host] = name.split("|");
  if (kind === "url") return `the process at ${first}`;
  if (!host) return name;
  const service = host.endsWith(".svc.cluster.local") ? host.split(".")[0] : host;
  if (kind === "branch") return `${service} of branch ${first}`;
  const version = kind === "version" ? first : second;
  return version ? `${service} ${version}` : service;
}

export const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
