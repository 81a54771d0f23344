"""The demonstration: drift, rollback, proof, with real parts (``fullback demo``)."""

import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TextIO

from detectors.registry import SIGNALS
from monitor.clock import Clock, SystemClock
from monitor.demo.cluster import WEIGHTS, Cluster, Engines
from monitor.demo.expectation import find
from monitor.demo.fault import Fault
from monitor.demo.names import BASELINE, CANDIDATE, ROUTE
from monitor.demo.options import DemoOptions, EngineKind
from monitor.demo.outcome import Outcome
from monitor.demo.processes import Children
from monitor.demo.report import first_failure, flip_timeline, primary_counts, primary_rate, read_lines
from monitor.demo.routers import RouterOf, router_of
from monitor.demo.service import Service, ServiceError
from monitor.demo.slack_receiver import SlackReceiver
from monitor.demo.steps import FlipSteps, flip_steps
from monitor.demo.watch import Narrator, Watch
from monitor.services.policies import parse_policy

__all__ = ["POLICY", "run_demo"]

POLICY: Mapping[str, Any] = {"tick_s": 2, "warmup_s": 20}
"""What every run's policy sets: a demonstration has no hour for its warm-up."""
_INTERRUPTED = 130
_SLACK_S = 6.0
_FLIP_S = 150.0
_LEARNING_S = 240.0
_BUSY = 3.0
"""How many times longer than its limit a fault may take on a busy machine."""
_STAY_TELL_EVERY_S = 60.0
_SKEW = timedelta(seconds=2)
_AT_REST = "armed"
_DONE = {"hold", "rolled-back"}
_STOPPED = {*_DONE, "stuck", "blocked", "reverted"}


def run_demo(options: DemoOptions, out: TextIO | None = None, router: RouterOf | None = None) -> int:
    """Run the demonstration; return 0 when it showed what it should.

    Args:
        options: what to run.
        out: standard output. With ``options.json`` only the result goes there, progress to standard error.
        router: makes another router than the options name.
    """
    result_out = out or sys.stdout
    clock = SystemClock()
    narrator = Narrator(sys.stderr if options.json else result_out, clock)
    with _signals_end_us(), ExitStack() as stack:
        directory = stack.enter_context(_directory(options, narrator))
        demo = None
        try:
            demo = _Demo(options, directory, stack, narrator, clock, router or router_of(options.target))
            outcome = demo.run()
        except KeyboardInterrupt:
            narrator.say("interrupted")
            return _INTERRUPTED
        except (ServiceError, OSError, RuntimeError) as error:
            narrator.say(f"the demo failed: {error}")
            narrator.show(demo.complaints() if demo else "")
            if options.json:
                print(json.dumps(_failure(options, str(error))), file=result_out, flush=True)
            return 1
        for line in outcome.lines():
            narrator.show(line)
        if options.json:
            print(json.dumps(outcome.to_json()), file=result_out, flush=True)
        if not options.headless:
            demo.stay()
        return 0 if outcome.good else 1


def _failure(options: DemoOptions, error: str) -> dict[str, Any]:
    return {
        "fault": options.chosen_fault.name,
        "flipped": False,
        "verified_by_traffic": False,
        "seed": options.seed,
        "error": error,
    }


class _Demo:
    """One run: the parts, and the steps in order."""

    def __init__(
        self,
        options: DemoOptions,
        directory: Path,
        stack: ExitStack,
        narrator: Narrator,
        clock: Clock,
        router: RouterOf,
    ) -> None:
        self._options = options
        self._narrator = narrator
        self._clock = clock
        self._slack = stack.enter_context(SlackReceiver())
        self._children = Children(directory, clock)
        self._service = Service(directory, self._children, clock, self._slack.url)
        stack.callback(self._service.close)
        stack.callback(self._children.end_all)
        self._engines = _engines(options, self._children, directory, clock)
        self._cluster = Cluster(directory, self._children, self._engines, clock)
        self._router = router(self._cluster, directory / "router", self._children, stack, clock)
        self._watch = Watch(self._service, self._cluster, self._children, narrator, clock)

    def run(self) -> Outcome:
        """Take every step and return what was seen."""
        said = self._router.start()
        if said is not None:
            self._narrator.say(said)
        self._start_service()
        self._start_cluster()
        self._warm_up()
        return self._with_fault() if self._fault.expected else self._without_fault()

    def stay(self) -> None:
        """Keep everything running so that the console can be looked at."""
        self._narrator.say(f"the console is at {self._service.url}/ ; Ctrl-C ends the demo")
        self._watch.tell_every_s = _STAY_TELL_EVERY_S
        try:
            self._watch.pass_time(float("inf"), "running")
        except KeyboardInterrupt:
            self._narrator.say("ending")
        except ServiceError as error:
            self._narrator.say(str(error))

    def complaints(self) -> str:
        """Return the last that each process printed."""
        return "\n".join(f"--- {name}\n{text}" for name, text in self._children.complaints().items())

    @property
    def _fault(self) -> Fault:
        return self._options.chosen_fault

    def _start_service(self) -> None:
        say = self._narrator.say
        say("creating the database: an embedded PostgreSQL with Fullback's schema")
        self._service.migrate()
        say("starting Fullback")
        self._service.start()
        self._service.log_in()
        say(f"Fullback is ready; the console is at {self._service.url}/")
        say(f"policy: the shipped default except {json.dumps({**POLICY, **self._fault.policy})}")
        if self._fault.only:
            say(f"watched: {', '.join(self._fault.only)}")
        document = self._fault.policy_over(POLICY, SIGNALS)
        self._service.post("/v1/policies", {"name": "demo", "document": document})
        self._service.post("/v1/routes", self._route())
        mode = "observe" if self._real_engines and not self._fault.expected else "auto"
        self._service.patch(f"/v1/routes/{ROUTE}", {"mode": mode, "waiver": "demonstration"})
        say(f"route {ROUTE}: baseline {BASELINE}, candidate {CANDIDATE}, mode {mode}")

    @property
    def _real_engines(self) -> bool:
        return self._options.engines is EngineKind.LLAMACPP

    def _route(self) -> dict[str, Any]:
        baseline = {
            "name": BASELINE,
            "role": "baseline",
            "backend": BASELINE,
            "format": "bf16",
            "tier": "serving",
        }
        candidate = {
            "name": CANDIDATE,
            "role": "candidate",
            "backend": CANDIDATE,
            "format": "int4",
            "tier": "quantized",
        }
        return {
            "name": ROUTE,
            "policy": "demo",
            "target": self._router.target(),
            "mirror_host_suffix": "-shadow",
            "mirror_percent": 100,
            "variants": [baseline, candidate],
        }

    def _start_cluster(self) -> None:
        say = self._narrator.say
        say(f"starting two {self._options.engines} chat servers and Envoy")
        self._cluster.start()
        self._router.settled()
        self._cluster.start_traffic(self._options.seed)
        self._cluster.start_shipper(self._service.url, self._service.ingest_key(ROUTE))
        rps = self._engines.traffic.rps
        split = ", ".join(f"{share} % {name}" for name, share in WEIGHTS.items())
        say(f"{rps:g} requests/s to {self._cluster.envoy.url}: {split} by session, all mirrored")

    def _warm_up(self) -> None:
        if not self._watch.until(lambda: self._watch.seen.warm, self._options.warm_limit_s, "warming up"):
            raise ServiceError(f"not warm after {self._options.warm_limit_s:g} s")
        self._narrator.say("warm: from now on an alarm can move traffic")

    def _without_fault(self) -> Outcome:
        epoch, started_at = self._watch.seen.epoch, self._clock.now()
        self._watch.pass_time(self._options.quiet_s, "all is well")
        left = [row for row in self._watch.decisions() if row["to_phase"] != _AT_REST]
        moved = bool(left) or self._watch.seen.epoch != epoch or self._watch.seen.phase != _AT_REST
        return self._outcome(
            flipped=moved,
            counts=primary_counts(read_lines(self._cluster.access_log), started_at),
            twins=self._engines.twins(),
        )

    def _with_fault(self) -> Outcome:
        watch, say = self._watch, self._narrator.say
        watch.pass_time(self._fault.healthy_s, "all is well")
        watch.until(lambda: watch.most_pairs >= self._fault.healthy_pairs, _LEARNING_S, "learning what is usual")
        if self._fault.kills:
            watch.may_end.add(CANDIDATE)
        injected_at = self._cluster.inject(self._fault)
        say(f"FAULT: {self._fault.sentence}")
        watch.until(lambda: self._decided(injected_at), _BUSY * self._fault.limit_s, "the fault is in force")
        if watch.seen.phase != _AT_REST:
            watch.until(lambda: watch.seen.phase in _STOPPED, _FLIP_S, "moving the traffic")
        say(f"phase {watch.seen.phase}")
        told = len(self._slack.messages)
        if watch.seen.phase in _DONE:
            watch.until(lambda: self._effect() is not None, self._options.effect_s, "measuring the effect")
        watch.until(lambda: len(self._slack.messages) > told, _SLACK_S, "waiting for the message")
        lines = list(read_lines(self._cluster.access_log))
        if self._fault.kills:
            first_bad = first_failure(lines, CANDIDATE, injected_at)
        else:
            first_bad = self._engines.first_bad(injected_at)
        timeline = flip_timeline(injected_at, first_bad, watch.incidents(), watch.decisions())
        after = timeline.flip_applied + _SKEW if timeline.flip_applied else self._clock.now()
        return self._outcome(
            flipped=timeline.flip_applied is not None,
            timeline=timeline,
            steps=self._steps(lines),
            counts=primary_counts(read_lines(self._cluster.access_log), after),
            effect=self._effect(),
            twins=self._engines.twins(),
        )

    def _steps(self, lines: Sequence[Mapping[str, Any]]) -> FlipSteps | None:
        """Return how long each step of the flip took; None where there was no alarm."""
        incidents = self._watch.incidents()
        if not incidents:
            return None
        requests = parse_policy("demo", 1, self._fault.policy_over(POLICY, SIGNALS)).verify.requests
        decisions = self._watch.decisions()
        return flip_steps(incidents[0], decisions, requests, lambda since, until: primary_rate(lines, since, until))

    def _decided(self, injected_at: datetime) -> bool:
        """Tell whether there was an alarm, or so much traffic was evaluated that there will be none.

        The limit counts evaluated traffic: on a busy machine the evaluation is behind.
        """
        seen = self._watch.seen
        return seen.phase != _AT_REST or seen.evaluated_s >= injected_at.timestamp() + self._fault.limit_s

    def _outcome(self, **seen: Any) -> Outcome:
        """Return what was seen together with what every run has."""
        incidents = self._watch.incidents()
        return Outcome(
            finding=find(self._fault, incidents, tuple(self._watch.alarmed)),
            seed=self._options.seed,
            target=self._router.target()["kind"],
            phase=self._watch.seen.phase,
            total_s=round(self._narrator.elapsed_s, 1),
            sent=self._cluster.stats("traffic"),
            accounts=self._watch.seen.accounts,
            pairs=self._watch.most_pairs,
            streams=self._watch.seen.streams,
            incidents=incidents,
            slack=self._slack.messages,
            console=f"{self._service.url}/",
            **seen,
        )

    def _effect(self) -> dict[str, Any] | None:
        """Return the effect measured in the confirmation window."""
        effects = (incident.get("effect") for incident in self._watch.incidents())
        return next((effect for effect in effects if effect and effect["window"] == "confirmation"), None)


def _engines(options: DemoOptions, children: Children, directory: Path, clock: Clock) -> Engines:
    if options.engines is EngineKind.LLAMACPP:
        from monitor.demo.llamacpp import LlamaCppEngines

        return LlamaCppEngines(children, directory, options.seed, clock, options.chosen_fault)
    return Engines(children, directory, options.seed)


@contextmanager
def _directory(options: DemoOptions, narrator: Narrator) -> Iterator[Path]:
    """Give a working directory that the embedded PostgreSQL's own user may pass through."""
    path = Path(tempfile.mkdtemp(prefix="fullback-demo-"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        if options.keep:
            narrator.say(f"kept {path}")
        else:
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _signals_end_us() -> Iterator[None]:
    """Turn signals into an orderly end; a second one does not disturb it, so that no child is left behind."""
    handled = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def end(number: int, _frame: FrameType | None) -> NoReturn:
        for each in handled:
            signal.signal(each, signal.SIG_IGN)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)

    previous = {number: signal.signal(number, end) for number in handled}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
