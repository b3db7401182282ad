"""Sets of neurons that hold a property, and what properties share."""
