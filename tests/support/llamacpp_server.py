"""A real llama.cpp server with one slot and its metrics page. ``python llamacpp_server.py MODEL PORT`` runs it."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from monitor.demo.processes import free_port
from monitor.demo.random_model import WeightFormat, write_model
from tests.support.envoy import wait_until


@contextmanager
def running_llamacpp(directory: Path) -> Iterator[str]:
    """Start it with a tiny random model and yield its address."""
    missing = [name for name in ("gguf", "xllamacpp") if find_spec(name) is None]
    if missing:
        pytest.skip(f"no package {' and '.join(missing)}: pip install 'fullback[engines]' for a real engine")
    model, port = directory / "model.gguf", free_port()
    write_model(model, WeightFormat.F16, 1)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.llamacpp_server", str(model), str(port)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: _healthy(process, url), "llama.cpp to start", patience_s=60)
            yield url
        finally:
            process.terminate()
            process.wait(10)


def _healthy(process: subprocess.Popen[bytes], url: str) -> bool:
    assert process.poll() is None, "llama.cpp ended"
    try:
        return httpx.get(f"{url}/health", trust_env=False, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def serve(model: str, port: int) -> None:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = model
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    parameters.n_ctx = 4096
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = 1
    parameters.endpoint_metrics = True
    parameters.verbosity = 1
    server = xllamacpp.Server(parameters)
    print("listening at", server.listening_address, flush=True)
    signal.pause()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
