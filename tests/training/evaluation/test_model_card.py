"""The model card that ships is that of the weights that ship."""

from pathlib import Path

from models.store import load
from training.evaluation.model_card import card

MODELS = Path(__file__).parents[3] / "models"


def test_card_and_weights_agree() -> None:
    """models/CARD.md is the card of models/digits.npz, character by character."""
    assert (MODELS / "CARD.md").read_text(encoding="utf-8") == card(load(MODELS / "digits.npz"))
