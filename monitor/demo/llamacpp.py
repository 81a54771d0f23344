"""Real twins: two llama.cpp servers, f16 and q4_0 of the same random weights, each behind a logging proxy.

``python -m monitor.demo.llamacpp --model FILE --port N`` runs one of the servers.
"""

import signal
import sys
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

import click
import httpx
from typing_extensions import override

from monitor.clock import Clock
from monitor.demo.cluster import Engines, TrafficShape
from monitor.demo.fault import Fault
from monitor.demo.names import BASELINE, CANDIDATE, ROUTE
from monitor.demo.processes import Child, Children, free_port
from monitor.demo.random_model import WeightFormat, write_model
from monitor.demo.report import read_lines
from monitor.demo.twins import TwinReport, compare_twins, first_unlike

__all__ = ["LlamaCppEngines", "main"]

_FORMATS = {BASELINE: WeightFormat.F16, CANDIDATE: WeightFormat.Q4_0}
_SLOTS = 4
_MIXED = TrafficShape(
    15.0, ("--kind", "structured", "--kind", "chat", "--turns", "2", "--max-tokens", "24", "--no-logprobs")
)
_SHORT = TrafficShape(9.0, ("--kind", "chat", "--turns", "2", "--max-tokens", "8", "--no-logprobs"))
"""Answers that are compared as a whole. Structured ones are left out: llama.cpp answers 500 where the limit cuts one
off, and a baseline that fails takes no traffic."""
_START_S = 60.0
_EVERY_S = 0.1
_DRAIN_S = 2.0
"""What the replaced engine still has to answer takes a tenth of it."""
_CONTEXT = 16384


class LlamaCppEngines(Engines):
    """Starts real engines in place of the simulated ones.

    Args:
        children: starts processes.
        directory: gets models and logs.
        seed: of the weights.
        clock: for waiting.
        fault: what will be wrong; where the artifact is replaced, the candidate begins with the baseline's own.

    Raises:
        RuntimeError: the optional packages are missing.
    """

    def __init__(self, children: Children, directory: Path, seed: int, clock: Clock, fault: Fault) -> None:
        missing = [name for name in ("gguf", "xllamacpp") if find_spec(name) is None]
        if missing:
            raise RuntimeError(f"no package {' and '.join(missing)}: pip install 'fullback[engines]'")
        super().__init__(children, directory, seed)
        self.traffic = _SHORT if fault.expected else _MIXED
        self._clock = clock
        self._formats = {**_FORMATS, CANDIDATE: WeightFormat.F16} if fault.replaces else _FORMATS
        self._running: dict[str, Child] = {}

    @override
    def start(self, variant: str, port: int) -> Child:
        url = self._start_engine(variant, self._formats[variant])
        self._serve(variant, url)
        proxy = [sys.executable, "-m", "monitor.demo.engine_proxy", "--variant", variant, "--port", str(port)]
        proxy += ["--engine-file", str(self._address(variant)), "--log", str(self.log_of(variant))]
        return self.children.start(variant, proxy)

    @override
    def replace(self) -> datetime:
        old = self._running[CANDIDATE]
        url = self._start_engine(CANDIDATE, _FORMATS[CANDIDATE])
        self._wait_healthy(url)
        at = self._clock.now()
        self._serve(CANDIDATE, url)
        self._clock.wait(_DRAIN_S)
        self.children.end(old)
        return at

    @override
    def twins(self) -> TwinReport:
        return compare_twins(read_lines(self.log_of(BASELINE)), read_lines(self.log_of(CANDIDATE)))

    @override
    def first_bad(self, since: datetime) -> datetime | None:
        return first_unlike(read_lines(self.log_of(BASELINE)), read_lines(self.log_of(CANDIDATE)), since)

    def _start_engine(self, variant: str, weights: WeightFormat) -> str:
        model, port = self.directory / f"{variant}-{weights}.gguf", free_port()
        write_model(model, weights, self.seed)
        engine = [sys.executable, "-m", "monitor.demo.llamacpp", "--model", str(model), "--port", str(port)]
        self._running[variant] = self.children.start(f"{variant}-engine-{weights}", engine)
        return f"http://127.0.0.1:{port}"

    def _serve(self, variant: str, url: str) -> None:
        """Let the variant's proxy ask this engine from now on."""
        fresh = self._address(variant).with_suffix(".new")
        fresh.write_text(url)
        fresh.rename(self._address(variant))

    def _address(self, variant: str) -> Path:
        return self.directory / f"{variant}.engine"

    def _wait_healthy(self, url: str) -> None:
        for _ in range(int(_START_S / _EVERY_S)):
            try:
                if httpx.get(f"{url}/health", timeout=2, trust_env=False).is_success:
                    return
            except httpx.TransportError:
                pass
            self._clock.wait(_EVERY_S)
        raise TimeoutError(f"the new engine was not healthy after {_START_S:g} s")


@click.command()
@click.option("--model", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--port", type=int, required=True)
def main(model: Path, port: int) -> None:
    """Run llama.cpp's own server on a loopback port until the process is ended."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model)
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    parameters.n_ctx = _CONTEXT
    parameters.n_parallel = _SLOTS
    parameters.cpuparams.n_threads = 1
    parameters.model_alias = {ROUTE}
    parameters.verbosity = 1
    server = xllamacpp.Server(parameters)
    print("listening at", server.listening_address, flush=True)
    signal.pause()


if __name__ == "__main__":
    main()
