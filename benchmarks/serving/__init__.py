"""How fast the service answers: beside the frameworks that people would use instead, and beside its floor."""
