"""A real kube-apiserver over a real etcd, on loopback, for controllers that want one."""

import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
SIGNING_KEY = ROOT / "tests" / "data" / "certificates" / "server.key"
TOKEN = "a-token-of-the-suite"
NODE_READY = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "by hand"}


class Missing(Exception):
    """A program is not to be had here; the text says which and why."""


def until(look, what, seconds=90):
    """Looks again until the look gives something true, which it returns; what it raises counts as not yet."""
    end = time.monotonic() + seconds
    while True:
        try:
            if seen := look():
                return seen
            last = f"{seen!r}"
        except (AssertionError, KeyError, IndexError, OSError) as error:
            last = f"{type(error).__name__} {error}"
        assert time.monotonic() < end, f"{what}: not within {seconds} s; the last look: {last}"
        time.sleep(0.1)


def program(variable, name, get):
    """The path of a program: named by the variable, in PATH, or got by name from a package registry, or `get` says why not."""
    named = os.environ.get(variable)
    if named:
        if not os.access(named, os.X_OK):
            # Somebody wants it to be run: that is no reason to go on without.
            print(f"FAIL {name}: {named}, which {variable} names, is no program")
            sys.exit(1)
        return os.path.realpath(named)
    return shutil.which(name) or get()


def not_served(variable, name, module):
    """Says what there is in place of a program that cannot be got by name: its Go module, if the registry serves that."""
    def say():
        missing = f"{variable} names no {name}, and PATH has none"
        if not shutil.which("go"):
            raise Missing(f"{missing}; without Go it cannot be built from its module {module} either")
        asked = subprocess.run(
            ["go", "list", "-m", "-f", "{{.Version}}", f"{module}@latest"], cwd="/", capture_output=True, text=True,
            check=False,
        )
        if asked.returncode == 0:
            raise Missing(
                f"{missing}; the module registry has {module} {asked.stdout.strip()}, which replaces other modules: Go installs "
                "no such program by name, so build it and name it"
            )
        said = re.split(r"reading \S+: ", " ".join(asked.stderr.split()))[-1]
        raise Missing(f"{missing}; the module registry does not serve {module}: {said}")
    return say


def cache():
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    (target / "clients").mkdir(parents=True, exist_ok=True)
    return target / "clients"


def etcd():
    """etcd of Debian's package, unpacked and not installed."""
    home = cache() / "etcd"
    found = home / "usr" / "bin" / "etcd"
    if found.exists():
        return str(found)
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        raise Missing("CLOUDNET_ETCD names no etcd, PATH has none, and Debian's package needs apt-get and dpkg")
    home.mkdir(exist_ok=True)
    done = subprocess.run(["apt-get", "download", "etcd-server"], cwd=home, capture_output=True, text=True, check=False)
    packages = list(home.glob("etcd-server_*.deb"))
    if done.returncode != 0 or not packages:
        raise Missing(f"etcd: apt-get download etcd-server: {' '.join(done.stderr.split())[-200:]}")
    subprocess.run(["dpkg", "-x", packages[0], home], check=True)
    return str(found)


def apiserver():
    """kube-apiserver of the Go module, built once for each content of its go.mod."""
    module = HERE / "apiserver"
    found = cache() / f"kube-apiserver-{hashlib.sha256((module / 'go.mod').read_bytes()).hexdigest()[:12]}"
    if found.exists():
        return str(found)
    if not shutil.which("go"):
        raise Missing("CLOUDNET_KUBE_APISERVER names no kube-apiserver, and building it needs Go")
    print("-- building kube-apiserver from its Go module, which takes some minutes", flush=True)
    command = ["go", "build", "-mod=readonly", "-o", str(found), "k8s.io/kubernetes/cmd/kube-apiserver"]
    done = subprocess.run(command, cwd=module, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Missing(f"kube-apiserver does not build: {done.stderr[-300:]}")
    return str(found)


def free_ports(count):
    """Ports of loopback that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


class ControlPlane:
    """The two programs, each with its log in the folder, and a client of the API. Everything ends with the `with` block."""

    def __init__(self, home):
        self.home = home
        self.processes = {}
        self.kubeconfig = home / "kubeconfig"

    def __enter__(self):
        try:
            self.start_all()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in reversed(list(self.processes)):
            self.stop(name)

    def start_all(self):
        etcd_program = program("CLOUDNET_ETCD", "etcd", etcd)
        api_program = program("CLOUDNET_KUBE_APISERVER", "kube-apiserver", apiserver)
        self.home.mkdir(parents=True, exist_ok=True)
        client, peer, api = free_ports(3)
        self.start(
            "etcd", [
                etcd_program, "--data-dir", str(self.home / "etcd"), "--unsafe-no-fsync",
                "--listen-client-urls", f"http://127.0.0.1:{client}", "--advertise-client-urls", f"http://127.0.0.1:{client}",
                "--listen-peer-urls", f"http://127.0.0.1:{peer}",
                "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}", "--initial-cluster",
                f"default=http://127.0.0.1:{peer}",
            ],
        )
        tokens = self.home / "tokens.csv"
        tokens.write_text(f"{TOKEN},suite,suite,system:masters\n")
        self.url = f"https://127.0.0.1:{api}"
        self.start(
            "kube-apiserver", [
                api_program, "--etcd-servers", f"http://127.0.0.1:{client}", "--bind-address", "127.0.0.1",
                "--secure-port", str(api), "--cert-dir", str(self.home / "certificates"), "--token-auth-file", str(tokens),
                "--authorization-mode", "RBAC", "--service-cluster-ip-range", "172.30.0.0/16",
                "--service-account-issuer", "https://kubernetes.default.svc", "--endpoint-reconciler-type", "none",
                "--service-account-key-file", str(SIGNING_KEY), "--service-account-signing-key-file", str(SIGNING_KEY),
                "--disable-admission-plugins", "ServiceAccount,TaintNodesByCondition",
            ],
        )
        certificate = self.home / "certificates" / "apiserver.crt"
        until(certificate.exists, "the certificate of kube-apiserver")
        self.context = ssl.create_default_context(cafile=str(certificate))
        until(lambda: self.ready(), "kube-apiserver")
        self.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "suite",
            "clusters": [{"name": "suite", "cluster": {
                "server": self.url,
                "certificate-authority-data": base64.b64encode(certificate.read_bytes()).decode(),
            }}],
            "users": [{"name": "suite", "user": {"token": TOKEN}}],
            "contexts": [{"name": "suite", "context": {"cluster": "suite", "user": "suite"}}],
        }))

    def ready(self):
        if self.processes["kube-apiserver"].poll() is not None:
            raise RuntimeError(f"kube-apiserver ended: {self.log('kube-apiserver')[-1000:]}")
        try:
            return self.get("/api/v1/namespaces/default")
        except (urllib.error.URLError, AssertionError):
            return None

    def start(self, name, command, **environment):
        """Starts a program under a name; its output goes to NAME.log."""
        with (self.home / f"{name}.log").open("a") as log:
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | environment)

    def stop(self, name):
        """Ends one of the started programs, by its process id."""
        process = self.processes.pop(name)
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)

    def log(self, name):
        """What a program has said; nothing if it was never started."""
        log = self.home / f"{name}.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def send(self, method, path, body=None, kind="application/json"):
        request = urllib.request.Request(
            self.url + path, None if body is None else json.dumps(body).encode(),
            {"content-type": kind, "authorization": f"Bearer {TOKEN}"}, method=method,
        )
        try:
            with urllib.request.urlopen(request, context=self.context, timeout=30) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()[:400]}") from error

    def get(self, path):
        return self.send("GET", path)

    def post(self, path, **body):
        return self.send("POST", path, body)

    def delete(self, path):
        return self.send("DELETE", path)

    def patch(self, path, **body):
        """A merge patch: null takes a member away."""
        return self.send("PATCH", path, body, "application/merge-patch+json")

    def has(self, path):
        try:
            return bool(self.get(path))
        except AssertionError as error:
            if ": 404 " in str(error):
                return False
            raise

    def new_node(self, name, instance, address, pods=None, taints=(), **labels):
        """A Node as a kubelet on that instance would have registered it, Ready."""
        spec = {"providerID": f"cn-hangzhou.{instance}", "taints": [*taints]}
        if pods:
            spec |= {"podCIDR": pods, "podCIDRs": [pods]}
        self.post("/api/v1/nodes", apiVersion="v1", kind="Node", metadata={"name": name, "labels": labels}, spec=spec)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        condition = NODE_READY | {"lastHeartbeatTime": now, "lastTransitionTime": now}
        self.patch(
            f"/api/v1/nodes/{name}/status",
            status={"conditions": [condition], "addresses": [{"type": "InternalIP", "address": address}]},
        )
