// The dialogs that extend and delete a branch.
import { html, useState } from "../vendor/preact-htm.js";
import { RequestError, kube, send } from "../lib/api.js";
import { span } from "../lib/format.js";
import { Dialog, Trouble, announce } from "./parts.js";

export function ExtendBranch({ branch, onClose, onDone }) {
  const [hours, setHours] = useState("24");
  const [problem, setProblem] = useState(null);
  const submit = async (event) => {
    event.preventDefault();
    const expires = new Date(Date.now() + Number(hours) * 3_600_000).toISOString().replace(/\.\d+Z$/, "Z");
    const { name, namespace } = branch.metadata;
    try {
      await send("PATCH", kube("branches", namespace, name), { spec: { expires } }, "application/merge-patch+json");
    } catch (error) {
      setProblem(error);
      return;
    }
    onDone();
    onClose();
    announce(`Branch ${name} now expires in ${span(Number(hours) * 3600)}.`);
  };
  return html`<${Dialog} title=${`Extend ${branch.metadata.name}`} kind="narrow" onClose=${onClose}><form onSubmit=${submit}>
    <label class="label">Extend by (hours from now)
      <input type="number" min="0.1" max="8760" step="any" required value=${hours} onInput=${(event) => setHours(event.target.value)} /></label>
    <${Trouble} error=${problem} />
    <div class="buttons"><button type="button" class="quiet" onClick=${onClose}>Cancel</button><button>Extend</button></div>
  </form><//>`;
}

export function DeleteBranch({ branch, onClose, onDone }) {
  const [problem, setProblem] = useState(null);
  const [busy, setBusy] = useState(false);
  const { name, namespace } = branch.metadata;
  const remove = async () => {
    setBusy(true);
    try {
      await send("DELETE", kube("branches", namespace, name));
    } catch (error) {
      if (!(error instanceof RequestError && error.status === 404)) {
        setBusy(false);
        setProblem(error);
        return;
      }
    }
    onDone();
    onClose();
    announce(`Deleted branch ${name}.`);
  };
  return html`<${Dialog} title=${`Delete ${name}?`} kind="narrow" onClose=${onClose}><div class="stack">
    <p>Its pods are deleted; its traffic returns to the baseline.</p>
    <${Trouble} error=${problem} />
    <div class="buttons"><button class="quiet" onClick=${onClose}>Cancel</button><button class="danger" disabled=${busy} onClick=${remove}>Delete ${name}</button></div>
  </div><//>`;
}
