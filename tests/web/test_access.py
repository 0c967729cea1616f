"""Accessibility: axe, the keyboard, screen sizes, themes, reduced motion; and the security policy."""

import importlib.resources
import json
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.web.browser import Page

pytestmark = pytest.mark.xdist_group("browser")

AXE = (importlib.resources.files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8")
WIDTHS = [360, 414, 768, 1024, 1440, 2200]


def prefer(driver: Chrome, **features: str) -> None:
    """Emulate media features, such as the preferred colour scheme."""
    pairs = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": pairs})


def resize(driver: Chrome, width: int, height: int = 800) -> None:
    """Give the browser a screen of that size; a narrow one is a phone's."""
    screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)


def violations(page: Page) -> list[dict[str, Any]]:
    """Run all rules of axe, and return the violations with their elements."""
    page.run(AXE)
    found = page.run("return (await axe.run(document)).violations")
    return [{"rule": entry["id"], "where": [node["html"] for node in entry["nodes"]]} for entry in found]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(page: Page, media: Chrome, theme: str) -> None:
    """There is no violation in either theme: empty, with all panels filled, and during the tour."""
    prefer(media, prefers_color_scheme=theme, prefers_reduced_motion="reduce")
    assert violations(page) == []
    page.draw_digit(5)
    page.wait_until("return document.getElementById('neuron').dataset.neuron")
    assert violations(page) == []
    page.click("#tour-start")
    assert violations(page) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_scrolls_sideways(page: Page, media: Chrome, width: int) -> None:
    """With all panels filled, the page is no wider than the screen, from phones to wide screens."""
    resize(media, width)
    page.example(1)
    page.click("#show-all")
    assert page.run("return document.documentElement.scrollWidth") <= width
    inner = page.run(
        "return [...document.querySelectorAll('.panel')].filter((p) => p.scrollWidth > p.clientWidth + 1)"
    )
    assert inner == []


def test_the_theme_can_be_chosen_and_is_kept(page: Page, media: Chrome) -> None:
    """The button cycles through dark, light and system; the choice survives a reload."""
    prefer(media, prefers_color_scheme="light")
    ground = "return getComputedStyle(document.body).backgroundColor"
    light = page.run(ground)
    page.click("#theme")
    assert page.run(ground) != light
    page.driver.refresh()
    assert page.text("#theme") == "Theme: dark"
    assert page.run(ground) != light
    page.click("#theme")
    assert page.run(ground) == light
    page.click("#theme")
    assert page.text("#theme") == "Theme: system"


def test_everything_is_reached_by_keyboard(page: Page) -> None:
    """Tab reaches all controls, and the focused element has an outline."""
    page.example(1)
    reached = set()
    page.run("document.activeElement.blur(); scrollTo(0, 0)")
    for _ in range(60):
        ActionChains(page.driver).send_keys(Keys.TAB).perform()
        what = page.run(
            "const e = document.activeElement, s = getComputedStyle(e.type === 'file' ? e.parentElement : e);"
            "const b = getComputedStyle(e, '::before');"
            "return [e.id || e.closest('[id]')?.id, s.outlineStyle !== 'none' || b.outlineStyle !== 'none']"
        )
        assert what[1] or what[0] in {None, ""}, what
        reached.add(what[0])
    assert reached >= {
        "tour-start",
        "theme",
        "eraser",
        "undo",
        "clear",
        "width",
        "file",
        "examples",
        "explain-digit",
    }
    assert reached >= {"show-all", "layers", "neuron"}


def test_a_prediction_needs_only_the_keyboard(page: Page) -> None:
    """Enter on an example shows and announces its prediction."""
    page.find("#examples button").send_keys(Keys.ENTER)
    page.wait_for_state("answered")
    assert page.text("#status") == f"{page.text('#summary')} {page.text('#detail')}"


def test_reduced_motion_is_respected(page: Page, media: Chrome) -> None:
    """With reduced motion, the bars change without a transition."""
    duration = "return getComputedStyle(document.querySelector('.fill')).transitionDuration"
    assert page.run(duration) != "0s"
    prefer(media, prefers_reduced_motion="reduce")
    assert page.run(duration) == "0s"


def test_an_injected_script_does_not_run(page: Page) -> None:
    """The Content Security Policy blocks inline scripts and event handlers."""
    page.run(
        "const script = document.createElement('script'); script.textContent = 'window.ran = 1';"
        "document.body.append(script);"
        'const image = \'<img src="/web/none.png" onerror="window.ran = 2">\';'
        "document.body.insertAdjacentHTML('beforeend', image);"
    )
    page.wait_until("return document.images[document.images.length - 1].complete")
    assert page.run("return window.ran") is None
    complaints = page.complaints()
    assert any("Content Security Policy" in line for line in complaints)


def test_it_asks_no_other_host(page: Page) -> None:
    """Drawing a digit and explaining it sends requests to the service alone."""
    page.driver.get_log("performance")  # type: ignore[no-untyped-call]
    page.open()
    page.draw_digit(6)
    page.click("#explain-digit button:nth-child(2)")
    page.wait_until("return document.getElementById('heatmap').dataset.digit === '1'")
    entries = [json.loads(entry["message"])["message"] for entry in page.driver.get_log("performance")]  # type: ignore[no-untyped-call]
    sent = [entry["params"] for entry in entries if entry["method"] == "Network.requestWillBeSent"]
    addresses = {params["request"]["url"] for params in sent}
    assert f"{page.address}predict?explain=1" in addresses
    own = (page.address, "blob:", "data:")
    assert [address for address in addresses if not address.startswith(own)] == []
