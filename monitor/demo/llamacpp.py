"""Real twins: two llama.cpp servers, f16 and q4_0 of the same random weights, each behind a logging proxy.

``python -m monitor.demo.llamacpp --model FILE --port N`` runs one of the servers.
"""

import signal
import sys
from importlib.util import find_spec
from pathlib import Path

import click
from typing_extensions import override

from monitor.demo.cluster import Engines, TrafficShape
from monitor.demo.names import BASELINE, CANDIDATE, ROUTE
from monitor.demo.processes import Child, Children, free_port
from monitor.demo.random_model import WeightFormat, write_model
from monitor.demo.report import read_lines
from monitor.demo.twins import TwinReport, compare_twins

__all__ = ["LlamaCppEngines", "main"]

_FORMATS = {BASELINE: WeightFormat.F16, CANDIDATE: WeightFormat.Q4_0}
_SLOTS = 4
_CONTEXT = 16384


class LlamaCppEngines(Engines):
    """Starts real engines in place of the simulated ones.

    Raises:
        RuntimeError: the optional packages are missing.
    """

    traffic = TrafficShape(
        15.0, ("--kind", "structured", "--kind", "chat", "--turns", "2", "--max-tokens", "24", "--no-logprobs")
    )

    def __init__(self, children: Children, directory: Path, seed: int) -> None:
        missing = [name for name in ("gguf", "xllamacpp") if find_spec(name) is None]
        if missing:
            raise RuntimeError(f"no package {' and '.join(missing)}: pip install 'fullback[engines]'")
        super().__init__(children, directory, seed)

    @override
    def start(self, variant: str, port: int) -> Child:
        model, engine_port = self.directory / f"{variant}.gguf", free_port()
        write_model(model, _FORMATS[variant], self.seed)
        engine = [
            sys.executable,
            "-m",
            "monitor.demo.llamacpp",
            "--model",
            str(model),
            "--port",
            str(engine_port),
        ]
        self.children.start(f"{variant}-engine", engine)
        proxy = [sys.executable, "-m", "monitor.demo.engine_proxy", "--variant", variant, "--port", str(port)]
        proxy += ["--engine", f"http://127.0.0.1:{engine_port}", "--log", str(self.log_of(variant))]
        return self.children.start(variant, proxy)

    @override
    def twins(self) -> TwinReport:
        return compare_twins(read_lines(self.log_of(BASELINE)), read_lines(self.log_of(CANDIDATE)))


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
