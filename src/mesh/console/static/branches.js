import { html } from "./vendor/preact-htm.js";

export const Branches = () => html`<h1>Branches</h1>`;
