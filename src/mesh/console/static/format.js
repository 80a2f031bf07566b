// Figures and times as people read them.

/** 0.2, 12, 340: requests a second. */
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

/** A share of 1 as percent; the smallest share is still seen. */
export function share(value) {
  const percent = value * 100;
  if (percent === 0) return "0 %";
  return percent < 1 ? "< 1 %" : `${Math.round(percent)} %`;
}

/** The clock's time of seconds since 1970. */
export function clock(seconds) {
  const when = new Date(seconds * 1000);
  const two = (value) => String(value).padStart(2, "0");
  return `${two(when.getHours())}:${two(when.getMinutes())}:${two(when.getSeconds())}`;
}

/** "47 h", "3 min": a length of time in seconds by its largest unit. */
export function span(seconds) {
  const whole = Math.abs(seconds);
  if (whole < 60) return `${Math.floor(whole)} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  return whole < 172_800 ? `${Math.floor(whole / 3600)} h` : `${Math.floor(whole / 86_400)} d`;
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

export const shortName = (id) => id.slice(id.lastIndexOf("/") + 1);

/** Envoy's name of a cluster in words: `outbound|7000|v1|products.mesh.svc.cluster.local` is "products v1". */
export function cluster(name) {
  const [kind, first, second, host] = name.split("|");
  if (kind === "url") return `the process at ${first}`;
  if (!host) return name;
  const service = host.endsWith(".svc.cluster.local") ? host.split(".")[0] : host;
  if (kind === "branch") return `${service} of branch ${first}`;
  const version = kind === "version" ? first : second;
  return version ? `${service} ${version}` : service;
}

/** A branch's colour as a hue of 0 to 359, the same for the same name everywhere (the shop's page has the same). */
export function hue(name) {
  let found = 0;
  for (const letter of name) found = (found * 31 + letter.codePointAt(0)) % 360;
  return found;
}

export const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
