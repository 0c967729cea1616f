"""The rivals, each as its documentation writes it; each runs in an environment of its own."""
