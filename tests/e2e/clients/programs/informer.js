// @kubernetes/client-node against the mesh's API: an informer, exec with its exit code, port-forward. Prints JSON.
import * as k8s from "@kubernetes/client-node";
import net from "node:net";
import { Writable } from "node:stream";

const [pod, port] = process.argv.slice(2);
const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);
const namespace = "mesh";

async function informed() {
  const seen = [];
  const informer = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, () =>
    core.listNamespacedConfigMap({ namespace }),
  );
  const gone = new Promise((resolve) => {
    for (const verb of ["add", "update", "delete"]) {
      informer.on(verb, (object) => {
        if (object.metadata.name !== "informed") return;
        seen.push(verb);
        if (verb === "delete") resolve();
      });
    }
  });
  await informer.start();
  const metadata = { name: "informed" };
  await core.createNamespacedConfigMap({ namespace, body: { metadata, data: { a: "1" } } });
  await until(() => seen.includes("add"));
  await core.replaceNamespacedConfigMap({ name: "informed", namespace, body: { metadata, data: { a: "2" } } });
  await until(() => seen.includes("update"));
  await core.deleteNamespacedConfigMap({ name: "informed", namespace });
  await gone;
  await informer.stop();
  return seen;
}

async function until(condition) {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}

function collector() {
  const chunks = [];
  const stream = new Writable({ write: (chunk, _, done) => { chunks.push(chunk); done(); } });
  return [stream, () => Buffer.concat(chunks).toString()];
}

async function executed() {
  const [output, text] = collector();
  const exec = new k8s.Exec(config);
  const status = await new Promise((resolve, reject) => {
    exec.exec(namespace, pod, "mall", ["sh", "-c", "echo $VERSION; exit 7"], output, null, null, false, resolve)
      .catch(reject);
  });
  const cause = status.details?.causes?.find((entry) => entry.reason === "ExitCode");
  return { output: text(), code: Number(cause?.message) };
}

async function forwarded() {
  const forward = new k8s.PortForward(config);
  const server = net.createServer((socket) => forward.portForward(namespace, pod, [Number(port)], socket, null, socket));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const response = await fetch(`http://127.0.0.1:${server.address().port}/healthz/ready`);
  const { status } = response;
  await response.text();
  server.close();
  return status;
}

console.log(JSON.stringify({ informed: await informed(), executed: await executed(), forwarded: await forwarded() }));
process.exit(0);
