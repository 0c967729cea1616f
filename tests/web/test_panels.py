"""The explanation, network and softmax panels show the numbers that NumPy computes."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from models.network import Activity, forward
from models.preprocessing import preprocess
from models.store import Model, load
from service.settings import DEFAULT_MODEL
from tests.web.browser import Page
from training.data import Examples

pytestmark = pytest.mark.xdist_group("browser")

EXAMPLE = 3  # the index of the second example in mnist_500
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def model() -> Model:
    """The model that ships."""
    return load(DEFAULT_MODEL)


@pytest.fixture(scope="module")
def activity(model: Model, mnist_500: Examples) -> Activity:
    """The network's activity for the second example."""
    return forward(model.network, preprocess(mnist_500.images[EXAMPLE : EXAMPLE + 1]))


def number(text: str) -> float:
    """Parse a number as the page formats it."""
    return float(text.replace("\u2212", "-").replace(",", ""))


def cell(layer: int, place: int) -> str:
    """Return the selector of the neuron at a place in a layer."""
    return f"#layers .layer:nth-of-type({layer + 2}) .cell:nth-child({place})"


def shown_sums(page: Page, layer: int, neuron: int) -> dict[str, float]:
    """Wait until a neuron is shown, and return its numbers."""
    page.wait_until(
        "return document.getElementById('neuron').dataset.neuron === arguments[0]", f"{layer}/{neuron}"
    )
    cells = page.run(
        "return [...document.querySelectorAll('#neuron dd')].map((d) => [d.dataset.value, d.textContent])"
    )
    return {name: number(text) for name, text in cells}


def check_sums(page: Page, model: Model, activity: Activity, layer: int, neuron: int) -> None:
    """Compare the shown numbers of a neuron with NumPy's."""
    sums = shown_sums(page, layer, neuron)
    here = model.network[layer]
    expected: dict[str, Any] = {
        "sum": activity.a[layer][0] @ here.W[:, neuron],
        "bias": here.b[neuron],
        "z": activity.z[layer][0, neuron],
        "a": activity.a[layer + 1][0, neuron],
    }
    assert sums == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_a_neuron_that_is_pointed_at_shows_its_sum(
    page: Page, model: Model, activity: Activity, layer: int
) -> None:
    """Hovering over a neuron shows w · a, bias, z and a as NumPy computes them, to 1e-4."""
    page.example(1)
    place = cell(layer, 4)
    neuron = int(page.find(place).get_attribute("data-neuron") or "")
    page.run(
        "document.querySelector(arguments[0]).scrollIntoView({ block: 'center', behavior: 'instant' })", place
    )
    ActionChains(page.driver).move_to_element(page.find(place)).perform()
    check_sums(page, model, activity, layer, neuron)
    assert page.run("return document.querySelectorAll('#layers line').length") > 0


def test_a_neuron_that_has_the_focus_shows_its_sum(page: Page, model: Model, activity: Activity) -> None:
    """The arrow keys select the next neuron and show its sum; neurons are sorted by activation."""
    page.example(1)
    page.run("document.querySelector(arguments[0]).focus()", cell(0, 1))
    page.driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    neuron = int(page.driver.switch_to.active_element.get_attribute("data-neuron") or "")
    assert neuron == int(np.argsort(-activity.a[1][0], kind="stable")[1])
    check_sums(page, model, activity, 0, neuron)


def test_a_connection_leads_to_its_neuron(page: Page, model: Model, activity: Activity) -> None:
    """The strongest input of the predicted digit's neuron leads to a neuron of the layer before."""
    page.example(1)
    into = activity.a[2][0] * model.network[2].W[:, int(activity.z[2].argmax())]
    strongest = int(np.abs(into).argmax())
    assert page.text("#neuron .connections button") == f"hidden 2, neuron {strongest}"
    page.click("#neuron .connections button")
    check_sums(page, model, activity, 1, strongest)


def test_all_neurons_can_be_shown(page: Page, model: Model) -> None:
    """At first the most active neurons are shown; the button shows all neurons in order."""
    page.example(1)
    sizes = [layer.W.shape[1] for layer in model.network]
    few = len(page.driver.find_elements("css selector", "#layers .cell"))
    assert few < sum(sizes)
    page.click("#show-all")
    shown = page.run(
        "return [...document.querySelectorAll('#layers .cell')].map((c) => Number(c.dataset.neuron))"
    )
    assert shown == [neuron for size in sizes for neuron in range(size)]


def test_softmax_is_spelled_out(page: Page, model: Model, activity: Activity) -> None:
    """Each row shows z, z / T, the difference from the maximum, its exponential, and p twice."""
    page.example(1)
    rows = page.run(
        "return [...document.querySelectorAll('tbody tr')].map((r) => [...r.cells].map((c) => c.textContent))"
    )
    found: npt.NDArray[np.float64] = np.array([[number(text) for text in row] for row in rows])
    z = activity.z[-1][0]
    scaled = z / model.metadata["temperature"]
    e = np.exp(scaled - scaled.max())
    expected = np.stack(
        [np.arange(10), z, scaled, scaled - scaled.max(), e, e / e.sum(), e / e.sum()], axis=1
    )
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_why_not_another_digit(page: Page) -> None:
    """The predicted digit is explained first; a click on 3 explains the 3 with another heat map."""
    page.example(1)
    digit = page.text("#digit")
    assert page.text("#explanation-text").startswith(f"Why a {digit}?")
    first = page.run("return document.getElementById('heatmap').toDataURL()")
    page.click("#explain-digit button:nth-child(4)")
    page.wait_until("return document.getElementById('heatmap').dataset.digit === '3'")
    assert page.text("#explanation-text").startswith("Why not a 3?")
    assert page.run("return document.getElementById('heatmap').toDataURL()") != first


SAID = """
const { showPrediction } = await import("/web/prediction.js");
showPrediction({ digit: 4, confidence: 0.6, probabilities: Array(10).fill(0.1), ...arguments[0] });
return [document.getElementById("summary").textContent, document.getElementById("detail").textContent];
"""


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            {"abstained": False, "prediction_set": [4]},
            ("It is a 4.", "Confidence: 60.0 %. Second choice: 0 (10.0 %)."),
        ),
        (
            {"abstained": True, "prediction_set": [4, 8]},
            ("No clear digit.", "Could be a 4 or an 8. A person should check it."),
        ),
        (
            {"abstained": True, "prediction_set": []},
            ("No clear digit.", "Closest match: 4, but not convincing."),
        ),
    ],
    ids=["confident", "ambiguous", "unconvincing"],
)
def test_each_kind_of_prediction_has_its_sentences(
    page: Page, answer: dict[str, Any], words: tuple[str, str]
) -> None:
    """A confident, an ambiguous and an unconvincing prediction are described differently."""
    said = page.run(SAID, answer)
    assert all(part in sentence for part, sentence in zip(words, said, strict=True)), said


def test_the_tour_goes_from_pixels_to_probabilities(page: Page) -> None:
    """The tour loads an image, highlights one panel per step, and returns the focus at the end."""
    page.click("#tour-start")
    page.wait_for_state("answered")
    titles = []
    while page.run("return !document.getElementById('tour').hidden"):
        titles.append(page.text("#tour-title"))
        assert page.text("#tour-place").startswith("docs/walkthrough.md#")
        assert page.run("return document.querySelectorAll('.highlighted').length") == 1
        page.find("#tour-next").click()
    assert titles[1] == "784 numbers"
    assert "Probabilities" in titles
    assert page.run("return document.activeElement.id") == "tour-start"


def test_escape_ends_the_tour(page: Page) -> None:
    """Escape closes the tour and removes the highlight."""
    page.click("#tour-start")
    page.wait_for_state("answered")
    page.find("body").send_keys(Keys.ESCAPE)
    assert page.run(
        "return document.getElementById('tour').hidden && !document.querySelector('.highlighted')"
    )
