"""Pictures of digits of any kind become images like MNIST's; MNIST's own images pass unchanged."""

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from service.images.codec import Grey, InvalidImage, decode
from service.images.connected_components import connected_components, digit_components
from service.images.line_removal import erase_lines
from service.images.normalise import normalise
from service.images.stroke_width import stroke_width
from tests.service.conftest import png as encode
from training.data import Examples

MANY_PIXELS = 2**24
# The strokes of a 4, as shares of its height; the second is apart from the first.
STROKES = [[(0.3, 0.0), (0.05, 0.55), (0.75, 0.55)], [(0.6, 0.3), (0.55, 1.0)]]


@pytest.fixture(scope="module")
def digit(seven: bytes) -> Grey:
    """A 7 of MNIST, 28 × 28."""
    return decode(seven, MANY_PIXELS)


def drawn(side: int, width: int, *, share: float = 0.6, grey: int = 255) -> Grey:
    """Draw a 4, white on black, its height a share of the side, in the middle."""
    image = Image.new("L", (side, side))
    pen, height = ImageDraw.Draw(image), share * side
    for stroke in STROKES:
        points = [(side / 2 + (x - 0.4) * height, side / 2 + (y - 0.5) * height) for x, y in stroke]
        pen.line(points, grey, width, joint="curve")
    return np.asarray(image)


def shape(image: Grey) -> Grey:
    """Return the normalised image."""
    return normalise(image)[0]


def likeness(one: Grey, other: Grey) -> float:
    """Return the correlation of two images' pixels."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def width_of(image: Grey) -> float:
    """Return how wide the strokes of a normalised image are, in pixels."""
    return stroke_width(image > 127)


def lit(ink: Grey, *, low: float = 60, high: float = 220, noise: float = 2) -> Grey:
    """Photograph ink on paper whose light falls off from one corner to the other, with noise."""
    rng = np.random.default_rng(3)
    slope = np.add.outer(np.linspace(0, 0.5, ink.shape[0]), np.linspace(0, 0.5, ink.shape[1]))
    paper = (high - (high - low) * slope) * (1 - 0.6 * ink / 255) + rng.normal(0, noise, ink.shape)
    return paper.clip(0, 255).astype(np.uint8)


def test_mnist_passes_bit_for_bit(mnist_500: Examples) -> None:
    """All 500 images are unchanged, at a scale of 1, not inverted."""
    for image in mnist_500.images:
        normal, receipt = normalise(decode(encode(image), MANY_PIXELS))
        np.testing.assert_array_equal(normal, image)
        assert (receipt.scale, receipt.inverted) == (1, False)


def test_inverted_mnist_passes_too(mnist_500: Examples) -> None:
    """Black ink on white paper gives the same image, and the receipt says so."""
    for image in mnist_500.images[:100]:
        normal, receipt = normalise(255 - image)
        np.testing.assert_array_equal(normal, image)
        assert receipt.inverted


@pytest.mark.parametrize("side", [40, 64, 280, 1000, 3000])
@pytest.mark.parametrize("inverted", [False, True])
def test_any_size_and_place(digit: Grey, side: int, inverted: bool) -> None:  # noqa: FBT001 - a table
    """A digit of any size, position and polarity gets MNIST's size and centre."""
    page = np.zeros((side, side + side // 3), np.uint8)
    left, top, right, bottom = normalise(digit)[1].crop
    height, width = side // 2, side * (right - left) // (bottom - top) // 2
    drawn = Image.fromarray(digit[top:bottom, left:right]).resize((width, height))
    page[side // 8 : side // 8 + height, side // 4 : side // 4 + width] = np.asarray(drawn)
    page[page < 8] = 0
    normal, receipt = normalise(255 - page if inverted else page)
    assert receipt.inverted is inverted
    assert max(np.ptp(np.flatnonzero(normal.any(axis=axis))) + 1 for axis in (0, 1)) in {19, 20}
    centre = [(normal.sum(axis=axis) @ np.arange(28)) / normal.sum() for axis in (0, 1)]
    assert np.abs(np.array(centre) - 14).max() <= 0.5
    assert np.corrcoef(normal.ravel(), digit.ravel())[0, 1] > 0.9


def test_the_receipt_leads_back_to_the_image() -> None:
    """The crop is in the image's own pixels, also if the image was reduced first."""
    page = np.full((2000, 1500), 250, np.uint8)
    page[400:1200, 600:700] = 10
    receipt = normalise(page)[1]
    np.testing.assert_allclose(receipt.crop, (600, 400, 700, 1200), atol=4)
    assert receipt.scale == pytest.approx(20 / 800, rel=0.01)


def test_faint_ink_is_brought_to_strength() -> None:
    """A pale pencil's stroke reaches full white."""
    page = np.full((100, 100), 255, np.uint8)
    page[20:80, 48:53] = 200
    assert shape(page).max() == 255


@pytest.mark.parametrize(
    "page",
    [
        np.zeros((28, 28), np.uint8),
        np.full((28, 28), 255, np.uint8),
        np.full((1, 1), 7, np.uint8),
        np.tile(np.array([100, 110], np.uint8), (20, 10)),
    ],
    ids=["black", "white", "one pixel", "next to no contrast"],
)
def test_nothing_to_read(page: Grey) -> None:
    """An image without ink is rejected as blank."""
    with pytest.raises(InvalidImage, match="looks blank") as caught:
        normalise(page)
    assert caught.value.reason == "blank_image"


@pytest.mark.parametrize("page_shape", [(1, 1), (1, 200), (200, 1), (2, 2), (3000, 2), (27, 29)])
def test_odd_shapes_never_fail(page_shape: tuple[int, int]) -> None:
    """Images of any shape are normalised, or rejected as blank."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        page = rng.integers(0, 256, page_shape, dtype=np.uint8)
        try:
            normal = shape(page)
        except InvalidImage:
            continue
        assert normal.shape == (28, 28)


@pytest.mark.parametrize("inverted", [False, True], ids=["dark ink", "light ink"])
@pytest.mark.parametrize("side", [60, 250, 900])
def test_uneven_light(side: int, inverted: bool) -> None:  # noqa: FBT001 - a table
    """Under light that falls to a third, either polarity, the digit is nearly as on an even background.

    One threshold for all could not do it: the paper's dark corner is darker than ink in its light one.
    """
    ink = drawn(side, side // 15)
    photo = lit(ink, noise=1)
    assert photo[: side // 8, : side // 8].mean() * 0.4 > photo.min()
    normal, receipt = normalise(255 - photo if inverted else photo)
    assert receipt.inverted is not inverted
    assert likeness(normal, shape(ink)) > 0.85


def test_a_hard_shadow() -> None:
    """The edge of a hard shadow is not taken for a stroke."""
    ink = drawn(300, 20)
    photo = lit(ink, low=190)
    photo[:, 180:] = photo[:, 180:] * 0.6
    normal, receipt = normalise(photo)
    assert receipt.inverted
    assert likeness(normal, shape(ink)) > 0.9


def test_a_low_contrast() -> None:
    """Ink 20 levels darker than its paper is read, and comes out at full strength."""
    photo = (200 - drawn(200, 14) / 255 * 20).astype(np.uint8)
    normal = shape(photo)
    assert normal.max() == 255
    assert likeness(normal, shape(drawn(200, 14))) > 0.99


@pytest.mark.parametrize("ground", ["even", "uneven"])
def test_specks_are_dropped(ground: str) -> None:
    """Specks, far from the digit or close to it, do not change the result."""
    clean = drawn(300, 20)
    specked = clean.copy()
    for row, column in [(10, 10), (280, 150), (150, 20), (60, 200), (250, 260)]:
        specked[row : row + 4, column : column + 3] = 255
    photo = lit(specked) if ground == "uneven" else specked
    assert likeness(shape(photo), shape(lit(clean) if ground == "uneven" else clean)) > 0.98


def test_a_digits_strokes_stay_together() -> None:
    """Strokes that do not touch are one digit, such as the bar and the stem of a 5."""
    page = np.zeros((200, 200), np.uint8)
    page[40:50, 60:140] = 255
    page[62:160, 60:72] = 255
    assert normalise(page)[1].crop == (60, 40, 140, 160)


@pytest.mark.parametrize("degrees", [0, 4, -7])
@pytest.mark.parametrize("squared", [False, True], ids=["ruled", "squared"])
def test_lines_of_the_paper_are_erased(squared: bool, degrees: float) -> None:  # noqa: FBT001 - a table
    """Ruled and squared paper hardly changes the digit, at several angles, even if as dark as the ink."""
    ink = drawn(400, 30)
    lines = np.zeros((700, 700), np.uint8)
    lines[::45] = 255
    if squared:
        lines[:, ::45] = 255
    turned = np.asarray(Image.fromarray(lines).rotate(degrees, Image.Resampling.BILINEAR))[150:550, 150:550]
    assert likeness(shape(lit(np.maximum(ink, turned))), shape(lit(ink))) > 0.85


def test_a_line_is_erased_but_for_what_crosses_it() -> None:
    """Erasing a line keeps each stroke that runs through it."""
    mask = np.zeros((100, 100), bool)
    mask[20:80, 40:48] = True
    stroke = mask.copy()
    mask[50:52] = True
    np.testing.assert_array_equal(erase_lines(mask, mask), stroke)


def test_a_printed_frame_is_removed() -> None:
    """A printed frame around a digit is removed, although it is larger than the digit."""
    page = drawn(300, 16, share=0.5)
    boxed = page.copy()
    for edge in (50, 248):
        boxed[50:251, edge : edge + 2] = boxed[edge : edge + 2, 50:251] = 255
    np.testing.assert_array_equal(shape(boxed), shape(page))


def test_a_thumb_and_the_table_are_removed() -> None:
    """Dark areas that reach in from the edge are removed."""
    ink = drawn(300, 20)
    disturbed = lit(ink)
    disturbed[:14] = 25
    y, x = np.ogrid[:300, :300]
    disturbed[(y - 300) ** 2 + x**2 < 45**2] = 40
    assert likeness(shape(disturbed), shape(lit(ink))) > 0.95


@pytest.mark.parametrize(("side", "width"), [(28, 1), (300, 1), (300, 2), (480, 3), (1500, 4)])
def test_hairlines_are_widened(side: int, width: int) -> None:
    """Lines of a few pixels become strokes of MNIST's width, at full strength."""
    normal = shape(drawn(side, width, share=0.75))
    assert 1.6 < width_of(normal) < 3.6
    assert normal.max() == 255


def test_markers_are_thinned() -> None:
    """The strokes of a broad marker become thinner, but not thinner than MNIST's."""
    page = drawn(300, 60)
    plain = stroke_width(page > 0) * 20 / max(np.ptp(np.nonzero(page), axis=1) + 1)
    assert plain > 5
    assert 2.5 < width_of(shape(page)) < plain - 0.4


def test_middling_strokes_keep_their_width() -> None:
    """Strokes as wide as MNIST's keep their width: the digit is only scaled."""
    page = drawn(300, 24)
    left, top, right, bottom = Image.fromarray(page).getbbox() or (0, 0, 0, 0)
    size = (round((right - left) * 20 / (bottom - top)), 20)
    smaller = Image.fromarray(page).crop((left, top, right, bottom)).resize(size, Image.Resampling.BOX)
    assert abs(width_of(shape(page)) - width_of(np.pad(np.asarray(smaller), 1))) < 0.4


def test_a_small_digit_in_a_large_photo_is_read_from_its_own_pixels() -> None:
    """A digit of 90 pixels in a photo of 2,000 keeps details that the reduced picture lost."""
    small = drawn(100, 8, share=0.9)
    page = np.zeros((2000, 1500), np.uint8)
    page[700:800, 300:400] = small
    normal, receipt = normalise(lit(page))
    assert likeness(normal, shape(small)) > 0.85
    np.testing.assert_allclose(receipt.crop, np.array(normalise(page)[1].crop), atol=8)


@pytest.mark.parametrize("inverted", [False, True])
def test_a_digit_cut_out_without_margin(inverted: bool) -> None:  # noqa: FBT001 - a table
    """Ink that touches all edges is still the digit."""
    page = drawn(200, 16)
    left, top, right, bottom = Image.fromarray(page).getbbox() or (0, 0, 0, 0)
    cut = page[top:bottom, left:right]
    assert likeness(shape(255 - cut if inverted else cut), shape(page)) > 0.98


def test_a_cut_out_digit_of_two_strokes() -> None:
    """A 5 that touches the edge is kept, although its separate bar does not touch it."""
    page = np.zeros((28, 28), np.uint8)
    page[1:4, 15:24] = page[6:10, 6:18] = page[9:25, 17:21] = page[24:, 4:18] = page[1:8, 6:9] = 255
    assert normalise(page)[1].crop == (4, 1, 24, 28)


def test_components_agree_with_a_flood(mnist_500: Examples) -> None:
    """The components are those of a flood fill from pixel to pixel."""
    rng = np.random.default_rng(0)
    for mask in [*(rng.random((12, 15)) < share for share in (0.1, 0.3, 0.5, 0.8)), mnist_500.images[0] > 0]:
        found, flooded = connected_components(mask), flood(mask)
        pairs = {*zip(found.labels[mask].tolist(), flooded[mask].tolist(), strict=True)}
        assert len(pairs) == len(found.area) == flooded.max() + 1
        np.testing.assert_array_equal(found.area, np.bincount(found.labels[mask], minlength=len(found.area)))


def flood(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Label by flooding, one pixel at a time."""
    labels, count = np.full(mask.shape, -1), 0
    for start in np.argwhere(mask).tolist():
        waiting = [start] if labels[tuple(start)] < 0 else []
        count += bool(waiting)
        while waiting:
            row, column = waiting.pop()
            corner = np.maximum([row - 1, column - 1], 0)
            around = np.argwhere(mask[corner[0] : row + 2, corner[1] : column + 2]) + corner
            for near in around.tolist():
                if labels[tuple(near)] < 0:
                    labels[tuple(near)] = count - 1
                    waiting.append(near)
    return labels


def test_one_component_is_the_digit() -> None:
    """A mask of one component is returned unchanged, wherever it lies."""
    mask = np.zeros((30, 30), bool)
    mask[:5, :2] = True
    np.testing.assert_array_equal(digit_components(mask), mask)


@pytest.mark.parametrize("seed", range(4))
def test_no_picture_crashes(seed: int) -> None:
    """Noise, stripes, slopes and blocks of any shape give 28 × 28 pixels with ink, or are blank."""
    rng = np.random.default_rng(seed)
    for _ in range(100):
        height, width = (int(side) for side in rng.integers(1, rng.choice([4, 30, 300]), 2))
        noise = rng.normal(128, rng.uniform(0, 60), (height, width))
        slope = np.add.outer(np.linspace(0, 120, height), np.linspace(0, 120, width))
        dots = 255.0 * (rng.random((height, width)) < rng.random() ** 3)
        page = [noise, slope, dots, noise + slope - 120][rng.integers(4)].clip(0, 255).astype(np.uint8)
        page[height // 3 : height // 2, : width // 2] = rng.integers(256)
        try:
            normal, receipt = normalise(page)
        except InvalidImage:
            continue
        left, top, right, bottom = receipt.crop
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert normal.any()
