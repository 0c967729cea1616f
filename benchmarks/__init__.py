"""What the product's figures come from, each in one command."""
