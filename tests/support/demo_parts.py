"""The parts of ``fullback demo --target httproute`` on this machine: those that the tests of that target build."""

from importlib.util import find_spec

from monitor.demo.envoy import find_envoy
from tests.support.apiserver import binary, httproute_crd, why_not

__all__ = ["httproute_parts", "why_no_httproute"]


def httproute_parts() -> dict[str, str]:
    """Return the settings by which the demo finds them; the first build takes minutes, later ones nothing."""
    httproute_crd()  # in Go's module cache from then on, where the demo looks for it
    return {"FULLBACK_DEMO_APISERVER": str(binary())}


def why_no_httproute() -> str | None:
    """Return why that demo cannot run on this machine; None when it can."""
    if find_spec("kubernetes") is None:
        return "the Kubernetes client is not installed: pip install 'fullback[kubernetes]'"
    try:
        find_envoy()
    except FileNotFoundError as error:
        return str(error)
    return why_not()
