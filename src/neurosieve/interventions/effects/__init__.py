"""What an edit does: to predictions, to the task, and what erasing leaves."""
