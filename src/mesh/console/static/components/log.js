// A container's log: its last lines, then new lines as they are written; by level and by text, with links to requests.
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/preact-htm.js";
import { kube, open, url } from "../lib/api.js";
import { clock } from "../lib/format.js";
import { LEVELS, matchesLine, parseLine, unmarked } from "../lib/log_lines.js";
import { change, href } from "../lib/route.js";
import { Copy } from "./copy.js";
import { Trouble } from "./parts.js";

const TAIL = 200;
const TAIL_SEARCHED = 2_000;
const MOST_LINES = 2_000;
// Lines in the document: more make scrolling slow, and nobody reads them; the search finds older ones.
const MOST_SHOWN = 500;
const DRAW_EVERY_MS = 100;
const RECONNECT_MS = 1_500;
// Pixels: how close to the end still counts as following it.
const NEAR_END = 30;

/** @param {{pod: any, query: Record<string, string>}} of `query.log` is the text searched for, `query.level` the least level */
export function Log({ pod, query }) {
  const names = pod.spec.containers.map((container) => container.name);
  const [container, choose] = useState(names[0]);
  const [previous, setPrevious] = useState(false);
  const [raw, setRaw] = useState(false);
  const { log: text = "", level = "" } = query;
  const { lines, error } = useLog(pod, container, previous, text ? TAIL_SEARCHED : TAIL);
  const matching = useMemo(() => lines.filter((line) => matchesLine(line, level, unmarked(text).toLowerCase())), [lines, level, text]);
  const box = useRef(null);
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    if (atEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [matching]);
  const onScroll = ({ target }) => { atEnd.current = target.scrollHeight - target.scrollTop - target.clientHeight < NEAR_END; };
  const restarted = (pod.status?.containerStatuses ?? []).some((status) => status.name === container && status.restartCount > 0);
  const shown = matching.slice(-MOST_SHOWN);
  const none = lines.length ? "No line matches." : "No lines yet.";
  return html`<h3 id="log">Log</h3>
    <form class="bar" role="search" aria-label="Log" onSubmit=${(event) => event.preventDefault()}>
      ${names.length > 1 && html`<label class="field">Container <select value=${container} onChange=${(event) => choose(event.target.value)}>
        ${names.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}</select></label>`}
      <label class="field">Level <select value=${level} onChange=${(event) => change({ level: event.target.value }, true)}>
        <option value="">any</option>${LEVELS.slice(1).map((name) => html`<option key=${name} value=${name}>${name}${name === "error" ? "" : " and above"}</option>`)}</select></label>
      <label class="field grow">Search <input type="search" value=${text} placeholder="text, or an x-request-id" autocomplete="off" spellcheck="false"
        onInput=${(event) => change({ log: event.target.value }, true)} /></label>
      ${restarted && html`<label class="tick"><input type="checkbox" checked=${previous} onChange=${(event) => setPrevious(event.target.checked)} /> previous run</label>`}
      <label class="tick"><input type="checkbox" checked=${raw} onChange=${(event) => setRaw(event.target.checked)} /> as written</label>
      <${Copy} text=${matching.map((line) => line.raw).join("\n")} label=${`${matching.length} lines`} />
    </form>
    <${Trouble} error=${error} />
    <pre class="log" tabindex="0" aria-label=${`Log of ${pod.metadata.name}`} ref=${box} onScroll=${onScroll}>${shown.length
      ? shown.map((line, number) => html`<${Line} key=${number} line=${line} raw=${raw} />`) : none}</pre>`;
}

function Line({ line, raw }) {
  const seconds = Date.parse(line.time) / 1000;
  const time = Number.isNaN(seconds) ? "" : clock(seconds);
  const stamp = line.requestId
    ? html`<a class="log-time" href=${href("requests", [line.requestId])} title=${`Show request ${line.requestId}`}>${time || "request"}</a>`
    : html`<span class="log-time">${time}</span>`;
  if (raw) return html`<span class="log-line ${line.level}">${stamp} ${line.raw}${"\n"}</span>`;
  return html`<span class="log-line ${line.level}">${stamp} ${line.level && html`<b class="log-level">${line.level}</b> `}${line.message}${line.rest && html` <span class="log-rest">${line.rest}</span>`}${"\n"}</span>`;
}

/** The log's lines as they arrive, parsed. When the stream ends, it is requested again. */
function useLog(pod, container, previous, tail) {
  const [shown, show] = useState({ lines: [], error: null });
  const { name, namespace, uid } = pod.metadata;
  useEffect(() => {
    const stop = new AbortController();
    let timer = 0;
    let lines = [];
    const draw = () => { timer = 0; show({ lines: [...lines], error: null }); };
    const read = async () => {
      const query = { container, tailLines: tail, timestamps: "true", ...(previous ? { previous: "true" } : { follow: "true" }) };
      const response = await open(url(`${kube("pods", namespace, name)}/log`, query), stop.signal);
      if (!response.body) return;
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      lines = [];
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        const complete = (rest + value).split("\n");
        rest = complete.pop() ?? "";
        lines = [...lines, ...complete.map(parseLine)].slice(-MOST_LINES);
        timer ||= setTimeout(draw, DRAW_EVERY_MS);
      }
      if (rest) lines.push(parseLine(rest));
      draw();
    };
    const follow = async () => {
      while (!stop.signal.aborted) {
        try {
          await read();
          if (previous) return;
        } catch (error) {
          if (stop.signal.aborted) return;
          show({ lines, error });
        }
        await new Promise((resolve) => { setTimeout(resolve, RECONNECT_MS); });
      }
    };
    follow();
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [uid, container, previous, tail]);
  return shown;
}
