// The form for a new branch as a Branch object, and what is wrong with it, by field of the form. Pure.

export const BLANK = { service: "", how: "fork", env: "", image: "", command: "", version: "", url: "", port: "7000" };
const NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
const LONGEST_NAME = 40;
const DURATION = /^(\d+(\.\d+)?(ms|s|m|h|d))+$/;

/**
 * What is wrong with the form, before anything is sent: messages by field. A field of the change number n is `n.service`.
 * @returns {Record<string, string>}
 */
export function formErrors({ name, entry, changes, includes, expires }) {
  const errors = /** @type {Record<string, string>} */ ({});
  if (!name) errors.name = "Enter a name for the branch.";
  else if (!NAME.test(name) || name.length > LONGEST_NAME) errors.name = `Use lower-case letters, digits and "-", at most ${LONGEST_NAME} characters.`;
  if (entry.kind !== "none" && !entry.name.trim()) errors.entryName = `Enter the name of ${entry.kind === "query" ? "the query parameter" : `the ${entry.kind}`}.`;
  if (expires && !DURATION.test(expires) && Number.isNaN(Date.parse(expires))) errors.expires = 'Enter a duration such as "48h", or a date.';
  changes.forEach((change, number) => {
    const set = (field, message) => { errors[`${number}.${field}`] = message; };
    if (!change.service.trim()) {
      if (changes.length > 1 || !includes.trim()) set("service", change.how === "new" ? "Enter the new service's name." : "Select the service that the branch changes.");
      return;
    }
    if (change.how === "version" && !change.version.trim()) set("version", "Enter a version, such as v2.");
    if (change.how === "url" && !/^http:\/\/[^/]+/.test(change.url.trim())) set("url", "Enter an address with http:// and a port, such as http://127.0.0.1:9000.");
    if (change.how === "new" && !change.command.trim() && !change.image.trim()) set("command", "Enter the command that starts the service, or an image.");
    if (change.how === "new" && !(Number(change.port) >= 1 && Number(change.port) <= 65535)) set("port", "Enter a port from 1 to 65535.");
    const line = change.how === "fork" || change.how === "new" ? linesOf(change.env).find((text) => text.indexOf("=") < 1) : undefined;
    if (line !== undefined) set("env", `"${line}" must be NAME=value.`);
  });
  return errors;
}

/**
 * The daemon's refusal by field of the form; what belongs to no field is under `form`.
 * @param {{message: string, causes: {field: string, message: string}[]}} problem
 * @param {any[]} changes the form's
 */
export function refusalErrors(problem, changes) {
  const errors = {};
  for (const { field, message } of problem.causes) {
    const key = fieldOf(field, changes);
    // The first message about a field is the most specific one that people need.
    errors[key] ??= key === "form" ? `${field}: ${message}` : sentence(message);
  }
  if (!problem.causes.length) errors[/already exists/.test(problem.message) ? "name" : "form"] = /already exists/.test(problem.message) ? "A branch of this name already exists." : problem.message;
  return errors;
}

const sentence = (text) => `${/^[a-z]+ /.test(text) ? text[0].toUpperCase() : text[0]}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

function fieldOf(path, changes) {
  const [, service, rest = ""] = /^spec\.services(?:\[|\.)([^\].]+)\]?\.?(.*)$/.exec(path) ?? [];
  if (service !== undefined) {
    const number = changes.findIndex((change) => change.service.trim() === service);
    if (number < 0) return "form";
    const part = ["env", "image", "command", "version", "url", "port"].find((name) => rest.includes(name));
    return `${number}.${part ?? "service"}`;
  }
  if (path.startsWith("metadata.name")) return "name";
  if (path.startsWith("spec.enter")) return "entryValue";
  if (path.startsWith("spec.includes")) return "includes";
  return path.startsWith("spec.expires") ? "expires" : "form";
}

/** The form as a Branch object; the form has no errors. */
export function branchOf({ name, namespace, entry, changes, includes, expires, fallback }) {
  const spec = {};
  if (entry.kind !== "none") spec.enter = [{ [entry.kind]: { name: entry.name.trim(), value: entry.value.trim() || name } }];
  const services = Object.fromEntries(changes.filter((change) => change.service.trim()).map((change) => [change.service.trim(), changed(change.service.trim(), change)]));
  if (Object.keys(services).length) spec.services = services;
  const others = includes.split(/[\s,]+/).filter(Boolean);
  if (others.length) spec.includes = others;
  if (expires) spec.expires = expires;
  if (fallback) spec.fallback = "baseline";
  return { apiVersion: "meshmall.dev/v1", kind: "Branch", metadata: { name, namespace }, spec };
}

function changed(service, { how, env, image, command, version, url, port }) {
  if (how === "version") return { version: version.trim() };
  if (how === "url") return { url: url.trim() };
  const container = {};
  const variables = variablesOf(env);
  if (variables.length) container.env = variables;
  if (image.trim()) container.image = image.trim();
  if (command.trim()) container.command = words(command);
  if (how === "fork") return { fork: container };
  return { template: { spec: { containers: [{ name: service, ...container, ports: [{ containerPort: Number(port) }] }] } } };
}

const linesOf = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

function variablesOf(text) {
  return linesOf(text).map((line) => {
    const at = line.indexOf("=");
    return { name: line.slice(0, at).trim(), value: line.slice(at + 1) };
  });
}

/** A command's words; quotes keep spaces together. */
export function words(text) {
  const result = [];
  for (const [unquoted, double, single] of text.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|[^\s"']+/g)) {
    result.push(single ?? double?.replace(/\\(.)/g, "$1") ?? unquoted);
  }
  return result;
}
