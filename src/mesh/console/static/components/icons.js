// The console's icons: SVG paths on a 20 by 20 grid.
import { html } from "../vendor/preact-htm.js";

const PATHS = {
  topology: "M4 10h3M13 5h-2.500c-2 0-2 5-3.5 5s1.5 5 3.5 5H13M2 10a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0-3 0M13 5a2 2 0 1 0 4 0a2 2 0 1 0-4 0M13 15a2 2 0 1 0 4 0a2 2 0 1 0-4 0",
  requests: "M3 4.500h9M6 8.500h11M6 12.500h6M9 16.500h5",
  branches: "M5 4v12M5 12c0-4 9-1 9-6M3.5 3.500a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0-3 0M3.5 16.500a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0-3 0M12.5 4.500a1.5 1.5 0 1 0 3 0a1.5 1.5 0 1 0-3 0",
  workloads: "M3 6.5 10 3l7 3.500v7L10 17l-7-3.500zM3 6.500l7 3.5 7-3.500M10 10v7",
  rules: "M3 5h3l8 10h3M3 15h3l2-2.500M11.5 7.5 14 5h3M15 3l2 2-2 2M15 13l2 2-2 2",
  system: "M3 4h14v9H3zM7 17h6M10 13v4",
  light: "M6.5 10a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0M10 2v2M10 16v2M2 10h2M16 10h2M4.3 4.300l1.4 1.400M14.3 14.300l1.4 1.400M4.3 15.700l1.4-1.400M14.3 5.700l1.4-1.4",
  dark: "M16 11.500A6.5 6.5 0 0 1 8.5 4 6.5 6.5 0 1 0 16 11.500z",
  close: "M5 5l10 10M15 5 5 15",
  plus: "M10 4v12M4 10h12",
  minus: "M4 10h12",
  fit: "M4 8V4h4M12 4h4v4M16 12v4h-4M8 16H4v-4",
  copy: "M7 7h9v9H7zM4 13V4h9",
  ready: "M4 10.500 8 14.500l8-9",
  health: "M2 10h4l2-5 4 10 2-5h4",
  restart: "M15.500 8A6 6 0 1 0 16 11.500M16 4v4h-4",
  minimise: "M5 8l5 5 5-5",
  back: "M12 4l-6 6 6 6",
  out: "M8 4H4v12h12v-4M11 4h5v5M16 4l-7 7",
  clock: "M3 10a7 7 0 1 0 14 0a7 7 0 1 0-14 0M10 6v4l3 2",
  bin: "M4 6h12M8 6V4h4v2M6 6l.7 10h6.600L14 6",
  diff: "M7 3v14M13 3v14M4 7h6M10 13h6",
};

export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 20 20" width="18" height="18" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}
