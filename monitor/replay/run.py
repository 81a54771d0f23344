"""A replay from its source to its story."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from monitor.replay.outputs import Outputs, variant_files
from monitor.replay.player import play, step_of
from monitor.replay.recording import Recording
from monitor.replay.show import lines_of
from monitor.replay.source import Part, Source
from monitor.replay.stage import StageOptions, baseline_of, set_stage
from monitor.replay.story import story
from monitor.services.policies import parse_policy
from monitor.storage.session import Database

__all__ = ["open_source", "run_replay"]


def open_source(path: str, baseline: str | None, rate: float, start: float, lag_s: float) -> Source:
    """Open a file of recorded events, or a directory of answers.

    Raises:
        ReplayError: it cannot be read, or the baseline cannot be told.
    """
    if not Path(path).is_dir():
        return Recording(path, lag_s)
    files = variant_files(path)
    chosen, _ = baseline_of([Part(name, name) for name in files], baseline)
    return Outputs(files, chosen.name, rate, start, lag_s)


async def run_replay(
    database: Database, source: Source, options: StageOptions, policy_name: str, say: Callable[[str], None]
) -> tuple[dict[str, Any], list[str]]:
    """Replay a source over an empty migrated database; return the story as a document and as lines.

    Raises:
        FullbackError: the policy, a route or the source is wrong.
    """
    policy = parse_policy(policy_name, 0, options.policy)
    stage = set_stage(database, source, options, step_of(policy))
    for note in stage.notes:
        say(note)
    played = await play(stage, source, say)
    told = story(stage, source, played, policy_name)
    return told, lines_of(told)
