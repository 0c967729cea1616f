"""Images of any format that the browser reads: dropped, pasted, chosen, or an example."""

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from tests.web.browser import Page

pytestmark = pytest.mark.xdist_group("browser")

# Hand the page a file as a person's drop or paste does.
HAND_OVER = """
const [how, name, type, content] = arguments;
const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
const files = new DataTransfer();
files.items.add(new File([bytes], name, { type }));
const options = { bubbles: true, cancelable: true };
document.body.dispatchEvent(how === "drop"
  ? new DragEvent("drop", { ...options, dataTransfer: files })
  : new ClipboardEvent("paste", { ...options, clipboardData: files }));
"""


def hand_over(page: Page, how: str, name: str, kind: str, content: bytes) -> None:
    """Drop or paste a file on the page."""
    page.run(HAND_OVER, how, name, kind, base64.b64encode(content).decode())


def photo(seven: bytes, form: str) -> bytes:
    """Return the seven as a photo would have it: large, dark on light, with a margin."""
    digit = Image.open(io.BytesIO(seven)).convert("L").resize((560, 560), Image.Resampling.BICUBIC)
    sheet = Image.new("L", (900, 700), 235)
    sheet.paste(digit.point(lambda level: 235 - level * 0.8), (150, 60))
    file = io.BytesIO()
    sheet.save(file, form)
    return file.getvalue()


@pytest.mark.parametrize("how", ["drop", "paste"])
@pytest.mark.parametrize(
    ("form", "kind"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")]
)
def test_an_image_is_read(page: Page, seven: bytes, how: str, form: str, kind: str) -> None:
    """A photo of a seven, in three formats, is read as one; the steps tell what was done to it."""
    hand_over(page, how, f"seven.{form}", kind, photo(seven, form))
    page.wait_for_state("read")
    assert page.text("#digit") == "7"
    assert "of 900 × 700 pixels" in page.text("#steps")
    assert "Inverted" in page.text("#steps")


def test_a_text_is_refused_with_what_would_be_right(page: Page) -> None:
    """The alert names the file and the formats that can be read; what was drawn stays."""
    page.draw_digit(7)
    hand_over(page, "drop", "notes.txt", "text/plain", b"seven")
    page.wait_until("return !document.getElementById('alert').hidden")
    words = page.text("#alert")
    assert "notes.txt (text/plain) is not an image" in words
    assert "PNG, JPEG, WebP and GIF are" in words
    assert page.text("#digit") == "7"
    page.draw_digit(7)
    assert page.run("return document.getElementById('alert').hidden")


def test_an_image_without_ink_is_refused_with_the_services_words(page: Page) -> None:
    """The page shows the service's sentence: the image looks blank."""
    blank = io.BytesIO()
    Image.new("L", (60, 60), 255).save(blank, "PNG")
    hand_over(page, "drop", "blank.png", "image/png", blank.getvalue())
    page.wait_for_state("refused")
    assert "The image looks blank" in page.text("#alert")
    assert page.text("#digit") == "?"
    assert all("422" in line for line in page.complaints()), "the browser itself tells of the refusal"


def test_a_chosen_file_is_read(page: Page, seven: bytes, tmp_path: Path) -> None:
    """A file that is chosen is read; a stroke after it begins a sheet of its own, undo brings it back."""
    path = tmp_path / "seven.png"
    path.write_bytes(seven)
    page.find("#file").send_keys(str(path))
    page.wait_for_state("read")
    assert page.text("#digit") == "7"
    page.draw_digit(0)
    assert page.text("#digit") == "0"
    page.click("#undo")
    page.wait_for_state("read")
    assert page.text("#digit") == "7"


def test_examples_are_read(page: Page) -> None:
    """Each of the eight is read with one click, unchanged: not inverted, not scaled."""
    for index in range(8):
        page.click("#clear") if index else None
        page.example(index)
        assert "Not inverted" in page.text("#steps")
        assert "Not scaled" in page.text("#steps")
