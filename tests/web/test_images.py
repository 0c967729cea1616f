"""Image files in any format that the browser supports are read: dropped, pasted, chosen, or an example."""

import base64
import io
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from tests.server import Server, post_png
from tests.web.browser import Page

pytestmark = pytest.mark.xdist_group("browser")

# Dispatch the event of a dropped or pasted file.
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


def blank_png() -> bytes:
    """Return a PNG without ink."""
    file = io.BytesIO()
    Image.new("L", (60, 60), 255).save(file, "PNG")
    return file.getvalue()


BLANK = blank_png()


def hand_over(page: Page, how: str, name: str, kind: str, content: bytes) -> None:
    """Drop or paste a file on the page."""
    page.run(HAND_OVER, how, name, kind, base64.b64encode(content).decode())


def photo(seven: bytes, form: str) -> bytes:
    """Return the seven like a photo: large, dark on light, with a margin."""
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
    """A photo of a seven is read as 7 in three formats, and the preprocessing steps are listed."""
    hand_over(page, how, f"seven.{form}", kind, photo(seven, form))
    page.wait_for_state("answered")
    assert page.text("#digit") == "7"
    assert "of 900 × 700" in page.text("#preprocessing")
    assert "Inverted" in page.text("#preprocessing")


def test_a_text_file_is_rejected_with_the_supported_formats(page: Page) -> None:
    """The alert names the file and the supported formats, and the drawing is kept."""
    page.draw_digit(7)
    hand_over(page, "drop", "notes.txt", "text/plain", b"seven")
    page.wait_until("return !document.getElementById('alert').hidden")
    words = page.text("#alert")
    assert "notes.txt (text/plain) is not an image" in words
    assert "Use PNG, JPEG, WebP or GIF" in words
    assert page.text("#digit") == "7"
    page.draw_digit(7)
    assert page.run("return document.getElementById('alert').hidden")


def test_the_error_for_a_blank_image_is_the_services(page: Page, server: Server) -> None:
    """The alert shows the `detail` of the service's error, and no digit is shown."""
    hand_over(page, "drop", "blank.png", "image/png", BLANK)
    page.wait_for_state("failed")
    with closing(server.connect()) as connection:
        status, problem = post_png(connection, BLANK)
    assert (status, page.text("#alert")) == (422, problem["detail"])
    assert page.text("#digit") == "?"
    assert all("422" in line for line in page.complaints()), "the browser logs the error response"


def test_a_chosen_file_is_read(page: Page, seven: bytes, tmp_path: Path) -> None:
    """A chosen file is read; a stroke starts a new drawing, and undo restores the image."""
    path = tmp_path / "seven.png"
    path.write_bytes(seven)
    page.find("#file").send_keys(str(path))
    page.wait_for_state("answered")
    assert page.text("#digit") == "7"
    page.draw_digit(0)
    assert page.text("#digit") == "0"
    page.click("#undo")
    page.wait_for_state("answered")
    assert page.text("#digit") == "7"


def test_examples_are_read(page: Page) -> None:
    """Each of the eight examples is read with one click, without inverting or scaling it."""
    for index in range(8):
        page.click("#clear") if index else None
        page.example(index)
        assert "Not inverted" in page.text("#preprocessing")
        assert "Not scaled" in page.text("#preprocessing")
