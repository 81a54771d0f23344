import gzip
import json

from tests.agreement.refusal_eval import evaluate, read_rows, render

ROWS = [
    ("refusal", "2_no", "I'm sorry, but I can't help with that."),
    ("refusal", "2_no", "Let us talk about the weather."),
    ("compliance", "1_yes", "Start at the mill and follow the brook."),
    ("partial", "3_part", "I must decline."),
]


def test_counts_are_told_and_texts_are_not(tmp_path):
    folder = tmp_path / "refusals"
    folder.mkdir()
    with gzip.open(folder / "invented.jsonl.gz", "wt", encoding="utf-8") as lines:
        for model in ("one", "two"):
            for at, (label, raw, response) in enumerate(ROWS):
                row = {
                    "source": "invented",
                    "model": model,
                    "lang": "en",
                    "prompt": f"prompt {at}",
                    "response": response,
                }
                lines.write(json.dumps({**row, "label": label, "label_raw": raw, "meta": {}}) + "\n")
    tables = evaluate(list(read_rows(tmp_path)))
    overall = next(row for row in tables["agreement"] if row["group"] == "invented en")
    assert [overall[key] for key in ("true_positive", "false_negative", "false_positive", "true_negative")] == [
        2,
        2,
        0,
        2,
    ]
    assert overall["f1"] == 2 / 3
    classes = {row["group"]: row for row in tables["classes"]}
    assert classes["invented one en 2_no -"]["refusal_share"][0] == 0.5
    halves = [row for row in tables["halves"] if " 2_no " in row["group"]]
    assert sum(row["rows"] for row in halves) == 4
    assert sum(row["prompts"] for row in halves) == 2, "two models' answers to one prompt are one cluster"
    shown = render(tables) + json.dumps(tables)
    assert not any(text in shown for _, _, text in ROWS)
    assert "prompt 0" not in shown
