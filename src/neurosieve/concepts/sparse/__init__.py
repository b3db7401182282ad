"""Sets of few neurons that tell a value together: chosen on train and validation, claimed on held-out files."""
