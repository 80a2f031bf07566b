// Computes the positions in the service graph: callers on the left, the services they call to their right. Pure.
import { placeLabels } from "./graph_labels.js";

export const SIZE = { width: 176, head: 30, row: 24, foot: 6, across: 164, between: 44, margin: 16 };
const MOST_ROWS = 6;
const SWEEPS = 6;

/**
 * @param {any[]} services from the topology
 * @param {any[]} edges from the topology
 * @param {string} branch its versions are listed first
 * @returns {{nodes: any[], links: any[], idle: any[], width: number, height: number, idleTop: number}}
 */
export function layout(services, edges, branch) {
  const used = new Set(edges.flatMap((edge) => [edge.source, edge.target]));
  const byId = new Map(services.map((service) => [service.id, service]));
  for (const id of used) if (!byId.has(id)) byId.set(id, { id, name: id, namespace: "", kind: "external", versions: [] });
  const nodes = [...byId.values()].filter((service) => used.has(service.id) || (service.kind === "gateway" && used.size));
  const active = new Map(nodes.map((service) => [service.id, nodeOf(service, edges, branch)]));
  const columns = ordered(columnsOf([...active.keys()].sort(), edges), edges);
  const tallest = Math.max(0, ...columns.map((column) => heightOf(column, active)));
  columns.forEach((column, number) => {
    let top = SIZE.margin + (tallest - heightOf(column, active)) / 2;
    for (const id of column) {
      const placed = /** @type {any} */ (active.get(id));
      placed.x = SIZE.margin + number * (SIZE.width + SIZE.across);
      placed.y = top;
      top += placed.height + SIZE.between;
    }
  });
  const width = Math.max(4, columns.length) * (SIZE.width + SIZE.across) - SIZE.across + 2 * SIZE.margin;
  const links = linksOf(active, edges);
  placeLabels(links, [...active.values()]);
  const idle = [...byId.values()]
    .filter((service) => !active.has(service.id) && (used.size || service.kind !== "gateway"))
    .map((service) => nodeOf(service, [], branch));
  const idleTop = used.size ? tallest + 2 * SIZE.margin + 24 : SIZE.margin;
  const bottom = placeIdle(idle, idleTop + 22, width);
  return { nodes: [...active.values()], links, idle, width, height: idle.length ? bottom : tallest + 2 * SIZE.margin, idleTop };
}

/** A service as a node with a row per version; the last row counts the versions that are not shown. */
function nodeOf(service, edges, branch) {
  const requests = new Map();
  for (const edge of edges) {
    if (edge.target === service.id) requests.set(edge.targetWorkload, (requests.get(edge.targetWorkload) ?? 0) + edge.requests);
  }
  const rank = (version) => [
    version.branch && version.branch === branch ? 0 : 1,
    version.branch ? 1 : 0,
    -(requests.get(version.workload) ?? 0),
  ];
  let rows = [...service.versions];
  let more = 0;
  if (rows.length > MOST_ROWS) {
    rows.sort((one, other) => compare(rank(one), rank(other)));
    more = rows.length - MOST_ROWS + 1;
    rows = rows.slice(0, MOST_ROWS - 1);
  }
  rows.sort((one, other) => compare([one.branch, one.workload], [other.branch, other.workload]));
  const shown = rows.map((version, number) => ({ ...version, y: SIZE.head + number * SIZE.row }));
  if (more) shown.push({ more, workload: "", version: "", branch: "", y: SIZE.head + rows.length * SIZE.row });
  const height = SIZE.head + shown.length * SIZE.row + (shown.length ? SIZE.foot : 0);
  return { id: service.id, service, rows: shown, width: SIZE.width, height, x: 0, y: 0 };
}

function compare(one, other) {
  for (let at = 0; at < one.length; at += 1) {
    if (one[at] < other[at]) return -1;
    if (one[at] > other[at]) return 1;
  }
  return 0;
}

/** Puts each node one column to the right of its rightmost caller; calls back to a caller are ignored. */
function columnsOf(ids, edges) {
  const calls = new Map(ids.map((id) => [id, []]));
  const called = new Set();
  for (const edge of edges) {
    if (edge.source !== edge.target && !calls.get(edge.source).includes(edge.target)) calls.get(edge.source).push(edge.target);
    called.add(edge.target);
  }
  for (const list of calls.values()) list.sort();
  const finished = [];
  const state = new Map();
  const back = new Set();
  const visit = (id) => {
    state.set(id, "open");
    for (const next of calls.get(id)) {
      if (state.get(next) === "open") back.add(`${id} ${next}`);
      else if (!state.has(next)) visit(next);
    }
    state.set(id, "done");
    finished.push(id);
  };
  const entries = ids.filter((id) => !called.has(id));
  for (const id of [...entries.sort((one, other) => Number(other === "gateway") - Number(one === "gateway")), ...ids]) {
    if (!state.has(id)) visit(id);
  }
  const column = new Map(ids.map((id) => [id, 0]));
  for (const id of finished.reverse()) {
    for (const next of calls.get(id)) {
      if (!back.has(`${id} ${next}`)) column.set(next, Math.max(column.get(next), column.get(id) + 1));
    }
  }
  const columns = [];
  for (const id of ids) (columns[column.get(id)] ??= []).push(id);
  return columns.filter(Boolean);
}

/** Moves each node towards the middle of its neighbors, so that few edges cross. */
function ordered(columns, edges) {
  const neighbors = new Map(columns.flat().map((id) => [id, new Set()]));
  for (const edge of edges) {
    neighbors.get(edge.source).add(edge.target);
    neighbors.get(edge.target).add(edge.source);
  }
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const place = new Map();
    for (const column of columns) column.forEach((id, at) => place.set(id, (at + 0.5) / column.length));
    for (const column of sweep % 2 ? [...columns].reverse() : columns) {
      const weight = new Map(column.map((id) => [id, mean([...neighbors.get(id)].map((neighbor) => place.get(neighbor)), place.get(id))]));
      column.sort((one, other) => weight.get(one) - weight.get(other) || (one < other ? -1 : 1));
      column.forEach((id, at) => place.set(id, (at + 0.5) / column.length));
    }
  }
  return columns;
}

const mean = (values, otherwise) => (values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : otherwise);

const heightOf = (column, nodes) =>
  column.reduce((sum, id) => sum + nodes.get(id).height + SIZE.between, -SIZE.between);

/** Merges edges that would be drawn on top of each other, for example those to versions that are not shown. */
function linksOf(nodes, edges) {
  const merged = new Map();
  for (const edge of edges) {
    const source = nodes.get(edge.source);
    const target = nodes.get(edge.target);
    const from = rowAt(source, edge.sourceWorkload);
    const to = rowAt(target, edge.targetWorkload);
    const key = `${edge.source} ${from} ${edge.target} ${to}`;
    const link = merged.get(key) ?? { key, source, target, fromY: source.y + from, toY: target.y + to, edges: [] };
    link.edges.push(edge);
    merged.set(key, link);
  }
  for (const link of merged.values()) link.points = curve(link);
  return [...merged.values()];
}

function rowAt(node, workload) {
  const row = node.rows.find((item) => item.workload === workload && !item.more) ?? (workload ? node.rows.find((item) => item.more) : null);
  return row ? row.y + SIZE.row / 2 : SIZE.head / 2;
}

/** The four points of a cubic curve; a call back to the left runs below the nodes. */
function curve({ source, target, fromY, toY }) {
  const from = [source.x + source.width, fromY];
  const to = [target.x, toY];
  if (target.x > source.x) {
    const bend = Math.max(40, (to[0] - from[0]) * 0.5);
    return [from, [from[0] + bend, fromY], [to[0] - bend, toY], to];
  }
  const low = Math.max(source.y + source.height, target.y + target.height) + 40;
  return [from, [from[0] + 90, low], [to[0] - 90, low], to];
}

export const path = ([a, b, c, d]) => `M${a[0]} ${a[1]}C${b[0]} ${b[1]} ${c[0]} ${c[1]} ${d[0]} ${d[1]}`;

/** Places the services that were not called in lines below the graph. Returns the bottom of the last line. */
function placeIdle(idle, top, width) {
  const across = Math.max(1, Math.floor((width - 2 * SIZE.margin + 20) / (SIZE.width + 20)));
  let y = top;
  for (let start = 0; start < idle.length; start += across) {
    const line = idle.slice(start, start + across);
    line.forEach((placed, at) => {
      placed.x = SIZE.margin + at * (SIZE.width + 20);
      placed.y = y;
    });
    y += Math.max(...line.map((placed) => placed.height)) + SIZE.between;
  }
  return y + SIZE.margin;
}
