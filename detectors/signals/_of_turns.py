"""What signals of a user's turn share: when they apply, and whom they speak of."""

from typing import ClassVar, Final, Protocol

from typing_extensions import override

from detectors.base import Signal
from detectors.signals._turns import last_turn
from detectors.types import Exchange, Indicts, Margin, Message, Outcome, Reading, SignalKind

__all__ = ["TurnSignal"]

_NO_REQUEST: Final = Reading(0.0, "no_request")


class TurnSignal(Signal, Protocol):
    """A bit that the user's last turn says of the answer before it: one per session, never read on a shadow leg.

    Applies when the user has the last word and the assistant spoke before.
    """

    kind: ClassVar[SignalKind] = SignalKind.BIT
    unit: ClassVar[str] = "share of sessions"
    default_margin: ClassVar[Margin] = Margin(absolute=0.01)
    indicts: ClassVar[Indicts] = Indicts.PREVIOUS

    def read_turn(self, turn: str, messages: tuple[Message, ...], before: int) -> Reading | None:
        """Return the reading of a turn, or None when what it is compared with was not logged.

        Args:
            turn: the user's words.
            messages: the conversation.
            before: the place of the assistant's last turn before it.
        """
        ...

    @override
    def read(self, exchange: Exchange) -> Reading | None:
        messages = () if exchange.request is None else exchange.request.messages
        if len(messages) < 2 or (places := last_turn(messages)) is None:  # noqa: PLR2004 - an answer and a turn
            return None
        turn = messages[places[0]].text
        return None if turn is None else self.read_turn(turn, messages, places[1])

    @override
    def read_failure(self, outcome: Outcome) -> Reading:
        return _NO_REQUEST  # how this attempt ended says nothing about the turn before it
