// The console's frame: navigation, connection and theme around the current view. A new view is one entry in VIEWS.
import { html, render, useEffect, useErrorBoundary, useRef, useState } from "./vendor/preact-htm.js";
import { kube, signedOut } from "./lib/api.js";
import { branchColors, learnColors } from "./lib/colors.js";
import { Branches } from "./views/branches.js";
import { Icon } from "./components/icons.js";
import { connection, start, useAnswer } from "./lib/live.js";
import { Announcement } from "./components/parts.js";
import { Health, useProblems } from "./views/health.js";
import { Requests } from "./views/requests.js";
import { href, useRoute } from "./lib/route.js";
import { Rules } from "./views/rules.js";
import { useStore } from "./lib/store.js";
import { Topology } from "./views/topology.js";
import { Workloads } from "./views/workloads.js";

const VIEWS = [
  { id: "topology", name: "Topology", view: Topology },
  { id: "requests", name: "Requests", view: Requests },
  { id: "branches", name: "Branches", view: Branches },
  { id: "workloads", name: "Workloads", view: Workloads },
  { id: "rules", name: "Rules", view: Rules },
  { id: "health", name: "Health", view: Health },
];
const NAMES_EVERY_MS = 3_000;
const NEXT_THEME = { system: "light", light: "dark", dark: "system" };

function Console() {
  const route = useRoute();
  const isSignedOut = useStore(signedOut);
  const main = useRef(null);
  const view = VIEWS.find(({ id }) => id === route.view) ?? VIEWS[0];
  const branches = useAnswer(isSignedOut ? "" : kube("branches"), ["Branch"], NAMES_EVERY_MS);
  // Before the children are drawn, so that no branch flashes in another colour.
  if (branches.data) learnColors(branches.data.items);
  useStore(branchColors);
  useEffect(() => { document.title = `${view.name} – mesh console`; }, [view.id]);
  if (isSignedOut) return html`<${SignedOut} />`;
  const skip = (event) => {
    event.preventDefault();
    main.current.focus();
  };
  return html`<header class="top">
      <a class="skip" href="#main" onClick=${skip}>Skip to content</a>
      <a class="brand" href="#/topology"><img src="favicon.svg" alt="" width="24" height="24" /><span>Mesh console</span></a>
      <nav aria-label="Views">${VIEWS.map(({ id, name }) => html`<a key=${id} href=${href(id, [], { branch: ["topology", "requests"].includes(id) ? route.query.branch : "" })}
          aria-current=${id === view.id ? "page" : null}><${Icon} name=${id} /><span>${name}</span>${id === "health" && html`<${Count} />`}</a>`)}</nav>
      <${Connection} /><${Theme} />
    </header>
    <main class="view ${view.id}" id="main" ref=${main} tabindex="-1"><${ErrorBoundary} key=${view.id}><${view.view} route=${route} /><//></main>
    <${Announcement} />`;
}

/** How many problems there are, wherever somebody is in the console. */
function Count() {
  const { problems } = useProblems();
  if (!problems?.length) return null;
  const kind = problems.some(({ kind: of }) => of === "bad") ? "bad" : "warn";
  return html`<span class="count ${kind}">${problems.length}<span class="unseen"> ${problems.length === 1 ? "problem" : "problems"}</span></span>`;
}

/** An error in one view is shown in its place; the rest of the console keeps working. */
function ErrorBoundary({ children }) {
  const [error, reset] = useErrorBoundary((problem) => console.error(problem));
  if (!error) return children;
  return html`<div class="trouble" role="alert"><p>This view failed: ${error.message}</p><button class="small" onClick=${reset}>Try again</button></div>`;
}

// Each page that is signed in says so here: another tab that is signed out then goes on where it was.
const tabs = new BroadcastChannel("mesh-console");

function SignedOut() {
  useEffect(() => {
    const resume = () => location.reload();
    tabs.addEventListener("message", resume);
    return () => tabs.removeEventListener("message", resume);
  }, []);
  return html`<main class="signed-out"><img src="favicon.svg" alt="" width="48" height="48" /><h1>You're signed out</h1>
    <p>Run <code>meshmall console</code> again to open a new session.</p><p class="soft">This page then goes on where it is; its address stays valid.</p></main>`;
}

const CONNECTION_TEXT = { live: "live", connecting: "connecting", lost: "disconnected" };

function Connection() {
  const state = useStore(connection);
  return html`<span class="connection ${state}" role="status">${CONNECTION_TEXT[state]}</span>`;
}

function Theme() {
  const [theme, set] = useState(document.documentElement.dataset.theme || "system");
  const switchTheme = () => {
    const next = NEXT_THEME[theme];
    if (next === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try { localStorage.setItem("theme", next); } catch { /* storage may be disabled */ }
    set(next);
  };
  return html`<button class="plain theme" aria-label=${`Theme: ${theme}`} title=${`Theme: ${theme}`} onClick=${switchTheme}><${Icon} name=${theme} /></button>`;
}

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
root.textContent = "";
render(html`<${Console} />`, root);
start();
connection.follow((state) => state === "live" && tabs.postMessage("signed in"));
