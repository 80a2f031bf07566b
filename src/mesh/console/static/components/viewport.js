// Zoom and pan of the service graph. The arithmetic is pure; `usePanZoom` ties it to pointer, wheel and keyboard.
import { useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact-htm.js";

export const LEAST_SCALE = 0.2;
export const MOST_SCALE = 4;
// A graph that is fitted is never smaller than readable (the rest is reached by panning), nor larger than life.
const LEAST_FITTED = 0.55;
const MOST_FITTED = 1.5;
const STEP = 1.25;
const PAN_STEP = 60;
// Pixels that a pointer may move and still have clicked.
const CLICK_SLACK = 4;

const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

/** The view that shows a whole drawing in a box: centered, or from its left top corner where it is too large. */
export function fit(drawing, box) {
  if (!box.width || !box.height) return { x: 0, y: 0, scale: 1 };
  const scale = clamp(Math.min(box.width / drawing.width, box.height / drawing.height), LEAST_FITTED, MOST_FITTED);
  const center = (inner, outer) => Math.max(0, (outer - inner * scale) / 2);
  return { x: center(drawing.width, box.width), y: center(drawing.height, box.height), scale };
}

/** Scales a view so that the point under the pointer stays where it is. */
export function zoomAt(view, point, factor) {
  const scale = clamp(view.scale * factor, LEAST_SCALE, MOST_SCALE);
  const ratio = scale / view.scale;
  return { x: point.x - (point.x - view.x) * ratio, y: point.y - (point.y - view.y) * ratio, scale };
}

/** Moves a view, but never so far that nothing of the drawing is left in the box. */
export function pan(view, by, drawing, box) {
  const keep = 80;
  return {
    scale: view.scale,
    x: clamp(view.x + by.x, keep - drawing.width * view.scale, box.width - keep),
    y: clamp(view.y + by.y, keep - drawing.height * view.scale, box.height - keep),
  };
}

/**
 * The view of a drawing in an element; it fits until somebody zooms or pans, and again after `fitAgain`.
 * @param {{width: number, height: number}} drawing
 */
export function usePanZoom(drawing) {
  const element = useRef(null);
  const [box, setBox] = useState({ width: 0, height: 0 });
  const [moved, setMoved] = useState(null);
  const state = useRef({ pointers: new Map(), dragged: false });
  const view = moved ?? fit(drawing, box);
  state.current.view = view;
  state.current.drawing = drawing;
  state.current.box = box;

  useLayoutEffect(() => {
    const measure = () => setBox({ width: element.current.clientWidth, height: element.current.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);

  const move = (next) => {
    state.current.view = next;
    setMoved(next);
  };
  const middle = () => ({ x: state.current.box.width / 2, y: state.current.box.height / 2 });
  const zoom = (factor, point = middle()) => move(zoomAt(state.current.view, point, factor));
  const panBy = (x, y) => move(pan(state.current.view, { x, y }, state.current.drawing, state.current.box));

  useEffect(() => {
    const target = element.current;
    const at = (event) => {
      const { left, top } = target.getBoundingClientRect();
      return { x: event.clientX - left, y: event.clientY - top };
    };
    const wheel = (event) => {
      event.preventDefault();
      if (event.shiftKey) panBy(-event.deltaY || -event.deltaX, 0);
      else zoom(Math.exp(-clamp(event.deltaY, -100, 100) / 400), at(event));
    };
    const down = (event) => {
      if (event.button !== 0) return;
      state.current.pointers.set(event.pointerId, at(event));
      state.current.dragged = false;
      state.current.path = 0;
    };
    const drag = (event) => {
      const { pointers } = state.current;
      const before = pointers.get(event.pointerId);
      if (!before) return;
      const now = at(event);
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
      pointers.set(event.pointerId, now);
      if (other) {
        const distance = (point) => Math.hypot(point.x - other.x, point.y - other.y) || 1;
        zoom(distance(now) / distance(before), other);
      } else {
        state.current.path += Math.hypot(now.x - before.x, now.y - before.y);
        if (state.current.path > CLICK_SLACK) panBy(now.x - before.x, now.y - before.y);
      }
      if (state.current.path > CLICK_SLACK || other) state.current.dragged = true;
    };
    const up = (event) => state.current.pointers.delete(event.pointerId);
    // The click that ends a drag selects nothing.
    const click = (event) => {
      if (state.current.dragged) event.stopPropagation();
      state.current.dragged = false;
    };
    target.addEventListener("wheel", wheel, { passive: false });
    target.addEventListener("pointerdown", down);
    addEventListener("pointermove", drag);
    addEventListener("pointerup", up);
    addEventListener("pointercancel", up);
    target.addEventListener("click", click, true);
    return () => {
      target.removeEventListener("wheel", wheel);
      target.removeEventListener("pointerdown", down);
      removeEventListener("pointermove", drag);
      removeEventListener("pointerup", up);
      removeEventListener("pointercancel", up);
      target.removeEventListener("click", click, true);
    };
  }, []);

  const fitAgain = () => setMoved(null);
  /** Moves the view as far as needed to show a part of the drawing, for one that gets the focus. */
  const reveal = (part) => {
    const { view: now, box: size } = state.current;
    const shift = (start, length, offset, room) => {
      const from = start * now.scale + offset;
      const to = from + length * now.scale;
      if (from < 0) return 12 - from;
      return to > room ? Math.max(room - 12 - to, 12 - from) : 0;
    };
    const by = { x: shift(part.x, part.width, now.x, size.width), y: shift(part.y, part.height, now.y, size.height) };
    if (by.x || by.y) panBy(by.x, by.y);
  };
  const onKeyDown = (event) => {
    const act = {
      "+": () => zoom(STEP), "=": () => zoom(STEP), "-": () => zoom(1 / STEP), 0: fitAgain,
      ArrowLeft: () => panBy(PAN_STEP, 0), ArrowRight: () => panBy(-PAN_STEP, 0),
      ArrowUp: () => panBy(0, PAN_STEP), ArrowDown: () => panBy(0, -PAN_STEP),
    }[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  };
  return { element, view, onKeyDown, zoomIn: () => zoom(STEP), zoomOut: () => zoom(1 / STEP), fitAgain, reveal };
}
