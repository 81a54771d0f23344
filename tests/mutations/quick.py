"""A pytest plugin: Hypothesis draws the same examples each time and shrinks none. A mutated test has only to fail."""

from hypothesis import Phase, settings

settings.register_profile("mutation", phases=[Phase.explicit, Phase.generate], derandomize=True, database=None)
settings.load_profile("mutation")
