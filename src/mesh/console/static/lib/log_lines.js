// What a line of a log says: its time, level, message, and the request that it belongs to. Pure.
import { milliseconds } from "./format.js";

/** The levels by how serious they are. */
export const LEVELS = ["debug", "info", "warning", "error"];
const LEVEL_OF = {
  trace: "debug", debug: "debug", dbg: "debug", verbose: "debug", info: "info", information: "info", notice: "info", log: "info",
  warn: "warning", warning: "warning", error: "error", err: "error", severe: "error", fatal: "error", critical: "error", panic: "error", emergency: "error",
};
const FIRST_WORDS = /^[^A-Za-z]{0,40}(?:[\d:T.,+Z-]+\s+)?\W?(trace|debug|info|notice|warn(?:ing)?|error|err|fatal|critical|panic|severe)\b/i;
const REQUEST_KEYS = ["request_id", "requestId", "x-request-id", "x_request_id", "req_id", "reqId"];
const LEVEL_KEYS = ["level", "severity", "lvl", "levelname", "log.level"];
const MESSAGE_KEYS = ["message", "msg", "event", "error"];
const TIME_KEYS = ["time", "ts", "timestamp", "@timestamp", "t"];
const STAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) ?(.*)$/s;
const REQUEST_IN_TEXT = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?:@[\w-]+)?/i;
// bunyan and pino number their levels.
/** @type {[number, string][]} */
const NUMBERED = [[50, "error"], [40, "warning"], [30, "info"], [0, "debug"]];

/**
 * @param {string} text a line as the API sends it with `timestamps=true`
 * @returns {{time: string, level: string, message: string, rest: string, requestId: string, raw: string}}
 */
export function parseLine(text) {
  const [, stamp = "", raw = text] = STAMP.exec(text) ?? [];
  const fields = fieldsOf(raw);
  if (!fields) {
    const level = LEVEL_OF[FIRST_WORDS.exec(raw)?.[1]?.toLowerCase() ?? ""] ?? "";
    return { time: stamp, level, message: raw, rest: "", requestId: REQUEST_IN_TEXT.exec(raw)?.[0] ?? "", raw };
  }
  const take = (keys) => {
    const key = keys.find((name) => fields[name] !== undefined && fields[name] !== null);
    if (!key) return "";
    const value = fields[key];
    delete fields[key];
    return value;
  };
  const time = String(take(TIME_KEYS) || stamp);
  const level = levelOf(take(LEVEL_KEYS));
  const requestId = String(take(REQUEST_KEYS));
  const message = String(take(MESSAGE_KEYS)) || accessLine(fields);
  const rest = Object.entries(fields).map(([key, value]) => `${key}=${typeof value === "object" ? JSON.stringify(value) : value}`).join(" ");
  return { time, level, message, rest, requestId, raw };
}

function fieldsOf(raw) {
  if (!raw.startsWith("{")) return null;
  try {
    const value = JSON.parse(raw);
    return value && typeof value === "object" && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

function levelOf(value) {
  if (typeof value === "number") return NUMBERED.find(([least]) => value >= least)?.[1] ?? "";
  return LEVEL_OF[String(value).toLowerCase()] ?? "";
}

/** A request as a server logs it, from the fields that most have; takes these fields out. */
function accessLine(fields) {
  if (!fields.method || !fields.path) return "";
  const { method, path, status, ms } = fields;
  for (const key of ["method", "path", "status", "ms"]) delete fields[key];
  return [method, path, status, typeof ms === "number" ? milliseconds(ms) : ms].filter((part) => part !== undefined && part !== null).join(" ");
}

/** Whether a line is at least as serious as `level` ("" is any) and has `text` (in lower case). Lines without a level
 * count as information. */
export function matchesLine(line, level, text) {
  if (level && LEVELS.indexOf(line.level || "info") < LEVELS.indexOf(level)) return false;
  return !text || line.raw.toLowerCase().includes(text);
}

/** A request's id without the mark of its branch: the same in the log of a program that saw it before it entered. */
export const unmarked = (id) => id.split("@")[0];
