"""The card that ships belongs to the weights that ship."""

from pathlib import Path

from models.store import load
from training.evaluation.model_card import card

MODELS = Path(__file__).parents[3] / "models"


def test_card_and_weights_agree() -> None:
    """models/CARD.md is what models/digits.npz says of itself, to the letter."""
    assert (MODELS / "CARD.md").read_text(encoding="utf-8") == card(load(MODELS / "digits.npz"))
