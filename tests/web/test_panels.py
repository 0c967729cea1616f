"""What is shown besides the answer: why, and what is inside. Every number is the service's or NumPy's."""

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

EXAMPLE = 3  # the second example's place in mnist_500
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def model() -> Model:
    """The model that ships."""
    return load(DEFAULT_MODEL)


@pytest.fixture(scope="module")
def activity(model: Model, mnist_500: Examples) -> Activity:
    """What the network makes of the second example."""
    return forward(model.network, preprocess(mnist_500.images[EXAMPLE : EXAMPLE + 1]))


def number(text: str) -> float:
    """Read a number as the page writes it."""
    return float(text.replace("\u2212", "-").replace(",", ""))


def cell(layer: int, place: int) -> str:
    """Name the neuron that stands in that place of a layer."""
    return f"#layers .layer:nth-of-type({layer + 2}) .cell:nth-child({place})"


def shown_sums(page: Page, layer: int, neuron: int) -> dict[str, float]:
    """Wait until a neuron's card is there, and return its numbers."""
    page.wait_until(
        "return document.getElementById('neuron').dataset.neuron === arguments[0]", f"{layer}/{neuron}"
    )
    cells = page.run(
        "return [...document.querySelectorAll('#neuron dd')].map((d) => [d.dataset.value, d.textContent])"
    )
    return {name: number(text) for name, text in cells}


def check_sums(page: Page, model: Model, activity: Activity, layer: int, neuron: int) -> None:
    """Compare a neuron's card with NumPy's own sums."""
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
    """So does the arrow keys' going from one to the next; the brightest comes first."""
    page.example(1)
    page.run("document.querySelector(arguments[0]).focus()", cell(0, 1))
    page.driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    neuron = int(page.driver.switch_to.active_element.get_attribute("data-neuron") or "")
    assert neuron == int(np.argsort(-activity.a[1][0], kind="stable")[1])
    check_sums(page, model, activity, 0, neuron)


def test_a_connection_leads_to_its_neuron(page: Page, model: Model, activity: Activity) -> None:
    """From the answer's neuron, the strongest connection in goes back a layer."""
    page.example(1)
    into = activity.a[2][0] * model.network[2].W[:, int(activity.z[2].argmax())]
    strongest = int(np.abs(into).argmax())
    assert page.text("#neuron .links button") == f"hidden 2, neuron {strongest}"
    page.click("#neuron .links button")
    check_sums(page, model, activity, 1, strongest)


def test_all_neurons_can_be_shown(page: Page, model: Model) -> None:
    """The most active at first; with the switch, every neuron of the network, in its order."""
    page.example(1)
    sizes = [layer.W.shape[1] for layer in model.network]
    few = len(page.driver.find_elements("css selector", "#layers .cell"))
    assert few < sum(sizes)
    page.click("#all")
    shown = page.run(
        "return [...document.querySelectorAll('#layers .cell')].map((c) => Number(c.dataset.neuron))"
    )
    assert shown == [neuron for size in sizes for neuron in range(size)]


def test_softmax_is_spelled_out(page: Page, model: Model, activity: Activity) -> None:
    """Its rows are z, z / T, minus the largest, exp, and p, which is the service's own."""
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
    """At first the answer is explained; a click on 3 asks why it is no 3, and paints another map."""
    page.example(1)
    digit = page.text("#digit")
    assert page.text("#reason").startswith(f"Why a {digit}?")
    first = page.run("return document.getElementById('heat').toDataURL()")
    page.click("#digits button:nth-child(4)")
    page.wait_until("return document.getElementById('heat').dataset.digit === '3'")
    assert page.text("#reason").startswith("Why not a 3?")
    assert page.run("return document.getElementById('heat').toDataURL()") != first


SAID = """
const { showAnswer } = await import("/web/answer.js");
showAnswer({ digit: 4, confidence: 0.6, probabilities: Array(10).fill(0.1), ...arguments[0] });
return [document.getElementById("sentence").textContent, document.getElementById("aside").textContent];
"""


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"abstained": False, "prediction_set": [4]}, ("It is a 4.", "60.0 % sure. Next is a 0, 10.0 %.")),
        (
            {"abstained": True, "prediction_set": [4, 8]},
            ("not look like a single digit", "Could be a 4 or an 8."),
        ),
        (
            {"abstained": True, "prediction_set": []},
            ("not look like a single digit", "Closest match: 4, but not convincing."),
        ),
    ],
    ids=["sure", "torn", "lost"],
)
def test_an_abstention_is_said_plainly(page: Page, answer: dict[str, Any], words: tuple[str, str]) -> None:
    """A sentence for each way to answer: sure, torn between digits, like no digit."""
    said = page.run(SAID, answer)
    assert all(part in sentence for part, sentence in zip(words, said, strict=True)), said


def test_the_tour_goes_from_pixels_to_probabilities(page: Page) -> None:
    """It begins with a picture, marks a panel at each step, and gives the focus back at its end."""
    page.click("#tour-start")
    page.wait_for_state("read")
    titles = []
    while page.run("return !document.getElementById('tour').hidden"):
        titles.append(page.text("#tour-title"))
        assert page.text("#tour-place").startswith("docs/walkthrough.md#")
        assert page.run("return document.querySelectorAll('.toured').length") == 1
        page.find("#tour-next").click()
    assert titles[1] == "784 numbers"
    assert "Probabilities" in titles
    assert page.run("return document.activeElement.id") == "tour-start"


def test_escape_ends_the_tour(page: Page) -> None:
    """And nothing stays marked."""
    page.click("#tour-start")
    page.wait_for_state("read")
    page.find("body").send_keys(Keys.ESCAPE)
    assert page.run("return document.getElementById('tour').hidden && !document.querySelector('.toured')")
