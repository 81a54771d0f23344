"""How many generated loops the detector finds, and how many ordinary texts it takes for loops.

``python -m tests.agreement.repetition_eval [--texts N] [--seed N] [--json]``. All texts are made up from a seed.
"""

import argparse
import base64
import json
import random
import sys
from collections.abc import Callable, Iterator
from itertools import accumulate

from detectors.signals._repetition import find_loop

PERIODS = (1, 2, 3, 4, 5, 7, 8, 12, 16, 25, 40, 64, 100, 150, 200)
NOISES = (0.0, 0.01, 0.03, 0.05)
_COMMON = (
    "the of and to in is it that for was on with as you at this have from or one had by but not what all were when we "
    "there can an your which their said if do will each about how up out them then she many some so these would other"
)
COMMON = _COMMON.split()
_SYLLABLES = "ba ce di fo gu la me ni po ru sa te vi wo ya ke lor min tan dral"
SYLLABLES = _SYLLABLES.split()
HAN = "山水火木金土日月人口田力上下中大小多少天地河海风雨春夏秋冬东西南北书车马鸟鱼花草米茶门窗路桥城市村店"
MARKS = "!?.-*=#_~0"


class Texts:
    """Makes texts from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - texts, not secrets
        rare = ["".join(self.random.choices(SYLLABLES, k=self.random.randint(2, 4))) for _ in range(2_000)]
        self.vocabulary = [*COMMON, *rare]
        self.weights = list(accumulate(1.0 / (rank + 8) for rank in range(len(self.vocabulary))))

    def words(self, n: int) -> list[str]:
        return self.random.choices(self.vocabulary, cum_weights=self.weights, k=n)

    def prose(self, n: int) -> str:
        """Return about n words in sentences and paragraphs."""
        parts = []
        while n > 0:
            size = min(n, self.random.randint(5, 22))
            words = self.words(size)
            if size > 9:
                words[size // 2] += ","
            parts.append(" ".join(words).capitalize() + self.random.choice([". ", ". ", ". ", "? ", ".\n\n"]))
            n -= size
        return "".join(parts)

    def number(self) -> str:
        return str(self.random.randint(1, 9_999))

    def name(self) -> str:
        return self.random.choice(self.vocabulary[len(COMMON) :])

    def some(self, low: int, high: int) -> range:
        return range(self.random.randint(low, high))

    # tokens of one period, with how they are joined

    def unit(self, kind: str, period: int) -> list[str]:
        if kind == "han":
            return self.random.choices(HAN, k=period)
        if kind == "code":
            pool = [self.name(), self.name(), "=", "(", ")", ".", "if", "return", "+", self.number(), ":", "self", ","]
            tokens = self.random.choices([*pool, *self.words(6)], k=period)
        else:
            tokens = self.words(period)
            for at in range(6, period, 11):
                tokens[at] += self.random.choice([",", ".", ";"])
        tokens[0] = self.name() if not any(c.isalpha() for token in tokens for c in token) else tokens[0]
        return tokens

    def loop(self, kind: str, period: int, noise: float) -> str:
        """Return a text that ends, or at 60 % and more consists, in a loop."""
        unit = self.unit(kind, period)
        repeats = max(self.random.randint(4, 12), -(-self.random.randint(40, 80) // period))
        tokens = unit * repeats
        noisy: list[str] = []
        changed = set(self.random.sample(range(len(tokens)), int(noise * len(tokens))))
        for at, token in enumerate(tokens):
            other = self.random.choice(HAN) if kind == "han" else self.name()
            if at not in changed:
                noisy.append(token)
            else:
                noisy += [other] if self.random.random() < 0.5 else [token, other]
        body = ("" if kind == "han" else " ").join(noisy)
        before = self.prose(self.random.choice([0, 10, 40, 120]))
        size = len(noisy)
        after = self.prose(self.random.randint(5, max(5, size // 3))) if self.random.random() < 0.2 else ""
        if after and len(body) < 0.6 * (len(before) + len(body) + len(after)):
            before = ""
        return f"{before}{body} {after}".strip()

    def flood(self) -> str:
        mark = self.random.choice(MARKS) * self.random.randint(200, 3_000)
        return self.prose(self.random.choice([0, 20, 100])) + mark

    def blank_flood(self) -> str:
        return '{"name": "' + self.name() + '",' + self.random.choice(["\n", " ", "\n  ", "\t"]) * 800

    def counted_items(self) -> str:
        item = " ".join(self.words(self.random.randint(4, 12)))
        return "\n".join(f"{n + 1}. {item}" for n in range(self.random.randint(8, 60)))

    # texts that are no loops

    def poem(self) -> str:
        refrain = "\n".join(" ".join(self.words(6)) for _ in range(4))
        verses = ["\n".join(" ".join(self.words(7)) for _ in self.some(4, 6)) for _ in self.some(3, 6)]
        return "\n\n".join(f"{verse}\n\n{refrain}" for verse in verses)

    def anaphora(self) -> str:
        head = " ".join(self.words(4))
        return "\n".join(f"{head} {' '.join(self.words(self.random.randint(4, 8)))}." for _ in self.some(6, 20))

    def table(self) -> str:
        columns = self.random.randint(2, 6)
        flags = self.random.random() < 0.5
        rows = ["| " + " | ".join(self.words(columns)) + " |", "|" + "---|" * columns]
        for at in self.some(4, 30):
            cells = [self.random.choice(["yes", "no"]) if flags else self.number() for _ in range(columns - 1)]
            rows.append(f"| {self.name()} {at} | " + " | ".join(cells) + " |")
        return self.prose(20) + "\n\n" + "\n".join(rows)

    def json_array(self) -> str:
        keys = [self.name() for _ in range(self.random.randint(2, 9))]
        constant = {key: self.random.choice(["active", True, None, 5, "EUR", []]) for key in keys}
        varying = self.random.randint(1, 3)
        rows = []
        for at in self.some(4, 40):
            fields = {"id": at + 1} | {f"field_{n}": self.random.choice([self.name(), at * 7]) for n in range(varying)}
            rows.append({**dict(list(fields.items())[: 1 + varying]), **constant})
        return json.dumps(rows, indent=self.random.choice([None, 2]))

    def identifiers(self) -> str:
        """Records that differ in one number only."""
        constant = {self.name(): self.name() for _ in range(self.random.randint(3, 12))}
        return json.dumps([{"id": at, **constant} for at in range(self.random.randint(4, 40))])

    def bullets(self) -> str:
        return "\n".join(f"- **{self.name()}**: {' '.join(self.words(9))}" for _ in self.some(5, 20))

    def csv(self) -> str:
        columns = self.random.randint(3, 8)
        lines = [",".join(self.words(columns))]
        lines += [
            ",".join([f"2024-03-{at % 28 + 1:02}", *(self.number() for _ in range(columns - 2)), "ok"])
            for at in self.some(8, 60)
        ]
        return "\n".join(lines)

    def base64(self) -> str:
        return base64.b64encode(self.random.randbytes(self.random.randint(300, 3_000))).decode()

    def log(self) -> str:
        line = " ".join(self.words(7))
        return "\n".join(
            f"2024-05-01 12:{at // 60 % 60:02}:{at % 60:02},{self.random.randint(0, 999):03} INFO worker-"
            f"{self.random.randint(1, 4)}: {line} in {self.random.randint(2, 900)} ms"
            for at in self.some(6, 60)
        )

    def code(self) -> str:
        lines = []
        for _ in self.some(3, 12):
            name, other = self.name(), self.name()
            lines += [
                f"def {name}(self, {other}):",
                f'    """{" ".join(self.words(6)).capitalize()}."""',
                f"    if {other} is None:",
                f"        raise ValueError('{other} must not be None')",
                f"    self._{name} = {other}",
                f"    return self._{name}",
                "",
            ]
        return "Here is the code:\n\n```python\n" + "\n".join(lines) + "```\n"

    def assignments(self) -> str:
        return "```c\n" + "\n".join(f"    config->{n} = defaults.{n};" for n in self.words(14)) + "\n```"

    def matrix(self) -> str:
        size = self.random.randint(4, 9)
        pick = self.random.choice([["0"], ["0", "1"], ["0", "1", "2"]])
        return "The matrix is\n" + "\n".join(
            "[" + ", ".join(self.random.choice(pick) for _ in range(size)) + "]," for _ in range(size)
        )

    def html(self) -> str:
        rows = "\n".join(f"  <tr><td>{self.name()}</td><td>open</td><td>EUR</td></tr>" for _ in self.some(4, 25))
        return f"<table>\n{rows}\n</table>"

    def configurations(self) -> str:
        lines = [f"  {self.name()}: {self.name()}" for _ in self.some(6, 18)]
        names = self.random.sample(self.vocabulary, 3)
        return "\n".join("\n".join([f"{name}:", f"  host: {name}.example", *lines, ""]) for name in names)

    def edited(self) -> str:
        """A text before and after a small edit."""
        words = self.words(self.random.randint(60, 200))
        changed = [self.name() if self.random.random() < 0.04 else word for word in words]
        return f"Before:\n{' '.join(words)}\n\nAfter:\n{' '.join(changed)}\n"

    def steps(self) -> str:
        return "\n".join(
            f"{n + 1}. {' '.join(self.words(3)).capitalize()}: {' '.join(self.words(12))}." for n in self.some(4, 15)
        )

    def times_table(self) -> str:
        factor = self.random.randint(2, 99)
        return "\n".join(f"{factor} x {n} = {factor * n}" for n in range(1, 21))

    def grid(self) -> str:
        """Rows of few distinct words."""
        return "\n".join(" ".join(self.random.choices(["yes", "no"], k=8)) for _ in self.some(8, 20))

    def cantonese_like(self) -> str:
        return "".join(
            "".join(self.random.choices(HAN, k=self.random.randint(6, 14))) + "，。"[n % 2] for n in self.some(10, 40)
        )

    def rulers(self) -> str:
        return "\n".join(f"{'=' * 72}\n{self.prose(30).strip()}\n{'-' * 72}" for _ in self.some(2, 5))


ORDINARY: tuple[Callable[[Texts], str], ...] = (
    lambda texts: texts.prose(texts.random.randint(20, 1_500)),
    Texts.poem,
    Texts.anaphora,
    Texts.table,
    Texts.json_array,
    Texts.identifiers,
    Texts.bullets,
    Texts.csv,
    Texts.base64,
    Texts.log,
    Texts.code,
    Texts.assignments,
    Texts.matrix,
    Texts.html,
    Texts.configurations,
    Texts.edited,
    Texts.steps,
    Texts.times_table,
    Texts.grid,
    Texts.cantonese_like,
    Texts.rulers,
)


def loops(texts: Texts, n: int) -> Iterator[tuple[str, str]]:
    """Yield n texts of each kind that loop, with the kind."""
    for _ in range(n):
        for kind in ("prose", "code", "han"):
            for period in PERIODS:
                for noise in NOISES:
                    size = "1-7" if period < 8 else "8-40" if period <= 40 else "64-200"
                    yield f"{kind}, period {size}, noise {noise:.0%}", texts.loop(kind, period, noise)
        yield "flood of a symbol", texts.flood()
        yield "flood of white space", texts.blank_flood()
        yield "items that only count", texts.counted_items()


def ordinary(texts: Texts, n: int) -> Iterator[tuple[str, str]]:
    """Yield n texts of each kind that do not loop, with the kind."""
    for _ in range(n):
        for make in ORDINARY:
            yield make.__name__.replace("<lambda>", "prose"), make(texts)


def count(texts: Iterator[tuple[str, str]]) -> dict[str, tuple[int, int]]:
    """Return of each kind how many are taken for loops, and how many there are."""
    found: dict[str, tuple[int, int]] = {}
    for kind, text in texts:
        hits, total = found.get(kind, (0, 0))
        found[kind] = (hits + (find_loop(text) is not None), total + 1)
    return found


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--texts", type=int, default=20, help="texts of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    result = {
        "loops": count(loops(Texts(chosen.seed), chosen.texts)),
        "ordinary": count(ordinary(Texts(chosen.seed + 1), chosen.texts)),
    }
    if chosen.json:
        print(json.dumps(result, indent=2))
        return 0
    for name, kinds in result.items():
        print(f"\n| {name} | taken for loops | of |\n|---|---|---|")
        for kind, (hits, total) in kinds.items():
            print(f"| {kind} | {hits} | {total} |")
        print(f"| all | {sum(hits for hits, _ in kinds.values())} | {sum(total for _, total in kinds.values())} |")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
