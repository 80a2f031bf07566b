// A table of any number of rows; only those in view are in the document.
import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact-htm.js";

// Rows rendered above and below the view, so that scrolling shows no gaps.
const SPARE = 8;
const NEAR_END = 40;
// Fingers need more room than a pointer.
const TOUCH_HEIGHT = 46;
const TOUCH = matchMedia("(pointer: coarse)").matches;

/**
 * @param {object} of
 * @param {string} of.label the accessible name
 * @param {string} of.kind the class that sets the column widths
 * @param {{name: string, class?: string}[]} of.columns
 * @param {any[]} of.items
 * @param {(item: any) => string|number} of.keyOf
 * @param {(item: any) => any[]} of.cells one per column
 * @param {number} of.height of a row in pixels
 * @param {(item: any) => void} [of.onOpen] for clicks, Enter, arrow keys, Page Up and Down, Home and End
 * @param {string|number} [of.open] the key of the open row
 * @param {() => void} [of.onNearEnd]
 */
export function List({ label, kind, columns, items, keyOf, cells, height: mouseHeight, onOpen, open, onNearEnd }) {
  const height = TOUCH ? Math.max(mouseHeight, TOUCH_HEIGHT) : mouseHeight;
  const element = useRef(null);
  const anchor = useRef(null);
  const [viewport, setViewport] = useState({ top: 0, height: 800 });

  useEffect(() => {
    const box = element.current;
    const measure = () => setViewport({ top: box.scrollTop, height: box.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(box);
    box.addEventListener("scroll", measure, { passive: true });
    return () => {
      observer.disconnect();
      box.removeEventListener("scroll", measure);
    };
  }, []);

  // New rows at the top must not move the rows that somebody is reading.
  useLayoutEffect(() => {
    const box = element.current;
    const before = anchor.current;
    if (before && box.scrollTop > 0) {
      const now = items.findIndex((item) => keyOf(item) === before.key);
      if (now > before.index) box.scrollTop += (now - before.index) * height;
    }
    const index = Math.floor(box.scrollTop / height);
    anchor.current = index < items.length ? { index, key: keyOf(items[index]) } : null;
  });

  const first = Math.max(0, Math.floor(viewport.top / height) - SPARE);
  const last = Math.min(items.length, Math.ceil((viewport.top + viewport.height) / height) + SPARE);
  useEffect(() => {
    if (onNearEnd && last > items.length - NEAR_END) onNearEnd();
  }, [last, items.length]);

  const move = (event) => {
    const page = Math.max(1, Math.floor(viewport.height / height) - 2);
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -items.length, End: items.length }[event.key];
    if (!onOpen) return;
    if (event.key === "Enter" && event.target === element.current && items.length && open === undefined) onOpen(items[0]);
    if (!step || event.target.closest("input, select, textarea")) return;
    event.preventDefault();
    // Without an open row, the first step down leads to the first row, and one up or End to the last.
    const from = open === undefined && step < 0 && event.key !== "Home" ? items.length : items.findIndex((item) => keyOf(item) === open);
    const to = Math.min(items.length - 1, Math.max(0, from + step));
    if (items[to] === undefined) return;
    const box = element.current;
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
      tabindex="0" ref=${element} onKeyDown=${move}>
    <div role="rowgroup" class="head"><div role="row" class="row" aria-rowindex="1">
      ${columns.map((column) => html`<div role="columnheader" class=${column.class ?? ""}>${column.name}</div>`)}
    </div></div>
    <div role="rowgroup" class="rows" style=${{ height: `${items.length * height}px` }}>${rows}</div>
  </div>`;
}
