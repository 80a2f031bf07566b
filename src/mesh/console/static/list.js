// A table of any number of rows, of which only those in sight are in the document.
import { html, useEffect, useLayoutEffect, useRef, useState } from "./vendor/preact-htm.js";

const SPARE = 8;
const NEAR_END = 40;

/**
 * @param {object} of
 * @param {string} of.label what the table is
 * @param {string} of.kind a class that sets the columns' widths
 * @param {{name: string, class?: string}[]} of.columns
 * @param {any[]} of.items
 * @param {(item: any) => string|number} of.keyOf
 * @param {(item: any) => any[]} of.cells one for each column
 * @param {number} of.height of a row, in pixels
 * @param {(item: any) => void} [of.onOpen] for a click and the key Enter
 * @param {string|number} [of.open] the key of the row that is open
 * @param {() => void} [of.onNearEnd]
 */
export function List({ label, kind, columns, items, keyOf, cells, height, onOpen, open, onNearEnd }) {
  const at = useRef(null);
  const anchor = useRef(null);
  const [sight, setSight] = useState({ top: 0, room: 800 });

  useEffect(() => {
    const box = at.current;
    const look = () => setSight({ top: box.scrollTop, room: box.clientHeight });
    const watch = new ResizeObserver(look);
    watch.observe(box);
    box.addEventListener("scroll", look, { passive: true });
    return () => {
      watch.disconnect();
      box.removeEventListener("scroll", look);
    };
  }, []);

  // New rows above do not move those that somebody is reading.
  useLayoutEffect(() => {
    const box = at.current;
    const before = anchor.current;
    if (before && box.scrollTop > 0) {
      const now = items.findIndex((item) => keyOf(item) === before.key);
      if (now > before.index) box.scrollTop += (now - before.index) * height;
    }
    const index = Math.floor(box.scrollTop / height);
    anchor.current = index < items.length ? { index, key: keyOf(items[index]) } : null;
  });

  const first = Math.max(0, Math.floor(sight.top / height) - SPARE);
  const last = Math.min(items.length, Math.ceil((sight.top + sight.room) / height) + SPARE);
  useEffect(() => {
    if (onNearEnd && last > items.length - NEAR_END) onNearEnd();
  }, [last, items.length]);

  const move = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!onOpen) return;
    if (event.key === "Enter" && event.target === at.current && items.length && open === undefined) onOpen(items[0]);
    if (!step || event.target.closest("input, select, textarea")) return;
    event.preventDefault();
    const from = items.findIndex((item) => keyOf(item) === open);
    const to = Math.min(items.length - 1, Math.max(0, from + step));
    if (items[to] === undefined) return;
    const box = at.current;
    if (to * height < box.scrollTop) box.scrollTop = to * height;
    else if ((to + 2) * height > box.scrollTop + box.clientHeight) box.scrollTop = (to + 2) * height - box.clientHeight;
    onOpen(items[to]);
  };

  const rows = [];
  for (let index = first; index < last; index += 1) {
    const item = items[index];
    const key = keyOf(item);
    rows.push(html`<div role="row" class="row ${key === open ? "open" : ""} ${onOpen ? "opens" : ""}" key=${key}
        aria-rowindex=${index + 2} aria-current=${key === open ? "true" : null}
        style=${{ top: `${index * height}px`, height: `${height}px` }}
        onClick=${onOpen && ((event) => !event.target.closest("a, button") && onOpen(item))}>
      ${cells(item).map((cell, number) => html`<div role="cell" class=${columns[number].class ?? ""}>${cell}</div>`)}
    </div>`);
  }
  return html`<div class="list ${kind}" role="table" aria-label=${label} aria-rowcount=${items.length + 1}
      tabindex="0" ref=${at} onKeyDown=${move}>
    <div role="rowgroup" class="head"><div role="row" class="row" aria-rowindex="1">
      ${columns.map((column) => html`<div role="columnheader" class=${column.class ?? ""}>${column.name}</div>`)}
    </div></div>
    <div role="rowgroup" class="rows" style=${{ height: `${items.length * height}px` }}>${rows}</div>
  </div>`;
}
