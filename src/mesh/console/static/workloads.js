import { html } from "./vendor/preact-htm.js";

export const Workloads = () => html`<h1>Workloads</h1>`;
