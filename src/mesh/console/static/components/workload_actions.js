// Restarts and scales a Deployment, as kubectl does.
import { html, useState } from "../vendor/preact-htm.js";
import { kube, send } from "../lib/api.js";
import { plural } from "../lib/format.js";
import { replicasOf } from "../lib/pods.js";
import { Dialog, FieldError, Trouble, announce } from "./parts.js";
import { YamlButton } from "./yaml.js";

const MERGE = "application/merge-patch+json";
const MOST_REPLICAS = 50;

export function WorkloadActions({ deployment }) {
  const [dialog, setDialog] = useState("");
  const { name, namespace } = deployment.metadata;
  const path = kube("deployments", namespace, name);
  const close = () => setDialog("");
  return html`<div class="bar actions">
    <button class="small quiet" onClick=${() => setDialog("restart")} disabled=${replicasOf(deployment) === 0}>Restart</button>
    <button class="small quiet" onClick=${() => setDialog("scale")}>Scale</button>
    <${YamlButton} path=${path} name=${`Deployment ${namespace}/${name}`} />
    ${dialog === "restart" && html`<${Restart} name=${name} path=${path} onClose=${close} />`}
    ${dialog === "scale" && html`<${Scale} name=${name} path=${path} replicas=${replicasOf(deployment)} onClose=${close} />`}
  </div>`;
}

function Restart({ name, path, onClose }) {
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const restart = async () => {
    setBusy(true);
    const annotations = { "kubectl.kubernetes.io/restartedAt": new Date().toISOString().replace(/\.\d+Z$/, "Z") };
    try {
      await send("PATCH", path, { spec: { template: { metadata: { annotations } } } }, MERGE);
    } catch (error) {
      setBusy(false);
      setProblem(error);
      return;
    }
    onClose();
    announce(`Restarting ${name}: new pods replace the old ones, one after the other.`);
  };
  return html`<${Dialog} title=${`Restart ${name}?`} kind="narrow" onClose=${onClose}><div class="stack">
    <p>New pods replace the old ones one after the other; no request fails.</p>
    <${Trouble} error=${problem} />
    <div class="buttons"><button class="quiet" onClick=${onClose}>Cancel</button><button disabled=${busy} data-first onClick=${restart}>Restart ${name}</button></div>
  </div><//>`;
}

function Scale({ name, path, replicas, onClose }) {
  const [text, setText] = useState(String(replicas));
  const [problem, setProblem] = useState(null);
  const [wrong, setWrong] = useState("");
  const submit = async (event) => {
    event.preventDefault();
    const count = Number(text);
    if (!text.trim() || !Number.isInteger(count) || count < 0 || count > MOST_REPLICAS) {
      setWrong(`Enter a whole number from 0 to ${MOST_REPLICAS}.`);
      return;
    }
    try {
      await send("PATCH", `${path}/scale`, { spec: { replicas: count } }, MERGE);
    } catch (error) {
      setProblem(error);
      return;
    }
    onClose();
    announce(count ? `Scaling ${name} to ${plural(count, "pod")}.` : `Scaling ${name} to 0: calls to it fail unless another version answers.`);
  };
  return html`<${Dialog} title=${`Scale ${name}`} kind="narrow" onClose=${onClose}><form onSubmit=${submit} novalidate>
    <label class="label">Pods <input inputmode="numeric" data-first value=${text} aria-invalid=${Boolean(wrong)} aria-describedby="scale-problem"
      onInput=${(event) => { setText(event.target.value); setWrong(""); }} /></label>
    <${FieldError} id="scale-problem" text=${wrong} />
    <${Trouble} error=${problem} />
    <div class="buttons"><button type="button" class="quiet" onClick=${onClose}>Cancel</button><button>Scale</button></div>
  </form><//>`;
}
