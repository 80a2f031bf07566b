// The console: what stands around the views, and which view is shown.
import { html, render, useEffect, useErrorBoundary, useRef, useState } from "./vendor/preact-htm.js";
import { signedOut } from "./api.js";
import { Branches } from "./branches.js";
import { Icon } from "./icons.js";
import { connection, start } from "./live.js";
import { Told } from "./parts.js";
import { Requests } from "./requests.js";
import { href, useRoute } from "./route.js";
import { Rules } from "./rules.js";
import { useStore } from "./store.js";
import { Topology } from "./topology.js";
import { Workloads } from "./workloads.js";

const VIEWS = [
  { id: "topology", name: "Topology", view: Topology },
  { id: "requests", name: "Requests", view: Requests },
  { id: "branches", name: "Branches", view: Branches },
  { id: "workloads", name: "Workloads", view: Workloads },
  { id: "rules", name: "Rules", view: Rules },
];
const THEMES = { system: "light", light: "dark", dark: "system" };

function Console() {
  const route = useRoute();
  const out = useStore(signedOut);
  const main = useRef(null);
  const view = VIEWS.find((each) => each.id === route.view) ?? VIEWS[0];
  useEffect(() => { document.title = `${view.name} – mesh console`; }, [view.id]);
  if (out) return html`<${SignedOut} />`;
  const skip = (event) => {
    event.preventDefault();
    main.current.focus();
  };
  return html`<a class="skip" href="#main" onClick=${skip}>To the content</a>
    <header class="top">
      <a class="brand" href="#/topology"><img src="favicon.svg" alt="" width="24" height="24" /><span>Mesh console</span></a>
      <nav aria-label="Views">${VIEWS.map(({ id, name }) => html`<a key=${id} href=${href(id, [], { branch: ["topology", "requests"].includes(id) ? route.query.branch : "" })}
          aria-current=${id === view.id ? "page" : null}><${Icon} name=${id} /><span>${name}</span></a>`)}</nav>
      <${Connection} /><${Theme} />
    </header>
    <main class="view ${view.id}" ref=${main} tabindex="-1"><${Guarded} key=${view.id}><${view.view} route=${route} /><//></main>
    <${Told} />`;
}

/** A fault of one view is told in its place; the others stand. */
function Guarded({ children }) {
  const [error, reset] = useErrorBoundary((problem) => console.error(problem));
  if (!error) return children;
  return html`<div class="trouble" role="alert"><p>This view failed: ${error.message}</p><button class="small" onClick=${reset}>Draw it again</button></div>`;
}

function SignedOut() {
  return html`<main class="signed-out"><img src="favicon.svg" alt="" width="48" height="48" /><h1>This page may not ask the mesh any more</h1>
    <p>Run <code>meshmall console</code> again: it opens the console in a new page.</p></main>`;
}

const SAID = { live: "live", connecting: "connecting", lost: "not connected" };

function Connection() {
  const state = useStore(connection);
  return html`<span class="connection ${state}" role="status">${SAID[state]}</span>`;
}

function Theme() {
  const [theme, set] = useState(document.documentElement.dataset.theme || "system");
  const turn = () => {
    const next = THEMES[theme];
    if (next === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try { localStorage.setItem("theme", next); } catch { /* storage may be off */ }
    set(next);
  };
  return html`<button class="plain theme" aria-label=${`Colours: ${theme}`} title=${`Colours: ${theme}`} onClick=${turn}><${Icon} name=${theme} /></button>`;
}

const root = document.getElementById("app");
root.textContent = "";
render(html`<${Console} />`, root);
start();
