// Draws the service graph: services with their versions, and which calls which.
import { html, useState } from "../vendor/preact-htm.js";
import { colorClass, shapeOf } from "../lib/colors.js";
import { milliseconds, rate, share } from "../lib/format.js";
import { LABEL, labelsToDraw } from "./graph_labels.js";
import { SIZE, path } from "./graph_layout.js";
import { Icon } from "./icons.js";
import { usePanZoom } from "./viewport.js";

/** The totals of several edges. Their quantile is that of the slowest edge. */
export function sum(edges) {
  /** @type {{requests: number, rate: number, errors: number, p50: number|null, p99: number|null}} */
  const total = { requests: 0, rate: 0, errors: 0, p50: null, p99: null };
  for (const edge of edges) {
    total.requests += edge.requests;
    total.rate += edge.rate;
    total.errors += edge.errors;
    total.p50 = Math.max(total.p50 ?? 0, edge.p50 ?? 0);
    total.p99 = Math.max(total.p99 ?? 0, edge.p99 ?? 0);
  }
  return { ...total, errorShare: total.requests ? total.errors / total.requests : 0 };
}

/** The key of an edge; the same in the graph of all requests and in the graph of one branch. */
export const keyOf = (edge) =>
  [edge.source, edge.sourceWorkload, edge.target, edge.targetWorkload, edge.version, edge.branch].join("\n");

const press = (act) => (event) => {
  if (event.key !== "Enter" && event.key !== " ") return;
  event.preventDefault();
  act();
};

/**
 * @param {object} of
 * @param {any} of.plan the result of `layout`
 * @param {Map<string, any>|null} of.lit the selected branch's edges by key; null when no branch is selected
 * @param {string} of.branch the selected branch
 * @param {string} [of.selected] the key of the selected node or link
 * @param {(selection: {node?: string, link?: string}) => void} of.onSelect
 */
export function Graph({ plan, lit, branch, selected, onSelect }) {
  const [over, setOver] = useState("");
  const { element, view, onKeyDown, zoomIn, zoomOut, fitAgain, reveal } = usePanZoom(plan);
  const litNodes = new Set(lit ? [...lit.values()].flatMap((edge) => [edge.source, edge.target]) : []);
  const isLit = (link) => !lit || link.edges.some((edge) => lit.has(keyOf(edge)));
  const nodeLit = (node) => !lit || litNodes.has(node.id) || node.rows.some((row) => branch && row.branch === branch);
  const shown = (link) => (lit ? link.edges.map((edge) => lit.get(keyOf(edge))).filter(Boolean) : link.edges);
  const near = (link) => over && (link.source.id === over || link.target.id === over || link.key === over);
  const links = [...plan.links].sort((one, other) => isLit(one) - isLit(other));
  const first = new Set(links.filter((link) => near(link) || selected === link.key).map(({ key }) => key));
  const labels = labelsToDraw(links.filter((link) => isLit(link) && shown(link).length), [...plan.nodes, ...plan.idle], first);
  return html`<div class="canvas">
    <div class="drawing" tabindex="0" role="group" aria-label="Service graph: arrow keys move it, plus and minus zoom, 0 fits it" ref=${element} onKeyDown=${onKeyDown}>
      <svg class="graph" width="100%" height="100%"><g transform="translate(${view.x} ${view.y}) scale(${view.scale})">
        <g class="links">
          ${links.map((link) => html`<${Link} key=${link.key} link=${link} edges=${shown(link)} dim=${!isLit(link)}
              near=${near(link)} flows=${Boolean(lit) && isLit(link)} branch=${branch} selected=${selected === link.key}
              onOver=${setOver} onSelect=${() => onSelect({ link: link.key })} />`)}
        </g>
        ${plan.idle.length > 0 && plan.nodes.length > 0 &&
        html`<text class="caption" x=${SIZE.margin} y=${plan.idleTop + 8}>Not called in the last minute</text>`}
        <g>
          ${[...plan.nodes, ...plan.idle].map((node) => html`<${Node} key=${node.id} node=${node} dim=${!nodeLit(node)}
              idle=${plan.idle.includes(node)} lit=${lit} branch=${branch} links=${plan.links} selected=${selected === node.id}
              onOver=${setOver} onSelect=${() => onSelect({ node: node.id })} onFocus=${() => reveal(node)} />`)}
        </g>
        <g class="labels" aria-hidden="true">
          ${links.map((link) => labels.has(link.key) && html`<${Label} key=${link.key} at=${labels.get(link.key)} edges=${shown(link)} />`)}
        </g>
      </g></svg>
    </div>
    <div class="tools" role="toolbar" aria-label="View of the graph">
      <button class="plain" aria-label="Zoom in" title="Zoom in (+)" onClick=${zoomIn}><${Icon} name="plus" /></button>
      <button class="plain" aria-label="Zoom out" title="Zoom out (-)" onClick=${zoomOut}><${Icon} name="minus" /></button>
      <button class="plain" aria-label="Fit to the window" title="Fit to the window (0)" onClick=${fitAgain}><${Icon} name="fit" /></button>
    </div>
    <${Legend} branch=${branch} />
  </div>`;
}

function Link({ link, edges, dim, near, flows, branch, selected, onOver, onSelect }) {
  const all = sum(edges);
  const width = 1.25 + Math.min(3.5, Math.log10(1 + all.rate) * 1.8);
  const own = link.edges[0].branch;
  const kind = ["link", dim && "dim", near && "near", flows && "flows", selected && "selected", all.errors > 0 && "bad", own && "own", colorClass(own || branch)];
  return html`<g class=${kind.filter(Boolean).join(" ")}
      onMouseEnter=${() => onOver(link.key)} onMouseLeave=${() => onOver("")} onClick=${onSelect}>
    <path class="wide" d=${path(link.points)} />
    <path class="line" d=${path(link.points)} style=${{ strokeWidth: `${width}px` }} />
    <circle cx=${link.points[3][0]} cy=${link.points[3][1]} r="3" />
  </g>`;
}

function Label({ at, edges }) {
  const all = sum(edges);
  const times = `${milliseconds(all.p50).replace(" ms", "")} / ${milliseconds(all.p99)}`;
  const errors = all.errors > 0 ? `${share(all.errorShare)} err` : "";
  // An estimate: text is only measured once it is drawn, and all of them at once would make the page lay out again.
  const width = Math.min(LABEL.width, 6.4 * Math.max(times.length, `${rate(all.rate)}/s ${errors}`.length) + 8);
  return html`<g class="label ${all.errors ? "bad" : ""}" transform="translate(${at.x} ${at.y})">
    <rect x=${-width / 2} y=${-LABEL.height / 2} width=${width} height=${LABEL.height} rx="5" />
    <text y="-2"><tspan class="rate">${rate(all.rate)}/s</tspan>${errors && html`<tspan class="errors">${` ${errors}`}</tspan>`}</text>
    <text y="10" class="times">${times}</text>
  </g>`;
}

const LEGEND = [
  ["calls", "M0 6h26", "calls; the thicker, the more per second"],
  ["calls bad", "M0 6h26", "calls with errors"],
  ["calls own", "M0 6h26", "calls to a branch's own version, in its colour"],
  ["calls flows", "M0 6h26", "the selected branch's path"],
];

function Legend({ branch }) {
  const [open, setOpen] = useState(false);
  return html`<div class="legend">
    <button class="small quiet" aria-expanded=${open} onClick=${() => setOpen(!open)}>Legend</button>
    ${open && html`<ul>
      ${LEGEND.map(([kind, line, text]) => html`<li key=${kind}><svg class="${kind} ${colorClass(branch || "fox")}" width="28" height="12" aria-hidden="true"><path d=${line} /></svg>${text}</li>`)}
      <li><svg class="dots" width="28" height="12" aria-hidden="true"><circle class="good" cx="8" cy="6" r="4" /><path class="bad" d="M17 2l7 8M24 2l-7 8" /></svg>a version whose pods are all ready; one with pods that are not</li>
      <li><b class="figures-of">1.8/s 2 % err</b>requests per second, share of errors</li>
      <li><b class="figures-of">4.7 / 61 ms</b>median and 99th percentile of the duration</li>
    </ul>`}
  </div>`;
}

function Node({ node, dim, idle, lit, branch, links, selected, onOver, onSelect, onFocus }) {
  const { service } = node;
  const into = links.filter((link) => link.target === node).flatMap((link) => link.edges);
  const counted = lit ? into.map((edge) => lit.get(keyOf(edge))).filter(Boolean) : into;
  const all = sum(counted);
  const figures = idle ? "not called" : `${rate(all.rate)} requests per second, ${share(all.errorShare)} errors`;
  const kind = ["node", service.kind, dim && "dim", idle && "idle", selected && "selected", all.errors > 0 && "bad"];
  return html`<g class=${kind.filter(Boolean).join(" ")} transform="translate(${node.x} ${node.y})" role="button" tabindex="0"
      aria-label="${service.name}: ${figures}" aria-pressed=${selected ? "true" : "false"} data-id=${node.id}
      onMouseEnter=${() => onOver(node.id)} onMouseLeave=${() => onOver("")} onClick=${onSelect}
      onFocus=${onFocus} onKeyDown=${press(onSelect)}>
    <rect class="card" width=${node.width} height=${node.height} rx="9" />
    <text class="name" x="12" y="20">${clip(service.name, 17)}</text>
    ${!idle && counted.length > 0 && html`<text class="figure" x=${node.width - 12} y="20">${rate(all.rate)}/s</text>`}
    ${node.rows.map((row) => html`<${Row} key=${row.more ? "+" : row.workload} row=${row} width=${node.width}
        dim=${lit && branch !== "-" && row.branch !== branch && !counted.some((edge) => edge.targetWorkload === row.workload)}
        edges=${counted.filter((edge) => edge.targetWorkload === row.workload)} />`)}
  </g>`;
}

function Row({ row, width, dim, edges }) {
  if (row.more) return html`<text class="more" x="14" y=${row.y + 15}>and ${row.more} more</text>`;
  const all = sum(edges);
  const name = row.branch || row.version || row.workload;
  const unready = row.ready < row.pods || !row.pods;
  const kind = ["version", row.branch ? "own" : "", colorClass(row.branch), dim ? "dim" : "", unready ? "unready" : ""];
  return html`<g class=${kind.filter(Boolean).join(" ")} transform="translate(6 ${row.y})">
    <rect width=${width - 12} height=${SIZE.row - 3} rx="6" />
    ${unready ? html`<path class="cross" d="M7.500 7l7 7M14.500 7l-7 7" />` : html`<circle cx="11" cy=${(SIZE.row - 3) / 2} r="3.5" />`}
    ${row.branch && html`<path class="mark-of" transform="translate(21 6)" d=${shapeOf(row.branch)} />`}
    <text x=${row.branch ? 35 : 21} y="15">${clip(name, row.branch ? 11 : 13)}</text>
    ${edges.length > 0
    ? html`<text class="figure" x=${width - 20} y="15">${milliseconds(all.p99)}</text>`
    : html`<text class="figure" x=${width - 20} y="15">${row.ready}/${row.pods}</text>`}
    <title>${row.workload}: ${row.ready} of ${row.pods} ready${edges.length ? `, p99 ${milliseconds(all.p99)}` : ""}</title>
  </g>`;
}

const clip = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
