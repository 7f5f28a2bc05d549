#!/usr/bin/env python3
"""Measures the service of examples/edge: bench-edge.py EDGE PRICE.cwasm. Prints Markdown.

Each call is one HTTP request on a kept connection; what is beside it is a process per call, started by fork and exec with the
same input on its standard input and its output read, as a service that trusts nobody would otherwise do.
"""

import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

INPUT = json.dumps({"thing": "apple", "count": 3}).encode()
ANSWER = {"thing": "apple", "count": 3, "cents": 135}
CALLS = 1000
STARTS = 15

# What a process of its own would do: the same sum from the same table.
PYTHON = "import json,sys; i=json.load(sys.stdin); print(json.dumps({**i, 'cents': {'apple': 45}[i['thing']] * i['count']}))"
NODE = "const i=JSON.parse(require('fs').readFileSync(0)); console.log(JSON.stringify({...i, cents: {apple: 45}[i.thing] * i.count}))"


class Service:
    def __init__(self, edge, code):
        self.began = time.perf_counter()
        self.process = subprocess.Popen([edge, code], stdout=subprocess.PIPE, text=True)
        host = self.process.stdout.readline().strip().removeprefix("http://").rstrip("/")
        if not host:
            raise SystemExit(f"{edge} ended with {self.process.wait()}")
        self.connection = http.client.HTTPConnection(host)

    def call(self):
        self.connection.request("POST", "/", INPUT)
        answer = self.connection.getresponse()
        body = answer.read()
        assert answer.status == 200 and json.loads(body) == ANSWER, (answer.status, body)

    def resident_mib(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            fields = dict(line.split(":", 1) for line in status)
        return int(fields["VmRSS"].split()[0]) / 1024

    def stop(self):
        self.connection.close()
        self.process.kill()
        self.process.wait()


def median_of(count, run):
    times = []
    for _ in range(count):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def process(command):
    def run():
        done = subprocess.run(command, input=INPUT, capture_output=True, check=True)
        if command[0] != "/bin/cat":
            assert json.loads(done.stdout) == ANSWER, done.stdout

    return run


def show(seconds):
    return f"{seconds * 1e3:.2f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f} µs"


def main():
    edge, code = sys.argv[1:]
    cold = []
    for _ in range(STARTS):
        service = Service(edge, code)
        service.call()
        cold.append(time.perf_counter() - service.began)
        service.stop()
    cold = statistics.median(cold)

    service = Service(edge, code)
    loaded = service.resident_mib()
    call = median_of(CALLS, service.call)
    used = service.resident_mib()
    service.stop()

    print("| at the edge: `examples/edge`, without compiler, server or database | |")
    print("|---|---:|")
    print(f"| stripped binary | {os.path.getsize(edge) / 2**20:.1f} MiB |")
    print(f"| the precompiled tool | {os.path.getsize(code) / 2**10:.0f} KiB |")
    print(f"| resident after loading the tool | {loaded:.1f} MiB |")
    print(f"| resident after {CALLS:,} calls | {used:.1f} MiB |")
    print(f"| process start to first answer | {show(cold)} |")
    print(f"| a call over HTTP, in a fresh instance | {show(call)} |")
    print()
    print("| beside it: a process per call | a call | the tool's share of it | to reach |")
    print("|---|---:|---:|---:|")
    rows = [("a native program (`cat`), by fork and exec", ["/bin/cat"], 50)]
    if python := shutil.which("python3"):
        rows.append(("python3", [python, "-c", PYTHON], 15))
    if node := shutil.which("node"):
        rows.append(("node", [node, "-e", NODE], 15))
    for name, command, count in rows:
        other = median_of(count, process(command))
        reach = "≤ 1" if command[0] == "/bin/cat" else ""
        print(f"| {name} | {show(other)} | {call / other:.2f} | {reach} |")
        if command[0] != "/bin/cat":
            print(f"| its start to its first answer, beside the service's | {show(other)} | {cold / other:.2f} | |")


if __name__ == "__main__":
    main()
