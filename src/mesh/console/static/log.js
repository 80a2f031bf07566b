// A container's log: its last lines, and what comes.
import { html, useEffect, useLayoutEffect, useRef, useState } from "./vendor/preact-htm.js";
import { kube, open, url } from "./api.js";
import { Trouble } from "./parts.js";

const TAIL = 200;
const MOST = 2_000;
const DRAW_EVERY = 100;
const AGAIN = 1_500;
const NEAR = 30;

export function Log({ pod }) {
  const names = pod.spec.containers.map((each) => each.name);
  const [container, choose] = useState(names[0]);
  const [before, setBefore] = useState(false);
  const { lines, error } = useLog(pod, container, before);
  const at = useRef(null);
  const end = useRef(true);
  useLayoutEffect(() => {
    if (end.current) at.current.scrollTop = at.current.scrollHeight;
  }, [lines]);
  const look = ({ target }) => { end.current = target.scrollHeight - target.scrollTop - target.clientHeight < NEAR; };
  const restarted = (pod.status?.containerStatuses ?? []).some((each) => each.name === container && each.restartCount > 0);
  return html`<h3>Log</h3>
    <div class="bar">
      ${names.length > 1 && html`<label class="field">Container <select value=${container} onChange=${(event) => choose(event.target.value)}>
        ${names.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}</select></label>`}
      ${restarted && html`<label class="tick"><input type="checkbox" checked=${before} onChange=${(event) => setBefore(event.target.checked)} /> of the run before</label>`}
    </div>
    <${Trouble} error=${error} />
    <pre class="log" tabindex="0" aria-label=${`Log of ${pod.metadata.name}`} ref=${at} onScroll=${look}>${lines.length ? lines.join("\n") : "Nothing yet."}</pre>`;
}

/** The log's lines as they come; where the stream ends, it is asked for again. */
function useLog(pod, container, before) {
  const [shown, show] = useState({ lines: [], error: null });
  const { name, namespace, uid } = pod.metadata;
  useEffect(() => {
    const stop = new AbortController();
    let timer = 0;
    let lines = [];
    const draw = () => { timer = 0; show({ lines: [...lines], error: null }); };
    const read = async () => {
      const answer = await open(url(`${kube("pods", name, namespace)}/log`, { container, tailLines: TAIL, ...(before ? { previous: "true" } : { follow: "true" }) }), stop.signal);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      lines = [];
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        const found = (rest + value).split("\n");
        rest = found.pop();
        lines = [...lines, ...found].slice(-MOST);
        timer ||= setTimeout(draw, DRAW_EVERY);
      }
      if (rest) lines.push(rest);
      draw();
    };
    const keep = async () => {
      while (!stop.signal.aborted) {
        try {
          await read();
          if (before) return;
        } catch (error) {
          if (stop.signal.aborted) return;
          show({ lines, error });
        }
        await new Promise((resolve) => { setTimeout(resolve, AGAIN); });
      }
    };
    keep();
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [uid, container, before]);
  return shown;
}
