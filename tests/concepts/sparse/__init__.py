"""Sets of few neurons that tell a value together."""
