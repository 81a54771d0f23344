"""Who wrote an HTTPRoute's rules last, and whose tool would write over a flip. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from monitor.models.route import Writer

__all__ = ["MANAGER", "owners_of", "writer_of"]

MANAGER = "fullback"
"""The field manager of every write."""

_ARGO_CD = frozenset({"argocd-controller", "argocd-application-controller"})
_FLUX_KUSTOMIZE = frozenset({"kustomize-controller"})
_FLUX_HELM = frozenset({"helm-controller"})
_GITOPS = _ARGO_CD | _FLUX_KUSTOMIZE | _FLUX_HELM | {"flux", "flux-client-side-apply"}


def writer_of(metadata: Mapping[str, Any]) -> tuple[Writer | None, str | None]:
    """Return who owns the rules by ``managedFields``, newest first; None where nothing tells.

    A write that changes the rules takes them from every other manager; several own them after an apply that
    found what it wanted. Stamps have whole seconds: of equals, one that is not Fullback counts.
    """
    entries = [entry for entry in _entries(metadata) if "f:rules" in _dict(_dict(entry.get("fieldsV1")).get("f:spec"))]
    if not entries:
        return None, None
    newest = max(entries, key=lambda entry: (str(entry.get("time", "")), entry.get("manager") != MANAGER))
    name = str(newest.get("manager", ""))
    if name == MANAGER:
        return Writer.FULLBACK, name
    return Writer.GITOPS if name in _GITOPS else Writer.OTHER, name


def owners_of(metadata: Mapping[str, Any], *, gitops_ignores: bool) -> tuple[str, ...]:
    """Return the GitOps managers that would write over a flip, with what tells of them.

    Args:
        metadata: the object's.
        gitops_ignores: somebody says that their ignore rules cover weights and filters.
    """
    if gitops_ignores:
        return ()
    annotations, labels = _dict(metadata.get("annotations")), _dict(metadata.get("labels"))
    managers = {str(entry.get("manager")) for entry in _entries(metadata)}
    marks = {
        "Argo CD": [
            *_held("annotation", annotations, "argocd.argoproj.io/tracking-id"),
            *_held("label", labels, "argocd.argoproj.io/instance"),
            *(f"field manager {name}" for name in sorted(_ARGO_CD & managers)),
        ],
        "Flux Kustomization": []
        if _let_be(annotations, labels)
        else [
            *_held("label", labels, "kustomize.toolkit.fluxcd.io/name"),
            *(f"field manager {name}" for name in sorted(_FLUX_KUSTOMIZE & managers)),
        ],
        "Flux HelmRelease": []
        if annotations.get("helm.toolkit.fluxcd.io/driftDetection") == "disabled"
        else [
            *_held("label", labels, "helm.toolkit.fluxcd.io/name"),
            *(f"field manager {name}" for name in sorted(_FLUX_HELM & managers)),
        ],
    }
    return tuple(f"{owner} ({found[0]})" for owner, found in marks.items() if found)


def _let_be(annotations: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    prefix = "kustomize.toolkit.fluxcd.io"
    told = {annotations.get(f"{prefix}/reconcile"), labels.get(f"{prefix}/reconcile")}
    return "disabled" in told or annotations.get(f"{prefix}/ssa") in {"Ignore", "IfNotPresent"}


def _held(kind: str, where: Mapping[str, Any], key: str) -> Iterator[str]:
    if key in where:
        yield f"{kind} {key}"


def _entries(metadata: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the entries of ``managedFields`` for the object itself, without those for its status."""
    found = metadata.get("managedFields")
    entries = [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []
    return [entry for entry in entries if not entry.get("subresource")]


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
