"""Databases and queues under write load, each with an invariant that the load maintains: what copies are checked by.

The load moves amounts between accounts, or appends numbers in order; whatever moment a copy is of, the sum is the same,
or no number is missing. It runs in a pod of its own, connects by the Service's name, and prints how many operations
went well and how many failed, once a second.
"""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Body = dict[str, Any]

DEBIAN = ("/usr/lib/postgresql/*/bin", "/usr/sbin", "/usr/lib/rabbitmq/bin")
ACCOUNTS = 100
# What every load has in common: `step()` does one operation.
LOOP = """
import json, os, random, socket, subprocess, sys, threading, time, urllib.request
counts = {"ok": 0, "failed": 0}

def connect(host, port):
    while True:
        try:
            return socket.create_connection((host, port))
        except OSError:
            time.sleep(0.2)

def run(step, again):
    shown = time.time()
    while True:
        try:
            step()
            counts["ok"] += 1
        except Exception as error:
            counts["failed"] += 1
            print("failed:", repr(error), flush=True)
            again()
        if time.time() - shown > 1:
            shown = time.time()
            print(json.dumps(counts), flush=True)
"""


def find(name: str) -> str | None:
    """The path of a program, also where Debian hides it."""
    places = [os.environ["PATH"]]
    for pattern in DEBIAN:
        places += map(str, sorted(Path("/").glob(pattern[1:]), reverse=True))
    return shutil.which(name, path=os.pathsep.join(places))


@dataclass(frozen=True)
class Engine:
    """`serve`, `load` and `check` are command lines; `fill` one that makes about so many megabytes of data. `check`
    runs in a pod of the store, and prints "consistent" or what is wrong."""

    name: str
    port: int
    programs: Sequence[str]
    serve: Callable[[], Sequence[str]]
    ready: Callable[[], Sequence[str]]
    load: Callable[[], Sequence[str]]
    check: Callable[[], Sequence[str]]
    fill: Callable[[int], Sequence[str]] = lambda _: ["true"]

    def missing(self) -> list[str]:
        return [program for program in self.programs if find(program) is None]

    def objects(self, name: str = "") -> list[Body]:
        name = name or self.name
        container = {
            "name": "main",
            "command": list(self.serve()),
            "env": [{"name": "HOME", "value": "/data"}],
            "ports": [{"name": f"tcp-{self.name}"[:15], "containerPort": self.port}],
            "readinessProbe": {"exec": {"command": list(self.ready())}, "periodSeconds": 1, "timeoutSeconds": 30},
            "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        }
        claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        metadata = {"name": name, "namespace": "mesh"}
        labels = {"app": name}
        spec = {"terminationGracePeriodSeconds": 5, "containers": [container]}
        return [
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": metadata,
                "spec": {"selector": labels, "ports": [{"name": f"tcp-{self.name}"[:15], "port": self.port}]},
            },
            {
                "apiVersion": "apps/v1",
                "kind": "StatefulSet",
                "metadata": metadata,
                "spec": {
                    "serviceName": name,
                    "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": spec},
                    "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
                },
            },
        ]

    def load_pod(self) -> Body:
        container = {"name": "main", "command": list(self.load())}
        metadata = {"name": f"load-{self.name}", "namespace": "mesh"}
        spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [container]}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def totals(log: str) -> dict[str, int]:
    """The last line with counts of a load's log."""
    counts: dict[str, int] = {"ok": 0, "failed": 0}
    for line in log.splitlines():
        if line.startswith("{"):
            counts = json.loads(line)
    return counts


def _python(*parts: str) -> list[str]:
    return ["python3", "-u", "-c", "\n".join(parts)]


# PostgreSQL: pgbench's own script language, so that the database is what is busy.
PSQL = "psql --host=/data --username=app --dbname=postgres --no-psqlrc --tuples-only --no-align --quiet"
# The lower account first: two transfers never wait for each other in a circle.
TRANSFER = "\\n".join(
    (
        "\\\\set a random(1, 50)",
        "\\\\set b random(51, 100)",
        "begin;",
        "update accounts set balance = balance - 1 where id = :a;",
        "update accounts set balance = balance + 1 where id = :b;",
        "insert into entries values (:a, :b);",
        "commit;",
        "",
    )
)


def _postgres() -> list[str]:
    binaries = str(Path(find("postgres") or "postgres").resolve().parent)
    trust = "echo 'host all all all trust' >> /data/db/pg_hba.conf"
    initialise = f"{binaries}/initdb --pgdata=/data/db --username=app --auth=trust >/dev/null && {trust}"
    serve = f"exec {binaries}/postgres -D /data/db -k /data -c listen_addresses='*' -c shared_buffers=256MB"
    return ["sh", "-c", f"test -s /data/db/PG_VERSION || {{ {initialise}; }}; {serve}"]


def _postgres_load() -> list[str]:
    pgbench = find("pgbench") or "pgbench"
    script = f"""
import json, re, subprocess, sys
open("/tmp/transfer.sql", "w").write("{TRANSFER}")
words = "{pgbench} -h postgres -U app -n -c 4 -j 2 -P 1 -T 36000 -f /tmp/transfer.sql postgres".split()
process = subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
ok = failed = 0
for line in process.stderr:
    if match := re.match(r"progress: .*? s, ([0-9.]+) tps", line):
        ok += int(float(match[1]))
        found = re.search(r"(\\d+) failed", line)
        failed += int(found[1]) if found else 0
    elif "error" in line.lower() or "abort" in line.lower():
        failed += 1
        print("failed:", line, flush=True)
    print(json.dumps({{"ok": ok, "failed": failed}}), flush=True)
print(json.dumps({{"ok": ok, "failed": failed + 1}}), flush=True)
"""
    return _python(script)


POSTGRES = Engine(
    "postgres",
    5432,
    ("postgres", "psql", "pgbench"),
    _postgres,
    lambda: [find("pg_isready") or "pg_isready", "--host=/data", "--username=app"],
    _postgres_load,
    lambda: [
        "sh",
        "-c",
        'echo "select sum(balance) from accounts; select count(*) from (select id from accounts order by id) s" '
        f"| {PSQL} | "
        'tr "\\n" " " | grep -qx "10000 100 " && echo consistent || echo "sum or count differs"',
    ],
    lambda megabytes: [
        "sh",
        "-c",
        "echo 'create table accounts (id int primary key, balance int); insert into accounts "
        "select i, 100 from generate_series(1, 100) i; create table entries (a int, b int); "
        "create table filler as select i, repeat(md5(i::text), 30) t from "
        f"generate_series(1, {megabytes * 1000}) i; checkpoint' | {PSQL}",
    ],
)

MARIA = "mariadb --socket=/data/sock --user=root --batch --skip-column-names"


def _mariadb() -> list[str]:
    install = (
        "mariadb-install-db --no-defaults --datadir=/data/db --auth-root-authentication-method=normal --skip-test-db"
    )
    serve = (
        "exec mariadbd --no-defaults --datadir=/data/db --socket=/data/sock --pid-file=/data/pid "
        "--bind-address=0.0.0.0 --port=3306 --skip-name-resolve --innodb-buffer-pool-size=256M"
    )
    return ["sh", "-c", f"test -d /data/db/mysql || {install}; {serve}"]


MARIADB = Engine(
    "mariadb",
    3306,
    ("mariadbd", "mariadb", "mariadb-install-db"),
    _mariadb,
    lambda: ["sh", "-c", f"echo 'select 1' | {MARIA}"],
    lambda: _python(
        LOOP,
        """
words = ["mariadb", "--host=mariadb", "--user=app", "--password=app", "test", "-n", "-N", "-B"]

def start():
    global process
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
start()

def step():
    a, b = random.randint(1, 100), random.randint(1, 100)
    process.stdin.write(f"begin; update accounts set balance = balance - 1 where id = {a}; "
                        f"update accounts set balance = balance + 1 where id = {b}; commit; select 'ok';\\n")
    process.stdin.flush()
    if process.stdout.readline() != "ok\\n":
        raise RuntimeError("no answer")

run(step, start)
""",
    ),
    lambda: [
        "sh",
        "-c",
        f"echo 'select sum(balance) from test.accounts; check table test.accounts' | {MARIA} | tr '\\n\\t' '  ' | "
        "grep -qx '10000 test.accounts check status OK ' && echo consistent || echo 'sum or check differs'",
    ],
    lambda megabytes: [
        "sh",
        "-c",
        "echo 'create database test; use test; create table accounts (id int primary key, balance int) engine=innodb; "
        "insert into accounts select seq, 100 from seq_1_to_100; create table filler (i int, t text) engine=innodb; "
        'grant all on *.* to "app"@"%" identified by "app"; '
        f"insert into filler select seq, repeat(md5(seq), 30) from seq_1_to_{megabytes * 900}' | {MARIA}",
    ],
)

REDIS = Engine(
    "redis",
    6379,
    ("redis-server", "redis-cli"),
    lambda: [
        *("redis-server", "--dir", "/data", "--appendonly", "yes", "--protected-mode", "no", "--save", ""),
        *("--aof-load-truncated", "yes"),
    ],
    lambda: ["redis-cli", "ping"],
    lambda: _python(
        LOOP,
        """
def start():
    global file
    file = connect("redis", 6379).makefile("rwb")
start()

def step():
    a, b = random.randint(1, 100), random.randint(1, 100)
    file.write(f"MULTI\\r\\nINCRBY {{account}}{a} -1\\r\\nINCRBY {{account}}{b} 1\\r\\nEXEC\\r\\n".encode())
    file.flush()
    lines = [file.readline() for _ in range(6)]
    if lines[3] != b"*2\\r\\n":
        raise RuntimeError(lines)

run(step, start)
""",
    ),
    lambda: _python(
        LOOP,
        """
file = connect("127.0.0.1", 6379).makefile("rwb")
script = "local s = 0 for _, k in ipairs(redis.call('KEYS', '{account}*')) do s = s + redis.call('GET', k) end return s"
file.write(f'EVAL "{script}" 0\\r\\n'.encode())
file.flush()
print("consistent" if file.readline() == b":0\\r\\n" else "the sum is not 0")
""",
    ),
    lambda megabytes: [
        "redis-cli",
        "eval",
        f"for i = 1, {megabytes} do redis.call('SET', 'filler' .. i, string.rep('x', 1000000)) end",
        "0",
    ],
)

SQLITE_SERVICE = """
import http.server, sqlite3, threading
lock = threading.Lock()
connection = sqlite3.connect("/data/accounts.db", check_same_thread=False, isolation_level=None)
connection.execute("pragma journal_mode = wal")
connection.execute("create table if not exists accounts (id integer primary key, balance int)")
connection.execute("create table if not exists filler (t text)")
if not connection.execute("select count(*) from accounts").fetchone()[0]:
    connection.executemany("insert into accounts values (?, 100)", [(i,) for i in range(1, 101)])

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        _, a, b = self.path.split("/") if self.path.count("/") == 2 else ("", "", "")
        with lock:
            if a:
                connection.execute("begin immediate")
                connection.execute("update accounts set balance = balance - 1 where id = ?", (int(a),))
                connection.execute("update accounts set balance = balance + 1 where id = ?", (int(b),))
                connection.execute("commit")
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""

SQLITE = Engine(
    "sqlite",
    8000,
    (),
    lambda: ["python3", "-u", "-c", SQLITE_SERVICE],
    lambda: _python("import urllib.request", "urllib.request.urlopen('http://127.0.0.1:8000/')"),
    lambda: _python(
        LOOP,
        """
import http.client
def start():
    global connection
    connection = http.client.HTTPConnection("sqlite", 8000)
start()

def step():
    connection.request("GET", f"/{random.randint(1, 100)}/{random.randint(1, 100)}")
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise RuntimeError(answer.status)

while True:
    try:
        step()
        break
    except OSError:
        time.sleep(0.2)
        start()
run(step, start)
""",
    ),
    lambda: _python(
        """
import sqlite3
connection = sqlite3.connect("/data/accounts.db")
checked = connection.execute("pragma integrity_check").fetchone()[0]
total = connection.execute("select sum(balance) from accounts").fetchone()[0]
print("consistent" if (checked, total) == ("ok", 10000) else (checked, total))
"""
    ),
    lambda megabytes: _python(
        f"""
import sqlite3
connection = sqlite3.connect("/data/accounts.db", timeout=60)
for _ in range({megabytes}):
    connection.execute("insert into filler values (?)", ("x" * 1_000_000,))
    connection.commit()
"""
    ),
)

NATS_CLIENT = """
import json, socket, time
class Nats:
    def __init__(self, host):
        while True:
            try:
                self.socket = socket.create_connection((host, 4222))
                break
            except OSError:
                time.sleep(0.2)
        self.file = self.socket.makefile("rwb")
        self.file.readline()
        self.file.write(b'CONNECT {"verbose":false}\\r\\nSUB inbox 1\\r\\n')
        self.file.flush()
    def ask(self, subject, data=b""):
        self.file.write(b"PUB %s inbox %d\\r\\n%s\\r\\n" % (subject.encode(), len(data), data))
        self.file.flush()
        while True:
            line = self.file.readline()
            if not line:
                raise ConnectionError("closed")
            if line.startswith(b"PING"):
                self.file.write(b"PONG\\r\\n")
                self.file.flush()
            elif line.startswith(b"MSG"):
                body = self.file.read(int(line.split()[-1]) + 2)[:-2]
                return json.loads(body) if body else {}
"""

NATS = Engine(
    "nats",
    4222,
    ("nats-server",),
    lambda: [find("nats-server") or "nats-server", "-js", "-sd", "/data", "-a", "0.0.0.0"],
    lambda: _python("import socket", "socket.create_connection(('127.0.0.1', 4222))"),
    lambda: _python(
        LOOP,
        NATS_CLIENT,
        """
def start():
    global nats
    nats = Nats("nats")
start()
stream = {"name": "ORDERS", "subjects": ["orders"], "storage": "file"}
nats.ask("$JS.API.STREAM.CREATE.ORDERS", json.dumps(stream).encode())
number = nats.ask("$JS.API.STREAM.INFO.ORDERS")["state"]["last_seq"]

def step():
    global number
    answer = nats.ask("orders", str(number + 1).encode())
    if answer.get("seq") != number + 1:
        raise RuntimeError(answer)
    number += 1

run(step, start)
""",
    ),
    lambda: _python(
        NATS_CLIENT,
        """
nats = Nats("127.0.0.1")
state = nats.ask("$JS.API.STREAM.INFO.ORDERS")["state"]
good = state["messages"] == state["last_seq"] > 0
import base64
for number in {1, state["last_seq"] // 2 or 1, state["last_seq"]}:
    answer = nats.ask("$JS.API.STREAM.MSG.GET.ORDERS", json.dumps({"seq": number}).encode())
    good = good and base64.b64decode(answer["message"]["data"]) == str(number).encode()
print("consistent" if good else state)
""",
    ),
)

AMQP_CLIENT = r"""
import socket, struct, time
def short(text):
    return bytes([len(text)]) + text.encode()
class Amqp:
    '''As much of AMQP 0-9-1 as a durable queue with confirmed messages needs.'''
    def __init__(self, host):
        while True:
            try:
                self.socket = socket.create_connection((host, 5672))
                break
            except OSError:
                time.sleep(0.2)
        self.file = self.socket.makefile("rb")
        self.socket.sendall(b"AMQP\0\0\x09\x01")
        self.method(10, 10)
        self.send(0, 10, 11, bytes(4) + short("PLAIN") + struct.pack(">I", 12) + b"\0guest\0guest" + short("en_US"))
        tune = self.method(10, 30)
        self.send(0, 10, 31, tune[:6] + bytes(2))
        self.send(0, 10, 40, short("/") + short("") + b"\0")
        self.method(10, 41)
        self.send(1, 20, 10, short(""))
        self.method(20, 11)
    def frame(self, kind, channel, payload):
        self.socket.sendall(struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce")
    def send(self, channel, group, number, arguments):
        self.frame(1, channel, struct.pack(">HH", group, number) + arguments)
    def receive(self):
        head = self.file.read(7)
        if len(head) < 7:
            raise ConnectionError("closed")
        kind, _, length = struct.unpack(">BHI", head)
        payload = self.file.read(length + 1)[:-1]
        return kind, payload
    def method(self, *expected):
        while True:
            kind, payload = self.receive()
            if kind == 1:
                got = struct.unpack(">HH", payload[:4])
                if got in (expected[:2], expected[2:]):
                    return payload[4:] if got == expected[:2] else None
                raise RuntimeError((got, payload))
    def declare(self, queue):
        self.send(1, 50, 10, bytes(2) + short(queue) + b"\x02" + bytes(4))
        answer = self.method(50, 11)
        return struct.unpack(">I", answer[1 + answer[0]:][:4])[0]
    def confirm(self):
        self.send(1, 85, 10, b"\0")
        self.method(85, 11)
    def publish(self, queue, body):
        self.send(1, 60, 40, bytes(2) + short("") + short(queue) + b"\0")
        self.frame(2, 1, struct.pack(">HHQHB", 60, 0, len(body), 0x1000, 2))
        self.frame(3, 1, body)
        self.method(60, 80)
    def get(self, queue):
        self.send(1, 60, 70, bytes(2) + short(queue) + b"\x01")
        if self.method(60, 71, 60, 72) is None:
            return None
        self.receive()
        return self.receive()[1]
"""


def _rabbitmq() -> list[str]:
    serve = (
        "printf 'loopback_users = none\\n' > /data/rabbit.conf; export RABBITMQ_CONFIG_FILE=/data/rabbit "
        "RABBITMQ_MNESIA_BASE=/data/mnesia RABBITMQ_LOG_BASE=/data/log RABBITMQ_LOGS=- RABBITMQ_NODENAME=rabbit "
        "RABBITMQ_PID_FILE=/data/pid RABBITMQ_ENABLED_PLUGINS_FILE=/data/plugins; exec "
    )
    return ["sh", "-c", serve + (find("rabbitmq-server") or "rabbitmq-server")]


RABBITMQ = Engine(
    "rabbitmq",
    5672,
    ("rabbitmq-server", "erl"),
    _rabbitmq,
    lambda: _python(AMQP_CLIENT, "Amqp('127.0.0.1')"),
    lambda: _python(
        LOOP,
        AMQP_CLIENT,
        """
def start():
    global amqp
    amqp = Amqp("rabbitmq")
    amqp.confirm()
start()
number = amqp.declare("orders")

def step():
    global number
    amqp.publish("orders", str(number + 1).encode())
    number += 1

run(step, start)
""",
    ),
    lambda: _python(
        AMQP_CLIENT,
        """
amqp = Amqp("127.0.0.1")
count = amqp.declare("orders")
numbers = [int(body) for body in iter(lambda: amqp.get("orders"), None)]
good = numbers == list(range(1, count + 1)) and numbers
print("consistent" if good else ("a number is missing", count, numbers[:3], numbers[-3:]))
""",
    ),
)

ENGINES = {engine.name: engine for engine in (POSTGRES, MARIADB, REDIS, SQLITE, NATS, RABBITMQ)}
