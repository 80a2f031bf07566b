import { html } from "./vendor/preact-htm.js";

export const Rules = () => html`<h1>Rules</h1>`;
