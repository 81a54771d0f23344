"""The state table of docs/controller.md, made from the code: ``python -m tests.support.controller_page``."""

from pathlib import Path

from monitor.controller.next_move import RULES
from monitor.controller.phases import ALLOWED, PAGING
from monitor.models.route import Phase

PAGE = Path(__file__).parents[2] / "docs" / "controller.md"
BEGIN, END = "<!-- state table: begin -->\n", "<!-- state table: end -->"
PERSONS = frozenset(
    {
        *((phase, Phase.APPLYING) for phase in (Phase.TRIGGERED, Phase.ROLLED_BACK, Phase.REVERTED)),
        (Phase.HOLD, Phase.RECOVERING),
    }
)
"""What only a person causes; all else the controller may do by itself (tests/unit/monitor/controller/test_model.py)."""


def table() -> str:
    """A row per phase."""
    head = "| state | what its rule does | by itself | by a person | pages |\n|---|---|---|---|---|\n"
    return head + "".join(_row(phase) for phase in Phase)


def _row(phase: Phase) -> str:
    rule = (RULES[phase].__doc__ or "").partition("\n")[0].rstrip(".")
    own = [after for after in Phase if after in ALLOWED[phase] and (phase, after) not in PERSONS]
    person = [
        after for after in Phase if after in ALLOWED[phase] and (after is Phase.APPLYING or (phase, after) in PERSONS)
    ]
    return f"| `{phase.value}` | {rule} | {_names(own)} | {_names(person)} | {'yes' if phase in PAGING else ''} |\n"


def _names(phases: list[Phase]) -> str:
    return ", ".join(f"`{phase.value}`" for phase in phases)


def page(text: str) -> str:
    """The page with the table as it is now."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}{table()}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
