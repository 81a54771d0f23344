"""The console in a real browser: every page, light and dark, wide and narrow."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from monitor.config import Settings
from monitor.factory import Factory
from monitor.main import ServiceRole, create_app
from monitor.models.key import Scope
from tests.integration.console_seed import add_route, seed_drift, seed_findings, seed_ramp

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
_PATHS = {
    "routes": "/",
    "evidence": "/routes/chat-70b",
    "ramp": "/routes/code-30b",
    "audit": "/audit",
    "findings": "/findings?state=all",
}
_WIDE, _NARROW = 1280, 390


class _Server(uvicorn.Server):
    """A server that tells when it accepts requests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def _served(factory: Factory) -> Iterator[str]:
    app = create_app(factory, ServiceRole.API)
    server = _Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.ready.wait(30), "the server did not start"
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(30)


@pytest.fixture
def browser() -> Iterator[Any]:
    """A headless Chromium, with which a machine that has none is not failed."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_api.sync_playwright() as playwright:
        path = chromium or playwright.chromium.executable_path
        if not Path(path).exists():
            pytest.skip("no Chromium here: install the package chromium, or run `playwright install chromium`")
        opened = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield opened
        opened.close()


def _watched(context: Any) -> tuple[Any, list[str]]:
    """A page, and everything it complains of: console, script errors, CSP violations, failed requests."""
    page, complaints = context.new_page(), []
    page.on("console", lambda m: complaints.append(m.text) if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda e: complaints.append(str(e)))
    page.on(
        "requestfailed", lambda r: complaints.append(f"{r.url} {r.failure}") if "ABORTED" not in r.failure else None
    )
    page.on("response", lambda r: complaints.append(f"{r.url} {r.status}") if r.status >= 400 else None)
    return page, complaints


def _overflow(page: Any) -> int:
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


_LOW_CONTRAST = """
() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (c) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => { const f = [r, g, b].map(v => { v /= 255;
    return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
    return .2126 * f[0] + .7152 * f[1] + .0722 * f[2]; };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor);
    if (c[3] === 255) return c; } return [255, 255, 255, 255]; };
  const low = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) { const text = walk.currentNode.textContent.trim(), e = walk.currentNode.parentElement;
    if (!text || !e.checkVisibility() || e.closest('option, title')) continue;
    const style = getComputedStyle(e), svg = e.closest('svg');
    const a = light(rgba(svg ? style.fill : style.color)), b = light(ground(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) low.push(`${ratio.toFixed(2)} ${text.slice(0, 40)}`); }
  return low;
}
"""

_OVERLAPPING = """
() => [...document.querySelectorAll('.timeline li')].flatMap(line => {
  const boxes = [...line.children].map(e => [e.getBoundingClientRect(), e.scrollWidth, e.textContent]);
  return boxes.slice(1).flatMap(([box, , text], i) => {
    const [before, wide] = boxes[i];
    const meet = box.top < before.bottom && before.top < box.bottom && box.left < before.left + wide;
    return meet ? [text.slice(0, 40)] : [];
  });
})
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [_WIDE, _NARROW])
def test_pages_are_clean_readable_and_fit(
    browser: Any, factory: Factory, tmp_path: Path, scheme: str, width: int
) -> None:
    seed_drift(factory)
    seed_findings(factory, "chat-70b")
    seed_ramp(factory)
    add_route(factory, "embed-small-with-a-rather-long-name-that-must-wrap-somewhere")
    with _served(factory) as base:
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
        for name, path in _PATHS.items():
            page, complaints = _watched(context)
            page.goto(base + path)
            shot = tmp_path / f"{name}-{scheme}-{width}.png"
            page.screenshot(path=shot, full_page=True)
            assert shot.stat().st_size > 5000
            for number, chart in enumerate(page.locator("figure").all()):
                chart.screenshot(path=tmp_path / f"{name}-{scheme}-{width}-chart-{number}.png")
            assert complaints == []
            assert _overflow(page) <= 0, f"{path} is wider than {width} px"
            assert page.evaluate(_LOW_CONTRAST) == []
            assert page.evaluate(_OVERLAPPING) == []
            page.close()
        context.close()


def test_a_person_signs_in_and_follows_the_evidence_without_scripts(browser: Any, factory: Factory) -> None:
    locked = Factory(Settings(ui_auth="key"), clock=factory.clock, database=factory.database)
    seed_drift(locked)
    _, text = locked.keys.create("ana", frozenset({Scope.READ}), None)
    with _served(locked) as base:
        context = browser.new_context(java_script_enabled=False)
        page, complaints = _watched(context)
        page.goto(f"{base}/routes/chat-70b")
        page.get_by_label("Key with the scope read").fill(text)
        page.get_by_role("button", name="Sign in").click()
        assert page.url == f"{base}/routes/chat-70b"
        page.get_by_role("region", name="Streams of the candidates").get_by_role("link").first.click()
        assert "stream=" in page.url
        page.get_by_text("The same numbers as a table").or_(page.get_by_text("no pair in the last")).first.click()
        page.get_by_role("link", name="Audit", exact=True).click()
        page.get_by_label("Route").select_option("chat-70b")
        page.get_by_role("button", name="Show").click()
        assert page.url == f"{base}/audit?route=chat-70b"
        page.get_by_role("button", name="Sign out").click()
        assert page.url == f"{base}/login"
        page.goto(f"{base}/audit")
        assert page.url == f"{base}/login?next=/audit"
        assert complaints == []
        context.close()
