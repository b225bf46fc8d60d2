#!/usr/bin/env bash
# ray 2.60.0, `ray start --head` and a driver with ray.init(address="HOST:PORT"), both of one user on
# one machine, with no setting of Ray, before and after a local ray.init() of any other program.
# Expected: the driver connects both times.
# Seen: the local ray.init() leaves a token in ~/.ray/auth_token. From then on `ray start --head` asks
# for tokens, since there is one, while a driver with an address sends none, although it has the same
# file: "ConnectionError: Failed to connect", from InvalidAuthToken, after retries of some 20 seconds.
# address="auto" sends it, and so does RAY_AUTH_MODE=token. Without the file all is as before.
# Output: "no token: answered", "local init: answered, made .ray/auth_token",
#         "token there: ConnectionError, InvalidAuthToken", "RAY_AUTH_MODE=token: answered",
#         "address auto: answered", "token removed: answered"
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check ray==2.60.0
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

home = Path("home").resolve()
home.mkdir()
token = home / ".ray" / "auth_token"
environment = {"PATH": os.environ["PATH"], "HOME": str(home), "RAY_USAGE_STATS_ENABLED": "0"}
answer = "import ray; ray.init({}); print(ray.get(ray.remote(lambda: 'answered').remote()))"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def cluster():
    port = free_port()
    options = ["--num-cpus=1", "--include-dashboard=false", f"--temp-dir={Path.cwd()}/{port}"]
    ray = str(Path(sys.executable).with_name("ray"))
    command = [ray, "start", "--head", "--block", f"--port={port}", *options]
    with open("head.log", "w+") as log:
        head = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 120
            while "Ray runtime started" not in Path("head.log").read_text():
                assert head.poll() is None and time.monotonic() < deadline
                time.sleep(0.2)
            yield f"'127.0.0.1:{port}'"
        finally:
            head.terminate()  # ends what it started as well
            head.wait()


def drive(given, **settings):
    """What a driver of its own process answers, or the errors that it ends with."""
    command = [sys.executable, "-c", answer.format(given)]
    driver = subprocess.run(
        command, env={**environment, **settings}, capture_output=True, text=True, timeout=180
    )
    if not driver.returncode:
        return driver.stdout.split()[-1]
    error = driver.stderr.strip().splitlines()[-1].split(":")[0]
    return f"{error}, InvalidAuthToken" if "InvalidAuthToken" in driver.stderr else error


found = {}


def seen(name, result):
    found[name] = result
    print(f"{name}: {result}")


with cluster() as address:
    assert not token.exists()
    seen("no token", drive(address))
assert not token.exists()
local = drive("'local', num_cpus=1, include_dashboard=False")
seen("local init", f"{local}, made {token.relative_to(home)}" if token.exists() else local)
with cluster() as address:
    seen("token there", drive(address))
    seen("RAY_AUTH_MODE=token", drive(address, RAY_AUTH_MODE="token"))
    seen("address auto", drive("'auto'"))
token.unlink()
with cluster() as address:
    seen("token removed", drive(address))
assert list(found.values()) == [
    "answered",
    "answered, made .ray/auth_token",
    "ConnectionError, InvalidAuthToken",
    "answered",
    "answered",
    "answered",
]
PYTHON
