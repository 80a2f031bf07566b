// A container's log: its last lines, then new lines as they are written.
import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact-htm.js";
import { kube, open, url } from "../lib/api.js";
import { Trouble } from "./parts.js";

const TAIL = 200;
const MOST_LINES = 2_000;
const DRAW_EVERY_MS = 100;
const RECONNECT_MS = 1_500;
// Pixels: how close to the end still counts as following it.
const NEAR_END = 30;

export function Log({ pod }) {
  const names = pod.spec.containers.map((container) => container.name);
  const [container, choose] = useState(names[0]);
  const [previous, setPrevious] = useState(false);
  const { lines, error } = useLog(pod, container, previous);
  const box = useRef(null);
  const atEnd = useRef(true);
  useLayoutEffect(() => {
    if (atEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  const onScroll = ({ target }) => { atEnd.current = target.scrollHeight - target.scrollTop - target.clientHeight < NEAR_END; };
  const restarted = (pod.status?.containerStatuses ?? []).some((status) => status.name === container && status.restartCount > 0);
  return html`<h3>Log</h3>
    <div class="bar">
      ${names.length > 1 && html`<label class="field">Container <select value=${container} onChange=${(event) => choose(event.target.value)}>
        ${names.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}</select></label>`}
      ${restarted && html`<label class="tick"><input type="checkbox" checked=${previous} onChange=${(event) => setPrevious(event.target.checked)} /> previous run</label>`}
    </div>
    <${Trouble} error=${error} />
    <pre class="log" tabindex="0" aria-label=${`Log of ${pod.metadata.name}`} ref=${box} onScroll=${onScroll}>${lines.length ? lines.join("\n") : "No lines yet."}</pre>`;
}

/** The log's lines as they arrive. When the stream ends, it is requested again. */
function useLog(pod, container, previous) {
  const [shown, show] = useState({ lines: [], error: null });
  const { name, namespace, uid } = pod.metadata;
  useEffect(() => {
    const stop = new AbortController();
    let timer = 0;
    let lines = [];
    const draw = () => { timer = 0; show({ lines: [...lines], error: null }); };
    const read = async () => {
      const response = await open(url(`${kube("pods", namespace, name)}/log`, { container, tailLines: TAIL, ...(previous ? { previous: "true" } : { follow: "true" }) }), stop.signal);
      if (!response.body) return;
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      lines = [];
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        const complete = (rest + value).split("\n");
        rest = complete.pop() ?? "";
        lines = [...lines, ...complete].slice(-MOST_LINES);
        timer ||= setTimeout(draw, DRAW_EVERY_MS);
      }
      if (rest) lines.push(rest);
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
  }, [uid, container, previous]);
  return shown;
}
